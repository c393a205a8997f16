public import Cryptography
import Parameters
public import Privacy
public import Scenario
import Wire

/// The coordinator as a pure state machine: events and the time go in, actions come out; no socket, no clock.
public struct Coordinator: Sendable {
    enum Phase: Sendable {
        case joining
        /// Between two rounds, for clients that are to be gone or back when the next one begins.
        case waiting(index: Int)
        case round(index: Int)
        case finished
    }

    let scenario: ScenarioDefinition
    let seed: Int
    let clients: [String]
    /// The same.
    let clientIDs: Set<String>
    let minimumClients: Int
    let roundDeadline: Duration
    var phase = Phase.joining
    var joined: [String: [Catalogue]] = [:]
    var lost: [String: String] = [:]
    var plan: RunPlan?
    var shared = ParameterSet()
    /// The round in which a tensor last changed, and the round up to which a client has been sent changes.
    var changedIn: [String: Int] = [:]
    var sentUpTo: [String: Int] = [:]
    var awaited: Set<String> = []
    var answered: [String] = []
    var asked: [String] = []
    /// The clients that speak for their domains in the present round.
    var speakers: Set<String> = []
    /// Whether the present round does again what the last one could not.
    var isRepeated = false
    /// What was known when the training after the choices began.
    var beforeRefit = ParameterSet()
    private var sum: ExactSum
    /// The sums of the present round, where they were gathered.
    private var gathered: Result<ParameterSet, ParameterError>?
    /// By domain, for those that several clients share.
    var factorServers: [String: FactorServer] = [:]
    /// By shared domain, who is done when; empty where time is not simulated.
    var schedules: [String: FactorSchedule] = [:]
    /// By client, updates that have come and have not arrived yet in simulated time.
    var held: [String: HeldUpdate] = [:]
    /// By step, the rounds that simulated time is expected to have room for; without those that are over.
    var expectedVersions: [RoundStep: Int] = [:]
    /// The shared domains of which some round could not improve the item factors.
    var unchanged: Set<String> = []
    /// How releases are protected, and with what noise where it is the coordinator's to add.
    var privacy: PrivacyPlan?
    private let noiseKey: StreamKey
    private var ledger: Ledger
    /// The networks of the map, where it has some.
    var mapServer: MapServer?
    /// The steps, to which alarms add.
    var steps: [RoundStep] = []
    /// What the windows of time have shown; `nil` without drift detection.
    public internal(set) var drift: DriftWatch?
    /// When the present wait ends, on the clock of `handle`'s `now`.
    public internal(set) var deadline: Duration
    /// The catalogues that all clients agree on, once the run has begun.
    var agreed: [Catalogue] = []
    /// The clients that have been in the run, so that they may come back to it.
    var admitted: Set<String> = []
    /// Clients that are back and do past rounds again.
    var catchingUp: Set<String> = []
    /// Clients that have done so and wait for a round to begin, with the last past round that concerned them.
    var ready: [String: Int] = [:]
    /// The clients that are back since the round before.
    var returned: [String] = []
    /// Why clients have not answered the present round.
    var causes: [String: Absence] = [:]
    /// Clients that spoke for their domains and were refused.
    var unheard: Set<String> = []
    /// The number of rounds that were closed when `beforeRefit` was known.
    var refitStart: Int?
    /// The round that a resumed run begins with, as an index; `nil` for a run from the start.
    var resumedIndex: Int?

    /// A coordinator that waits for its clients.
    ///
    /// - Parameters:
    ///   - seed: the run's seed, from which common parameters start.
    ///   - noiseKey: the secret of the noise that is the coordinator's to add; without one what the seed gives.
    ///   - ledger: where the coordinator's own releases are written, before they are broadcast.
    public init(
        _ scenario: ScenarioDefinition, seed: Int, now: Duration, noiseKey: StreamKey? = nil,
        ledger: Ledger = Ledger(client: Coordinator.name) { _ in }
    ) {
        self.noiseKey = noiseKey ?? StreamKey(root: UInt64(seed))
        self.ledger = ledger
        self.scenario = scenario
        self.seed = seed
        clients = scenario.clients.map(\.id)
        clientIDs = Set(clients)
        sum = ExactSum(clientCount: clients.count)
        minimumClients = scenario.integer("federation.minimum-clients")
        drift = DriftWatch(scenario)
        roundDeadline = scenario.duration("federation.deadline")
        deadline = now + scenario.duration("federation.join-deadline")
    }

