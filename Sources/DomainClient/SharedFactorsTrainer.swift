import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Scenario

/// What one of several clients of a domain does in the rounds in which they learn the domain's item factors.
struct SharedFactorsTrainer {
    /// The stage whose data it trains on.
    let stage: SplitStage
    private let domain: String
    private let model: SharedItemFactors
    private let personCount: Int
    private let rowCount: Int
    private let itemCount: Int
    private let factors: Int
    private let clientCount: Int
    private let localSteps: Int
    private let proximal: Float
    /// What a byzantine client multiplies its updates by; 1 for an honest one.
    private let falsehood: Float
    private var control: ControlVariate?

    init(_ scenario: ScenarioDefinition, client: ScenarioDefinition.Client, stage: SplitStage, rows: SparseRows) {
        self.stage = stage
        domain = client.group.domain
        clientCount = client.group.count
        rowCount = rows.rowCount
        itemCount = rows.columnCount
        factors = scenario.integer("model.factors")
        localSteps = scenario.integer("federation.local-steps")
        proximal =
            scenario.text("federation.strategy") == AggregationStrategy.fedProx.rawValue
            ? Float(scenario.number("federation.proximal-weight")) : 0
        let isByzantine = client.index >= clientCount - scenario.integer("faults.byzantine-clients")
        falsehood = isByzantine ? Float(scenario.number("faults.byzantine-scale")) : 1
        model = SharedItemFactors(
            rows, regularization: Float(scenario.number("model.regularization")),
            confidence: Float(scenario.number("model.confidence")))
        personCount = model.personCount
    }

    /// Puts the client's part of a round into the gate.
    mutating func release(_ plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate) throws {
        let training = plan.training
        let common = Matrix(
            rowCount: itemCount, columnCount: factors, values: try known.require(TensorName.itemFactors(domain)))
        func publish(_ part: TensorName.FactorPart, _ values: [Float]) throws {
            let name = TensorName.factor(domain, part)
            let bound = try plan.schema.spec(name).bound
            try gate.publish(name, values: part == .weight ? values : falsified(values, bound: bound))
        }
        switch training {
        case .halfSweeps:
            let statistics = model.statistics(try model.userFactors(common))
            try publish(.gram, statistics.gram.values)
            try publish(.products, statistics.products)
            try publish(.sums, statistics.sums.values)
        case .gradient(let persons):
            try releaseGradient(common, countsPersons: persons == nil, plan: plan, gate: &gate)
        case .changes(let strategy):
            let server = try strategy == .scaffold ? known.require(TensorName.controlVariate(domain)) : []
            var local = common
            for _ in 0..<localSteps {
                var next = try model.dampedSweep(
                    local, common: common, proximal: proximal, clientCount: clientCount)
                if strategy == .scaffold, let control {
                    // In units of a damped step, which takes the place of the gradient.
                    let correction = control.correction(server: server)
                    for index in next.values.indices { next.values[index] -= correction[index] }
                }
                local = next
            }
            try publish(.weight, [Float(personCount)])
            try publish(.change, zip(local.values, common.values).map { $0 - $1 })
            guard strategy == .scaffold else { return }
            var control = control ?? ControlVariate(parameterCount: common.values.count)
            let change = control.update(
                server: server, start: common.values, end: local.values, stepCount: localSteps, rate: 1)
            self.control = control
            try publish(.controlChange, change)
        }
    }

    /// What a byzantine client makes of values; it keeps within the bound, for beyond it everything is refused.
    private func falsified(_ values: [Float], bound: Float) -> [Float] {
        falsehood == 1 ? values : values.map { min(max($0 * falsehood, -bound), bound) }
    }

    private func releaseGradient(
        _ common: Matrix, countsPersons: Bool, plan: RunPlan, gate: inout ReleaseGate
    ) throws {
        let users = try model.userFactors(common)
        let release = ReleaseName.factorUpdates(domain)
        try gate.begin(release: release)
        let limit = try plan.schema.spec(TensorName.factor(domain, .gradient)).bound / Float(max(1, personCount)) / 2
        for person in 0..<rowCount where model.hasInteractions(person) {
            try gate.contribute(to: release) { contribution in
                if countsPersons { contribution.write(TensorName.factor(domain, .weight)) { $0[0] = 1 } }
                contribution.write(TensorName.factor(domain, .gradient)) { target in
                    model.writeGradient(
                        of: person, userFactor: users.row(person), itemFactors: common, to: target)
                    if falsehood == 1 { return }
                    for index in target.indices {
                        target[index] = min(max(target[index] * falsehood, -limit), limit)
                    }
                }
            }
        }
    }
}
