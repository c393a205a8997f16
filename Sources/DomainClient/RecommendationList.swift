import Cryptography
import Federation
import Foundation
import Numerics
import Parameters
import Ratings
import Recommenders
import Record
import Scenario
public import Supervision
import Transfer
import Wire

/// The first recommendations for one person from the models of a finished run.
///
/// A persons client answers with the transferred model on that person's device, a domain client with the local model
/// that validation picked; where texts link the domains, the target's client with the transferred model. Items that the
/// person already has are left out; where fewer are left than asked for, the list is shorter.
public struct RecommendationList: Sendable {
    /// One recommended item.
    public struct Entry: Sendable {
        /// The id.
        public let item: String
        /// The title; empty when none is known.
        public let title: String
        /// The score; only the order of scores has a meaning.
        public let score: Float
        /// The person's own items that weigh most, heaviest first: how much lower the score would be without each.
        public let reasons: [Reason]
    }

    /// One of the person's own items behind a recommendation.
    public struct Reason: Sendable {
        /// The domain of the item.
        public let domain: String
        /// The title, or the id when none is known.
        public let title: String
        /// The score with the item less the score without it.
        public let weight: Float
    }

    /// The recommendations, best first.
    public let entries: [Entry]
    /// The method that ranked.
    public let method: String
    /// How many items of the target the person already has.
    public let seenCount: Int

    /// Recommends from a run.
    ///
    /// - Parameters:
    ///   - folder: the folder of one seed.
    ///   - client: the client that answers.
    ///   - user: the person.
    ///   - count: the length of the list.
    ///   - reasonCount: how many reasons each entry has.
    ///   - dataDirectory: where relative data paths start; `nil` for where the run had them.
    /// - Throws: a sentence with the exit code.
    public static func read(
        folder: String, client: String, user: String, count: Int, reasonCount: Int, dataDirectory: String?
    ) throws(RunFailure) -> RecommendationList {
        NumericsBackEnd.useOneThread()
        do {
            return try RecommendationSource(folder: folder, dataDirectory: dataDirectory)
                .list(client: client, user: user, count: count, reasonCount: reasonCount)
        } catch let failure as RunFailure {
            throw failure
        } catch let error as DataError {
            throw RunFailure(.data, error.description)
        } catch let error as RecordError {
            throw RunFailure(.inputOutput, error.description)
        } catch { throw RunFailure(.internalError, "\(error)") }
    }
}

/// A run's models and data, opened again.
private struct RecommendationSource {
    private struct Environment: Decodable {
        let dataDirectory: String
    }

    private let scenario: ScenarioDefinition
    private let record: RunRecord
    private let known: ParameterSet
    /// The sums of gradients of the last training, round by round.
    private let metaRounds: [ParameterSet]
    private let plan: RunPlan
    private let loader: DomainDataLoader
    /// The target's models of text, where texts link the domains.
    private let text: TextRanker?
    private let folder: String

    init(folder: String, dataDirectory: String?) throws {
        self.folder = folder
        let yaml = String(decoding: try RecordFile.read("\(folder)/scenario.yaml"), as: UTF8.self)
        scenario = try ScenarioDefinition(yaml: yaml, file: "\(folder)/scenario.yaml")
        record = try RecordFile.readJSON(RunRecord.self, from: "\(folder)/run.json")
        guard record.status == .completed else {
            throw RunFailure(.inputOutput, "\(folder) holds a run that did not complete; run the scenario again")
        }
        if scenario.isByText {
            (plan, known, text) = try KeptModels.read(folder, scenario, record)
            metaRounds = []
        } else {
            (plan, known, metaRounds) = try RecommendationSource.checkpoints(folder, scenario)
            text = nil
        }
        let place =
            try dataDirectory
            ?? RecordFile.readJSON(Environment.self, from: "\(folder)/environment.json").dataDirectory
        loader = DomainDataLoader(scenario: scenario, dataDirectory: place)
    }

