/// The version of Ferry, as records and `--version` state it.
public enum FerryVersion {
    /// The version.
    public static let current = "0.1.0"
}
