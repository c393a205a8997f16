import Numerics
import Ratings
import Scenario
import Supervision

/// The data of one domain, and what to tell the user about it.
struct DomainData {
    let interactions: Interactions
    /// Parallel to the items; empty when nothing describes them.
    let descriptions: [ItemDescription]
    let warnings: [String]

}

/// Opens the data of domains as the scenario describes it, once for all clients of a process.
final class DomainDataLoader {
    let scenario: ScenarioDefinition
    let dataDirectory: String
    private var loaded: [String: DomainData] = [:]
    private var embedded: [String: (vectors: ItemVectors?, words: Matrix?)] = [:]
    /// The positions of the persons that are dealt to each client of a domain.
    private var dealt: [String: [[Int]]] = [:]

    init(scenario: ScenarioDefinition, dataDirectory: String) {
        self.scenario = scenario
        self.dataDirectory = dataDirectory
    }

    private func source(of domain: String) throws -> ScenarioDefinition.DataSource {
        guard let source = scenario.data(of: domain) else {
            throw RunFailure(.scenario, "no client serves domain \(domain)")
        }
        return source
    }

    /// The ratings and item descriptions of a domain.
    ///
    /// - Throws: `DataError`.
    func load(_ domain: String) throws -> DomainData {
        if let data = loaded[domain] { return data }
        let data = try read(domain)
        loaded[domain] = data
        return data
    }

    /// What one of several clients of a domain holds: the persons that are dealt to it, and the whole catalogue.
    ///
    /// - Parameter persons: the split of the run, the same at every call.
    /// - Throws: `DataError`.
    func part(of client: ScenarioDefinition.Client, persons: PersonSplit) throws -> DomainData {
        let domain = client.group.domain
        let whole = try load(domain)
        guard client.group.isShared else { return whole }
        var parts = dealt[domain] ?? []
        if parts.isEmpty {
            parts = Array(repeating: [], count: client.group.count)
            for (position, person) in whole.interactions.persons.enumerated() {
                parts[persons.client(of: person, count: parts.count)].append(position)
            }
            dealt[domain] = parts
        }
        return DomainData(
            interactions: whole.interactions.keepingPersons(at: parts[client.index]),
            descriptions: whole.descriptions, warnings: client.index == 0 ? whole.warnings : [])
    }

    private func read(_ domain: String) throws -> DomainData {
        let source = try source(of: domain)
        guard let ratings = source.ratings else {
            let world = SyntheticWorld(SyntheticWorld.Options(scenario))
            return DomainData(
                interactions: world.interactions(in: domain), descriptions: world.descriptions(in: domain),
                warnings: [])
        }
        var loaded = try LoadedData.read(
            DataSource(
                format: RatingsFormat(rawValue: source.format), ratings: resolvedPath(ratings, in: dataDirectory),
                items: source.items.map { resolvedPath($0, in: dataDirectory) },
                duplicates: DuplicateRule(rawValue: source.duplicates) ?? .byDefault,
                zeros: ZeroRule(rawValue: source.zeros) ?? .byDefault,
                columns: ColumnNames(
                    user: source.columns[0], item: source.columns[1], rating: source.columns[2],
                    time: source.columns[3]), malformedLineLimit: source.malformedLineLimit))
        var warnings = loaded.report.notes
        let duplicates = loaded.interactions.duplicateCount
        if duplicates > 0 {
            warnings.append(
                "\(duplicates) rows repeat a (person, item) pair; kept one of each (data.duplicates: \(source.duplicates))"
            )
        }
        if loaded.report.malformedCount > 0 {
            warnings.append("\(loaded.report.malformedCount) malformed lines were left out")
        }
        if loaded.report.zeroCount > 0 {
            warnings.append("\(loaded.report.zeroCount) rows without a rating (0) were left out")
        }
        if let threshold = source.mergeTwins {
            let groups = EditionTwins.find(in: loaded.interactions, threshold: threshold)
            loaded = loaded.merging(groups, rule: DuplicateRule(rawValue: source.duplicates) ?? .byDefault)
            if !groups.isEmpty {
                warnings.append("\(groups.reduce(0) { $0 + $1.count }) items were merged into \(groups.count) works")
            }
        }
        return DomainData(
            interactions: loaded.interactions, descriptions: loaded.descriptions,
            warnings: warnings.map { "\(domain): \($0)" })
    }

    /// The vectors of a domain's items; `nil` when it has neither text nor a file of vectors.
    ///
    /// - Throws: `DataError`, or a `RunFailure` for vectors of another dimension than `text.dimension`.
    func itemVectors(_ domain: String, _ data: DomainData) throws -> ItemVectors? { try texts(domain, data).vectors }

    /// The vectors of a domain's items, and of the words that are public, where the run has those.
    ///
    /// - Throws: `DataError`, or a `RunFailure` for vectors of another dimension than `text.dimension`.
    func texts(_ domain: String, _ data: DomainData) throws -> (vectors: ItemVectors?, words: Matrix?) {
        if let texts = embedded[domain] { return texts }
        let texts = try readTexts(domain, data)
        embedded[domain] = texts
        return texts
    }

