/// Numbers and tables about data sets as text.
public enum DataTable {
    /// Rows as text: the first column to the left, the others to the right.
    public static func text(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += column == 0 ? cell + (row.count > 1 ? padding : "") : "  " + padding + cell
            }
            return line + "\n"
        }.joined()
    }

    /// A whole number with commas between thousands.
    public static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var out = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { out += "," }
            out.append(digit)
        }
        return out
    }

    /// A number with a fixed count of decimals.
    public static func decimals(_ value: Double, _ count: Int) -> String { ResultTable.decimals(value, count) }

    /// A share of 1 in per cent, with two decimals.
    public static func percent(_ share: Double) -> String { ResultTable.decimals(100 * share, 2) + " %" }

    /// A value without decimals that say nothing: `4`, `4.5`, `3.25`.
    public static func short(_ value: Double) -> String {
        var text = ResultTable.decimals(value, 2)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}
