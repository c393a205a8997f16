public import Record

/// What the formats of updates save and leave over, in words.
public enum UpdateFormatWords {
    /// A sentence on one run; empty where its scenario names no format.
    public static func text(_ updates: UpdateFormatRecord?) -> String { updates.map { sentence($0) + "\n" } ?? "" }

    /// Such as “Updates cross as int8: 1.2 MB up, 44 % of the 2.7 MB of float32; …”.
    static func sentence(_ updates: UpdateFormatRecord) -> String {
        let bytes = ReportNumber.bytes(updates.bytesUp)
        guard updates.format != "float32" else { return "Updates of item factors cross in float32: \(bytes) up." }
        let rest = updates.error.map {
            "; the mean round leaves \(ReportNumber.significant(100 * $0)) % of its change, by norm, for later rounds"
        }
        return "Updates of item factors cross as \(name(updates)): \(bytes) up, \(share(updates)) of the "
            + "\(ReportNumber.bytes(updates.bytesUpInFloat32)) of float32\(rest ?? "")."
    }

    /// The format, and the share of the values that it sends.
    static func name(_ updates: UpdateFormatRecord) -> String {
        updates.format + (updates.share.map { " of \(ReportNumber.significant(100 * $0)) %" } ?? "")
    }

    /// The bytes as a share of those of float32.
    static func share(_ updates: UpdateFormatRecord) -> String {
        guard updates.bytesUpInFloat32 > 0 else { return "–" }
        return ReportNumber.significant(100 * Double(updates.bytesUp) / Double(updates.bytesUpInFloat32)) + " %"
    }
}
