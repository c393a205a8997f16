public import Cryptography
public import Parameters
public import Privacy
public import Scenario
import Wire

/// Where a run can be taken up again.
///
/// Between two rounds the coordinator's state is small beside the tensors that it has broadcast, which are written down
/// round by round as they change. What is left are the strategies' moments, as they are. The clients' states are not
/// kept: of some families they are the persons' data over again, and all follow from the plans, which the clients are
/// sent again. So every family resumes alike, and no private state is written to a disk for it.
extension Coordinator {
    /// The coordinator's state between two rounds, without the broadcast tensors.
    public struct Checkpoint: Codable, Sendable, Equatable {
        /// A catalogue that the clients have agreed on.
        struct Domain: Codable, Sendable, Equatable {
            let domain: String
            let itemCount: Int
            let digest: [UInt8]
        }

        /// Rounds of one step that follow each other.
        struct Stretch: Codable, Sendable, Equatable {
            let step: UInt32
            let count: Int
        }

        /// The most rounds that a checkpoint may speak of.
        private static let roundLimit = 1 << 24

        /// Rounds that are closed.
        public let closedRounds: Int
        /// Clients that are lost, and how.
        public let lost: [String: String]
        /// The number of closed rounds when the tensors were known that stay where nothing new is trained after the
        /// choices; `nil` before.
        public let refitStart: Int?
        let domains: [Domain]
        let steps: [Stretch]
        let admitted: Set<String>
        let unheard: Set<String>
        let changedIn: [String: Int]
        let sentUpTo: [String: Int]
        let unchanged: Set<String>
        let isRepeated: Bool
        let drift: DriftWatch.Progress?
        let schedules: [String: FactorSchedule.Progress]
        /// By client, the round that asked for an update that arrives later in simulated time.
        package let heldRounds: [String: Int]
        /// The moments of the strategies where the next round goes on with them, by shared domain, and of the map; written
        /// apart.
        public private(set) var moments: [String: [Double]] = [:]

        enum CodingKeys: String, CodingKey {
            case closedRounds, lost, refitStart, domains, steps, admitted, unheard, changedIn, sentUpTo, unchanged
            case isRepeated, drift, schedules, heldRounds
        }

        /// By client, the updates that arrive later in simulated time; written apart.
        package private(set) var updates: [String: ParameterSet] = [:]

        /// The same with what is written apart.
        package func with(moments: [String: [Double]], updates: [String: ParameterSet] = [:]) -> Checkpoint {
            var out = self
            out.moments = moments
            out.updates = updates
            return out
        }

        init(_ machine: Coordinator, next index: Int) {
            closedRounds = index
            lost = machine.lost
            refitStart = machine.refitStart
            domains = machine.agreed.map {
                Domain(domain: $0.domain, itemCount: $0.itemCount, digest: $0.digest.bytes)
            }
            steps = Checkpoint.stretches(machine.steps)
            admitted = machine.admitted
            unheard = machine.unheard
            changedIn = machine.changedIn
            sentUpTo = machine.sentUpTo
            unchanged = machine.unchanged
            isRepeated = machine.isRepeated
            drift = machine.drift?.progress
            schedules = machine.schedules.mapValues(\.progress)
            heldRounds = machine.held.mapValues(\.round)
            updates = machine.held.mapValues(\.parameters)
            guard index > 0, machine.steps[index] == machine.steps[index - 1] else { return }
            if machine.steps[index].isForFactors { moments = machine.factorServers.mapValues(\.state) }
            if machine.steps[index].isForMap { moments["map"] = machine.mapServer?.state }
            moments = moments.filter { !$0.value.isEmpty }
        }

        /// Steps by stretches: a run may have a hundred thousand rounds, and a checkpoint is written in each.
        static func stretches(_ steps: [RoundStep]) -> [Stretch] {
            var out: [Stretch] = []
            var start = 0
            for index in steps.indices where index + 1 == steps.count || steps[index + 1] != steps[index] {
                out.append(Stretch(step: steps[index].rawValue, count: index + 1 - start))
                start = index + 1
            }
            return out
        }

        /// The steps of stretches; `nil` where they are none that a run can have.
        static func steps(_ stretches: [Stretch]) -> [RoundStep]? {
            var out: [RoundStep] = []
            for stretch in stretches {
                guard let step = RoundStep(rawValue: stretch.step), stretch.count > 0,
                    stretch.count <= roundLimit - out.count
                else { return nil }
                out.append(contentsOf: repeatElement(step, count: stretch.count))
            }
            return out
        }
    }

    /// Why a run cannot go on from a checkpoint.
    public enum ResumeError: Error, Sendable, Equatable, CustomStringConvertible {
        /// The checkpoint is of another scenario, or damaged.
        case notOfThisRun(String)

        /// One sentence.
        public var description: String {
            switch self {
            case .notOfThisRun(let reason): "the checkpoint does not fit the run: \(reason)"
            }
        }
    }

    /// The catalogues of a checkpoint; `nil` when it is damaged.
    private static func catalogues(_ checkpoint: Checkpoint) -> [Catalogue]? {
        let catalogues = checkpoint.domains.compactMap { domain in
            Digest(bytes: domain.digest).map {
                Catalogue(domain: domain.domain, itemCount: domain.itemCount, digest: $0)
            }
        }
        return catalogues.count == checkpoint.domains.count ? catalogues : nil
    }

