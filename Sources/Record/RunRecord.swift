/// One client in a record.
public struct ClientRecord: Codable, Sendable, Equatable {
    /// The id.
    public let id: String
    /// The domain.
    public let domain: String
    /// Persons whose data the client holds.
    public let users: Int
    /// Items of its catalogue; of the target's for a persons client.
    public let items: Int
    /// Distinct (person, item) pairs.
    public let interactions: Int
    /// Rows that repeated a pair.
    public let duplicates: Int
    /// The digest of a domain client's catalogue in hexadecimal.
    public let catalogue: String?
    /// The window of time in which a synthetic domain changed, where drift is looked for.
    public let change: Int?
    /// Of a client whose updates do not cross bit by bit: the norm of what is not sent yet, over the norm of the round's
    /// change, in the mean over rounds. It stays on the client's machine until the record is made.
    public let formatError: Double?

    enum CodingKeys: String, CodingKey {
        case id, domain, users, items, interactions, duplicates, catalogue, change
        case formatError = "format-error"
    }

    /// Makes a client record.
    public init(
        id: String, domain: String, users: Int, items: Int, interactions: Int, duplicates: Int,
        catalogue: String? = nil,
        change: Int? = nil, formatError: Double? = nil
    ) {
        self.formatError = formatError
        self.id = id
        self.domain = domain
        self.users = users
        self.items = items
        self.interactions = interactions
        self.duplicates = duplicates
        self.catalogue = catalogue
        self.change = change
    }
}

/// One measured figure.
public struct EvaluationRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case client, method, cohort, shots, metric, value, users
        case interval = "ci95"
    }

    /// The cohort's name of attacks, which score nobody.
    public static let membershipCohort = "membership"

    /// The client that measured.
    public let client: String
    /// The method.
    public let method: String
    /// The cohort.
    public let cohort: String
    /// Known target interactions; `nil`, written as `null`, for persons with all of their history.
    public let shots: Int?
    /// The metric, such as `ndcg@10`.
    public let metric: String
    /// The mean over the cohort.
    public let value: Double
    /// The ends of the 95 % interval; empty when it is undefined.
    public let interval: [Double]
    /// Scored persons.
    public let users: Int

    /// Makes a figure.
    public init(
        client: String, method: String, cohort: String, shots: Int?, metric: String, value: Double, interval: [Double],
        users: Int
    ) {
        self.client = client
        self.method = method
        self.cohort = cohort
        self.shots = shots
        self.metric = metric
        self.value = value
        self.interval = interval
        self.users = users
    }

    /// The order of records: client, cohort, method, metric, shots.
    public static func isOrdered(_ first: EvaluationRecord, _ second: EvaluationRecord) -> Bool {
        (first.client, first.cohort, first.method, first.metric, first.shots ?? .max)
            < (second.client, second.cohort, second.method, second.metric, second.shots ?? .max)
    }

    /// Writes `null` explicitly for an absent number of shots.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(client, forKey: .client)
        try container.encode(method, forKey: .method)
        try container.encode(cohort, forKey: .cohort)
        try container.encode(shots, forKey: .shots)
        try container.encode(metric, forKey: .metric)
        try container.encode(value, forKey: .value)
        try container.encode(interval, forKey: .interval)
        try container.encode(users, forKey: .users)
    }
}

