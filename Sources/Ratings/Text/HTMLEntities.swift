/// Decodes the HTML entities of catalogue texts, such as those of the Amazon files.
enum HTMLEntities {
    /// The longest body between `&` and `;`.
    private static let bodyLimit = 10
    private static let named: [String: String] = [
        "amp": "&", "quot": "\"", "apos": "'", "lt": "<", "gt": ">", "nbsp": " ", "rsquo": "\u{2019}",
        "lsquo": "\u{2018}", "ldquo": "\u{201C}", "rdquo": "\u{201D}", "ndash": "\u{2013}", "mdash": "\u{2014}",
        "hellip": "\u{2026}", "trade": "\u{2122}", "reg": "\u{AE}", "copy": "\u{A9}", "middot": "\u{B7}",
        "szlig": "ß", "aelig": "æ", "AElig": "Æ", "oelig": "œ", "OElig": "Œ", "oslash": "ø", "Oslash": "Ø",
        "eth": "ð", "ETH": "Ð", "thorn": "þ", "THORN": "Þ",
    ]
    /// `&eacute;` is a letter and a combining mark, which compare equal to the letter with the mark.
    private static let marks: [String: Unicode.Scalar] = [
        "grave": "\u{300}", "acute": "\u{301}", "circ": "\u{302}", "tilde": "\u{303}", "uml": "\u{308}",
        "ring": "\u{30A}", "caron": "\u{30C}", "cedil": "\u{327}",
    ]

    /// The text with its entities decoded; twice, since catalogues hold `&amp;amp;` and `&amp;#39;` too.
    static func decoded(_ text: String.UnicodeScalarView.SubSequence) -> [Unicode.Scalar] {
        let scalars = Array(text)
        guard scalars.contains("&") else { return scalars }
        return decodedOnce(decodedOnce(scalars))
    }

    private static func decodedOnce(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var out: [Unicode.Scalar] = []
        out.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            if text[position] == "&" {
                let window = text[(position + 1)..<min(text.count, position + 2 + bodyLimit)]
                if let end = window.firstIndex(of: ";"), let decoded = decoded(body: text[(position + 1)..<end]) {
                    out += decoded
                    position = end + 1
                    continue
                }
            }
            out.append(text[position])
            position += 1
        }
        return out
    }

    private static func decoded(body: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar]? {
        guard let first = body.first else { return nil }
        let text = body.reduce(into: "") { $0.unicodeScalars.append($1) }
        if first == "#" {
            let digits = text.dropFirst()
            let isHexadecimal = digits.first == "x" || digits.first == "X"
            let code = isHexadecimal ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return code.flatMap(Unicode.Scalar.init).map { [$0] }
        }
        if let character = named[text] { return Array(character.unicodeScalars) }
        guard first.isASCII, first.properties.isAlphabetic, let mark = marks[String(text.dropFirst())] else {
            return nil
        }
        return [first, mark]
    }
}
