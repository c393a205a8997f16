public import Record

/// The traffic of a run as text.
public enum WireTable {
    /// By kind and direction.
    public static func kinds(_ rows: [WireKindRecord]) -> String {
        ResultTable.table(
            [["kind", "direction", "messages", "frames", "bytes"]]
                + rows.map { [$0.kind, $0.direction, "\($0.messages)", "\($0.frames)", "\($0.bytes)"] })
    }

    /// By tensor: rows of name, direction, shape, scope, times and bytes.
    public static func tensors(
        _ rows: [(name: String, direction: String, shape: [Int], scope: String, count: Int, bytes: Int)]
    ) -> String {
        ResultTable.table(
            [["tensor", "direction", "shape", "scope", "times", "bytes"]]
                + rows.map {
                    [
                        $0.name, $0.direction, $0.shape.map(String.init).joined(separator: "×"), $0.scope,
                        "\($0.count)",
                        "\($0.bytes)",
                    ]
                })
    }
}
