/// How rounds of shared item factors follow one another in simulated time.
public struct FactorMode: Sendable, Equatable {
    /// K, the updates that make a version; `nil` for those of all clients.
    public let bufferCount: Int?
    /// The most versions that an update may be old; `nil` for any number.
    public let largestStaleness: Int?
    /// σ, the standard deviation over clients of the logarithm of the time that work takes.
    public let speedSpread: Double
    /// τ, the same over the pieces of work of one client.
    public let jobSpread: Double
    /// When learning ends, in units of the median time of a piece of work; `nil` for after all rounds.
    public let simulatedTime: Double?
}

extension ScenarioDefinition {
    /// How rounds follow one another; `nil` without `federation.mode`, where time is not simulated.
    public var factorMode: FactorMode? {
        guard let mode = optionalText("federation.mode") else { return nil }
        let isAsynchronous = mode == "async"
        return FactorMode(
            bufferCount: isAsynchronous ? optionalInteger("federation.buffer") : nil,
            largestStaleness: isAsynchronous ? optionalInteger("federation.staleness") : nil,
            speedSpread: optionalNumber("federation.speed-spread") ?? 0,
            jobSpread: optionalNumber("federation.job-spread") ?? 0,
            simulatedTime: optionalNumber("federation.simulated-time"))
    }

    /// Whether updates of shared item factors are held until they arrive in simulated time.
    public var isAsynchronous: Bool { optionalText("federation.mode") == "async" }
}
