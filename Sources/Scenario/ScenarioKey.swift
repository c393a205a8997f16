/// The type of a scenario value and what is legal for it.
public enum ScenarioValueKind: Sendable, Equatable {
    /// A mapping of further keys.
    case section
    /// A list of mappings of further keys.
    case sections
    /// Any non-empty text.
    case text
    /// An identifier: lower-case letters, digits and hyphens, at most 64.
    case name
    /// A list of identifiers.
    case names
    /// An integer in a range.
    case integer(ClosedRange<Int>)
    /// A finite number in a range.
    case number(ClosedRange<Double>)
    /// `true` or `false`.
    case boolean
    /// A time such as `500ms`, `60s`, `5m`, from 10 ms to 24 h.
    case duration
    /// One of several words.
    case choice([String])
    /// A non-empty list of different integers in a range.
    case integers(ClosedRange<Int>)
    /// A non-empty list of different numbers in a range.
    case numbers(ClosedRange<Double>)

    /// How the reference prints the type.
    public var description: String {
        switch self {
        case .section: "section"
        case .sections: "list of sections"
        case .text: "text"
        case .name: "name"
        case .names: "list of names"
        case .integer(let range): "integer, \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "number, \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        case .boolean: "true or false"
        case .duration: "duration, 10ms to 24h"
        case .choice(let words): words.joined(separator: " | ")
        case .integers(let range): "list of integers, \(range.lowerBound) to \(range.upperBound)"
        case .numbers(let range): "list of numbers, \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        }
    }

    private func plain(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}

/// One key of the scenario file: the decoder, the reference and the resolved file all read this table.
public struct ScenarioKey: Sendable, Equatable {
    /// The path, such as `model.factors`; list members have `[]`, as in `clients[].id`.
    public let path: String
    /// The type and the legal values.
    public let kind: ScenarioValueKind
    /// The default as YAML text; empty when the key has none.
    public let defaultText: String
    /// What it means, one sentence.
    public let meaning: String

    init(_ path: String, _ kind: ScenarioValueKind, default defaultText: String = "", _ meaning: String) {
        self.path = path
        self.kind = kind
        self.defaultText = defaultText
        self.meaning = meaning
    }

    /// The last component of the path.
    var name: String { path.split(separator: ".").last.map(String.init) ?? path }

    /// The path without its last component; empty at the top.
    var parent: String { path.split(separator: ".").dropLast().joined(separator: ".") }

    /// Every key, in the order of the reference and of the resolved file.
    public static let all: [ScenarioKey] = [
        ScenarioKey("name", .name, "The scenario's name; its record is written below a folder of this name."),
        ScenarioKey("seeds", .integers(0...Int(Int32.max)), default: "[1]", "One independent run for each seed."),
        ScenarioKey(
            "clients", .sections,
            "The client processes: services that hold one domain's ratings, and devices of persons."),
        ScenarioKey("clients[].id", .name, "The client's id; with a count the clients are id-1, id-2, …"),
        ScenarioKey(
            "clients[].domain", .name,
            "The domain whose ratings the client holds; `persons` for the devices of people who use several domains."),
        ScenarioKey(
            "clients[].count", .integer(1...1_000), default: "1",
            "How many clients share the data; persons are dealt out by keyed hash."),
        ScenarioKey(
            "clients[].links", .names, default: "[]",
            "Persons clients only: the domains whose histories a device can hold. Two entries that share two domains count common persons twice; use count instead."
        ),
        ScenarioKey("clients[].data", .section, "Domain clients only: where the ratings come from."),
        ScenarioKey(
            "clients[].data.format", .choice(["recbole", "synthetic"]), default: "recbole",
            "The format: RecBole atomic files, or the embedded synthetic world."),
        ScenarioKey(
            "clients[].data.ratings", .text, "The file of ratings, relative to the scenario's folder or to --data."),
        ScenarioKey(
            "clients[].data.items", .text,
            "The file of items; without it the catalogue is the sorted item column of the ratings."),
        ScenarioKey(
            "clients[].data.duplicates", .choice(["default", "last", "mean", "first", "error"]), default: "default",
            "What becomes of several ratings of one item by one person; default: last by time where there are times, else mean."
        ),
        ScenarioKey("world", .section, "The embedded synthetic world, for clients with format: synthetic."),
        ScenarioKey(
            "world.seed", .integer(0...Int(Int32.max)), default: "1",
            "The seed of the world; it does not change with the run's seed, as real data would not."),
        ScenarioKey("world.persons", .integer(10...1_000_000), default: "800", "Persons in the world."),
        ScenarioKey(
            "world.overlap", .number(0...1), default: "0.9",
            "The share of persons who are in every domain; the others are in one domain each."),
        ScenarioKey("world.items", .integer(20...1_000_000), default: "500", "Items in each domain."),
        ScenarioKey(
            "world.interactions", .number(1...10_000), default: "25",
            "Mean number of interactions of a person in a domain."),
        ScenarioKey(
            "world.taste-dimensions", .integer(1...256), default: "8",
            "Dimensions of the taste that persons carry between domains."),
        ScenarioKey(
            "world.taste-strength", .number(0...100), default: "2",
            "Standard deviation of a person's affinity to items, in logits."),
        ScenarioKey(
            "world.domain-gap", .number(0...1), default: "0.3",
            "The share of a person's taste variance that belongs to one domain alone."),
        ScenarioKey("target", .name, "The domain that is evaluated; the other domains are sources."),
        ScenarioKey("model", .section, "The model that each domain trains on its own ratings."),
        ScenarioKey(
            "model.kind", .choice(["implicit-als"]), default: "implicit-als",
            "Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren, Volinsky 2008)."),
        ScenarioKey("model.factors", .integer(1...1_024), default: "64", "Dimensions of the user and item factors."),
        ScenarioKey(
            "model.regularization", .number(0...1e9), default: "40", "λ, added to the diagonal of each normal matrix."),
        ScenarioKey(
            "model.confidence", .number(0...1e9), default: "15",
            "α: an observed cell has confidence 1 + α, every other cell 1."),
        ScenarioKey("model.iterations", .integer(1...1_000), default: "8", "Sweeps over users and items."),
        ScenarioKey(
            "model.solver", .choice(["cholesky", "conjugate-gradient"]), default: "cholesky",
            "How a row's normal equations are solved."),
        ScenarioKey("model.solver-steps", .integer(1...100), default: "3", "Conjugate-gradient steps a row and sweep."),
        ScenarioKey("federation", .section, "Rounds between the coordinator and the clients."),
        ScenarioKey(
            "federation.rounds", .integer(1...1_000_000), default: "20",
            "The most rounds a run may take; feature-map takes six."),
        ScenarioKey(
            "federation.strategy", .choice(["fedavg"]), default: "fedavg",
            "How updates of several clients combine; feature-map adds their sums and counts, which is fedavg weighted by persons."
        ),
        ScenarioKey(
            "federation.participation", .number(0...1), default: "1",
            "The share of clients asked in a round; feature-map asks all, so it must be 1."),
        ScenarioKey("federation.deadline", .duration, default: "60s", "How long a round waits for its clients."),
        ScenarioKey(
            "federation.join-deadline", .duration, default: "30s",
            "How long the first round waits for clients to load their data and join."),
        ScenarioKey(
            "federation.minimum-clients", .integer(1...100_000), default: "2",
            "With fewer clients left the run stops with exit code 69."),
        ScenarioKey("transfer", .section, "How knowledge of the source domains reaches the target."),
        ScenarioKey(
            "transfer.method", .choice(["feature-map"]), default: "feature-map",
            "feature-map: a linear map from source features to target factors, learnt on linked persons' devices."),
        ScenarioKey(
            "transfer.alignment", .choice(["persons"]), default: "persons",
            "What links the domains: persons who use both."),
        ScenarioKey(
            "transfer.dimension", .integer(1...1_024), default: "64",
            "Target dimensions that the map predicts, at most model.factors; the leading eigenvectors of the target persons' covariance."
        ),
        ScenarioKey(
            "transfer.ridge", .numbers(0...1e6), default: "[0, 0.03, 0.1, 0.3, 1, 3]",
            "ρ, the map's ridge relative to the number of linked persons; chosen on validation persons."),
        ScenarioKey(
            "transfer.fold-in-regularization", .numbers(0...1e9), default: "[10, 20, 40, 80, 160, 400]",
            "λ of the fold-in of a person's first target interactions; chosen on validation persons for each number of shots."
        ),
        ScenarioKey("privacy", .section, "What is promised to the persons in the data."),
        ScenarioKey(
            "privacy.mode", .choice(["none"]), default: "none",
            "none: parameters are exchanged unprotected, and the record says so."),
        ScenarioKey("evaluation", .section, "Who is scored, and how."),
        ScenarioKey(
            "evaluation.top-n", .integer(1...1_000), default: "10",
            "Length of the recommendation list: the k of ndcg@k and recall@k."),
        ScenarioKey(
            "evaluation.shots", .integers(0...100), default: "[0, 1, 3, 5]",
            "How many target interactions of a cold person are known."),
        ScenarioKey(
            "evaluation.cold-users", .number(0.01...0.9), default: "0.2",
            "The share of persons, by keyed hash, whose target interactions leave training and are predicted."),
        ScenarioKey(
            "evaluation.validation-users", .number(0.01...0.9), default: "0.15",
            "The share of the remaining persons on whom every choice is made."),
        ScenarioKey(
            "evaluation.minimum-interactions", .integer(2...100_000), default: "8",
            "Cold and validation persons with fewer target interactions are not scored."),
        ScenarioKey("transport", .section, "How messages travel."),
        ScenarioKey(
            "transport.kind", .choice(["ipc", "tcp"]), default: "ipc",
            "Unix sockets in a private folder, or TCP on this machine."),
        ScenarioKey(
            "transport.endpoint", .text,
            "TCP only: where the coordinator listens, such as tcp://127.0.0.1:5555; by default the system picks a free port."
        ),
    ]

    private static let byPath: [String: ScenarioKey] = Dictionary(
        all.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })

    /// The key with a path of the table, such as `clients[].id`.
    static func key(_ path: String) -> ScenarioKey? { byPath[path] }

    /// The keys directly below a section.
    static func children(of path: String) -> [ScenarioKey] {
        all.filter { $0.parent == path }
    }
}