/// What the validation persons decided.
public struct ChoiceRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case method, shots, ridge, regularization, model, weight, carry, damping, setting, gate, length
        case foldIn = "fold-in"
        case coldGate = "cold-items-gate"
        case itemRegularization = "item-regularization"
        case featureRatio = "feature-ratio"
        case sourceScale = "source-scale"
    }

    /// The method.
    public let method: String
    /// Known target interactions; `nil` for a choice of a domain client, which holds for every number.
    public let shots: Int?
    /// The linear map's ridge ρ or the network's weight decay, where the method has a map.
    public let ridge: Double?
    /// The kind of fold-in, where the method has a map.
    public let foldIn: String?
    /// The fold-in's λ; `nil` without shots.
    public let regularization: Double?
    /// The model that was picked, the two that were blended, or the source that has the weight.
    public let model: String?
    /// The weight of the first of two blended models, or of one of several sources.
    public let weight: Double?
    /// The share of a person's source offset.
    public let carry: Double?
    /// The damping of a person's offset.
    public let damping: Double?
    /// The value of the method's `tune:` grid that a domain client chose.
    public let setting: Double?

    /// g, the weight of the transferred ranking beside the best local one.
    public let gate: Double?
    /// g of items that nobody trained on, where they have one of their own.
    public let coldGate: Double?

    /// How strongly items follow their features, where the model has features.
    public let itemRegularization: Double?
    /// How strongly the weights of features follow those they start from, over `itemRegularization`.
    public let featureRatio: Double?
    /// The size of the weights of source features at the start.
    public let sourceScale: Double?
    /// How long item features are: `predicted`, or all `equal`.
    public let length: String?

    /// Makes a choice.
    public init(
        method: String, shots: Int? = nil, ridge: Double? = nil, foldIn: String? = nil, regularization: Double? = nil,
        model: String? = nil, weight: Double? = nil, carry: Double? = nil, damping: Double? = nil,
        setting: Double? = nil, gate: Double? = nil, coldGate: Double? = nil, itemRegularization: Double? = nil,
        featureRatio: Double? = nil,
        sourceScale: Double? = nil, length: String? = nil
    ) {
        self.coldGate = coldGate
        self.length = length
        self.itemRegularization = itemRegularization
        self.featureRatio = featureRatio
        self.sourceScale = sourceScale
        self.method = method
        self.shots = shots
        self.ridge = ridge
        self.foldIn = foldIn
        self.regularization = regularization
        self.model = model
        self.weight = weight
        self.carry = carry
        self.damping = damping
        self.setting = setting
        self.gate = gate
    }
}

/// How far two domains are apart by one measure, before and after the transfer.
public struct DiscrepancyRecord: Codable, Sendable, Equatable {
    /// The source domain.
    public let source: String
    /// The target domain.
    public let target: String
    /// The measure: `coral`, `bures-wasserstein`, `mmd`, `sliced-wasserstein` (all squared), `principal-angle` (radians),
    /// `linear-cka` (a similarity, 1 for equal representations of public words), `proxy-a-distance`, or the accuracy of a
    /// discriminator on held-out items.
    public let measure: String
    /// Of the domains as they are.
    public let before: Double
    /// As the transfer sees them.
    public let after: Double

    /// Makes a record.
    public init(source: String, target: String, measure: String, before: Double, after: Double) {
        self.source = source
        self.target = target
        self.measure = measure
        self.before = before
        self.after = after
    }
}

/// What a client writes into its own folder for the launcher to merge.
public struct ClientFolderRecord: Codable, Sendable, Equatable {
    /// The client.
    public let client: ClientRecord
    /// Its figures.
    public let evaluation: [EvaluationRecord]
    /// What its validation persons decided.
    public let choices: [ChoiceRecord]
    /// How far the domains are apart.
    public let discrepancy: [DiscrepancyRecord]

    /// Makes a folder record.
    public init(
        client: ClientRecord, evaluation: [EvaluationRecord], choices: [ChoiceRecord],
        discrepancy: [DiscrepancyRecord] = []
    ) {
        self.client = client
        self.evaluation = evaluation
        self.choices = choices
        self.discrepancy = discrepancy
    }

    /// The same with what the client's updates left over.
    public func with(formatError: Double?) -> ClientFolderRecord {
        ClientFolderRecord(
            client: ClientRecord(
                id: client.id, domain: client.domain, users: client.users, items: client.items,
                interactions: client.interactions, duplicates: client.duplicates, catalogue: client.catalogue,
                change: client.change, formatError: formatError), evaluation: evaluation, choices: choices,
            discrepancy: discrepancy)
    }
}

/// How a run ended.
public enum RunStatus: String, Codable, Sendable, Equatable {
    /// Every round is done.
    case completed
    /// A needed client was lost.
    case peerLost = "peer-lost"
    /// The user stopped it.
    case interrupted
    /// A later seed failed.
    case failed
}

