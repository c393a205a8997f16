import Cryptography
import Federation
import Parameters
public import Record
public import Scenario
public import Supervision
import Wire

/// What a run will do, known before anything starts: the messages follow from the scenario and the catalogues alone.
public struct RunForecast: Sendable {
    /// A step and how often it comes.
    public struct Step: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Rounds in a row.
        public var roundCount: Int
        /// The clients that it asks.
        public let participants: [String]
    }

    /// What a process holds beside its data and what every process starts with.
    public struct Memory: Sendable, Equatable {
        /// The process.
        public let process: String
        /// Parameters that it holds, in bytes.
        public let parameterBytes: Int
        /// The most that the updates of a round take, in bytes.
        public let roundBytes: Int
        /// What is held of the updates.
        public let what: String
    }

    /// The steps in order.
    public let steps: [Step]
    /// The messages of one seed by kind and direction.
    public let traffic: [WireKindRecord]
    /// The tensors of the schema.
    public let tensors: [TensorRecord]
    /// Bytes of all tensors of the schema.
    public let tensorBytes: Int
    /// Whether the messages are known exactly; alarms of drift add to them, and simulated time leaves some out.
    public let isExact: Bool
    /// What the updates would take in float32, in bytes; `nil` where they cross so.
    public let bytesUpInFloat32: Int?
    /// Whether simulated time may end learning before all rounds, or asks fewer clients in some; the seed decides.
    public let mayLeaveOut: Bool
    /// By process.
    public let memory: [Memory]
    /// What is promised to persons, and what is not, while every client stays.
    public let privacy: PrivacyRecord

    /// Works out a run.
    ///
    /// - Parameters:
    ///   - itemCounts: the size of each domain's catalogue.
    ///   - hasSecureRandomness: whether noise would come from the operating system's entropy.
    /// - Throws: `RunFailure` when the scenario's tensors cannot be declared, or no noise gives what it asks for.
    public init(
        _ scenario: ScenarioDefinition, itemCounts: [String: Int], hasSecureRandomness: Bool
    ) throws(RunFailure) {
        let catalogues = itemCounts.sorted { $0.key < $1.key }.map {
            Catalogue(domain: $0.key, itemCount: $0.value, digest: sha256([]))
        }
        let plan: RunPlan
        do { plan = try RunPlan(scenario, catalogues: catalogues) } catch {
            throw RunFailure(.internalError, "\(error)")
        }
        mayLeaveOut = scenario.isAsynchronous || scenario.factorMode?.simulatedTime != nil
        steps = plan.steps.reduce(into: []) { steps, step in
            if steps.last?.name == step.description {
                steps[steps.count - 1].roundCount += 1
            } else {
                steps.append(Step(name: step.description, roundCount: 1, participants: plan.participants(step)))
            }
        }
        tensors = plan.schema.specs.map {
            TensorRecord($0)
        }
        tensorBytes = plan.schema.specs.reduce(0) { $0 + $1.byteCount }
        isExact = scenario.driftWindows == 0 && !mayLeaveOut
        var messages = MessageCount(scenario, plan, catalogues)
        messages.play()
        traffic = messages.traffic
        let bytesUp = traffic.filter { $0.kind == MessageKind.update.description }.reduce(0) { $0 + $1.bytes }
        bytesUpInFloat32 = scenario.hasCoarseUpdates ? bytesUp + messages.savedBytes : nil
        memory = messages.memory(itemCounts)
        do {
            let ledger = try LedgerForecast.entries(scenario, plan)
            privacy = try PrivacyAccount(
                scenario: scenario, ledger: ledger, absent: [:], hasSecureRandomness: hasSecureRandomness
            ).record()
        } catch { throw RunFailure(.scenario, "the noise that privacy asks for cannot be made: \(error)") }
    }
}

/// Plays a run with its messages' sizes in place of messages, as the coordinator sends them to clients that all stay.
private struct MessageCount {
    private let scenario: ScenarioDefinition
    private let plan: RunPlan
    private let catalogues: [Catalogue]
    private var counts: [MessageKind: [Bool: (messages: Int, frames: Int, bytes: Int)]] = [:]
    private var changedIn: [String: Int] = [:]
    private var sentUpTo: [String: Int] = [:]
    private var sumBytes = 0
    /// What the formats of updates save.
    private(set) var savedBytes = 0

    init(_ scenario: ScenarioDefinition, _ plan: RunPlan, _ catalogues: [Catalogue]) {
        self.scenario = scenario
        self.plan = plan
        self.catalogues = catalogues
    }

    private mutating func add(_ kind: MessageKind, up: Bool, _ size: Int) {
        let pieces = max(
            1,
            (size + Envelope.pieceByteLimit + Envelope.byteCount - 1)
                / (Envelope.pieceByteLimit + Envelope.byteCount))
        var count = counts[kind, default: [:]][up] ?? (0, 0, 0)
        count = (count.messages + 1, count.frames + 2 * pieces, count.bytes + size)
        counts[kind, default: [:]][up] = count
    }

