public import Cryptography
public import Parameters
public import Privacy
public import Scenario
public import Wire

/// The coordinator as a pure state machine: events and the time go in, actions come out; no socket, no clock.
public struct Coordinator: Sendable {
    /// What happens to the coordinator.
    public enum Event: Sendable {
        /// A client has joined with the right token.
        case joined(client: String, catalogues: [Catalogue])
        /// A complete, validated update.
        case update(client: String, ReceivedUpdate)
        /// A client has gone.
        case lost(client: String, how: String)
        /// Time has passed.
        case tick
    }

    /// What the coordinator wants done, in order.
    public enum Action: Sendable, Equatable {
        /// Every client that is there agrees on the catalogues: the run begins with this schema.
        case begin(ParameterSchema)
        /// Send a message to clients.
        case send(CoordinatorMessage, to: [String])
        /// From now on the client may send exactly this update, or nothing.
        case expect(client: String, round: Int, specs: [TensorSpec]?)
        /// A round is over.
        case closed(RoundSummary, ParameterSet)
        /// Say something that does not end the run.
        case warn(String)
        /// The run is over.
        case finish(Outcome)
    }

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
    private var sum: ExactSum?
    /// What all clients of a domain send alike, by name, and the place of the client it was taken from.
    private var common: [String: (place: Int, tensor: ParameterSet.Tensor)] = [:]
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
                take(update.parameters, of: client)
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
            case .round(let index):
                return [warning] + replace(client, index, now: now) + closeIfComplete(index, now: now)
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
        asked = plan.participants(step, of: present).filter { isConcerned($0, by: step, plan) }
        tellWindow(step, round: round, plan)
        awaited = Set(asked)
        answered = []
        sum = ExactSum(clientCount: clients.count)
        common = [:]
        deadline = now + roundDeadline
        if step.isForFactors, index == 0 || steps[index - 1] != step {
            do { try startFactors(step, round: round, plan) } catch { return finish(.peerLost(reason: "\(error)")) }
        }
        if step.isForMap, index == 0 || steps[index - 1] != step, let shape = MapShape(scenario) {
            let server = MapServer(scenario, shape, seed: seed, step: step)
            mapServer = server
            share(server.tensors, round: round, plan)
        }
        return ask(asked, index, plan) + closeIfComplete(index, now: now)
    }

    /// Asks clients to do the work of a step.
    private mutating func ask(_ asked: [String], _ index: Int, _ plan: RunPlan) -> [Action] {
        let step = steps[index]
        let round = index + 1
        var actions: [Action] = []
        for client in asked {
            actions.append(.expect(client: client, round: round, specs: plan.uploads(step, client: client)))
        }
        // Clients that need the same parameters share one message, which is encoded once.
        var groups: [(parameters: ParameterSet, clients: [String])] = []
        for client in asked {
            let known = sentUpTo[client] ?? 0
            let parameters = shared.filter {
                plan.isVisible($0, to: client) && changedIn[$0.name].map { $0 > known } == true
            }
            sentUpTo[client] = round - 1
            if let group = groups.firstIndex(where: { $0.parameters == parameters }) {
                groups[group].clients.append(client)
            } else {
                groups.append((parameters, [client]))
            }
        }
        for group in groups {
            let message = RoundPlan(
                round: round, step: step.rawValue, deadline: roundDeadline, parameters: group.parameters)
            actions.append(.send(.plan(message), to: group.clients))
        }
        return actions
    }

    /// Where a lost client was to speak for all of its domain and has not, the next one does, with the whole time.
    private mutating func replace(_ client: String, _ index: Int, now: Duration) -> [Action] {
        guard let plan, plan.hasOneVoice(steps[index]), asked.contains(client), !answered.contains(client),
            let domain = plan.domain(of: client),
            let next = plan.participants(steps[index], of: present).first(where: { plan.domain(of: $0) == domain }),
            !asked.contains(next)
        else { return [] }
        asked.append(next)
        awaited.insert(next)
        deadline = now + roundDeadline
        return ask([next], index, plan)
    }

    /// Adds an update to the sums of the round; of what all clients of a domain know alike one is taken, whatever the
    /// order in which they answer.
    private mutating func take(_ parameters: ParameterSet, of client: String) {
        let place = clients.firstIndex(of: client) ?? 0
        let isCommon: (TensorSpec) -> Bool = { [plan] in plan?.isCommon($0) == true }
        for tensor in parameters.filter(isCommon).tensors
        where common[tensor.spec.name].map({ place < $0.place }) ?? true {
            common[tensor.spec.name] = (place, tensor)
        }
        sum?.add(parameters.filter { !isCommon($0) })
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
        guard awaited.isEmpty, case .round(let current) = phase, current == index, let plan, let sum else { return [] }
        let step = steps[index]
        let round = index + 1
        var actions: [Action] = []
        var changed: [String] = []
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
                let taken = common.sorted { $0.key < $1.key }.map(\.value.tensor)
                for tensor in step.isForMap ? [] : try protected(total, round: round) + taken {
                    shared.set(tensor)
                    changedIn[tensor.spec.name] = round
                    changed.append(tensor.spec.name)
                }
            } catch { actions.append(.warn("round \(round) changes nothing: \(error)")) }
        }
        self.sum = nil
        if step == .adapt { drift?.finishAdaptation() }
        let summary = RoundSummary(
            round: round, step: step, participants: asked, answered: answered.sorted(),
            missing: asked.filter { !answered.contains($0) }, changed: changed,
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
        let isEmpty = answered.isEmpty && step != .adapt
        let obstacle = plan.obstacle(after: step, parameters: shared, changed: changed)
        if isEmpty || obstacle != nil {
            let reason = obstacle ?? "no client answered round \(round)"
            return actions + finish(.peerLost(reason: "round \(round) (\(step)): \(reason)"))
        }
        for domain in plan.silentDomains(after: step, parameters: shared, changed: changed) {
            actions.append(
                .warn(
                    "round \(round) (\(step)): no client of \(domain) is left, and what it released before the choices "
                        + "stays in use, trained without validation persons"))
        }
        return actions + (index + 1 < steps.count ? open(index + 1, now: now) : finish(.completed))
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

    /// Judges a window; an alarm adds a round of adaptation and one of bridges.
    private mutating func judge(_ sums: ParameterSet, at index: Int, _ plan: RunPlan) -> [Action] {
        let domains = Set(present.compactMap { plan.domain(of: $0) })
        let errors = drift?.observe(sums, present: domains) ?? []
        if drift?.adapting.isEmpty == false { steps.insert(contentsOf: [.adapt, .adaptBridge], at: index + 1) }
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