    /// The schema of the run of a checkpoint.
    ///
    /// - Throws: `notOfThisRun`.
    public static func schema(
        of checkpoint: Checkpoint, _ scenario: ScenarioDefinition
    ) throws(ResumeError) -> ParameterSchema {
        guard let catalogues = catalogues(checkpoint) else { throw .notOfThisRun("a digest is damaged") }
        do { return try RunPlan(scenario, catalogues: catalogues).schema } catch { throw .notOfThisRun("\(error)") }
    }

    /// The tensors of the updates of a checkpoint that arrive later in simulated time, by client.
    package static func heldSpecs(of checkpoint: Checkpoint, _ schema: ParameterSchema) -> [String: [TensorSpec]] {
        Dictionary(
            uniqueKeysWithValues: checkpoint.heldRounds.keys.map { client in
                let domain = checkpoint.schedules.first { $0.value.work[client] != nil }?.key
                return (client, schema.specs.filter { domain.map(ReleaseName.factorUpdates) == $0.release })
            })
    }

    /// A coordinator that goes on between two rounds. Its clients join anew and do the past rounds again.
    ///
    /// - Parameters:
    ///   - shared: what had been broadcast; `beforeRefit` the same at the checkpoint's `refitStart`.
    ///   - ledger: with the coordinator's releases so far.
    /// - Throws: `notOfThisRun`.
    public init(
        resuming checkpoint: Checkpoint, _ scenario: ScenarioDefinition, seed: Int, now: Duration, shared: ParameterSet,
        beforeRefit: ParameterSet, noiseKey: StreamKey? = nil, ledger: Ledger
    ) throws(ResumeError) {
        self.init(scenario, seed: seed, now: now, noiseKey: noiseKey, ledger: ledger)
        guard let agreed = Coordinator.catalogues(checkpoint) else { throw .notOfThisRun("a digest is damaged") }
        guard let steps = Checkpoint.steps(checkpoint.steps), steps.indices.contains(checkpoint.closedRounds) else {
            throw .notOfThisRun("it has steps that are unknown")
        }
        self.agreed = agreed
        self.steps = steps
        self.shared = shared
        self.beforeRefit = beforeRefit
        refitStart = checkpoint.refitStart
        resumedIndex = checkpoint.closedRounds
        lost = checkpoint.lost
        admitted = checkpoint.admitted
        unheard = checkpoint.unheard
        changedIn = checkpoint.changedIn
        sentUpTo = checkpoint.sentUpTo
        unchanged = checkpoint.unchanged
        isRepeated = checkpoint.isRepeated
        if let progress = checkpoint.drift { drift?.resume(progress) }
        _ = expectVersions()
        do {
            let plan = try RunPlan(scenario, catalogues: agreed)
            self.plan = plan
            privacy = try PrivacyPlan(scenario, schema: plan.schema)
            try resumeServers(checkpoint, plan)
        } catch let error as ResumeError {
            throw error
        } catch { throw .notOfThisRun("\(error)") }
    }

    /// The servers that the next round goes on with.
    private mutating func resumeServers(_ checkpoint: Checkpoint, _ plan: RunPlan) throws {
        let index = checkpoint.closedRounds
        guard index > 0, steps[index] == steps[index - 1] else { return }
        let step = steps[index]
        if step.isForFactors {
            for group in scenario.clientGroups where group.isShared {
                let domain = group.domain
                var server = try makeFactorServer(group, step, plan)
                let state = checkpoint.moments[domain] ?? []
                guard state.count == server.state.count else {
                    throw ResumeError.notOfThisRun("the moments of \(domain) are missing")
                }
                server.resume(itemFactors: try shared.require(TensorName.itemFactors(domain)), state: state)
                factorServers[domain] = server
                try resumeSchedule(of: domain, step, checkpoint)
            }
        }
        if step.isForMap, let shape = MapShape(scenario) {
            var server = MapServer(scenario, shape, seed: seed, step: step)
            try server.resume(shared, state: checkpoint.moments["map"] ?? [])
            mapServer = server
        }
    }

    /// Simulated time as it stands, and what is on its way.
    private mutating func resumeSchedule(
        of domain: String, _ step: RoundStep, _ checkpoint: Checkpoint
    ) throws(ResumeError) {
        guard var schedule = FactorSchedule(scenario, domain: domain, seed: seed, step: step) else { return }
        guard let progress = checkpoint.schedules[domain] else {
            throw .notOfThisRun("the simulated time of \(domain) is missing")
        }
        schedule.progress = progress
        schedules[domain] = schedule
        for client in progress.work.keys {
            guard let round = checkpoint.heldRounds[client], let parameters = checkpoint.updates[client] else {
                throw .notOfThisRun("the update of \(client) is missing, which is on its way")
            }
            held[client] = HeldUpdate(round: round, domain: domain, parameters: parameters)
        }
    }

    /// The action that keeps the state before a round.
    func checkpoint(next index: Int) -> Action { .checkpoint(Checkpoint(self, next: index)) }
}