    /// The coordinator's name in its ledger.
    public static let name = "coordinator"

    /// The number of rounds as it is known now: alarms add to it, and the end of simulated time takes away from it.
    public var roundCount: Int { steps.count - roundsAfterTheTime }

    /// The clients that were lost, sorted.
    public var lostClients: [String] { lost.keys.sorted() }

    /// Whether a client is back and not asked yet, so that it does past rounds again.
    public func isCatchingUp(_ client: String) -> Bool { catchingUp.contains(client) || ready[client] != nil }

    /// Who sees and sends what; `nil` before the run has begun.
    public var runPlan: RunPlan? { plan }

    /// Whether the client is part of the run and has not been lost.
    public func isExpected(_ client: String) -> Bool { clientIDs.contains(client) && lost[client] == nil }

    /// Whether the client has joined.
    public func hasJoined(_ client: String) -> Bool { joined[client] != nil }

    /// Takes one event at the given time.
    public mutating func handle(_ event: Event, now: Duration) -> [Action] {
        if case .finished = phase { return [] }
        switch event {
        case .joined(let client, let catalogues):
            guard mayJoin(client) else { return [] }
            guard agreed.isEmpty else { return welcomeBack(client, catalogues) }
            joined[client] = catalogues
            admitted.insert(client)
            return beginIfReady(now: now)
        case .acknowledged:
            // Past work that goes on is waited for as a round is.
            if isWaiting { deadline = max(deadline, now + roundDeadline) }
            return []
        case .caughtUp(let client, let round): return takeBack(client, lastRound: round, now: now)
        case .refused(let client, let round, let why):
            guard case .round(let index) = phase, round == index + 1, awaited.remove(client) != nil else { return [] }
            causes[client] = Absence(client: client, cause: .refused, how: why)
            if speakers.contains(client) { unheard.insert(client) }
            return [
                .expect(client: client, round: round, specs: nil),
                .warn("round \(round): the update of client \(client) is refused: \(why)"),
            ] + closeIfComplete(index, now: now)
        case .update(let client, let update):
            guard case .round(let index) = phase, update.round == index + 1, awaited.remove(client) != nil else {
                return []
            }
            answered.append(client)
            var actions = [Action.expect(client: client, round: index + 1, specs: nil)]
            if let domain = plan?.sharedDomain(steps[index], client: client) {
                guard schedules.isEmpty else {
                    held[client] = HeldUpdate(round: update.round, domain: domain, parameters: update.parameters)
                    return actions + closeIfComplete(index, now: now)
                }
                do { try factorServers[domain]?.add(client: client, update.parameters) } catch {
                    actions.append(.warn("round \(index + 1): the update of client \(client) is left out: \(error)"))
                }
            } else {
                sum.add(update.parameters)
            }
            return actions + closeIfComplete(index, now: now)
        case .gathered(let senders, let round, let total):
            guard case .round(let index) = phase, round == index + 1, awaited.isSuperset(of: senders) else { return [] }
            awaited.subtract(senders)
            answered += senders.sorted()
            gathered = total
            return closeIfComplete(index, now: now)
        case .begunAgain:
            if case .round = phase { deadline = max(deadline, now + roundDeadline) }
            return []
        case .lost(let client, let how):
            catchingUp.remove(client)
            ready[client] = nil
            guard isExpected(client) else { return [] }
            lost[client] = how
            var warning = [Action.warn("client \(client) \(how)")]
            if case .round(let index) = phase, awaited.remove(client) != nil {
                if causes[client] == nil { causes[client] = Absence(client: client, cause: .lost, how: how) }
                // What it sends all the same is not taken, and no traffic of the run.
                warning.append(.expect(client: client, round: index + 1, specs: nil))
            }
            let left = clients.count - lost.count
            if left < minimumClients {
                return warning + finish(.peerLost(reason: tooFew(left, lastLost: client)))
            }
            switch phase {
            case .joining: return warning + beginIfReady(now: now)
            case .waiting(let index): return warning + proceed(to: index, now: now)
            case .round(let index): return warning + closeIfComplete(index, now: now)
            case .finished: return warning
            }
        case .tick(let blocking):
            guard now >= deadline else { return [] }
            return timeIsUp(blocking, now: now)
        }
    }

