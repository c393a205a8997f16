public import Cryptography
import Parameters
public import Privacy
public import Scenario
import Wire

/// The coordinator as a pure state machine: events and the time go in, actions come out; no socket, no clock.
public struct Coordinator: Sendable {
    private enum Phase: Sendable {
        case joining
        case round(index: Int)
        case finished
    }

    private let scenario: ScenarioDefinition
    private let seed: Int
    private let clients: [String]
    private let minimumClients: Int
    private let roundDeadline: Duration
    private var phase = Phase.joining
    private var joined: [String: [Catalogue]] = [:]
    private var lost: [String: String] = [:]
    private var plan: RunPlan?
    private var shared = ParameterSet()
    /// The round in which a tensor last changed, and the round up to which a client has been sent changes.
    private var changedIn: [String: Int] = [:]
    private var sentUpTo: [String: Int] = [:]
    private var awaited: Set<String> = []
    private var answered: [String] = []
    private var asked: [String] = []
    /// The clients that speak for their domains in the present round.
    private var speakers: Set<String> = []
    /// Whether the present round does again what the last one could not.
    private var isRepeated = false
    /// What was known when the training after the choices began.
    private var beforeRefit = ParameterSet()
    private var sum: ExactSum
    /// By domain, for those that several clients share.
    private var factorServers: [String: FactorServer] = [:]
    /// The shared domains of which some round could not improve the item factors.
    private var unchanged: Set<String> = []
    /// How releases are protected, and with what noise where it is the coordinator's to add.
    private var privacy: PrivacyPlan?
    private let noiseKey: StreamKey
    private var ledger: Ledger
    /// The networks of the map, where it has some.
    private var mapServer: MapServer?
    /// The steps, to which alarms add.
    private var steps: [RoundStep] = []
    /// What the windows of time have shown; `nil` without drift detection.
    public private(set) var drift: DriftWatch?
    /// When the present wait ends, on the clock of `handle`'s `now`.
    public private(set) var deadline: Duration

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
        sum = ExactSum(clientCount: clients.count)
        minimumClients = scenario.integer("federation.minimum-clients")
        drift = DriftWatch(scenario)
        roundDeadline = scenario.duration("federation.deadline")
        deadline = now + scenario.duration("federation.join-deadline")
    }

    /// The coordinator's name in its ledger.
    public static let name = "coordinator"

    /// The number of rounds as it is known now: alarms add to it.
    public var roundCount: Int { steps.count }

    /// The clients that were lost, sorted.
    public var lostClients: [String] { lost.keys.sorted() }

    /// Whether the client is part of the run and has not been lost.
    public func isExpected(_ client: String) -> Bool { clients.contains(client) && lost[client] == nil }

    /// Whether the client has joined.
    public func hasJoined(_ client: String) -> Bool { joined[client] != nil }

    /// Takes one event at the given time.
    public mutating func handle(_ event: Event, now: Duration) -> [Action] {
        if case .finished = phase { return [] }
        switch event {
        case .joined(let client, let catalogues):
            guard case .joining = phase, isExpected(client), joined[client] == nil else { return [] }
            joined[client] = catalogues
            return beginIfReady(now: now)
        case .update(let client, let update):
            guard case .round(let index) = phase, update.round == index + 1, awaited.remove(client) != nil else {
                return []
            }
            answered.append(client)
            var actions = [Action.expect(client: client, round: index + 1, specs: nil)]
            if let domain = plan?.sharedDomain(steps[index], client: client) {
                do { try factorServers[domain]?.add(client: client, update.parameters) } catch {
                    actions.append(.warn("round \(index + 1): the update of client \(client) is left out: \(error)"))
                }
            } else {
                sum.add(update.parameters)
            }
            return actions + closeIfComplete(index, now: now)
        case .lost(let client, let how):
            guard isExpected(client) else { return [] }
            lost[client] = how
            awaited.remove(client)
            let warning = Action.warn("client \(client) \(how)")
            let left = clients.count - lost.count
            if left < minimumClients {
                return [warning] + finish(.peerLost(reason: tooFew(left, lastLost: client)))
            }
            switch phase {
            case .joining: return [warning] + beginIfReady(now: now)
            case .round(let index): return [warning] + closeIfComplete(index, now: now)
            case .finished: return [warning]
            }
        case .tick:
            guard now >= deadline else { return [] }
            return timeIsUp(now: now)
        }
    }

    private func tooFew(_ left: Int, lastLost: String) -> String {
        "client \(lastLost) \(lost[lastLost] ?? "is gone"): \(left) of \(clients.count) clients are left, "
            + "federation.minimum-clients is \(minimumClients)"
    }

    private mutating func timeIsUp(now: Duration) -> [Action] {
        switch phase {
        case .joining:
            let late = clients.filter { joined[$0] == nil && lost[$0] == nil }
            return drop(late, "did not join within federation.join-deadline", now: now)
        case .round(let index):
            let late = clients.filter { awaited.contains($0) }
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

    private mutating func beginIfReady(now: Duration) -> [Action] {
        guard clients.allSatisfy({ joined[$0] != nil || lost[$0] != nil }) else { return [] }
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
        steps = plan.steps
        let welcome = Welcome(schemaDigest: plan.schema.digest, catalogues: agreed)
        return [.begin(plan.schema), .send(.welcome(welcome), to: present)] + open(0, now: now)
    }

    private var present: [String] { clients.filter { joined[$0] != nil && lost[$0] == nil } }

    private mutating func open(_ index: Int, now: Duration) -> [Action] {
        guard let plan else { return [] }
        let step = steps[index]
        let round = index + 1
        phase = .round(index: index)
        speakers = plan.speakers(among: present)
        asked = plan.participants(step, speakers: speakers).filter {
            present.contains($0) && isConcerned($0, by: step, plan)
        }
        if step.isFinal, index > 0, !steps[index - 1].isFinal { beforeRefit = shared }
        tellWindow(step, round: round, plan)
        awaited = Set(asked)
        answered = []
        sum.reset()
        deadline = now + roundDeadline
        if step.isForFactors, index == 0 || steps[index - 1] != step {
            do { try startFactors(step, round: round, plan) } catch { return finish(.peerLost(reason: "\(error)")) }
        }
        if step.isForMap, index == 0 || steps[index - 1] != step, let shape = MapShape(scenario) {
            let server = MapServer(scenario, shape, seed: seed, step: step)
            mapServer = server
            share(server.tensors, round: round, plan)
        }
        var actions: [Action] = []
        for client in asked {
            let specs = plan.uploads(step, client: client, isSpeaker: speakers.contains(client))
            actions.append(.expect(client: client, round: round, specs: specs))
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

    /// Puts the common item factors of shared domains at their start.
    private mutating func startFactors(_ step: RoundStep, round: Int, _ plan: RunPlan) throws(StrategyError) {
        factorServers = [:]
        for group in scenario.clientGroups where group.isShared {
            let server = try FactorServer(
                scenario, domain: group.domain, clientCount: group.count,
                itemCount: plan.itemCounts[group.domain] ?? 0, seed: seed,
                step: step == .factors ? .encoders : .refitEncoders)
            factorServers[group.domain] = server
            share(server, of: group.domain, round: round, plan)
        }
    }

    /// Makes the parameters of a server those of everybody; returns the names of the tensors.
    @discardableResult private mutating func share(
        _ server: FactorServer, of domain: String, round: Int, _ plan: RunPlan
    ) -> [String] {
        share(
            [
                (TensorName.itemFactors(domain), server.itemFactors),
                (TensorName.controlVariate(domain), server.controlVariate ?? []),
            ], round: round, plan)
    }

    /// Makes tensors those of everybody; returns the names of those that can be.
    @discardableResult private mutating func share(
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
    private mutating func finishFactors(round: Int, _ plan: RunPlan, _ actions: inout [Action]) -> [String] {
        var changed: [String] = []
        for domain in factorServers.keys.sorted() {
            guard var server = factorServers[domain] else { continue }
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

    private mutating func closeIfComplete(_ index: Int, now: Duration) -> [Action] {
        guard awaited.isEmpty, case .round(let current) = phase, current == index, let plan else { return [] }
        let step = steps[index]
        let round = index + 1
        var actions: [Action] = []
        var changed: [String] = []
        let missing = asked.filter { !answered.contains($0) }
        if let speaker = missing.first(where: { speakers.contains($0) }),
            let successor = plan.successor(of: speaker, in: step, among: present)
        {
            return doAgain(index, without: speaker, successor, missing: missing, now: now)
        }
        if step.isForFactors {
            changed = finishFactors(round: round, plan, &actions)
        } else {
            do {
                let total = try sum.total()
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
            missing: missing, changed: changed, isLast: index + 1 == steps.count || steps[index + 1] != step)
        actions.append(.closed(summary, shared))
        // Without one of its sides the adversarial game would go on with the last gradients of that side.
        if step.isExchange, changed.count < plan.exchangeTensorCount {
            let reason =
                plan.isGameOfPersons
                ? "there are no sums of persons' gradients" : "one of the two domains has no client left"
            return actions + finish(.peerLost(reason: "round \(round) (\(step)): \(reason)"))
        }
        // A domain whose only client is gone in an adaptation keeps the model that it has.
        let isEmpty = answered.isEmpty && step != .adapt
        let obstacle = plan.obstacle(after: step, parameters: shared, changed: made)
        if isEmpty || obstacle != nil {
            let reason =
                isEmpty && !step.isForDomains
                ? "no persons client is left" : obstacle ?? "no client answered round \(round)"
            let gone = lost.isEmpty ? "" : "; lost: \(lostClients.joined(separator: ", "))"
            return actions + finish(.peerLost(reason: "round \(round) (\(step)): \(reason)\(gone)"))
        }
        return actions + (index + 1 < steps.count ? open(index + 1, now: now) : finish(.completed))
    }

    /// Gives a round up whose speaker was lost, and asks for it again with another client of the domain.
    private mutating func doAgain(
        _ index: Int, without speaker: String, _ successor: String, missing: [String], now: Duration
    ) -> [Action] {
        let step = steps[index]
        isRepeated = true
        steps.insert(step, at: index + 1)
        let summary = RoundSummary(
            round: index + 1, step: step, participants: asked, answered: answered.sorted(), missing: missing,
            changed: [], isLast: false)
        return [
            .closed(summary, shared),
            .warn(
                "round \(index + 1) (\(step)) is done again: \(successor) now speaks for the clients that \(speaker) "
                    + "was one of"),
        ] + open(index + 1, now: now)
    }

    /// Puts all tensors of domains that nobody could train again back to what they were before the choices, so that they
    /// fit each other; returns their names.
    private mutating func restoreStale(
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

    /// Whether the sums of a step replace what was known: a gate of too few persons does not.
    private mutating func takes(_ sums: ParameterSet, _ step: RoundStep, _ plan: RunPlan) -> Bool {
        guard step == .gate || step == .adaptGate, let gate = plan.gate, drift != nil else { return true }
        return drift?.take(sums, of: gate) == true
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

    /// Whether a step that asks a client concerns it now: only domains with an alarm adapt.
    private func isConcerned(_ client: String, by step: RoundStep, _ plan: RunPlan) -> Bool {
        guard step == .adapt else { return true }
        return plan.domain(of: client).map { drift?.adapting.contains($0) == true } ?? false
    }

    /// Begins a window, and says to everybody which one it is and what has changed.
    private mutating func tellWindow(_ step: RoundStep, round: Int, _ plan: RunPlan) {
        guard step == .monitor || step == .adapt else { return }
        if step == .monitor { drift?.advance() }
        guard let state = drift?.state, let spec = try? plan.schema.spec(TensorName.driftState),
            let tensor = try? ParameterSet.Tensor(spec, values: state.encoded(scenario.domains))
        else { return }
        shared.set(tensor)
        changedIn[spec.name] = round
    }

    /// Judges a window; an alarm adds a round of adaptation and one of bridges, the window after it one of the gate.
    private mutating func judge(_ sums: ParameterSet, at index: Int, _ plan: RunPlan) -> [Action] {
        let domains = Set(present.compactMap { plan.domain(of: $0) })
        let errors = drift?.observe(sums, present: domains) ?? []
        var added: [RoundStep] = []
        if plan.gate != nil, drift?.isGateStale == true { added.append(.adaptGate) }
        if drift?.adapting.isEmpty == false { added += [.adapt, .adaptBridge] }
        steps.insert(contentsOf: added, at: index + 1)
        return errors.map { .warn("round \(index + 1): a window cannot be judged: \($0)") }
    }

    private mutating func finish(_ outcome: Outcome) -> [Action] {
        phase = .finished
        let reason: EndReason =
            switch outcome {
            case .completed: .completed
            case .catalogueMismatch: .mismatch
            case .peerLost, .impossible, .tooLarge: .aborted
            }
        return [.send(.goodbye(reason), to: present), .finish(outcome)]
    }
}