/// A ε for each adversary; `nil` is "no bound" and is written as `null`.
public struct EpsilonRecord: Codable, Sendable, Equatable {
    /// Against the coordinator.
    public let coordinator: Double?
    /// Against another client.
    public let peer: Double?
    /// Against the coordinator together with clients that do not hold the person; `nil` too in a record that is older
    /// than this adversary.
    public let colluders: Double?
    /// Against whoever gets the released model.
    public let model: Double?

    /// No bound against anybody.
    public static let noBound = EpsilonRecord(coordinator: nil, peer: nil, colluders: nil, model: nil)

    /// Makes the four bounds; `nil` is "no bound".
    public init(coordinator: Double?, peer: Double?, colluders: Double?, model: Double?) {
        self.coordinator = coordinator
        self.peer = peer
        self.colluders = colluders
        self.model = model
    }

    /// Writes `null` explicitly: an absent ε could be taken for an oversight.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(coordinator, forKey: .coordinator)
        try container.encode(peer, forKey: .peer)
        try container.encode(colluders, forKey: .colluders)
        try container.encode(model, forKey: .model)
    }
}

/// A share of the persons who train, or validate where that is a cohort of its own, and what everything that depends on
/// their data costs together.
public struct PrivacyCohortRecord: Codable, Sendable, Equatable {
    /// The name.
    public let name: String
    /// The share of these persons, by keyed hash.
    public let share: Double
    /// ε by adversary.
    public let epsilon: EpsilonRecord

    /// Makes a cohort.
    public init(name: String, share: Double, epsilon: EpsilonRecord) {
        self.name = name
        self.share = share
        self.epsilon = epsilon
    }
}

/// What is promised to the persons in the data.
public struct PrivacyRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case mode, unit, neighbouring, delta, epsilon, releases, unprotected, cohorts
        case protectedEpsilon = "protected-epsilon"
        case ratingsPerPerson = "ratings-per-person"
        case covers
        case hasReproducibleNoise = "reproducible-noise"
    }

    /// The mode.
    public let mode: String
    /// Whose presence is protected.
    public let unit: String
    /// The neighbouring relation.
    public let neighbouring: String
    /// δ; `nil` when there is no ε.
    public let delta: Double?
    /// ε by adversary.
    public let epsilon: EpsilonRecord
    /// Every kind of release.
    public let releases: [ReleaseRecord]
    /// The releases without protection.
    public let unprotected: [String]
    /// Whether the noise can be computed again from the seed.
    public let hasReproducibleNoise: Bool
    /// The cohorts of persons with different promises; absent where all have the same.
    public let cohorts: [PrivacyCohortRecord]?
    /// All protected releases together, conditional on the unprotected ones; absent without any.
    public let protectedEpsilon: EpsilonRecord?
    /// The most ratings of one person that enter protected releases; absent where all do.
    public let ratingsPerPerson: Int?
    /// What an ε covers and what it does not, where the unit is smaller than a person; absent otherwise.
    public let covers: String?

    /// What an ε per rating covers.
    public static let coverageOfRatings =
        "that one person rated one item, and with which value; not that the person is there: the losses of several ratings "
        + "of one person add up"

    /// Makes a privacy section.
    public init(
        mode: String, unit: String, neighbouring: String, delta: Double?, epsilon: EpsilonRecord,
        releases: [ReleaseRecord], unprotected: [String], hasReproducibleNoise: Bool,
        cohorts: [PrivacyCohortRecord]? = nil, protectedEpsilon: EpsilonRecord? = nil, ratingsPerPerson: Int? = nil,
        covers: String? = nil
    ) {
        self.covers = covers
        self.ratingsPerPerson = ratingsPerPerson
        self.cohorts = cohorts
        self.protectedEpsilon = protectedEpsilon
        self.mode = mode
        self.unit = unit
        self.neighbouring = neighbouring
        self.delta = delta
        self.epsilon = epsilon
        self.releases = releases
        self.unprotected = unprotected
        self.hasReproducibleNoise = hasReproducibleNoise
    }

    /// Writes `null` for an absent δ.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mode, forKey: .mode)
        try container.encode(unit, forKey: .unit)
        try container.encode(neighbouring, forKey: .neighbouring)
        try container.encode(delta, forKey: .delta)
        try container.encode(epsilon, forKey: .epsilon)
        try container.encode(releases, forKey: .releases)
        try container.encode(unprotected, forKey: .unprotected)
        try container.encode(hasReproducibleNoise, forKey: .hasReproducibleNoise)
        try container.encodeIfPresent(cohorts, forKey: .cohorts)
        try container.encodeIfPresent(protectedEpsilon, forKey: .protectedEpsilon)
        try container.encodeIfPresent(ratingsPerPerson, forKey: .ratingsPerPerson)
        try container.encodeIfPresent(covers, forKey: .covers)
    }
}