    private func tooFew(_ left: Int, lastLost: String) -> String {
        "client \(lastLost) \(lost[lastLost] ?? "is gone"): \(left) of \(clients.count) clients are left, "
            + "federation.minimum-clients is \(minimumClients)"
    }

    private mutating func timeIsUp(_ blocking: Set<String>?, now: Duration) -> [Action] {
        switch phase {
        case .joining:
            let late = clients.filter { (joined[$0] == nil || catchingUp.contains($0)) && lost[$0] == nil }
            return drop(late, "did not join within federation.join-deadline", now: now)
        case .waiting(let index): return open(index, now: now)
        case .round(let index):
            // Others have sent what they could so far, and send it again without those that are late.
            if blocking?.isEmpty == true {
                deadline = now + roundDeadline
                return []
            }
            let holding = blocking.map { awaited.intersection($0) } ?? []
            let late = clients.filter { (holding.isEmpty ? awaited : holding).contains($0) }
            if !holding.isEmpty { deadline = now + roundDeadline }
            for client in late {
                causes[client] = Absence(client: client, cause: .late, how: "did not answer within federation.deadline")
            }
            return drop(late, "did not answer round \(index + 1) within federation.deadline", now: now)
        case .finished: return []
        }
    }

    /// Counts clients as lost one after the other; the last one closes the round or begins the run.
    private mutating func drop(_ late: [String], _ how: String, now: Duration) -> [Action] {
        var actions: [Action] = []
        for client in late {
            actions.append(.send(.goodbye(.aborted), to: [client]))
            actions += handle(.lost(client: client, how: how), now: now)
        }
        return actions
    }

    mutating func beginIfReady(now: Duration) -> [Action] {
        // Most often somebody is still to come, which the numbers alone tell.
        guard joined.count + lost.count >= clients.count,
            clients.allSatisfy({ lost[$0] != nil || joined[$0] != nil && !catchingUp.contains($0) })
        else {
            return []
        }
        guard agreed.isEmpty else { return proceed(to: resumedIndex ?? 0, now: now) }
        var catalogues: [String: (catalogue: Catalogue, owner: String)] = [:]
        for client in clients {
            for catalogue in joined[client] ?? [] {
                if let other = catalogues[catalogue.domain], other.catalogue != catalogue {
                    return finish(
                        .catalogueMismatch(
                            reason: "clients \(other.owner) and \(client) hold different item catalogues of "
                                + "\(catalogue.domain); give both the same items: file"))
                }
                if catalogues[catalogue.domain] == nil { catalogues[catalogue.domain] = (catalogue, client) }
            }
        }
        let agreed = catalogues.values.map(\.catalogue).sorted { $0.domain < $1.domain }
        for catalogue in agreed {
            if let refusal = scenario.halfSweepRefusal(catalogue.domain, items: catalogue.itemCount) {
                return finish(.tooLarge(reason: refusal))
            }
        }
        let plan: RunPlan
        do { plan = try RunPlan(scenario, catalogues: agreed) } catch {
            return finish(.peerLost(reason: "the item catalogue of a domain is unknown, its client is gone: \(error)"))
        }
        do { privacy = try PrivacyPlan(scenario, schema: plan.schema) } catch {
            return finish(.impossible(reason: "the noise that privacy asks for cannot be made: \(error)"))
        }
        self.plan = plan
        self.agreed = agreed
        steps = plan.steps
        if let reason = expectVersions() { return finish(.impossible(reason: reason)) }
        return [.begin(plan.schema), checkpoint(next: 0), .send(.welcome(welcome(plan)), to: present)]
            + begin(0, now: now)
    }

    /// The clients that can be asked.
    var present: [String] {
        clients.filter { joined[$0] != nil && lost[$0] == nil && !catchingUp.contains($0) }
    }

    /// Begins a round; before that, what is kept knows of all who have left after the last one.
    mutating func open(_ index: Int, now: Duration) -> [Action] {
        [checkpoint(next: index)] + begin(index, now: now)
    }