    private func readTexts(_ domain: String, _ data: DomainData) throws -> (vectors: ItemVectors?, words: Matrix?) {
        let source = try source(of: domain)
        if let file = source.itemVectors {
            let vectors = try ItemVectors(
                file: resolvedPath(file, in: dataDirectory), items: data.interactions.items)
            return (try checked(vectors, domain), nil)
        }
        if source.ratings == nil, scenario.text("world.item-vectors") == "dense" {
            let truth = SyntheticWorld(SyntheticWorld.Options(scenario)).truth(in: domain)
            let vectors = ItemVectors(
                vectors: Matrix(
                    rowCount: data.interactions.items.count, columnCount: truth.textDimensions,
                    values: truth.textVectors.map { Float($0) }))
            return (try checked(vectors, domain), nil)
        }
        let name = source.wordVectors ?? scenario.text("text.word-vectors")
        guard name != "none", !data.descriptions.isEmpty else { return (nil, nil) }
        let publicWords =
            scenario.hasPublicWords
            ? WordVectors.publicWords(scenario.publicWordCount) : []
        var words =
            name == "embedded"
            ? WordVectors.embedded
            : try WordVectors(
                file: resolvedPath(name, in: dataDirectory),
                keeping: Tokenizer.vocabulary(of: data.descriptions).union(publicWords))
        let rotation = scenario.wordRotation
        if source.ratings == nil, rotation != 0, domain != scenario.target {
            words = words.turned(
                by: rotation,
                stream: RandomStream(
                    root: UInt64(scenario.integer("world.seed")), path: ["word-rotation", .name(domain)]))
        }
        let vectors = try checked(ItemVectors(descriptions: data.descriptions, words: words), domain)
        return (vectors, publicWords.isEmpty ? nil : words.vectors(of: publicWords))
    }

    private func checked(_ vectors: ItemVectors, _ domain: String) throws -> ItemVectors {
        guard vectors.vectors.columnCount == scenario.integer("text.dimension") else {
            throw RunFailure(
                .data,
                "domain \(domain) has item vectors of dimension \(vectors.vectors.columnCount); set text.dimension to it"
            )
        }
        return vectors
    }
}

extension SyntheticWorld.Options {
    /// The world of a scenario.
    init(_ scenario: ScenarioDefinition) {
        let domains = scenario.domains
        let seed = scenario.integer("world.seed")
        let items = scenario.integer("world.items")
        let interactions = scenario.number("world.interactions")
        if scenario.text("world.preset") == "calibrated" {
            self = .calibrated(seed: seed, domains: domains)
            // A number of items or interactions that the scenario gives holds for every domain.
            let (presetItems, presetInteractions) = (itemCount, meanInteractions)
            for domain in domains {
                if items != presetItems { overrides[domain]?.itemCount = items }
                if interactions != presetInteractions { overrides[domain]?.meanInteractions = interactions }
            }
            itemCount = items
            meanInteractions = interactions
            personCount = scenario.integer("world.persons")
            overlap = scenario.number("world.overlap")
            tasteStrength = scenario.number("world.taste-strength")
            domainGap = scenario.number("world.domain-gap")
        } else {
            self.init(
                seed: seed, personCount: scenario.integer("world.persons"), overlap: scenario.number("world.overlap"),
                itemCount: items, meanInteractions: interactions,
                tasteDimensions: scenario.integer("world.taste-dimensions"),
                tasteStrength: scenario.number("world.taste-strength"), domainGap: scenario.number("world.domain-gap"),
                domains: domains)
            hasUnitItems = scenario.boolean("world.unit-items")
            popularity = .zipf(exponent: scenario.number("world.popularity-exponent"))
        }
        tasteDimensions = scenario.integer("world.taste-dimensions")
        ratingNoise = scenario.number("world.rating-noise")
        nuisanceOffset = scenario.number("world.nuisance-offset")
        nuisanceRotation = scenario.number("world.nuisance-rotation")
        textNoise = scenario.number("world.text-noise")
        textSharpness = scenario.number("world.text-sharpness")
        nuisanceWords = scenario.integer("world.nuisance-words")
        furtherWords = scenario.integer("world.further-words")
        if let count = scenario.optionalInteger("world.target-items") {
            overrides[scenario.target, default: SyntheticWorld.DomainOptions()].itemCount = count
        }
        if let mean = scenario.optionalNumber("world.target-interactions") {
            overrides[scenario.target, default: SyntheticWorld.DomainOptions()].meanInteractions = mean
        }
        if let domain = scenario.optionalText("world.shortcut.domain") {
            shortcutDomain = domain
            shortcutLength = scenario.number("world.shortcut.length")
            shortcutStrength = scenario.number("world.shortcut.strength")
            shortcutShift = scenario.number("world.shortcut.shift")
            shortcutSpread = scenario.number("world.shortcut.spread")
        }
        hasTimes = scenario.boolean("world.times")
        let time = startTime + Int64(scenario.number("world.drift.time") * Double(duration))
        let domain = scenario.optionalText("world.drift.domain")
        let rotation = scenario.number("world.drift.taste-rotation")
        let flip = scenario.number("world.drift.popularity-flip")
        let shift = scenario.number("world.drift.scale-shift")
        typealias Drift = SyntheticWorld.Drift
        if rotation != 0 { drifts.append(Drift(time: time, change: .tasteRotation(rotation), domain: domain)) }
        if flip != 0 { drifts.append(Drift(time: time, change: .popularityFlip(flip), domain: domain)) }
        if shift != 0 { drifts.append(Drift(time: time, change: .scaleShift(shift), domain: domain)) }
    }
}