    /// What the coordinator has broadcast, round by round.
    private static func checkpoints(
        _ folder: String, _ scenario: ScenarioDefinition
    ) throws -> (RunPlan, ParameterSet, [ParameterSet]) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/checkpoints")) ?? [])
            .filter { $0.hasSuffix(".safetensors") }.sorted { ($0.count, $0) < ($1.count, $1) }
        guard !names.isEmpty else {
            throw RunFailure(
                .inputOutput,
                "\(folder) holds no checkpoints (committed records have none); run the scenario again to get them")
        }
        let files = try names.map { try RecordFile.read("\(folder)/checkpoints/\($0)") }
        // The sizes of the catalogues are in the shapes of the item factors.
        var itemCounts: [String: Int] = [:]
        var entries: [[Safetensors.Entry]] = []
        for (name, bytes) in zip(names, files) {
            guard let described = Safetensors.describe(bytes[...]) else {
                throw RunFailure(.inputOutput, "\(folder)/checkpoints/\(name) is no safetensors file")
            }
            entries.append(described)
            for domain in scenario.domains {
                let factors = described.first { $0.name == TensorName.itemFactors(domain) }
                if let count = factors?.shape.first { itemCounts[domain] = count }
            }
        }
        let plan = try RunPlan(
            scenario,
            catalogues: itemCounts.map { Catalogue(domain: $0.key, itemCount: $0.value, digest: sha256([])) })
        var known = ParameterSet()
        var metaRounds: [ParameterSet] = []
        for (bytes, described) in zip(files, entries) {
            let names = Set(described.map(\.name))
            let specs = plan.schema.specs.filter { names.contains($0.name) }
            let set: ParameterSet
            do { set = try bytes.withUnsafeBytes { try Safetensors.decode($0, specs: specs) } } catch {
                throw RunFailure(
                    .inputOutput, "\(folder)/checkpoints do not fit this version of Ferry; run the scenario again")
            }
            for tensor in set.tensors { known.set(tensor) }
            if set.values(TensorName.meta(MethodName.meta, .start)) != nil { metaRounds.append(set) }
        }
        return (plan, known, metaRounds.suffix(scenario.transferRounds))
    }

    func list(client id: String, user: String, count: Int, reasonCount: Int) throws -> RecommendationList {
        guard let client = scenario.clients.first(where: { $0.id == id }) else {
            let ids = scenario.clients.map(\.id).joined(separator: ", ")
            throw RunFailure(.usage, "the run has no client \(id); its clients are \(ids)")
        }
        if scenario.isByText, client.group.domain != scenario.target {
            throw RunFailure(
                .usage,
                "client \(id) has kept no model of this run; with alignment text only the client of "
                    + "\(scenario.target) recommends")
        }
        var domains: [String: DomainData] = [:]
        var histories: [String: PersonHistory] = [:]
        for domain in client.group.isPersons ? client.group.links.sorted() : [client.group.domain] {
            let data = try loader.load(domain)
            domains[domain] = data
            let recorded = record.clients.first { $0.domain == domain }?.catalogue
            guard recorded == nil || recorded == data.interactions.catalogueDigest.description else {
                throw RunFailure(
                    .data, "the data of \(domain) has another catalogue than the run's; is --data right?")
            }
            guard let row = data.interactions.persons.firstIndex(of: user) else { continue }
            histories[domain] = data.interactions.history(row)
        }
        let isKnown =
            client.group.isPersons
            ? histories.count >= 2
                && PersonSplit(scenario, seed: record.seed).client(of: user, count: client.group.count) == client.index
            : !histories.isEmpty
        guard isKnown else {
            throw RunFailure(.data, "person \"\(user)\" is unknown to client \(id) of this run")
        }
        let target = client.group.isPersons ? plan.target : client.group.domain
        guard let data = domains[target] else {
            throw RunFailure(.data, "client \(id) does not link the target domain \(target)")
        }
        let game =
            scenario.isGameOfPersons && client.group.isPersons
            ? try KeptModels.tensors(folder, client: id, specs: plan.keptGameSpecs) : nil
        let device = Device(person: user, histories: histories)
        var ranker = try Ranker(
            scenario, plan: plan, known: known, metaRounds: metaRounds, text: text, game: game, record: record,
            target: target,
            data: data.interactions,
            isTransferred: client.group.isPersons || scenario.isByText, shots: device.interactionCount(in: target))
        let scores = try ranker.scores(device)
        let seen = device.history(in: target).items
        let top = try RankingMetrics.top(count, scores: scores, excluded: seen)
        let reasons = reasonCount > 0 ? try reasons(device, top, scores, &ranker, domains, reasonCount) : [:]
        return RecommendationList(
            entries: top.map { item in
                RecommendationList.Entry(
                    item: data.interactions.items[Int(item)],
                    title: data.descriptions.isEmpty ? "" : data.descriptions[Int(item)].title,
                    score: scores[Int(item)], reasons: reasons[item] ?? [])
            }, method: ranker.method, seenCount: seen.count)
    }

    /// The own items whose absence would lower each score most.
    private func reasons(
        _ device: Device, _ top: [UInt32], _ scores: [Float], _ ranker: inout Ranker, _ domains: [String: DomainData],
        _ count: Int
    ) throws -> [UInt32: [RecommendationList.Reason]] {
        var out: [UInt32: [RecommendationList.Reason]] = [:]
        for (domain, data) in domains.sorted(by: { $0.key < $1.key }) {
            let history = device.history(in: domain)
            for position in history.items.indices {
                let without = try ranker.scores(device.without(position, in: domain))
                let item = Int(history.items[position])
                let title = data.descriptions.isEmpty ? "" : data.descriptions[item].title
                for recommended in top {
                    let weight = scores[Int(recommended)] - without[Int(recommended)]
                    guard weight > 0 else { continue }
                    out[recommended, default: []].append(
                        RecommendationList.Reason(
                            domain: domain, title: title.isEmpty ? data.interactions.items[item] : title,
                            weight: weight))
                }
            }
        }
        return out.mapValues { reasons in
            Array(reasons.sorted { ($1.weight, $0.domain, $0.title) < ($0.weight, $1.domain, $1.title) }.prefix(count))
        }
    }
}

