import Federation
import Numerics
import Ratings
import Recommenders
import Scenario
import Transfer

/// `pooled-reference`: one model of all domains' ratings in one place, which no federation has.
///
/// It reads what no device may, for comparison alone: nothing of it leaves the process but figures of the record. It is
/// a reference, not an upper bound: a model of the target alone can be better.
struct PooledReference {
    private let rows: SparseRows
    private let starts: [String: Int]
    private let target: String
    private let targetItemCount: Int
    private var foldIn: FoldIn
    private var weights: [Double: ItemWeights] = [:]

    /// Trains the pooled implicit ALS on what a stage may see of the linked domains.
    init(
        _ domains: [String: Interactions], splits: [String: DomainSplit], stage: SplitStage,
        scenario: ScenarioDefinition, seed: Int
    ) throws {
        target = scenario.target
        targetItemCount = domains[target]?.items.count ?? 0
        var starts: [String: Int] = [:]
        var itemCount = 0
        var lists: [String: [UInt32]] = [:]
        for (domain, interactions) in domains.sorted(by: { $0.key < $1.key }) {
            starts[domain] = itemCount
            guard let split = splits[domain] else { continue }
            for (index, person) in interactions.persons.enumerated() {
                let history = interactions.history(index)
                let positions = split.training(of: person, history, stage: stage)
                lists[person, default: []] += positions.map { UInt32(itemCount) + history.items[$0] }
            }
            itemCount += interactions.items.count
        }
        self.starts = starts
        var rowStarts = [0]
        var columns: [UInt32] = []
        for (_, items) in lists.sorted(by: { $0.key < $1.key }) {
            columns += items
            rowStarts.append(columns.count)
        }
        rows = SparseRows(starts: rowStarts, columns: columns, columnCount: itemCount)
        let configuration = ImplicitALS.Configuration(scenario)
        let model = try ImplicitALS(
            rows, configuration: configuration,
            stream: RandomStream(
                root: UInt64(seed), path: ["pooled-reference", .name(stage == .final ? "final" : "selection")]))
        foldIn = FoldIn(itemFactors: model.itemFactors, confidence: configuration.confidence)
    }

    /// The target's scores for a person with some target interactions known beside all source histories.
    mutating func scores(
        _ candidate: SelectionGrid.Candidate, device: Device, known: PersonHistory
    ) throws -> [Float] {
        var items = known.items.map { UInt32(starts[target] ?? 0) + $0 }
        for (domain, start) in starts where domain != target {
            items += device.history(in: domain).items.map { UInt32(start) + $0 }
        }
        items.sort()
        let first = starts[target] ?? 0
        let regularization = candidate.regularization ?? 0
        if candidate.model == MethodName.ease {
            let model = try weights[regularization] ?? ItemWeights.ease(rows: rows, regularization: regularization)
            weights[regularization] = model
            return Array(model.scores(known: items)[first..<first + targetItemCount])
        }
        try foldIn.begin(items: items[...], regularization: Float(regularization))
        return Array(foldIn.itemFactors.multiplied(by: foldIn.vector())[first..<first + targetItemCount])
    }
}