    private mutating func begin(_ index: Int, now: Duration) -> [Action] {
        guard let plan else { return [] }
        let step = steps[index]
        let round = index + 1
        phase = .round(index: index)
        admitReady(round: round)
        speakers = speakers(plan)
        if let reason = startSchedules(at: index) { return finish(.peerLost(reason: reason)) }
        let concerned = plan.participants(step, speakers: speakers).filter { isConcerned($0, by: step, plan) }
        let there = Set(present)
        asked = concerned.filter { there.contains($0) }
        for domain in schedules.keys { schedules[domain]?.start(asked) }
        causes = [:]
        if step.isFinal, index > 0, !steps[index - 1].isFinal {
            beforeRefit = shared
            refitStart = index
        }
        tellWindow(step, round: round, plan)
        awaited = Set(asked)
        answered = []
        sum.reset()
        gathered = nil
        deadline = now + roundDeadline
        if step.isForFactors, index == 0 || steps[index - 1] != step {
            do { try startFactors(step, round: round, plan) } catch { return finish(.peerLost(reason: "\(error)")) }
        }
        if step.isForMap, index == 0 || steps[index - 1] != step, let shape = MapShape(scenario) {
            let server = MapServer(scenario, shape, seed: seed, step: step)
            mapServer = server
            share(server.tensors, round: round, plan)
        }
        let opening = RoundOpening(
            round: round, step: step, speakers: speakers, isRepeated: isRepeated, concerned: concerned)
        var actions = [Action.opened(opening, shared.filter { changedIn[$0.name] == round })]
        actions += returned.map { .warn("client \($0) is back and takes part in round \(round)") }
        actions += faultsThatCannotHappen(in: round, step)
        // Clients that are back and not asked yet do the round with the others, and release nothing.
        for client in concerned where ready.removeValue(forKey: client) != nil { catchingUp.insert(client) }
        for client in asked {
            let specs = plan.uploads(step, client: client, isSpeaker: speakers.contains(client))
            actions.append(
                .expect(
                    client: client, round: round, specs: specs,
                    isSummed: plan.sharedDomain(step, client: client) == nil))
        }
        // Clients that need the same parameters share one message, which is encoded once.
        var groups: [(parameters: ParameterSet, isSpeaker: Bool, clients: [String])] = []
        for client in asked {
            let known = sentUpTo[client] ?? 0
            let parameters = shared.filter {
                plan.isVisible($0, to: client) && changedIn[$0.name].map { $0 > known } == true
            }
            sentUpTo[client] = round - 1
            let isSpeaker = speakers.contains(client)
            if let group = groups.firstIndex(where: { $0.isSpeaker == isSpeaker && $0.parameters == parameters }) {
                groups[group].clients.append(client)
            } else {
                groups.append((parameters, isSpeaker, [client]))
            }
        }
        for group in groups {
            let message = RoundPlan(
                round: round, step: step.rawValue, deadline: roundDeadline, parameters: group.parameters,
                isSpeaker: group.isSpeaker, isRepeated: isRepeated)
            actions.append(.send(.plan(message), to: group.clients))
        }
        isRepeated = false
        return actions + closeIfComplete(index, now: now)
    }