    mutating func play() {
        let token = RunToken(bytes: [UInt8](repeating: 0, count: RunToken.byteCount))
        let welcome = MessageSize.welcome(Welcome(schemaDigest: plan.schema.digest, catalogues: catalogues))
        for client in scenario.clients {
            let own = client.group.isPersons ? client.group.links : [client.group.domain]
            if let token {
                let held = catalogues.filter { own.contains($0.domain) }
                add(.join, up: true, MessageSize.join(Join(clientID: client.id, token: token, catalogues: held)))
            }
            add(.welcome, up: false, welcome)
            add(.goodbye, up: false, MessageSize.goodbye)
            // The client's own goodbye comes when the record is written.
        }
        for (index, step) in plan.steps.enumerated() { play(step, round: index + 1) }
    }

    private mutating func play(_ step: RoundStep, round: Int) {
        let isForFactors = step == .factors || step == .refitFactors
        if step == .monitor { changedIn[TensorName.driftState] = round }
        // The coordinator's own parameters begin anew with the first of several rounds.
        if isForFactors, round == 1 || plan.steps[round - 2] != step {
            for name in common { changedIn[name] = round }
        }
        let asked = plan.participants(step)
        var sums: [String: Int] = [:]
        for client in asked {
            let known = sentUpTo[client] ?? 0
            let needed = plan.schema.specs.filter {
                plan.isVisible($0, to: client) && changedIn[$0.name].map { $0 > known } == true
            }
            add(.plan, up: false, MessageSize.plan(needed))
            sentUpTo[client] = round - 1
            let uploads = plan.uploads(step, client: client)
            add(.update, up: true, MessageSize.update(uploads))
            savedBytes += plan.bytesSaved(in: step.description, by: client)
            for spec in uploads { sums[spec.name] = 8 * spec.elementCount }
        }
        sumBytes = max(sumBytes, sums.values.reduce(0, +))
        for name in isForFactors ? common : Array(sums.keys) { changedIn[name] = round }
        if step == .monitor { changedIn[TensorName.driftState] = round }
    }

    /// What the coordinator keeps for the clients of shared domains.
    private var common: [String] {
        scenario.clientGroups.filter(\.isShared).flatMap { group in
            [TensorName.itemFactors(group.domain)]
                + (plan.training == .changes(.scaffold) ? [TensorName.controlVariate(group.domain)] : [])
        }
    }

    var traffic: [WireKindRecord] {
        MessageKind.allCases.flatMap { kind in
            [true, false].compactMap { isUp in
                counts[kind]?[isUp].map {
                    WireKindRecord(
                        kind: kind.description, direction: isUp ? "up" : "down", messages: $0.messages,
                        frames: $0.frames, bytes: $0.bytes)
                }
            }
        }
    }

    func memory(_ itemCounts: [String: Int]) -> [RunForecast.Memory] {
        let shared = plan.schema.specs.filter { changedIn[$0.name] != nil }
        let robust = StrategyMemory.of(scenario)
        let kept = robust.reduce(0) { $0 + $1.bytes(itemCount: itemCounts[$1.domain] ?? 0) }
        let parameters = shared.reduce(0) { $0 + $1.byteCount }
        var coordinator = [
            RunForecast.Memory(
                process: "coordinator", parameterBytes: parameters, roundBytes: sumBytes, what: "the sums of a round")
        ]
        // A round of shared item factors and the others follow one another.
        if let strategy = robust.first?.strategy {
            coordinator.append(
                RunForecast.Memory(
                    process: "coordinator", parameterBytes: parameters, roundBytes: kept,
                    what: scenario.isAsynchronous
                        ? "or every update until it arrives" : "or every update of a round of \(strategy.rawValue)"))
        }
        return coordinator
            + scenario.clientProcesses.map { clients in
                // Each client has what it was sent; they work one after the other.
                let held = clients.reduce(0) { sum, client in
                    plan.schema.specs.reduce(sum) {
                        changedIn[$1.name] != nil && plan.isVisible($1, to: client) ? $0 + $1.byteCount : $0
                    }
                }
                let most = Set(plan.steps.map(\.rawValue)).compactMap(RoundStep.init).flatMap { step in
                    clients.map { plan.uploads(step, client: $0).reduce(0) { $0 + $1.byteCount } }
                }.max()
                // What a format leaves over of a round is kept for the next one.
                let leftover = clients.reduce(0) { sum, client in
                    plan.uploads(.factors, client: client).reduce(sum) {
                        $1.format == .float32 ? $0 : $0 + $1.byteCount
                    }
                }
                return RunForecast.Memory(
                    process: ScenarioDefinition.processName(clients), parameterBytes: held + leftover,
                    roundBytes: most ?? 0,
                    what: clients.count == 1 ? "its largest update" : "the largest update of one of its clients")
            }
    }
}
