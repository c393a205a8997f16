/// A scenario: one experiment, decoded strictly, every default filled in.
public struct ScenarioDefinition: Sendable, Equatable {
    /// Where a domain client's ratings come from.
    public struct DataSource: Sendable, Equatable {
        /// The format's name, one of `DataFormatName.all`.
        public let format: String
        /// The file or folder of ratings; `nil` for the synthetic world.
        public let ratings: String?
        /// The file of items.
        public let items: String?
        /// The file of dense item vectors.
        public let itemVectors: String?
        /// The file of word vectors of its own.
        public let wordVectors: String?
        /// The duplicate rule's name.
        public let duplicates: String
        /// The rule for ratings of 0.
        public let zeros: String
        /// The Jaccard index from which items are merged; `nil` for none.
        public let mergeTwins: Double?
        /// Malformed lines that are left out.
        public let malformedLineLimit: Int
        /// The columns of a csv file: user, item, rating, time.
        public let columns: [String?]

        /// Why items cannot have vectors, `nil` where they can: from words, from a file of their own, or dense ones of
        /// the synthetic world.
        ///
        /// - Parameters:
        ///   - wordVectors: `text.word-vectors`.
        ///   - worldVectors: `world.item-vectors`.
        func vectorObstacle(wordVectors: String?, worldVectors: String?) -> VectorObstacle? {
            let isSynthetic = format == DataFormatName.synthetic
            if itemVectors != nil || (isSynthetic && worldVectors == "dense") { return nil }
            guard isSynthetic || items != nil else { return .noText }
            return (self.wordVectors ?? wordVectors) == "none" ? .noWordVectors : nil
        }

        /// Whether vectors of items are those of their words.
        func isOfWords(worldVectors: String?) -> Bool {
            itemVectors == nil && !(format == DataFormatName.synthetic && worldVectors == "dense")
        }
    }

    /// Why the items of a domain have no vectors.
    public enum VectorObstacle: Sendable, Equatable {
        /// Nothing names their text or vectors.
        case noText
        /// They have text, and `text.word-vectors` is none.
        case noWordVectors
    }

    /// Why the items of a domain have no vectors; `nil` where they can have some.
    public func vectorObstacle(of domain: String) -> VectorObstacle? {
        guard let data = data(of: domain) else { return .noText }
        return data.vectorObstacle(
            wordVectors: optionalText("text.word-vectors"), worldVectors: optionalText("world.item-vectors"))
    }

    /// One entry of `clients:`.
    public struct ClientGroup: Sendable, Equatable {
        /// The id, and the stem of the ids when there are several.
        public let id: String
        /// The domain, or `persons`.
        public let domain: String
        /// How many clients.
        public let count: Int
        /// How many of them one process holds.
        public let perProcess: Int
        /// The linked domains of a persons client.
        public let links: [String]
        /// The data of a domain client.
        public let data: DataSource?

        /// Whether the clients are devices of persons.
        public var isPersons: Bool { domain == ScenarioDefinition.personsDomain }

        /// Whether several clients share a domain.
        public var isShared: Bool { !isPersons && count > 1 }

        /// Its clients.
        var clients: [Client] {
            (0..<count).map { Client(id: count == 1 ? id : "\(id)-\($0 + 1)", group: self, index: $0) }
        }
    }

    /// One client.
    public struct Client: Sendable, Equatable {
        /// The id.
        public let id: String
        /// The entry that it belongs to.
        public let group: ClientGroup
        /// Its index in the entry, from 0.
        public let index: Int
    }

    /// The domain name that marks persons clients.
    public static let personsDomain = "persons"

    /// The name.
    public let name: String
    /// The seeds.
    public let seeds: [Int]
    /// The entries of `clients:`.
    public let clientGroups: [ClientGroup]
    /// The target domain.
    public let target: String
    /// What happens to single clients on purpose, in the order of the file.
    public let faults: [FaultEvent]
    private let values: [String: ScenarioValue]
    private let sectionCounts: [String: Int]

