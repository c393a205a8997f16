/// What a role that was started by hand says of itself, `role.json` beside what it wrote.
public struct RoleRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case schema, role, seed, version, status
        case hasSecureRandomness = "secure-randomness"
    }

    /// The schema's name and version.
    public static let schema = "ferry.role/1"

    /// The schema's name and version.
    public let schema: String
    /// `coordinator`, or the client's id.
    public let role: String
    /// The seed.
    public let seed: Int
    /// The version of Ferry.
    public let version: String
    /// How the role ended.
    public let status: RunStatus
    /// Whether noise came from the operating system's entropy.
    public let hasSecureRandomness: Bool

    /// Makes a record.
    public init(role: String, seed: Int, status: RunStatus, hasSecureRandomness: Bool) {
        schema = RoleRecord.schema
        self.role = role
        self.seed = seed
        version = FerryVersion.current
        self.status = status
        self.hasSecureRandomness = hasSecureRandomness
    }
}
