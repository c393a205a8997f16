import Parameters
import Scenario

/// What the coordinator does in the windows of time, and what it keeps of earlier models.
extension Coordinator {
    /// Whether the sums of a step replace what was known: a gate of too few persons does not.
    mutating func takes(_ sums: ParameterSet, _ step: RoundStep, _ plan: RunPlan) -> Bool {
        guard step == .gate || step == .adaptGate, let gate = plan.gate, drift != nil else { return true }
        return drift?.take(sums, of: gate) == true
    }

    /// Puts all tensors of domains that nobody could train again back to what they were before the choices, so that they
    /// fit each other; returns their names.
    mutating func restoreStale(
        _ changed: [String], round: Int, _ plan: RunPlan, _ actions: inout [Action]
    ) -> [String] {
        var restored: [String] = []
        for domain in plan.stale(changed: Set(changed)) {
            for tensor in beforeRefit.tensors
            where tensor.spec.scope == .domain(domain)
                || (domain == plan.target && tensor.spec.release == ReleaseName.tower)
            {
                if shared.values(tensor.spec.name) == tensor.values { continue }
                shared.set(tensor)
                changedIn[tensor.spec.name] = round
                restored.append(tensor.spec.name)
            }
            actions.append(
                .warn(
                    "round \(round) (refit-encoders): nobody has trained \(domain) again after the choices; its models stay those "
                        + "that the choices were made on"))
        }
        return restored
    }

    /// Whether a step that asks a client concerns it now: only domains with an alarm adapt, and in simulated time only
    /// clients start that have no work.
    func isConcerned(_ client: String, by step: RoundStep, _ plan: RunPlan) -> Bool {
        if step.isForFactors, !schedules.isEmpty { return schedules.values.contains { $0.isIdle(client) } }
        guard step == .adapt else { return true }
        return plan.domain(of: client).map { drift?.adapting.contains($0) == true } ?? false
    }

    /// Begins a window, and says to everybody which one it is and what has changed.
    mutating func tellWindow(_ step: RoundStep, round: Int, _ plan: RunPlan) {
        guard step == .monitor || step == .adapt else { return }
        if step == .monitor { drift?.advance() }
        guard let state = drift?.state, let spec = try? plan.schema.spec(TensorName.driftState),
            let tensor = try? ParameterSet.Tensor(spec, values: state.encoded(scenario.domains))
        else { return }
        shared.set(tensor)
        changedIn[spec.name] = round
    }

    /// Judges a window; an alarm adds a round of adaptation and one of bridges, the window after it one of the gate.
    mutating func judge(_ sums: ParameterSet, at index: Int, _ plan: RunPlan) -> [Action] {
        let domains = Set(present.compactMap { plan.domain(of: $0) })
        let errors = drift?.observe(sums, present: domains) ?? []
        var added: [RoundStep] = []
        if plan.gate != nil, drift?.isGateStale == true { added.append(.adaptGate) }
        if drift?.adapting.isEmpty == false { added += [.adapt, .adaptBridge] }
        steps.insert(contentsOf: added, at: index + 1)
        return errors.map { .warn("round \(index + 1): a window cannot be judged: \($0)") }
    }
}