    /// The clients in the order of the file.
    public var clients: [Client] { clientGroups.flatMap(\.clients) }

    /// The ids of the clients of each process, in the order of the file. A client that something happens to on purpose is
    /// alone in its process: what kills or delays it must not touch others.
    public var clientProcesses: [[String]] {
        let ids = Set(faults.map(\.client))
        var processes: [[String]] = []
        for group in clientGroups {
            var open: [String] = []
            for client in group.clients {
                if ids.contains(client.id) {
                    processes.append([client.id])
                    continue
                }
                open.append(client.id)
                if open.count == group.perProcess {
                    processes.append(open)
                    open = []
                }
            }
            if !open.isEmpty { processes.append(open) }
        }
        return processes
    }

    /// What messages and records call the process of some clients: the client, or the first and the last of several.
    public static func processName(_ ids: [String]) -> String {
        ids.count > 1 ? "\(ids[0]) to \(ids[ids.count - 1])" : ids.first ?? ""
    }

    /// The domains with data, sorted.
    public var domains: [String] { Set(clientGroups.filter { !$0.isPersons }.map(\.domain)).sorted() }

    /// The domains other than the target, sorted.
    public var sources: [String] { domains.filter { $0 != target } }

    /// The data source of a domain.
    public func data(of domain: String) -> DataSource? { clientGroups.first { $0.domain == domain }?.data }

    /// Whether several clients share a domain.
    public func isShared(_ domain: String) -> Bool {
        clientGroups.contains { $0.isShared && $0.domain == domain }
    }

    /// Rounds in which the clients of shared domains learn item factors, before the choices and again after them.
    public var factorRounds: Int {
        // Where gradients of texts are all that domains share, each learns nothing of its items together.
        if isByText, isMeta { return 0 }
        return clientGroups.contains { $0.isShared } ? integer("federation.factor-rounds") : 0
    }

    /// A boolean value; the key must be in the table.
    public func boolean(_ path: String) -> Bool {
        guard case .boolean(let value)? = values[path] else { preconditionFailure("\(path) is no boolean key") }
        return value
    }

    /// An integer value; the key must be in the table.
    public func integer(_ path: String) -> Int {
        guard case .integer(let value)? = values[path] else { preconditionFailure("\(path) is no integer key") }
        return value
    }

    /// A number value; the key must be in the table.
    public func number(_ path: String) -> Double {
        guard case .number(let value)? = values[path] else { preconditionFailure("\(path) is no number key") }
        return value
    }

    /// A text value; the key must be in the table.
    public func text(_ path: String) -> String {
        guard case .text(let value)? = values[path] else { preconditionFailure("\(path) is no text key") }
        return value
    }

    /// A text value without a default, or `nil`.
    public func optionalText(_ path: String) -> String? {
        guard case .text(let value)? = values[path] else { return nil }
        return value
    }

    /// An integer value without a default, or `nil`.
    public func optionalInteger(_ path: String) -> Int? { values[path] == nil ? nil : integer(path) }

    /// A number value without a default, or `nil`, which the word `none` is too.
    public func optionalNumber(_ path: String) -> Double? {
        if case .number(let value)? = values[path] { value } else { nil }
    }

    /// The dimensions of a source's features: all factors, unless the scenario says fewer.
    public var sourceDimension: Int { optionalInteger("transfer.source-dimension") ?? integer("model.factors") }

    /// Whether noise protects what persons' devices release.
    public var isProtected: Bool {
        text("privacy.mode") != "none"
            && (optionalNumber("privacy.epsilon") != nil || optionalNumber("privacy.noise-multiplier") != nil)
    }

    /// Whether devices release a noised vector a person, in place of one sum over persons.
    public var releasesVectors: Bool { isProtected && optionalText("privacy.release") == "vectors" }

    /// Whether other persons train the encoders than serve the bridge.
    public var hasDisjointEncoders: Bool { isProtected && text("privacy.encoders") == "disjoint" }

