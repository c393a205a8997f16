/// What domains that several clients share need.
extension ScenarioDecoder {
    /// What the clients of shared domains can do together.
    mutating func checkStrategy() {
        guard let strategy = text("federation.strategy"), let steps = integer("federation.local-steps") else { return }
        let shared = clientGroups.filter(\.isShared)
        let isPlain = strategy == "fedavg" && steps == 0
        if strategy == "gradient", steps > 0 {
            report("federation.local-steps", "gradient is one step of all clients together; leave local-steps out")
        } else if !["fedavg", "gradient"].contains(strategy), steps == 0 {
            report("federation.local-steps", "\(strategy) combines what local steps change; at least 1 is needed")
        }
        checkUpdateFormat(strategy, isShared: !shared.isEmpty, isExact: isPlain)
        guard let smallest = shared.map(\.count).min() else {
            if !isPlain {
                report("federation.strategy", "\(strategy) needs a domain that several clients share; give one a count")
            }
            if integer("faults.byzantine-clients") != 0 {
                report("faults.byzantine-clients", "only clients that share a domain (count) can be byzantine")
            }
            return
        }
        checkSharedFactors(shared, isExact: isPlain)
        let guarded = integer("federation.byzantine-clients") ?? 0
        if let least = StrategyNames.leastClients(strategy, byzantine: guarded), smallest < least {
            report(
                "federation.strategy",
                "\(strategy) against \(guarded) byzantine clients needs \(least) clients in a domain, not \(smallest)")
        }
        if let faulty = integer("faults.byzantine-clients"), faulty >= smallest, faulty > 0 {
            report("faults.byzantine-clients", "\(faulty) leaves no honest client of \(smallest) in a domain")
        }
    }

    /// What updates need that do not cross bit by bit.
    private mutating func checkUpdateFormat(_ strategy: String, isShared: Bool, isExact: Bool) {
        guard let format = text("federation.update-format"), format != "float32" else { return }
        let path = "federation.update-format"
        if !isShared {
            report(
                path,
                "\(format) is for what clients send of a domain that several of them share; give a domain a count")
        } else if isExact {
            report(
                path,
                "exact half-sweeps solve for sums that must arrive as they are; \(format) needs federation.local-steps: 1, or another federation.strategy"
            )
        } else if let refusal = UpdateFormatName.refusal(format, strategy: strategy) {
            report(path, refusal)
        }
        if isNoised {
            report(
                path,
                "noise must arrive as it was made, and sums of it add up exactly; \(format) needs privacy.mode: none")
        }
    }

    /// What the common item factors of shared domains allow; the catalogues of files are known only when a run begins.
    private mutating func checkSharedFactors(_ shared: [ScenarioDefinition.ClientGroup], isExact: Bool) {
        let names = shared.map(\.domain).joined(separator: ", ")
        if text("model.solver") == "conjugate-gradient" {
            report(
                "model.solver",
                "several clients share \(names), whose item factors are solved exactly; only cholesky is possible")
        }
        guard isExact, let items = integer("world.items"), let factors = integer("model.factors") else { return }
        for group in shared where group.data?.format == DataFormatName.synthetic {
            let own = group.domain == text("target") ? integer("world.target-items") : nil
            if let refusal = HalfSweepSize(items: own ?? items, factors: factors).refusal(group.domain) {
                report("federation.strategy", refusal)
            }
        }
    }
}
