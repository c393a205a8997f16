import Record

/// Tables as comma-separated values that a spreadsheet opens without running anything.
public enum CSV {
    /// One field.
    public enum Field: Sendable, Equatable {
        /// A text, which may come from a scenario.
        case text(String)
        /// A whole number.
        case integer(Int)
        /// A number; its shortest text that reads back as the same value.
        case number(Double)
        /// Nothing.
        case empty
    }

    /// A table: a head and rows, RFC 4180.
    public static func text(head: [String], rows: [[Field]]) -> String {
        rows.reduce(csvLine(head.map(guarded))) { $0 + csvLine($1.map(field)) }
    }

    /// A text that no spreadsheet takes for a formula: one that starts like a formula gets an apostrophe before it.
    ///
    /// Source: OWASP, *CSV Injection*; full-width forms count, as do spaces before the sign.
    public static func guarded(_ text: String) -> String {
        let signs: [Unicode.Scalar] = [
            "=", "+", "-", "@", "\t", "\r", "\n", "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}",
        ]
        let first = text.unicodeScalars.first { $0 != " " && $0 != "\u{A0}" && $0 != "\u{FEFF}" }
        return first.map(signs.contains) == true ? "'" + text : text
    }

    private static func field(_ field: Field) -> String {
        switch field {
        case .text(let text): guarded(text)
        case .integer(let number): "\(number)"
        case .number(let number): number.isFinite ? "\(number)" : ""
        case .empty: ""
        }
    }
}