    /// A list of integers; the key must be in the table.
    public func integers(_ path: String) -> [Int] {
        guard case .list(let list)? = values[path] else { preconditionFailure("\(path) is no list key") }
        return list.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    }

    /// A list of numbers; the key must be in the table.
    public func numbers(_ path: String) -> [Double] {
        guard case .list(let list)? = values[path] else { preconditionFailure("\(path) is no list key") }
        return list.compactMap { if case .number(let value) = $0 { value } else { nil } }
    }

    /// A list of numbers without a default, or `nil`.
    public func optionalNumbers(_ path: String) -> [Double]? { values[path] == nil ? nil : numbers(path) }

    /// A list of words; the key must be in the table.
    public func words(_ path: String) -> [String] {
        guard case .list(let list)? = values[path] else { preconditionFailure("\(path) is no list key") }
        return list.compactMap { if case .text(let value) = $0 { value } else { nil } }
    }

    /// Whether a baseline is asked for.
    public func hasBaseline(_ name: String) -> Bool { words("evaluation.baselines").contains(name) }

    /// The transfer method's name, which is that of its figures.
    public var transferMethod: String { text("transfer.method") }

    /// Whether nothing but item text links the domains, so that the target's client scores its own persons.
    public var isByText: Bool { text("transfer.alignment") == "text" }

    /// Whether the transfer is by meta-learning.
    public var isMeta: Bool { transferMethod == "meta" }

    /// Whether the transfer is the article's recipe.
    public var isArticle: Bool { transferMethod == "article" }

    /// Whether the transfer is by domain-adversarial features.
    public var isAdversarial: Bool { transferMethod == "adversarial" }

    /// Whether the adversarial game is one with items' texts, which domain clients play.
    public var isGameOfItems: Bool { isAdversarial && !isGameOfPersons }

    /// Whether the adversarial game is one with linked persons, which their devices play.
    public var isGameOfPersons: Bool { isAdversarial && optionalText("transfer.adversarial.input") == "persons" }

    /// Whether the feature map is a network that devices train by gradients.
    public var hasNetworkMap: Bool {
        transferMethod == "feature-map" && !isByText && text("transfer.map") == "mlp"
    }

    /// Rounds of the transfer's training before the choices.
    public var transferRounds: Int {
        if isByText { return isMeta ? integer("transfer.meta.rounds") : 0 }
        if isAdversarial {
            return integer("transfer.adversarial.rounds") * integer("transfer.adversarial.discriminator-steps")
        }
        if hasNetworkMap { return integer("transfer.mlp.rounds") }
        return isMeta ? integer("transfer.meta.rounds") : 1
    }

    /// Rounds of the transfer's training after the choices: none where it would see nothing new, which of the adversarial
    /// game is so unless times keep something of the source back or target preferences train it too.
    public var refitTransferRounds: Int {
        let seesNothingNew = !mayBeSplitByTime && !boolean("transfer.adversarial.target-preferences")
        return isGameOfItems && seesNothingNew ? 0 : transferRounds
    }

    /// Whether ratings are predicted by transfer too.
    public var transfersRatings: Bool { optionalText("transfer.ratings") == "mapped-prior" }

    /// Whether a transferred ranking is blended with the local one as far as validation shows a gain.
    public var hasGate: Bool { boolean("transfer.gate") }

    /// Whether the target's times may divide training, validation and test.
    public var mayBeSplitByTime: Bool { text("evaluation.split") != "seeded" }

    /// The rounds of naive-fedavg before the choices, and again after them; 0 without it or without item vectors.
    public var fedAvgRounds: Int {
        let isOffered =
            hasBaseline("naive-fedavg") && !isByText
            && domains.allSatisfy { vectorObstacle(of: $0) == nil }
        return isOffered ? integer("evaluation.fedavg-rounds") : 0
    }

