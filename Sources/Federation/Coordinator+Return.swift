import Parameters
import Scenario
import Wire

/// Clients that are gone and come back, by themselves or because the scenario says so.
///
/// A client's state is a function of the plans that concern it, whatever becomes of its updates. One that is back is
/// therefore sent all past plans, as if it had been there and its updates had been lost on the way; it does their work
/// again, releases nothing, and is asked from the next round on.
extension Coordinator {
    /// Whether a client may join now: at the start, or again once it is lost.
    public func mayJoin(_ client: String) -> Bool {
        guard clientIDs.contains(client), !catchingUp.contains(client), ready[client] == nil else { return false }
        switch phase {
        case .finished: return false
        case .joining where agreed.isEmpty: return joined[client] == nil && lost[client] == nil
        case .joining: return joined[client] == nil && admitted.contains(client)
        case .waiting, .round: return lost[client] != nil && admitted.contains(client)
        }
    }

    /// Whether nothing but clients that are to come is waited for.
    var isWaiting: Bool {
        switch phase {
        case .joining, .waiting: true
        case .round, .finished: false
        }
    }

    func welcome(_ plan: RunPlan) -> Welcome { Welcome(schemaDigest: plan.schema.digest, catalogues: agreed) }

    /// Takes a client into a run that has begun.
    mutating func welcomeBack(_ client: String, _ catalogues: [Catalogue]) -> [Action] {
        guard let plan else { return [] }
        if let other = catalogues.first(where: { !agreed.contains($0) }) {
            return [
                .send(.goodbye(.mismatch), to: [client]),
                .warn("client \(client) is back with other items of \(other.domain) than it had, and is left out"),
            ]
        }
        joined[client] = catalogues
        catchingUp.insert(client)
        return [.send(.welcome(welcome(plan)), to: [client]), .catchUp(client)]
    }

    /// Takes note that a client has done every past round that concerns it.
    mutating func takeBack(_ client: String, lastRound: Int, now: Duration) -> [Action] {
        guard catchingUp.remove(client) != nil else { return [] }
        switch phase {
        case .finished: return []
        case .joining:
            // Of a resumed run: what was sent to whom is in the checkpoint.
            guard lost[client] != nil else { return beginIfReady(now: now) }
            ready[client] = lastRound
            return []
        case .round:
            ready[client] = lastRound
            return []
        case .waiting(let index):
            ready[client] = lastRound
            return proceed(to: index, now: now)
        }
    }

    /// Lets clients that are back take part from a round on, if they may by then.
    mutating func admitReady(round: Int) {
        returned = []
        for client in clients {
            guard let last = ready[client], scheduledReturn(client, before: round) ?? 0 <= round else { continue }
            ready[client] = nil
            lost[client] = nil
            sentUpTo[client] = max(0, last - 1)
            returned.append(client)
        }
    }

    /// The round in which the scenario wants a client back that it has lost before some round.
    private func scheduledReturn(_ client: String, before round: Int) -> Int? {
        scenario.faults.filter { $0.client == client && $0.losesClient && $0.round < round }
            .max { $0.round < $1.round }?.returns
    }

    /// Begins a round, once those are gone that the scenario kills after the last one, and those back that it wants back.
    mutating func proceed(to index: Int, now: Duration) -> [Action] {
        let isLeaving = scenario.faults.contains {
            $0.kind == .crash && $0.phase == .afterUpdate && $0.round == index
                && answered.contains($0.client) && present.contains($0.client)
        }
        let isReturning = scenario.faults.contains {
            $0.returns == index + 1 && lost[$0.client] != nil && ready[$0.client] == nil
                && admitted.contains($0.client)
        }
        guard isLeaving || isReturning else { return open(index, now: now) }
        if case .waiting = phase { return [] }
        phase = .waiting(index: index)
        deadline = now + scenario.duration("federation.join-deadline")
        return []
    }

    /// The clients that speak for their domains: the first one there whose word has not been refused.
    func speakers(_ plan: RunPlan) -> Set<String> {
        let heard = plan.speakers(among: present.filter { !unheard.contains($0) })
        let domains = Set(heard.map { plan.domain(of: $0) })
        return heard.union(plan.speakers(among: present).filter { !domains.contains(plan.domain(of: $0)) })
    }

    /// Why clients are missing in the present round.
    func absences(_ missing: [String]) -> [Absence] {
        missing.map { causes[$0] ?? Absence(client: $0, cause: .lost, how: lost[$0] ?? "is gone") }
    }

    /// Says of events of the scenario that they did not happen, as the run has fewer rounds than it might have had.
    func faultsBeyondTheEnd() -> [Action] {
        scenario.faults.filter { $0.round > steps.count }.map {
            .warn(
                "the run ends with round \(steps.count), so that the \($0.kind.rawValue) of client \($0.client) in round "
                    + "\($0.round) has not happened")
        }
    }

    /// Says of events of the scenario that they cannot happen, as their clients are not asked.
    func faultsThatCannotHappen(in round: Int, _ step: RoundStep) -> [Action] {
        scenario.faults.filter { $0.round == round && !asked.contains($0.client) }.map {
            .warn(
                "round \(round) (\(step)) does not ask client \($0.client), so that its \($0.kind.rawValue) does not happen"
            )
        }
    }
}
