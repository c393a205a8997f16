/// Cuts a text into lower-cased words.
///
/// A word is a run of Unicode letters, digits and combining marks; an apostrophe between two of them belongs to it
/// ("o'brien", "don't"), anything else parts words, hyphens too. HTML entities such as `&amp;` are decoded first.
/// Years stay words of their own: "Matrix, The (1999)" is *matrix*, *the*, *1999*.
/// *Determinism*: no locale; a pure function of the text.
public enum Tokenizer {
    /// How many Unicode scalars of a text are read; what follows is left out.
    public static let scalarLimit = 1 << 16
    /// The longest word in Unicode scalars; a longer run is no word and is left out.
    public static let wordLimit = 100

    /// The words of a text in their order. *Complexity*: O(length).
    public static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var count = 0
        var hasApostrophe = false
        func finish() {
            if count > 0 && count <= wordLimit { words.append(String(word)) }
            word.removeAll(keepingCapacity: true)
            count = 0
            hasApostrophe = false
        }
        for scalar in HTMLEntities.decoded(text.unicodeScalars.prefix(scalarLimit)) {
            if isWordScalar(scalar) {
                if hasApostrophe { word.append("'") }
                hasApostrophe = false
                count += 1
                if count > wordLimit { continue }
                if scalar.isASCII {
                    let isCapital = ("A"..."Z").contains(scalar)
                    word.append(isCapital ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar)
                } else {
                    word.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
                }
            } else if count > 0 && !hasApostrophe && (scalar == "'" || scalar == "\u{2019}") {
                hasApostrophe = true
            } else {
                finish()
            }
        }
        finish()
        return words
    }

    /// The words of a description: of its title, then of its keywords.
    public static func words(of description: ItemDescription) -> [String] {
        words(of: description.title) + description.keywords.flatMap { words(of: $0) }
    }

    /// Every form of every word under which `WordVectors` may look a word of these texts up: what to keep of a large file.
    public static func vocabulary(of descriptions: [ItemDescription]) -> Set<String> {
        var vocabulary: Set<String> = []
        var seen: Set<String> = []
        func insert(_ word: String) {
            vocabulary.insert(word)
            if let folded = folded(word) { vocabulary.insert(folded) }
            for part in parts(of: word) { insert(part) }
        }
        for description in descriptions {
            for word in words(of: description) where seen.insert(word).inserted { insert(word) }
        }
        return vocabulary
    }

    /// The word without diacritics, such as "amelie" for "amélie"; `nil` when it has none.
    ///
    /// Combining marks are left out, and a letter whose Unicode name is that of a Latin letter WITH something becomes the
    /// plain letter; other scripts stay.
    static func folded(_ word: String) -> String? {
        if word.utf8.allSatisfy({ $0 < 0x80 }) { return nil }
        var folded = String.UnicodeScalarView()
        for scalar in word.unicodeScalars {
            if scalar.isASCII {
                folded.append(scalar)
            } else if !isMark(scalar) {
                folded.append(contentsOf: plain(scalar))
            }
        }
        let text = String(folded)
        return text == word || text.isEmpty ? nil : text
    }

    /// What a word with an apostrophe falls into when it is not known whole: the text that GloVe learnt from was cut the
    /// way of the Penn Treebank ("do n't", "child 's"), other apostrophes part ("l'avventura").
    static func parts(of word: String) -> [String] {
        guard word.utf8.contains(UInt8(ascii: "'")) else { return [] }
        for ending in ["n't", "'s", "'m", "'ll", "'re", "'ve", "'d"]
        where word.hasSuffix(ending) && word.utf8.count > ending.utf8.count {
            return [String(word.dropLast(ending.count)), ending]
        }
        let pieces = word.split(separator: "'")
        return pieces.count > 1 ? pieces.map(String.init) : []
    }

    /// Whether a word is the ending that `parts(of:)` cuts off, such as "'s", which counts for no word when unknown.
    static func isEnding(_ word: String) -> Bool { word.utf8.first == UInt8(ascii: "'") || word == "n't" }

    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9": return true
            default: return false
            }
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber, .letterNumber:
            return true
        default: return false
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .nonspacingMark
    }

    private static func plain(_ scalar: Unicode.Scalar) -> String.UnicodeScalarView {
        switch scalar {
        case "ß": return "ss".unicodeScalars
        case "æ": return "ae".unicodeScalars
        case "œ": return "oe".unicodeScalars
        case "þ": return "th".unicodeScalars
        case "ð": return "d".unicodeScalars
        case "ı": return "i".unicodeScalars
        default: break
        }
        let prefix = "LATIN SMALL LETTER "
        if let name = scalar.properties.name, name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            if let letter = rest.unicodeScalars.first, rest.dropFirst().hasPrefix(" WITH ") {
                return letter.properties.lowercaseMapping.unicodeScalars
            }
        }
        return String(scalar).unicodeScalars
    }
}
