/// What asynchronous rounds need.
extension ScenarioDecoder {
    private static let asynchronousKeys = ["buffer", "staleness", "speed-spread", "job-spread", "simulated-time"]
        .map { "federation.\($0)" }

    /// What follows from `federation.mode`, where it is given.
    mutating func fillMode() {
        guard let mode = text("federation.mode") else { return }
        func fill(_ path: String, _ value: ScenarioValue) {
            if values[path] == nil, !present.contains(path) { setValue(path, value) }
        }
        fill("federation.speed-spread", .number(0.5))
        fill("federation.job-spread", .number(0.25))
        guard mode == "async" else { return }
        if let smallest = clientGroups.filter(\.isShared).map(\.count).min() {
            fill("federation.buffer", .integer((smallest + 1) / 2))
        }
        fill("federation.staleness", .integer(10))
    }

    /// Whether the clients of shared domains can work asynchronously.
    mutating func checkMode() {
        guard let mode = text("federation.mode") else {
            for path in ScenarioDecoder.asynchronousKeys where present.contains(path) {
                report(path, "time is simulated with federation.mode alone; give it, sync or async")
            }
            return
        }
        guard mode == "async", let strategy = text("federation.strategy") else { return }
        guard let smallest = clientGroups.filter(\.isShared).map(\.count).min() else {
            report("federation.mode", "async is for clients that share a domain; give one a count")
            return
        }
        let steps = integer("federation.local-steps")
        if strategy == "gradient" || (strategy == "fedavg" && steps == 0) {
            let way =
                strategy == "gradient"
                ? "another strategy (a gradient, and with it privacy.item-factors: protected, is a sum of all clients)"
                : "federation.local-steps of at least 1, or another strategy (exact half-sweeps are sums of all clients)"
            report("federation.mode", "async combines what clients change, each from its own version; it needs \(way)")
        }
        guard let buffer = integer("federation.buffer") else { return }
        if buffer > smallest {
            report("federation.buffer", "\(buffer) updates never arrive from the \(smallest) clients of a domain")
        }
        let guarded = integer("federation.byzantine-clients") ?? 0
        if let least = StrategyNames.leastClients(strategy, byzantine: guarded), buffer < least {
            report(
                "federation.buffer",
                "\(strategy) against \(guarded) byzantine clients needs \(least) updates, not \(buffer)")
        }
    }
}
