import Parameters
import Scenario

/// What the coordinator does with the item factors that clients of a shared domain learn together.
extension Coordinator {
    /// Puts the common item factors of shared domains at their start.
    mutating func startFactors(_ step: RoundStep, round: Int, _ plan: RunPlan) throws(StrategyError) {
        factorServers = [:]
        for group in scenario.clientGroups where group.isShared {
            let server = try makeFactorServer(group, step, plan)
            factorServers[group.domain] = server
            share(server, of: group.domain, round: round, plan)
        }
    }

    func makeFactorServer(
        _ group: ScenarioDefinition.ClientGroup, _ step: RoundStep, _ plan: RunPlan
    ) throws(StrategyError) -> FactorServer {
        try FactorServer(
            scenario, domain: group.domain, clientCount: group.count, itemCount: plan.itemCounts[group.domain] ?? 0,
            seed: seed, step: step == .factors ? .encoders : .refitEncoders)
    }

    /// Makes the parameters of a server those of everybody; returns the names of the tensors.
    @discardableResult mutating func share(
        _ server: FactorServer, of domain: String, round: Int, _ plan: RunPlan
    ) -> [String] {
        share(
            [
                (TensorName.itemFactors(domain), server.itemFactors),
                (TensorName.controlVariate(domain), server.controlVariate ?? []),
            ], round: round, plan)
    }

    /// Makes tensors those of everybody; returns the names of those that can be.
    @discardableResult mutating func share(
        _ tensors: [(name: String, values: [Float])], round: Int, _ plan: RunPlan
    ) -> [String] {
        tensors.compactMap { name, values in
            guard !values.isEmpty, let spec = try? plan.schema.spec(name),
                let tensor = try? ParameterSet.Tensor(spec, values: values)
            else { return nil }
            shared.set(tensor)
            changedIn[name] = round
            return name
        }
    }

    /// Ends a round of shared item factors; returns the names of the tensors that changed.
    mutating func finishFactors(round: Int, _ plan: RunPlan, _ actions: inout [Action]) -> [String] {
        var changed: [String] = []
        for domain in factorServers.keys.sorted() {
            guard var server = factorServers[domain], schedules[domain]?.progress.isOver != true else { continue }
            do {
                try server.finish()
                let names = share(server, of: domain, round: round, plan)
                if names.isEmpty {
                    throw ParameterError.valueOutOfBound(
                        name: TensorName.itemFactors(domain), bound: RunPlan.valueBound)
                }
                changed += names
                factorServers[domain] = server
            } catch {
                factorServers[domain]?.drop()
                // Said once: what is wrong with one round mostly is with all.
                if unchanged.insert(domain).inserted {
                    actions.append(
                        .warn(
                            "round \(round) leaves the item factors of \(domain) as they were, and so may later ones: \(error)"
                        ))
                }
            }
        }
        return changed.sorted()
    }
}
