/// Numbers and dates out of bytes, without a `String` for the usual lengths.
enum NumberText {
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]

    /// A decimal number such as `-1.5e3`, correctly rounded; `nil` for anything else, or when it is not finite.
    ///
    /// Up to 15 digits and a power of ten up to 22 are exact in a `Double`, so that one operation rounds correctly
    /// (Clinger, *How to read floating point numbers accurately*, PLDI 1990).
    static func double(_ bytes: Span<UInt8>) -> Double? {
        var index = 0
        let count = bytes.count
        var isNegative = false
        if index < count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
            isNegative = bytes[index] == UInt8(ascii: "-")
            index += 1
        }
        var mantissa: UInt64 = 0
        var significantCount = 0
        var digitCount = 0
        var exponent = 0
        var isFraction = false
        while index < count {
            let byte = bytes[index]
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                digitCount += 1
                if significantCount > 0 || digit > 0 { significantCount += 1 }
                if significantCount <= 15 { mantissa = mantissa &* 10 &+ UInt64(digit) }
                if isFraction { exponent -= 1 }
            } else if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else {
                break
            }
            index += 1
        }
        guard digitCount > 0 else { return nil }
        if index < count {
            guard bytes[index] | 0x20 == UInt8(ascii: "e") else { return nil }
            index += 1
            var isDown = false
            if index < count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
                isDown = bytes[index] == UInt8(ascii: "-")
                index += 1
            }
            guard index < count else { return nil }
            var power = 0
            while index < count {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                power = min(power * 10 + Int(digit), 1_000_000)
                index += 1
            }
            exponent += isDown ? -power : power
        }
        if significantCount <= 15, exponent >= -22, exponent <= 22 {
            let value = Double(mantissa)
            let scaled = exponent < 0 ? value / powers[-exponent] : value * powers[exponent]
            return isNegative ? -scaled : scaled
        }
        let text = String(decoding: bytes.array, as: UTF8.self)
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// A whole number of 64 bits without a fraction or exponent.
    static func integer(_ bytes: Span<UInt8>) -> Int64? {
        var index = 0
        let count = bytes.count
        var isNegative = false
        if index < count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
            isNegative = bytes[index] == UInt8(ascii: "-")
            index += 1
        }
        guard index < count else { return nil }
        // Negative sums reach Int64.min.
        var value: Int64 = 0
        while index < count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (tens, isTooLong) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLow) = tens.subtractingReportingOverflow(Int64(digit))
            guard !isTooLong, !isTooLow else { return nil }
            value = sum
            index += 1
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// A decimal number that is whole, such as `1e9` or `1234567890.0`, exactly; `nil` beyond 64 bits.
    static func whole(_ bytes: Span<UInt8>) -> Int64? {
        // Fractions and exponents are rare in times: `double` checks the form, and this counts.
        guard double(bytes) != nil else { return nil }
        var value: Int64 = 0
        var zeroCount = 0
        var fractionCount = 0
        var isNegative = false
        var isFraction = false
        var exponent: Int64 = 0
        scan: for index in 0..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "+"): break
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let found = integer(bytes.extracting(index + 1..<bytes.count)) else { return nil }
                exponent = found
                break scan
            default:
                if isFraction { fractionCount += 1 }
                let digit = Int64(bytes[index] - UInt8(ascii: "0"))
                guard digit > 0 else {
                    // Zeros count only when another digit follows.
                    zeroCount += 1
                    continue
                }
                guard let shifted = scaled(value, by: value == 0 ? 0 : zeroCount + 1) else { return nil }
                let (sum, isTooLow) = shifted.subtractingReportingOverflow(digit)
                guard !isTooLow else { return nil }
                (value, zeroCount) = (sum, 0)
            }
        }
        if value == 0 { return 0 }
        guard exponent.magnitude < 1_000_000, let whole = scaled(value, by: Int(exponent) - fractionCount + zeroCount)
        else {
            return nil
        }
        if isNegative { return whole }
        return whole == .min ? nil : -whole
    }

    /// The product with a power of ten; `nil` when that is not a whole number of 64 bits.
    private static func scaled(_ value: Int64, by power: Int) -> Int64? {
        guard power >= 0 else { return nil }
        var value = value
        for _ in 0..<min(power, 20) {
            let (product, isTooLong) = value.multipliedReportingOverflow(by: 10)
            guard !isTooLong else { return nil }
            value = product
        }
        return value
    }

    /// Seconds since 1970 in UTC of `2016-05-28`, `2016-05-28 07:08:09` or `2016-05-28T07:08:09Z`; a fraction of a
    /// second is left out.
    static func date(_ bytes: Span<UInt8>) -> Int64? {
        func number(_ start: Int, _ length: Int) -> Int64? {
            guard start + length <= bytes.count else { return nil }
            var value: Int64 = 0
            for index in start..<start + length {
                let digit = bytes[index] &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
            }
            return value
        }
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            (1...12).contains(month), day >= 1, day <= dayCount(year: year, month: month)
        else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        if bytes.count == 10 { return days * 86_400 }
        guard bytes.count >= 16, bytes[10] == UInt8(ascii: " ") || bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), let hour = number(11, 2), let minute = number(14, 2), hour < 24, minute < 60
        else { return nil }
        var seconds: Int64 = 0
        var index = 16
        if index < bytes.count, bytes[index] == UInt8(ascii: ":") {
            guard let found = number(17, 2), found <= 60 else { return nil }
            seconds = found
            index = 19
            if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
                index += 1
                let start = index
                while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 { index += 1 }
                guard index > start else { return nil }
            }
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "Z") { index += 1 }
        guard index == bytes.count else { return nil }
        return days * 86_400 + hour * 3_600 + minute * 60 + seconds
    }

    private static func dayCount(year: Int64, month: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return lengths[Int(month) - 1]
    }

    /// Days from 1 January 1970 in the Gregorian calendar.
    ///
    /// Source: H. Hinnant, *chrono-compatible low-level date algorithms*, `days_from_civil`: years begin in March, so
    /// that the leap day is the last, and eras have 400 years.
    static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension Span<UInt8> {
    /// The bytes as an array.
    var array: [UInt8] { withUnsafeBufferPointer { [UInt8]($0) } }

    /// The text, when it is UTF-8.
    var text: String? { withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) } }

    /// Whether the bytes are those of a word.
    func equals(_ word: [UInt8]) -> Bool {
        guard count == word.count else { return false }
        for index in 0..<count where self[index] != word[index] { return false }
        return true
    }

    /// Whether a byte occurs.
    func contains(_ byte: UInt8) -> Bool {
        for index in 0..<count where self[index] == byte { return true }
        return false
    }

    /// The text of latin-1 bytes, each of which is a code point.
    var latin1Text: String {
        var text = String.UnicodeScalarView()
        for index in 0..<count { text.append(Unicode.Scalar(self[index])) }
        return String(text)
    }
}
