/// A sentence or a part of one that a page and a terminal print alike: what is said of privacy has one source.
struct Phrase: Sendable, Hashable, ExpressibleByStringLiteral {
    private enum Piece: Sendable, Hashable {
        case text(String)
        case name(String)
        case strong(String)
        case alarm(String)
    }

    private let pieces: [Piece]

    private init(_ pieces: [Piece]) { self.pieces = pieces }

    init(stringLiteral text: String) { self.init(text) }

    /// A text.
    init(_ text: String) { pieces = [.text(text)] }

    /// Nothing.
    static let empty = Phrase([Piece]())

    /// A name out of a scenario or record.
    static func name(_ text: String) -> Phrase { Phrase([.name(text)]) }

    /// What stands out in a sentence.
    static func strong(_ text: String) -> Phrase { Phrase([.strong(text)]) }

    /// What must not be overlooked.
    static func alarm(_ text: String) -> Phrase { Phrase([.alarm(text)]) }

    static func + (first: Phrase, second: Phrase) -> Phrase { Phrase(first.pieces + second.pieces) }

    /// Phrases with a comma between two and "and" before the last.
    static func sentence(_ phrases: [Phrase]) -> Phrase {
        phrases.enumerated().reduce(.empty) { out, next in
            next.offset == 0
                ? next.element : out + (next.offset == phrases.count - 1 ? " and " : ", ") + next.element
        }
    }

    /// For a page.
    var html: HTML {
        .list(
            pieces.map { piece in
                switch piece {
                case .text(let text): HTML(text)
                case .name(let text): .name(text)
                case .strong(let text): .strong(text)
                case .alarm(let text): .element("strong", ["class": "alarm"], [HTML(text)])
                }
            })
    }

    /// For a terminal, on one line.
    var plain: String {
        let text = pieces.map { piece in
            switch piece {
            case .text(let text), .name(let text), .strong(let text): text
            case .alarm(let text): text.uppercased()
            }
        }.joined()
        return String(text.map { $0 == "\u{A0}" ? " " : $0 })
    }
}