    /// The rounds of a run, the most that alarms can make of them.
    public var roundCount: Int {
        // A protected release is made once: nothing is trained again after the choices.
        if isProtected {
            return 3 + transferRounds + (hasGate ? 1 : 0) + (mayBeSplitByTime ? 1 : 0) + fedAvgRounds + factorRounds
        }
        return 4 + transferRounds + refitTransferRounds + (hasGate ? 1 : 0) + (mayBeSplitByTime ? 1 : 0)
            + textRounds + refitTextRounds + 2 * (fedAvgRounds + factorRounds) + driftWindows + mostAdaptationRounds
    }

    /// Windows of time in which drift is looked for; 0 for none.
    public var driftWindows: Int { integer("drift.windows") }

    /// The most rounds that alarms can add: an adaptation, new bridges and, with a gate, its refit after each window.
    public var mostAdaptationRounds: Int { (hasGate ? 3 : 2) * driftWindows }

    /// A duration; the key must be in the table.
    public func duration(_ path: String) -> Duration {
        guard case .milliseconds(let value)? = values[path] else { preconditionFailure("\(path) is no duration key") }
        return .milliseconds(value)
    }

    /// Decodes a scenario. What a `sweep:` beside it gives is no part of it.
    ///
    /// - Parameters:
    ///   - yaml: the text of the file.
    ///   - file: the name that errors show.
    ///   - overrides: `path=value` pairs that replace keys, as of `--set`.
    /// - Throws: every problem found, in order of line.
    public init(yaml: String, file: String, overrides: [String] = []) throws(ScenarioError) {
        try self.init(ScenarioDecoder.decode(yaml, file: file, overrides: overrides))
    }

    /// The scenario that a decoder has read.
    init(_ decoder: ScenarioDecoder) throws(ScenarioError) {
        guard decoder.problems.isEmpty else { throw decoder.error }
        values = decoder.values
        sectionCounts = decoder.sectionCounts
        faults = decoder.faults
        name = decoder.text("name") ?? ""
        target = decoder.text("target") ?? ""
        seeds = decoder.integers("seeds")
        clientGroups = decoder.clientGroups
        guard integer("federation.rounds") >= roundCount else {
            throw ScenarioError(problems: [
                ScenarioProblem(
                    file: decoder.file, line: decoder.lines["federation.rounds"], keyPath: "federation.rounds",
                    message: "this scenario takes \(roundCount) rounds, \(integer("federation.rounds")) are allowed")
            ])
        }
        let problems = faults.enumerated().flatMap { index, event in
            [("round", event.round), ("returns", event.returns ?? 1)].filter { $0.1 > roundCount }.map { key, round in
                let path = "faults.events[\(index)].\(key)"
                return ScenarioProblem(
                    file: decoder.file, line: decoder.lines[path], keyPath: path,
                    message: "there is no round \(round), this scenario takes \(roundCount)")
            }
        }
        guard problems.isEmpty else { throw ScenarioError(problems: problems) }
    }

    /// The metric that tables show first: NDCG of the list's length, else the first of the lists' or of the ratings'.
    public var headlineMetric: String {
        let words = words("evaluation.metrics")
        guard let word = words.first(where: { !["rmse", "mae"].contains($0) }) else { return words.first ?? "ndcg" }
        return "\(words.contains("ndcg") ? "ndcg" : word)@\(integer("evaluation.top-n"))"
    }

    /// The keys in which another scenario differs, with both values as YAML, `nil` where a key is absent; in order of key.
    public func differences(
        from other: ScenarioDefinition
    ) -> [(key: String, value: String?, other: String?)] {
        Set(values.keys).union(other.values.keys).sorted().filter { values[$0] != other.values[$0] }
            .map { ($0, values[$0]?.yaml, other.values[$0]?.yaml) }
    }

    /// The scenario as YAML with every default filled in; the same for two files that mean the same.
    public var resolvedYAML: String { ScenarioWriter.yaml(values, counts: sectionCounts) }
}
