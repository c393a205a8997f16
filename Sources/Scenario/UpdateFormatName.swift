/// The names of `federation.update-format`, and what they ask of a scenario.
public enum UpdateFormatName {
    /// All of them.
    public static let all = ["float32", "float16", "int8", "top-k"]
    /// The share of the values that `top-k` sends where the scenario does not say.
    static let topShare = 0.1

    /// Why a strategy cannot use updates of a format; `nil` where it can.
    static func refusal(_ format: String, strategy: String) -> String? {
        guard format == "top-k", ["median", "trimmed-mean"].contains(strategy) else { return nil }
        return "most clients leave a value out, so that the \(strategy) of it is zero; top-k needs another strategy"
    }
}

extension ScenarioDefinition {
    /// The format that the scenario names for updates of shared item factors; `nil` where it names none.
    public var updateFormat: String? { optionalText("federation.update-format") }

    /// Whether updates of shared item factors cross otherwise than bit by bit.
    public var hasCoarseUpdates: Bool { updateFormat.map { $0 != "float32" } ?? false }

    /// The share of the values that a round sends with `top-k`.
    public var topShare: Double { optionalNumber("federation.top-share") ?? UpdateFormatName.topShare }
}