/// Ranks a domain's items for a device as the run would.
private struct Ranker {
    let method: String
    private var models: DeviceModels?
    private var foldIn: FoldIn?
    /// How old interactions fade in a person's vector of a source, as in the run.
    private var decay: SampleDecay?
    private let regularization: Float
    private let candidate: SelectionGrid.Candidate?
    private let map: FeatureMap?
    /// The local choice and the weight of the transferred one beside it.
    private var local: SelectionGrid.Candidate?
    private var gate: Double?
    private let target: String

    init(
        _ scenario: ScenarioDefinition, plan: RunPlan, known: ParameterSet, metaRounds: [ParameterSet],
        text: TextRanker?, game: ParameterSet?, record: RunRecord, target: String, data: Interactions,
        isTransferred: Bool, shots: Int
    ) throws {
        self.target = target
        regularization = Float(scenario.number("model.regularization"))
        guard target == plan.target else {
            // A source's own model is its implicit ALS; nothing else of it was released.
            let values = try known.require(TensorName.itemFactors(target))
            let factors = scenario.integer("model.factors")
            foldIn = FoldIn(
                itemFactors: Matrix(rowCount: values.count / factors, columnCount: factors, values: values),
                confidence: Float(scenario.number("model.confidence")))
            decay = DriftWindows(known, scenario: scenario)?.personDecay(target)
            method = MethodName.local
            candidate = nil
            map = nil
            return
        }
        var models = try DeviceModels(
            plan: plan, known: known, scenario: scenario, scale: try RatingScale(scenario, target: data))
        models.text = text
        models.personGame = try game.map {
            try PersonGameTrainer(kept: $0, scenario: scenario, basis: models.target.basis)
        }
        if scenario.isMeta {
            var trainer = try MetaTrainer(
                scenario, seed: record.seed, key: StreamKey(root: UInt64(record.seed)))
            try trainer.prepare(.final, models: models)
            for sums in metaRounds { try trainer.move(sums) }
            models.meta = trainer
        }
        // The choice for the most shots that are not more than what is known.
        let bucket = scenario.integers("evaluation.shots").filter { $0 <= shots }.max() ?? 0
        let wanted = isTransferred ? scenario.transferMethod : MethodName.bestLocal
        func chosen(_ method: String) -> (candidate: SelectionGrid.Candidate?, gate: Double?) {
            guard let choice = record.choices.first(where: { $0.method == method && $0.shots == bucket }) else {
                // A method with nothing to choose is in no list of choices.
                let own = plan.grid.candidates.filter { $0.method == method && $0.shots == bucket }
                return (own.count == 1 ? own.first : nil, nil)
            }
            let candidate = plan.grid.candidates.first {
                ($0.method == method || method == MethodName.bestLocal) && $0.shots == bucket
                    && ChoiceRecord(method, $0, gate: choice.gate, coldGate: choice.coldGate) == choice
            }
            return (candidate, choice.gate)
        }
        let choice = chosen(wanted)
        candidate = choice.candidate
        if isTransferred {
            gate = choice.gate
            local = chosen(MethodName.bestLocal).candidate
        }
        method = isTransferred ? wanted : candidate?.method ?? MethodName.popularity
        map = try models.map(candidate, known: known)
        self.models = models
    }

    mutating func scores(_ device: Device) throws -> [Float] {
        let history = device.history(in: target)
        if var model = foldIn {
            try model.begin(history, decay: decay, regularization: regularization)
            return model.itemFactors.multiplied(by: model.vector())
        }
        guard let candidate, let popularity = models?.target.popularity else { return models?.target.popularity ?? [] }
        func scores(_ candidate: SelectionGrid.Candidate, _ map: FeatureMap?) throws -> [Float] {
            try models?.scores([candidate], maps: [map], device: device) { _ in history }.first ?? popularity
        }
        let own = try scores(candidate, map)
        guard let gate else { return own }
        return DeviceModels.blend(
            own, with: try local.map { try scores($0, nil) } ?? popularity, weight: gate, coldWeight: gate,
            isColdItem: [])
    }
}