    mutating func closeIfComplete(_ index: Int, now: Duration) -> [Action] {
        guard awaited.isEmpty, case .round(let current) = phase, current == index, let plan else { return [] }
        let step = steps[index]
        let round = index + 1
        var actions: [Action] = []
        var changed: [String] = []
        var arrivals: [VersionSummary] = []
        var isTimeOver = false
        let heard = Set(answered)
        let missing = asked.filter { !heard.contains($0) }
        if let speaker = missing.first(where: { speakers.contains($0) }),
            let successor = plan.successor(of: speaker, in: step, among: present.filter { !missing.contains($0) })
        {
            return doAgain(index, without: speaker, successor, missing: missing, now: now)
        }
        if step.isForFactors {
            arrivals = takeArrivals(round: round, &actions)
            changed = finishFactors(round: round, plan, &actions)
            isTimeOver = endSchedules(at: index)
        } else {
            do {
                let total = try gathered?.get() ?? sum.total()
                if step.isForMap, var server = mapServer {
                    try server.step(total)
                    mapServer = server
                    changed = share(server.tensors, round: round, plan)
                }
                if step == .monitor { actions += judge(total, at: index, plan) }
                if step == .monitor || step == .adapt { changed.append(TensorName.driftState) }
                let isTaken = !step.isForMap && takes(total, step, plan)
                for tensor in isTaken ? try protected(total, round: round) : [] {
                    shared.set(tensor)
                    changedIn[tensor.spec.name] = round
                    changed.append(tensor.spec.name)
                }
            } catch { actions.append(.warn("round \(round) changes nothing: \(error)")) }
        }
        if step == .adapt { drift?.finishAdaptation() }
        let made = Set(changed)
        if step == .refitEncoders { changed += restoreStale(changed, round: round, plan, &actions) }
        let summary = RoundSummary(
            round: round, step: step, participants: asked, answered: answered.sorted(),
            absences: absences(missing), returned: returned, changed: changed, arrivals: arrivals,
            isLast: index + 1 == steps.count || steps[index + 1] != step)
        actions.append(.closed(summary, shared))
        // Without one of its sides the adversarial game would go on with the last gradients of that side.
        if step.isExchange, changed.count < plan.exchangeTensorCount {
            let reason =
                plan.isGameOfPersons
                ? "there are no sums of persons' gradients" : "one of the two domains has no client left"
            return actions + finish(.peerLost(reason: "round \(round) (\(step)): \(reason)"))
        }
        // A domain whose only client is gone in an adaptation keeps the model that it has.
        let isEmpty = answered.isEmpty && arrivals.isEmpty && !isTimeOver && step != .adapt
        let obstacle = plan.obstacle(after: step, parameters: shared, changed: made)
        if isEmpty || obstacle != nil {
            let reason =
                isEmpty && !step.isForDomains
                ? "no persons client is left" : obstacle ?? "no client answered round \(round)"
            let gone = lost.isEmpty ? "" : "; lost: \(lostClients.joined(separator: ", "))"
            return actions + finish(.peerLost(reason: "round \(round) (\(step)): \(reason)\(gone)"))
        }
        guard index + 1 < steps.count else { return actions + faultsBeyondTheEnd() + finish(.completed) }
        return actions + proceed(to: index + 1, now: now)
    }

    /// Gives a round up whose speaker was lost, and asks for it again with another client of the domain.
    private mutating func doAgain(
        _ index: Int, without speaker: String, _ successor: String, missing: [String], now: Duration
    ) -> [Action] {
        let step = steps[index]
        isRepeated = true
        steps.insert(step, at: index + 1)
        let summary = RoundSummary(
            round: index + 1, step: step, participants: asked, answered: answered.sorted(),
            absences: absences(missing), returned: returned, changed: [], arrivals: [], isLast: false)
        return [
            .closed(summary, shared),
            .warn(
                "round \(index + 1) (\(step)) is done again: \(successor) now speaks for the clients that \(speaker) "
                    + "was one of"),
        ] + proceed(to: index + 1, now: now)
    }

    /// The sums of a round with the noise that is the coordinator's to add. The ledger is written first.
    private mutating func protected(_ total: ParameterSet, round: Int) throws -> [ParameterSet.Tensor] {
        var tensors = total.tensors
        for (release, protection) in (privacy?.protections ?? [:]).sorted(by: { $0.key < $1.key })
        where protection.policy == .central {
            let members = tensors.indices.filter { tensors[$0].spec.release == release }
                .sorted { tensors[$0].spec.name < tensors[$1].spec.name }
            guard !members.isEmpty else { continue }
            try ledger.append(
                round: round, release: release, tensors: members.map { tensors[$0].spec.name }, policy: .central,
                protection: protection, isNoised: true)
            var noise = KeyStream(key: noiseKey.derived(["noise", Coordinator.name, release, "\(round)"]))
            let values = protection.noised(members.flatMap { tensors[$0].values }, from: &noise)
            var position = 0
            for index in members {
                let spec = tensors[index].spec
                let part = values[position..<position + spec.elementCount]
                tensors[index] = try ParameterSet.Tensor(
                    spec, values: part.map { min(max($0, -spec.bound), spec.bound) })
                position += spec.elementCount
            }
        }
        return tensors
    }

    private mutating func finish(_ outcome: Outcome) -> [Action] {
        phase = .finished
        let reason: EndReason =
            switch outcome {
            case .completed: .completed
            case .catalogueMismatch: .mismatch
            case .peerLost, .impossible, .tooLarge: .aborted
            }
        let connected = clients.filter { present.contains($0) || catchingUp.contains($0) || ready[$0] != nil }
        return [.send(.goodbye(reason), to: connected), .finish(outcome)]
    }
}