/// Plans and updates that crossed, without transport and endpoints.
public struct WireTotals: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case messages
        case bytesUp = "bytes-up"
        case bytesDown = "bytes-down"
    }

    /// Bytes from clients to the coordinator.
    public let bytesUp: Int
    /// Bytes from the coordinator to clients.
    public let bytesDown: Int
    /// Messages both ways.
    public let messages: Int

    /// Makes totals.
    public init(bytesUp: Int, bytesDown: Int, messages: Int) {
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.messages = messages
    }
}

/// The deterministic record of one seed, `run.json`.
public struct RunRecord: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let schema = "ferry.run/1"

    enum CodingKeys: String, CodingKey {
        case schema, scenario, seed, rounds, status, clients, evaluation, choices, discrepancy, missing, privacy, wire
        case version, drift, absences
        case updates = "update-format"
        case simulatedTime = "simulated-time"
        case schemaDigest = "parameter-schema"
    }

    /// `ferry.run/1`.
    public let schema: String
    /// The version of Ferry.
    public let version: String
    /// The scenario's name.
    public let scenario: String
    /// The seed.
    public let seed: Int
    /// Rounds that were closed.
    public let rounds: Int
    /// How it ended.
    public let status: RunStatus
    /// The clients, by id.
    public let clients: [ClientRecord]
    /// The figures, in their order.
    public let evaluation: [EvaluationRecord]
    /// What validation decided.
    public let choices: [ChoiceRecord]
    /// How far the domains are apart before and after the transfer.
    public let discrepancy: [DiscrepancyRecord]
    /// Clients that were lost, by id.
    public let missing: [String]
    /// The digest of the schema of shared parameters.
    public let schemaDigest: String
    /// The privacy section.
    public let privacy: PrivacyRecord
    /// The traffic.
    public let wire: WireTotals
    /// What the windows of time showed; absent without drift detection.
    public let drift: DriftRecord?
    /// The rounds that clients did not answer; absent where all did.
    public let absences: [RoundAbsence]?
    /// How updates crossed; absent where the scenario does not say.
    public let updates: UpdateFormatRecord?
    /// How shared item factors were learnt in simulated time; absent where none is simulated.
    public let simulatedTime: [SimulatedTimeRecord]?

    /// Makes a record.
    public init(
        version: String, scenario: String, seed: Int, rounds: Int, status: RunStatus, clients: [ClientRecord],
        evaluation: [EvaluationRecord], choices: [ChoiceRecord], discrepancy: [DiscrepancyRecord] = [],
        missing: [String], schemaDigest: String, privacy: PrivacyRecord, wire: WireTotals,
        drift: DriftRecord? = nil, absences: [RoundAbsence]? = nil, updates: UpdateFormatRecord? = nil,
        simulatedTime: [SimulatedTimeRecord]? = nil
    ) {
        self.updates = updates
        self.simulatedTime = simulatedTime
        self.absences = absences
        self.schema = RunRecord.schema
        self.version = version
        self.scenario = scenario
        self.seed = seed
        self.rounds = rounds
        self.status = status
        self.clients = clients
        self.evaluation = evaluation
        self.choices = choices
        self.discrepancy = discrepancy
        self.missing = missing
        self.schemaDigest = schemaDigest
        self.privacy = privacy
        self.wire = wire
        self.drift = drift
    }
}
