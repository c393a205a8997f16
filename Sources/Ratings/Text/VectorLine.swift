/// A line that ends with numbers in writing, parted by spaces and tabs (and commas, where a file has them).
struct VectorLine {
    private let bytes: [UInt8]
    /// Where each field starts and ends, in turn.
    private let bounds: [Int]

    /// Finds the fields of a line.
    init(_ bytes: [UInt8], commasPart: Bool = false) {
        self.bytes = bytes
        var bounds: [Int] = []
        var isInside = false
        let span = bytes.span
        for position in span.indices {
            let byte = span[position]
            let parts =
                byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || (commasPart && byte == UInt8(ascii: ","))
            if parts == isInside {
                bounds.append(position)
                isInside.toggle()
            }
        }
        if isInside { bounds.append(bytes.count) }
        self.bounds = bounds
    }

    /// The number of fields.
    var fieldCount: Int { bounds.count / 2 }

    /// One field.
    func field(_ index: Int) -> ArraySlice<UInt8> { bytes[bounds[2 * index]..<bounds[2 * index + 1]] }

    /// What stands before the last `count` fields; `nil` when there is nothing, or when one more of them is a number.
    ///
    /// GloVe's larger files hold words with a space inside, such as "at name@domain.com" and ". . .".
    func word(before count: Int) -> ArraySlice<UInt8>? {
        let wordFieldCount = fieldCount - count
        guard wordFieldCount > 0 else { return nil }
        for index in 1..<max(1, wordFieldCount) where number(index) != nil { return nil }
        return bytes[bounds[0]..<bounds[2 * wordFieldCount - 1]]
    }

    /// Appends the last `count` fields as numbers; `false` when one is no number.
    ///
    /// - Precondition: there are at least `count` fields.
    func appendNumbers(_ count: Int, to numbers: inout [Float]) -> Bool {
        for index in fieldCount - count..<fieldCount {
            guard let number = number(index) else { return false }
            numbers.append(number)
        }
        return true
    }

    /// One field as a number in decimal writing, such as "-0.0012" and "1e-3"; `nil` when it is anything else, and beyond
    /// `WordVectors.magnitudeLimit`.
    ///
    /// Up to 15 digits with a small exponent are exact in `Double`; longer ones go to the standard library.
    func number(_ index: Int) -> Float? {
        let span = bytes.span
        var position = bounds[2 * index]
        let end = bounds[2 * index + 1]
        let isNegative = span[position] == UInt8(ascii: "-")
        if isNegative || span[position] == UInt8(ascii: "+") { position += 1 }
        var mantissa: UInt64 = 0
        var digitCount = 0
        var point: Int?
        while position < end {
            let byte = span[position]
            if byte == UInt8(ascii: "."), point == nil {
                point = digitCount
            } else {
                let digit = byte &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                if digitCount >= 15 { return VectorLine.general(field(index)) }
                mantissa = mantissa * 10 + UInt64(digit)
                digitCount += 1
            }
            position += 1
        }
        guard digitCount > 0 else { return nil }
        guard position == end else { return VectorLine.general(field(index)) }
        let value = Double(mantissa) / VectorLine.power(digitCount - (point ?? digitCount))
        let number = Float(isNegative ? -value : value)
        return abs(number) <= WordVectors.magnitudeLimit ? number : nil
    }

    /// A power of ten from 0 to 15, which is exact.
    private static func power(_ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    private static func general(_ field: ArraySlice<UInt8>) -> Float? {
        // The standard library also reads words and hexadecimal digits.
        guard field.count <= 60,
            field.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "e")
                    || $0 == UInt8(ascii: "E")
            }), let number = Float(String(decoding: field, as: UTF8.self)), abs(number) <= WordVectors.magnitudeLimit
        else { return nil }
        return number
    }
}
