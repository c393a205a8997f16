import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Record
import Scenario
import Transfer
import Wire

/// A service that holds the ratings of one domain: trains its model and releases item factors and moments.
struct DomainWorker: RoundWorker {
    private let scenario: ScenarioDefinition
    private let seed: Int
    private let client: ScenarioDefinition.Client
    private let interactions: Interactions
    private let split: PersonSplit

    init(_ client: ScenarioDefinition.Client, scenario: ScenarioDefinition, seed: Int, loader: DomainDataLoader) throws
    {
        self.client = client
        self.scenario = scenario
        self.seed = seed
        interactions = try loader.load(client.group.domain)
        split = PersonSplit(scenario, seed: seed)
    }

    private var domain: String { client.group.domain }

    /// A sentence about duplicates for the user, when there were any.
    var warning: String? {
        guard interactions.duplicateCount > 0 else { return nil }
        return "\(client.id): \(interactions.duplicateCount) rows repeat a (person, item) pair; "
            + "kept one of each (data.duplicates: \(client.group.data?.duplicates ?? "default"))"
    }

    var catalogues: [Catalogue] {
        [Catalogue(domain: domain, itemCount: interactions.items.count, digest: interactions.catalogueDigest)]
    }

    func work(_ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate) throws {
        let isTarget = domain == plan.target
        // Cold persons never train the target; validation persons only once every choice is made.
        let rows = interactions.rows.keepingRows { index in
            guard isTarget else { return true }
            switch split.part(of: interactions.persons[index]) {
            case .training: return true
            case .validation: return step == .refitEncoders
            case .cold: return false
            }
        }
        let configuration = ImplicitALS.Configuration(scenario)
        let stream = RandomStream(
            root: UInt64(seed), path: ["implicit-als", .name(domain), .name(step.description)])
        let model = try ImplicitALS(rows, configuration: configuration, stream: stream)
        try gate.publish(TensorName.itemFactors(domain), values: model.itemFactors.values)

        let moments = ReleaseName.moments(domain)
        try gate.begin(release: moments)
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: configuration.confidence)
        for index in 0..<rows.rowCount where !rows.row(index).isEmpty {
            try foldIn.begin(items: rows.row(index), regularization: configuration.regularization)
            let vector = foldIn.vector()
            // A source is described by the features of its persons, the target by their factors.
            guard let value = isTarget ? vector : SourceFeatures.raw(vector) else { continue }
            try gate.contribute(to: moments) { contribution in
                contribution.write(TensorName.momentCount(domain)) { $0[0] = 1 }
                contribution.write(TensorName.momentSum(domain)) { target in
                    for element in value.indices { target[element] = value[element] }
                }
                contribution.write(TensorName.momentProduct(domain)) { writeOuterProduct(value, value, to: $0) }
            }
        }
        guard isTarget else { return }
        let counts = ReleaseName.itemCounts(domain)
        try gate.begin(release: counts)
        for index in 0..<rows.rowCount where !rows.row(index).isEmpty {
            try gate.contribute(to: counts) { contribution in
                contribution.write(TensorName.itemCounts(domain)) { target in
                    for item in rows.row(index) { target[Int(item)] = 1 }
                }
            }
        }
    }

    var folderRecord: ClientFolderRecord {
        ClientFolderRecord(
            client: ClientRecord(
                id: client.id, domain: domain, users: interactions.persons.count, items: interactions.items.count,
                interactions: interactions.rows.columns.count, duplicates: interactions.duplicateCount),
            evaluation: [], choices: [])
    }
}

/// Writes `left · rightᵀ` in row-major order.
func writeOuterProduct(_ left: [Float], _ right: [Float], to target: UnsafeMutableBufferPointer<Float>) {
    precondition(target.count == left.count * right.count, "an outer product of another shape")
    for row in left.indices {
        for column in right.indices { target[row * right.count + column] = left[row] * right[column] }
    }
}

extension PersonSplit {
    /// The split that a scenario and a seed define, the same in every process.
    init(_ scenario: ScenarioDefinition, seed: Int) {
        self.init(
            seed: seed, coldShare: scenario.number("evaluation.cold-users"),
            validationShare: scenario.number("evaluation.validation-users"))
    }
}

extension ImplicitALS.Configuration {
    /// The model of a scenario.
    init(_ scenario: ScenarioDefinition) {
        self.init(
            factors: scenario.integer("model.factors"), regularization: Float(scenario.number("model.regularization")),
            confidence: Float(scenario.number("model.confidence")), iterations: scenario.integer("model.iterations"),
            solver: scenario.text("model.solver") == "cholesky"
                ? .cholesky : .conjugateGradient(steps: scenario.integer("model.solver-steps")))
    }
}
