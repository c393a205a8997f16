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
    /// A finite number in a range, or the word `none`.
    case numberOrNone(ClosedRange<Double>)
    /// `true` or `false`.
    case boolean
    /// A time such as `500ms`, `60s`, `5m`, from 10 ms to 24 h.
    case duration
    /// One of several words.
    case choice([String])
    /// A list of different ones of several words.
    case words([String])
    /// A non-empty list of different integers in a range.
    case integers(ClosedRange<Int>)
    /// A non-empty list of different numbers in a range.
    case numbers(ClosedRange<Double>)
    /// A mapping of paths of other keys to lists of their values.
    case grid

    /// How the reference prints the type.
    public var description: String {
        switch self {
        case .section: "section"
        case .sections: "list of sections"
        case .grid: "section of key paths, each with a list of values"
        case .text: "text"
        case .name: "name"
        case .names: "list of names"
        case .integer(let range): "integer, \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "number, \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        case .numberOrNone(let range): "number, \(plain(range.lowerBound)) to \(plain(range.upperBound)), or none"
        case .boolean: "true or false"
        case .duration: "duration, 10ms to 24h"
        case .choice(let words): words.joined(separator: " | ")
        case .words(let words): "list of \(words.joined(separator: " | "))"
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
        let parts = path.split(separator: ".")
        name = parts.last.map(String.init) ?? path
        parent = parts.dropLast().joined(separator: ".")
    }

    /// The last component of the path.
    let name: String

    /// The path without its last component; empty at the top.
    let parent: String

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
            "clients[].per-process", .integer(1...1_000),
            "How many of the clients one process holds, which works for them in turn; each has its own connection, key, ledger and folder all the same, and the figures are the same. A client that faults.events names has a process of its own. Where it is not given each client has."
        ),
        ScenarioKey(
            "clients[].links", .names, default: "[]",
            "Persons clients only: the domains whose histories a device can hold. Two entries that share two domains count common persons twice; use count instead."
        ),
        ScenarioKey("clients[].data", .section, "Domain clients only: where the ratings come from."),
        ScenarioKey(
            "clients[].data.format", .choice(DataFormatName.all), default: "auto",
            "The layout; auto looks at the file's name and first lines, synthetic is the embedded world."),
        ScenarioKey(
            "clients[].data.ratings", .text,
            "The file of ratings, or the folder of a data set with well-known names; relative to the scenario's folder or to --data. May be gzipped."
        ),
        ScenarioKey(
            "clients[].data.items", .text,
            "The file of items, with titles and categories; without it the catalogue is the sorted item column of the ratings. text-knn and naive-fedavg need it, or item-vectors, even where a folder has its items inside."
        ),
        ScenarioKey(
            "clients[].data.item-vectors", .text,
            "A file of dense item vectors (text, or .npy with an .ids file beside it) to use in place of item text."),
        ScenarioKey(
            "clients[].data.word-vectors", .text,
            "A file of word vectors for the texts of this domain, in place of text.word-vectors; for services that embed words apart, with a transfer.text.space that is not shared."
        ),
        ScenarioKey(
            "clients[].data.duplicates", .choice(["default", "last", "mean", "first", "error"]), default: "default",
            "What becomes of several ratings of one item by one person; default: last by time where there are times, else mean."
        ),
        ScenarioKey(
            "clients[].data.zeros", .choice(["default", "keep", "drop"]), default: "default",
            "What a rating of 0 is: keep, a rating; drop, none; default, none in Book-Crossing and a rating elsewhere."),
        ScenarioKey(
            "clients[].data.merge-twins", .number(0...1), default: "0",
            "Items whose readers overlap at least so much (Jaccard, such as 0.7) are merged as editions of one work, before anything is split; 0 merges none."
        ),
        ScenarioKey(
            "clients[].data.malformed-lines", .integer(0...1_000_000_000), default: "0",
            "How many malformed lines are left out and counted before reading stops; a damaged header and a line of over 16 MiB stop it at once."
        ),
        ScenarioKey("clients[].data.columns", .section, "The column names of a csv file; the usual names are known."),
        ScenarioKey("clients[].data.columns.user", .text, "The column of persons."),
        ScenarioKey("clients[].data.columns.item", .text, "The column of items."),
        ScenarioKey("clients[].data.columns.rating", .text, "The column of ratings."),
        ScenarioKey("clients[].data.columns.time", .text, "The column of times."),
        ScenarioKey("world", .section, "The embedded synthetic world, for clients with format: synthetic."),
        ScenarioKey(
            "world.seed", .integer(0...Int(Int32.max)), default: "1",
            "The seed of the world; it does not change with the run's seed, as real data would not."),
        ScenarioKey(
            "world.preset", .choice(["plain", "calibrated"]), default: "plain",
            "calibrated: like a real set of movie and book ratings; persons, overlap, items, interactions, taste-strength, domain-gap and rating-noise default to its values."
        ),
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
        ScenarioKey(
            "world.rating-noise", .number(0...100), default: "0.7",
            "plain: standard deviation of what moves a rating beside taste and biases, in rating points."),
        ScenarioKey(
            "world.nuisance-offset", .number(0...100), default: "0",
            "Length of the offset that all item texts of a domain share and that says nothing of the items."),
        ScenarioKey(
            "world.nuisance-rotation", .number(0...3.15), default: "0",
            "Angle in radians by which a domain's item texts are turned against the items' vectors."),
        ScenarioKey(
            "world.word-rotation", .number(0...3.15),
            "alignment: text; angle in radians, 0 where it is not given, by which the word vectors of each source are turned against the target's, as if the services had embedded words apart."
        ),
        ScenarioKey(
            "world.text-noise", .number(0...1), default: "0.1", "The share of title words that say nothing of the item."
        ),
        ScenarioKey(
            "world.text-sharpness", .number(0...100), default: "3",
            "How closely the other title words follow the item's vector; at 0 they do not."),
        ScenarioKey(
            "world.further-words", .integer(0...7), default: "0",
            "Words that each title has besides its two to five, of the same kind."),
        ScenarioKey(
            "world.unit-items", .boolean, default: "false",
            "Whether all item vectors have length 1, so that taste leaves popularity alone."),
        ScenarioKey(
            "world.target-items", .integer(20...1_000_000), "Items of the target, where they are not world.items."),
        ScenarioKey(
            "world.target-interactions", .number(1...10_000),
            "Mean number of interactions of a person in the target, where it is not world.interactions."),
        ScenarioKey(
            "world.nuisance-words", .integer(0...12), default: "0",
            "Words that each title has besides, of one topic of the item's own that says nothing of taste."),
        ScenarioKey(
            "world.item-vectors", .choice(["words", "dense"]), default: "words",
            "words: items have titles, whose words have vectors; dense: the vectors behind the titles themselves, of text.dimension = taste-dimensions, and one more with a shortcut."
        ),
        ScenarioKey(
            "world.shortcut", .section,
            "A further coordinate of dense item vectors that tells popularity in one domain and nothing in the others."),
        ScenarioKey(
            "world.shortcut.domain", .name, "The domain in which it tells how popular an item is."),
        ScenarioKey(
            "world.shortcut.length", .number(0...100), default: "0", "Its standard deviation there; 0 for none."),
        ScenarioKey(
            "world.shortcut.strength", .number(-1...1), default: "0.8", "Its correlation with popularity there."),
        ScenarioKey(
            "world.shortcut.shift", .number(-100...100), default: "2", "Its mean in the other domains, in lengths."),
        ScenarioKey(
            "world.shortcut.spread", .number(0...100), default: "2",
            "Its standard deviation in the other domains, in lengths."),
        ScenarioKey(
            "world.popularity-exponent", .number(0...3), default: "0.8",
            "plain: popularity falls as the rank to minus this power."),
        ScenarioKey(
            "world.times", .boolean, default: "false",
            "Whether interactions have times, ten years of them from 2010 on."),
        ScenarioKey("world.drift", .section, "A change of the world at one time; it brings times."),
        ScenarioKey(
            "world.drift.time", .number(0...1), default: "0.5", "When it happens: the share of the world's ten years."),
        ScenarioKey(
            "world.drift.taste-rotation", .number(0...3.15), default: "0", "Angle in radians by which tastes turn."),
        ScenarioKey(
            "world.drift.popularity-flip", .number(0...1), default: "0",
            "How far the popularity of an item moves towards that of its mirror rank: all the way at 1."),
        ScenarioKey(
            "world.drift.scale-shift", .number(-4...4), default: "0", "Rating points by which ratings move."),
        ScenarioKey("world.drift.domain", .name, "The domain that changes; without it all do."),
        ScenarioKey("target", .name, "The domain that is evaluated; the other domains are sources."),
        ScenarioKey("text", .section, "How titles and categories of items become vectors."),
        ScenarioKey(
            "text.word-vectors", .text, default: "embedded",
            "embedded: the built-in cut of GloVe 6B; none; or a file of word2vec (binary or text) or GloVe vectors, .gz too."
        ),
        ScenarioKey(
            "text.dimension", .integer(1...4_096), default: "50",
            "The dimension of the word vectors; a file with another one is refused."),
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
            "How a row's normal equations are solved; where clients share a domain (count) only cholesky is possible."),
        ScenarioKey("model.solver-steps", .integer(1...100), default: "3", "Conjugate-gradient steps a row and sweep."),
        ScenarioKey("federation", .section, "Rounds between the coordinator and the clients."),
        ScenarioKey(
            "federation.rounds", .integer(1...1_000_000), default: "10000",
            "The most rounds a run may take; feature-map takes eight, with an mlp six and twice transfer.mlp.rounds, meta six and twice transfer.meta.rounds, adversarial rounds times discriminator-steps (with persons, or where times or target preferences tell something new, twice), and naive-fedavg twice evaluation.fedavg-rounds more."
        ),
        ScenarioKey(
            "federation.strategy", .choice(StrategyNames.all), default: "fedavg",
            "How the clients that share a domain (count) learn its item factors together. fedavg with local-steps 0: exact half-sweeps, the same as one client with all the data, of at most 512 MB a client (items × d(d+3)/2 × 4 bytes); gradient: one gradient a round, a sum over persons; the others combine what local steps change."
        ),
        ScenarioKey(
            "federation.factor-rounds", .integer(1...100_000), default: "40",
            "Rounds in which the clients of shared domains learn item factors, before the choices and again after them; exact half-sweeps default to model.iterations."
        ),
        ScenarioKey(
            "federation.local-steps", .integer(0...100), default: "0",
            "Damped half-sweeps of a client on its own data in a round, whose change it sends; 0 sends exact sums, with fedavg alone; other strategies default to 1."
        ),
        ScenarioKey(
            "federation.server-rate", .number(1e-6...1e3),
            "η of the coordinator's step; by default 1, and 0.05 for gradient, fedadam, fedyogi and fedadagrad."),
        ScenarioKey(
            "federation.update-format", .choice(UpdateFormatName.all),
            "How what clients of a shared domain change of its item factors crosses, be it a change or a gradient; what comes down and all else is float32. float32, or without it: every bit. float16: the nearest half. int8: a byte each, and a float for every 64. top-k: the largest values alone. What is not sent is added to the next round's change. Needs federation.strategy: gradient or federation.local-steps, and nothing that noise protects."
        ),
        ScenarioKey(
            "federation.top-share", .numberOrNone(1e-5...1),
            "top-k: the share of the values that a round sends. \(UpdateFormatName.topShare) where nothing or none is given."
        ),
        ScenarioKey(
            "federation.proximal-weight", .number(0...1e6), default: "1",
            "fedprox: μ, how much local steps are drawn to the common factors, in units of the mean eigenvalue of the client's Gram matrix."
        ),
        ScenarioKey(
            "federation.byzantine-clients", .integer(0...5_000), default: "0",
            "How many false clients of a domain median, trimmed-mean, krum and multi-krum guard against, by default 1; other strategies guard against none."
        ),
        ScenarioKey(
            "federation.mode", .choice(["sync", "async"]),
            "How rounds of shared item factors follow one another in simulated time, which the seed decides and no clock. sync: a round takes as long as its slowest client; async: as soon as federation.buffer updates have arrived there is a new version, and slower clients go on from theirs (FedBuff), for strategies that combine changes; without the key as sync, and no time is simulated."
        ),
        ScenarioKey(
            "federation.buffer", .integer(1...5_000),
            "async: K, the updates of a domain's clients that make a version; by default half of the smallest shared domain's clients. With all of them nobody goes ahead. sync leaves it out of account."
        ),
        ScenarioKey(
            "federation.staleness", .integer(0...100_000),
            "async: how many versions old an update may be that counts, by default 10; an update s versions old counts 1/√(1 + s), an older one is dropped and named in the record. sync leaves it out of account."
        ),
        ScenarioKey(
            "federation.speed-spread", .number(0...3),
            "With federation.mode: how unequal clients are. The time that work takes is log-normal with median 1; this is the standard deviation of its logarithm over clients, by default 0.5 (the slowest of ten takes about 4.6 times as long as the fastest), 0 for equal ones."
        ),
        ScenarioKey(
            "federation.job-spread", .number(0...3),
            "With federation.mode: the standard deviation of the same logarithm over the pieces of work of one client, by default 0.25."
        ),
        ScenarioKey(
            "federation.simulated-time", .number(0.001...1e9),
            "With federation.mode: when learning of shared item factors ends, before the choices and again after them, in median times of a client's work; federation.factor-rounds is then the most versions. Without it the number of versions decides."
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
        ScenarioKey("faults", .section, "What goes wrong on purpose, for experiments that can be repeated."),
        ScenarioKey(
            "faults.byzantine-clients", .integer(0...5_000), default: "0",
            "How many clients of each shared domain, the last ones, send false updates of the item factors."),
        ScenarioKey(
            "faults.byzantine-scale", .number(-1e6...1e6), default: "-10",
            "What false updates are multiplied by; below 0 they lead away."),
        ScenarioKey(
            "faults.events", .sections,
            "What happens to single clients in single rounds, each once; with --set faults={} nothing does."),
        ScenarioKey(
            "faults.events[].client", .name,
            "The client that it happens to, by the id of the process, such as movies-2."
        ),
        ScenarioKey(
            "faults.events[].kind", .choice(FaultEvent.Kind.allCases.map(\.rawValue)),
            "crash: the process is killed; delay: its update is late; corrupt: its update is damaged; drop: its update, or a piece of it, is not sent."
        ),
        ScenarioKey(
            "faults.events[].round", .integer(1...1_000_000),
            "The round in which it happens; ferry run --dry-run lists the steps that rounds are of."),
        ScenarioKey(
            "faults.events[].phase", .choice(FaultEvent.Phase.allCases.map(\.rawValue)),
            "crash: when; before-plan, before the plan is read; training, with the work done and nothing of it released, the default; sending, before the last piece of the update; after-update, once the update has left."
        ),
        ScenarioKey(
            "faults.events[].late-by", .duration,
            "delay: how long after the round's deadline the update is sent, 1s where it is not given."),
        ScenarioKey(
            "faults.events[].damage", .choice(FaultEvent.Damage.allCases.map(\.rawValue)),
            "corrupt: what; bytes, some of the first piece's are flipped, the default; not-finite, the first value is NaN; shape, the tensors are of another shape."
        ),
        ScenarioKey(
            "faults.events[].loses", .choice(FaultEvent.Loss.allCases.map(\.rawValue)),
            "drop: what is not sent; update, the default, or piece, the first one alone."),
        ScenarioKey(
            "faults.events[].returns", .integer(2...1_000_000),
            "Where the client is lost by it: the round from which on it takes part again, started anew, which waits for it; where it is not given it stays away."
        ),
        ScenarioKey("transfer", .section, "How knowledge of the source domains reaches the target."),
        ScenarioKey(
            "transfer.method", .choice(["feature-map", "meta", "adversarial", "article"]), default: "feature-map",
            "article: with alignment text, the recipe of ratings factors on concatenated text features, with model.factors and model.regularization and nothing to choose; adversarial: features of item text that rank for persons and do not tell the domain, learnt by all domain clients, or features of persons, learnt on their devices (transfer.adversarial.input); feature-map: a linear map from source features to target factors, learnt on linked persons' devices; meta: a start of each person from source features and steps from there, learnt to rank after few steps; with alignment text a tower from texts to factors is learnt with them, by all domain clients."
        ),
        ScenarioKey(
            "transfer.alignment", .choice(["persons", "text"]), default: "persons",
            "What links the domains. persons: people who use both, on whose devices the map is learnt. text: nobody; a source ships what it learnt of item texts, and the target's client adds that to its own; with meta all send gradients of a common tower of texts."
        ),
        ScenarioKey(
            "transfer.ratings", .choice(["none", "mapped-prior"]),
            "Whether ratings are predicted by transfer too. mapped-prior: every domain releases explicit factors, devices learn a map between them, and a person's parameters are drawn to the mapped vector and to a share (tune.bias-carry) of that person's source offset; gated by squared error over best-local-ratings. Needs method feature-map with a linear map, alignment persons and the baseline explicit-als. none, or without it: no."
        ),
        ScenarioKey(
            "transfer.gate", .boolean, default: "true",
            "Blend the transferred ranking with the best local one, for each number of shots, as far as validation persons show a significant gain; false: transfer alone."
        ),
        ScenarioKey(
            "transfer.dimension", .integer(1...1_024), default: "64",
            "Target dimensions that the map predicts, at most model.factors; the leading eigenvectors of the target persons' covariance."
        ),
        ScenarioKey(
            "transfer.source-dimension", .integer(1...1_024),
            "Dimensions of a source's features, its leading principal components; without it all of model.factors."),
        ScenarioKey(
            "transfer.ridge", .numbers(0...1e6), default: "[0, 0.03, 0.1, 0.3, 1, 3]",
            "ρ, the linear map's ridge relative to the number of linked persons; chosen on validation persons."),
        ScenarioKey(
            "transfer.map", .choice(["linear", "mlp"]), default: "linear",
            "method: feature-map with alignment persons; linear: from one sum over devices; mlp: one hidden layer of tanh, trained in rounds by sums of devices' gradients."
        ),
        ScenarioKey("transfer.mlp", .section, "map: mlp; the coordinator takes a step of Adam in each round."),
        ScenarioKey("transfer.mlp.units", .integer(1...1_024), default: "32", "Hidden units."),
        ScenarioKey(
            "transfer.mlp.rounds", .integer(1...10_000), default: "100",
            "Rounds of gradients before the choices, and again after them."),
        ScenarioKey("transfer.mlp.rate", .number(1e-6...10), default: "0.01", "The length of the steps."),
        ScenarioKey(
            "transfer.mlp.decay", .numbers(0...1e3), default: "[0.003, 0.01, 0.03, 0.1]",
            "Weight decays, each with a network of its own; chosen on validation persons, as the ridge of the linear map."
        ),
        ScenarioKey(
            "transfer.text", .section,
            "alignment: text; the target's models of its items' text, with what sources know."),
        ScenarioKey(
            "transfer.text.space", .choice(TextSpaceName.all), default: "shared",
            "How the target's texts are brought into a source's space. shared: both use the same word vectors; by the vectors that both have of public words, procrustes: a rotation, anchors: a ridge regression, network: a linear network trained by SGD; optimal-transport: by the affine map between the Gaussian moments of all texts."
        ),
        ScenarioKey(
            "transfer.text.public-words", .integer(10...20_000),
            "Of how many of the most frequent words of the built-in list a source sends its own vectors, 1000 where it is not given; they depend on no rating and no item."
        ),
        ScenarioKey(
            "transfer.text.anchor-ridge", .number(1e-9...1e9),
            "space: anchors; the ridge of the regression, for vectors whose numbers have variance 1; 1 where it is not given."
        ),
        ScenarioKey(
            "transfer.text.network-epochs", .integer(1...10_000),
            "space: network; passes over the public words, 100 where it is not given."),
        ScenarioKey(
            "transfer.text.source-ridge", .number(1e-6...1e9), default: "10",
            "γ of a source's regression of item factors on texts, whose numbers have variance 1."),
        ScenarioKey(
            "transfer.text.regularization", .numbers(1e-3...1e9), default: "[40, 160]",
            "λ of the persons in the target's factors with item features; chosen on validation persons, as all that follow."
        ),
        ScenarioKey(
            "transfer.text.item-regularization", .numbers(1e-3...1e9), default: "[10, 40]",
            "λ_q, how strongly items follow what their features predict."),
        ScenarioKey(
            "transfer.text.feature-ratio", .numbers(1e-6...1e9), default: "[1, 10, 100]",
            "γ/λ_q, how strongly the weights of the features follow those they start from."),
        ScenarioKey(
            "transfer.text.source-scale", .numbers(0...1e3), default: "[3]",
            "How large the weights of source features are to begin with."),
        ScenarioKey(
            "transfer.text.lengths", .words(["predicted", "equal"]), default: "[predicted, equal]",
            "How long item features are: as a text predicts, or all alike, which says what an item is like rather than how sure that is."
        ),
        ScenarioKey(
            "transfer.text.similarity-temperature", .numberOrNone(1e-6...1e6),
            "τ of the weights of several sources, exp(−d/τ), with d the MMD² in [0, 2] between the Gaussian moments of a source's texts and the target's: near sources count more in the start and among neighbours. none, or without it: all count alike."
        ),
        ScenarioKey(
            "transfer.adversarial", .section,
            "method: adversarial; a game between features of item text, or of persons, (G) and a discriminator of domains (D)."
        ),
        ScenarioKey(
            "transfer.adversarial.input", .choice(["text", "persons"]),
            "What features are made of. text, also where it is not given: items' texts; persons: what linked persons are like in the source and in the target, on their devices."
        ),
        ScenarioKey(
            "transfer.adversarial.decoder", .choice(["linked", "own"]),
            "input: persons; what teaches to tell from features what a person is like in the target. linked, also where it is not given: target and source of linked persons; own: the target of each alone, as if nobody were linked."
        ),
        ScenarioKey(
            "transfer.adversarial.rounds", .integer(1...100_000), default: "150", "Steps of the features."),
        ScenarioKey(
            "transfer.adversarial.discriminator-steps", .integer(1...100), default: "10",
            "Steps of D for each of G; every step is one exchange with the coordinator."),
        ScenarioKey(
            "transfer.adversarial.reversal", .number(0...1e3), default: "5",
            "λ, how much the features are to confuse D; it rises from 0 as 2/(1 + exp(−10 p)) − 1 over the rounds."),
        ScenarioKey(
            "transfer.adversarial.dimension", .integer(1...512), default: "8", "Dimensions of the features."),
        ScenarioKey(
            "transfer.adversarial.extractor", .choice(["linear", "tanh", "relu"]), default: "linear",
            "G: an affine map, or one hidden layer."),
        ScenarioKey("transfer.adversarial.units", .integer(1...1_024), default: "24", "Hidden units of G."),
        ScenarioKey(
            "transfer.adversarial.discriminator", .choice(["linear", "tanh"]), default: "tanh",
            "D: an affine map, or one hidden layer."),
        ScenarioKey(
            "transfer.adversarial.discriminator-units", .integer(1...1_024), default: "8", "Hidden units of D."),
        ScenarioKey(
            "transfer.adversarial.bins", .integer(1...32), default: "1",
            "input: text; above 1 D is conditional: it sees the features together with the bin of the item's popularity in its domain."
        ),
        ScenarioKey(
            "transfer.adversarial.confidence", .number(0...1e6), default: "10",
            "input: text; α of the preferences that train G, and of a device's fold-in into the features."),
        ScenarioKey(
            "transfer.adversarial.regularization", .number(1e-6...1e6), default: "5",
            "input: text; λ of the persons in the preferences, and of a device's fold-in into the source's features."),
        ScenarioKey(
            "transfer.adversarial.target-preferences", .boolean, default: "false",
            "input: text; whether the target's ratings train G too; false: as for a target that has none."),
        ScenarioKey(
            "transfer.meta", .section,
            "method: meta; devices send gradients, one sum a round; with alignment text the domains' clients do, of their own persons."
        ),
        ScenarioKey(
            "transfer.meta.variant", .choice(["maml", "fomaml", "reptile", "ridge"]), default: "maml",
            "maml: gradients through the steps, second order; fomaml: without; reptile: towards the adapted vectors; ridge: a ridge regression in place of steps."
        ),
        ScenarioKey(
            "transfer.meta.rounds", .integer(1...1_000), default: "45",
            "Rounds before the choices, and again after them."),
        ScenarioKey(
            "transfer.meta.participation", .number(0.01...1), default: "0.5",
            "The share of linked persons whose devices send a gradient in a round; with alignment text, of each domain's persons."
        ),
        ScenarioKey(
            "transfer.meta.inner-steps", .integer(0...20), default: "3",
            "Gradient steps of a device on its known interactions, with a softmax over the full catalogue."),
        ScenarioKey(
            "transfer.meta.inner-rate", .number(1e-6...1e6), default: "16",
            "The rate of a device's steps at the beginning; it is learnt."),
        ScenarioKey(
            "transfer.meta.outer-rate", .number(1e-6...10), default: "0.1", "The rate of the common steps."),
        ScenarioKey(
            "transfer.meta.regularization", .number(0...1e6), default: "0",
            "How much a device is drawn to its start; ridge needs more than 0."),
        ScenarioKey(
            "transfer.fold-in-regularization", .numbers(0...1e9), default: "[10, 20, 40, 80, 160, 400]",
            "λ of the fold-in of a person's first target interactions; chosen on validation persons for each number of shots."
        ),
        ScenarioKey(
            "tune", .section,
            "What each local model chooses from on validation persons: six candidates for each, unless you say otherwise."
        ),
        ScenarioKey(
            "tune.item-knn-shrinkage", .numbers(0...1e6), default: "[0, 5, 10, 20, 50, 100]",
            "item-knn: what is added to the norms under a cosine, so that few common persons count less."),
        ScenarioKey(
            "tune.neighbours", .integer(1...100_000), default: "200", "item-knn, text-knn: neighbours of an item."),
        ScenarioKey(
            "tune.text-knn-neighbours", .integers(1...100_000), default: "[5, 10, 20, 50, 100, 200]",
            "text-knn: neighbours of an item."),
        ScenarioKey(
            "tune.ease-regularization", .numbers(1e-6...1e9), default: "[30, 100, 300, 1000, 3000, 10000]",
            "ease: λ on the diagonal of the Gram matrix."),
        ScenarioKey(
            "tune.item-damping", .numbers(0...1e6), default: "[0, 1, 2, 5, 10, 20]",
            "item-mean and all rating models: how many ratings at the global mean an item's own are mixed with."),
        ScenarioKey(
            "tune.user-damping", .numbers(0...1e6), default: "[0.5, 1, 2, 4, 8, 16]",
            "user-mean, bias-carry and mapped-prior: how many ratings the prior of a person's offset weighs."),
        ScenarioKey(
            "tune.bias-carry", .numbers(0...2), default: "[0.4, 0.5, 0.6, 0.7, 0.8, 1]",
            "bias-carry and mapped-prior: the share of a person's source offset that is expected in the target."),
        ScenarioKey(
            "tune.explicit-als-regularization", .numbers(1e-6...1e6), default: "[5, 7, 10, 14, 20, 30]",
            "explicit-als: λ of training and fold-in."),
        ScenarioKey(
            "tune.biased-mf-regularization", .numbers(1e-6...1e6), default: "[3, 5, 7, 10, 14, 20]",
            "biased-mf: λ of training and fold-in."),
        ScenarioKey(
            "tune.rating-factors", .integer(1...256), default: "16",
            "explicit-als, biased-mf: dimensions of the factors."),
        ScenarioKey(
            "drift", .section,
            "Detection of changes, and adaptation to them: after the ordinary training the run goes through windows of time. Needs feature-map, alignment persons, one client a domain, evaluation.split time and no evaluation.baselines but local-ensemble."
        ),
        ScenarioKey(
            "drift.windows", .integer(0...1_000), default: "0",
            "Windows with equal numbers of target interactions, from evaluation.test-time to drift.end; in each the domains measure the present model on the new interactions. 0: none."
        ),
        ScenarioKey(
            "drift.end", .number(0.02...0.99), default: "0.9",
            "Where the last window ends: the share of the target's interactions that are earlier. Persons are scored on what is later, with the last model."
        ),
        ScenarioKey(
            "drift.warm-up", .integer(3...100), default: "6",
            "Windows without alarms, at the start and after each adaptation, that say what is usual; of ratings at the start and after each alarm."
        ),
        ScenarioKey(
            "drift.tolerance", .number(0...100), default: "1.25",
            "Page-Hinkley: the increase of the loss that is tolerated, in standard deviations."),
        ScenarioKey(
            "drift.threshold", .number(0.01...1_000), default: "4",
            "Page-Hinkley: the excess over the tolerance that raises an alarm when it has added up, in standard deviations."
        ),
        ScenarioKey(
            "drift.feature-level", .number(1e-9...0.2), default: "0.001",
            "The most probable false alarm of one window by the random features of what persons choose."),
        ScenarioKey(
            "drift.rounds", .integer(1...3), default: "3",
            "Adaptations after an alarm, one after each window from that of the alarm on; with transfer.gate each is followed by a gate of its own in the next window."
        ),
        ScenarioKey(
            "drift.half-life", .number(0.1...1_000), default: "16",
            "Adapted item factors: the windows before the change in which an old interaction loses half its weight."),
        ScenarioKey(
            "drift.person-half-life", .number(0.1...1_000), default: "1",
            "A person's vector after an adaptation: the same for that person's own old interactions."),
        ScenarioKey("privacy", .section, "What is promised to the persons in the data."),
        ScenarioKey(
            "privacy.mode", .choice(["none", "central", "silo", "local", "distributed"]), default: "none",
            "Who adds noise to what persons' devices release. none: nobody, and the record says so; central: the coordinator, who is trusted; silo: each client; local: each person's device; distributed: each of several persons clients a share. Needs feature-map or meta with alignment persons."
        ),
        ScenarioKey(
            "privacy.epsilon", .numberOrNone(1e-3...1e6),
            "ε of each protected release over all its rounds, at privacy.delta; the noise is made for it. none: without noise, to compare with."
        ),
        ScenarioKey(
            "privacy.noise-multiplier", .numberOrNone(1e-3...1e6),
            "In place of privacy.epsilon: the standard deviation of the noise over the sensitivity under privacy.neighbouring."
        ),
        ScenarioKey(
            "privacy.delta", .number(1e-15...0.1), default: "1e-05",
            "δ of every ε; well below one over the number of persons."),
        ScenarioKey(
            "privacy.neighbouring", .choice(["add-remove", "replace-one"]), default: "add-remove",
            "Two data sets are neighbours when one has a person more, or when one person has other data; the second doubles the sensitivity."
        ),
        ScenarioKey(
            "privacy.unit", .choice(["person", "rating"]), default: "person",
            "Whose presence is hidden: that of a person with all ratings in all domains; or, weaker, that of one rating of a person, or its value, and not that the person is there. rating needs feature-map with mode silo, central or distributed, neighbouring: add-remove and privacy.rating-blocks."
        ),
        ScenarioKey(
            "privacy.rating-blocks", .integer(1...64),
            "unit: rating; a person's ratings of each domain are dealt into so many blocks by keyed hash, and feature and coordinates are means of what the blocks give, each clipped: one rating moves a person's update by 2/blocks of its bound, the person by all of it."
        ),
        ScenarioKey(
            "privacy.encoders", .choice(["shared", "disjoint"]), default: "shared",
            "shared: everybody trains item factors and, when linked, the bridge. disjoint: by keyed hash a person serves one of them, so that nothing else is known of those of the bridge."
        ),
        ScenarioKey(
            "privacy.bridge-share", .number(0.05...0.95), default: "0.5",
            "encoders: disjoint; the share of training persons who serve the bridge alone."),
        ScenarioKey(
            "privacy.feature-bound", .number(1e-6...1e6), default: "2.5",
            "The clipping bound of a person's source feature."),
        ScenarioKey(
            "privacy.target-bound", .number(1e-6...1e6), default: "0.4",
            "The clipping bound of a person's target coordinates."),
        ScenarioKey(
            "privacy.gain", .number(1e-3...1e3), default: "2",
            "γ: a protected map is γ times the bridge over privacy.linked-persons, as clipping makes it smaller."),
        ScenarioKey(
            "privacy.linked-persons", .integer(1...1_000_000), default: "900",
            "How many linked persons are expected: a constant that sums are divided by, since a count of the data would tell."
        ),
        ScenarioKey(
            "privacy.clipping-bound", .number(1e-6...1e6), default: "1",
            "meta and adversarial of persons: the clipping bound of a person's gradient, over all its parameters together; where clipping is adaptive, that of the first round."
        ),
        ScenarioKey(
            "privacy.sampling", .choice(["poisson", "fixed-size"]),
            "meta: how transfer.meta.participation chooses persons for a round. poisson, or without it: each person by a coin of their own. fixed-size: that share of privacy.linked-persons places, drawn without replacement; a person has one place, empty ones add nothing, and of more persons some are left out by keyed hash. Fixed-size needs neighbouring: replace-one, one persons client and a mode other than local; its ε is by Rényi divergences."
        ),
        ScenarioKey(
            "privacy.clipping", .choice(["fixed", "adaptive"]),
            "meta: fixed, or without it: every round clips at privacy.clipping-bound. adaptive: the bound follows a quantile of the persons' norms, learnt from one noised bit a person and round; update and bits together cost privacy.epsilon."
        ),
        ScenarioKey(
            "privacy.clipping-quantile", .numberOrNone(0.01...0.99),
            "clipping: adaptive; the share of the gradients' norms that should be within the bound. 0.5 where nothing or none is given."
        ),
        ScenarioKey(
            "privacy.clipping-rate", .numberOrNone(1e-3...10),
            "clipping: adaptive; the step of the bound's logarithm a round. 0.2 where nothing or none is given."),
        ScenarioKey(
            "privacy.clipping-noise", .numberOrNone(0.01...1e6),
            "clipping: adaptive; the standard deviation of the noise on how many norms are within the bound, more than half the noise multiplier. A twentieth of the persons expected in a round where nothing or none is given."
        ),
        ScenarioKey(
            "privacy.ratings-per-person", .integer(2...1_000_000),
            "The most ratings of one person, over all domains, that enter what that person's device releases; of more a choice by keyed hash, the same in every round."
        ),
        ScenarioKey(
            "privacy.release", .choice(["cross-moment", "vectors"]),
            "What linked persons' devices release under feature-map. cross-moment, or without it: one sum over persons. vectors: the baseline of the literature; each person's source feature and target coordinates with noise of their own, one row a person in privacy.slots rows, which the report shows in red. Needs privacy.mode local with an epsilon or a noise-multiplier, and one persons client. The map is a ridge regression (transfer.ridge) on the noised rows, times privacy.gain."
        ),
        ScenarioKey(
            "privacy.slots", .integer(2...65_536),
            "release: vectors; how many rows are released, whatever the number of linked persons: empty rows are pure noise, and of more persons some are left out by keyed hash."
        ),
        ScenarioKey(
            "privacy.gate", .choice(["unprotected", "protected"]),
            "unprotected, or without it: validation persons' scores and gains cross as sums without noise, so that nothing bounds what is learnt of these persons. protected: both sums are clipped person by person and noised, each for privacy.epsilon; choices and gate are made of them, and the gate is opened only as far as the noise leaves a gain. Needs mode silo, central or distributed."
        ),
        ScenarioKey(
            "privacy.selection-bound", .numberOrNone(1e-3...1e3),
            "gate: protected; the clipping bound of a validation person's scores of all candidates together, each less the mean of those it is compared with. 1 where nothing or none is given."
        ),
        ScenarioKey(
            "privacy.gate-bound", .numberOrNone(1e-3...1e3),
            "gate: protected; the clipping bound of a validation person's gains and their squares together. 0.5 where nothing or none is given."
        ),
        ScenarioKey(
            "privacy.rating-means", .choice(["unprotected", "protected"]),
            "unprotected, or without it: the mean ratings of items, of bias-carry and other baselines, cross as they are. protected: each domain releases how many ratings each item has and their sum, clipped person by person and noised, for privacy.epsilon; means are made of these, the more damped the less the noise leaves. Needs mode silo, central or distributed, evaluation.rating-scale and a baseline that has means."
        ),
        ScenarioKey(
            "privacy.means-bound", .numberOrNone(1e-3...1e3),
            "rating-means: protected; the clipping bound of a person's counts and ratings of all items together, a rating counting from -1 to 1 over the scale: √2 times the root of the number of ratings is the most. 5 where nothing or none is given."
        ),
        ScenarioKey(
            "privacy.item-factors", .choice(["unprotected", "protected"]),
            "unprotected, or without it: what clients of a shared domain send for its item factors has no noise. protected: with federation.strategy: gradient, each person's gradient of a round is clipped at privacy.factor-bound and each client's sum noised, so that all rounds of a domain together cost privacy.epsilon. Needs mode silo or distributed and privacy.factor-persons."
        ),
        ScenarioKey(
            "privacy.factor-bound", .numberOrNone(1e-6...1e9),
            "item-factors: protected; the clipping bound of a person's gradient of all item factors of a domain together. 1 where nothing or none is given."
        ),
        ScenarioKey(
            "privacy.factor-persons", .integer(1...1_000_000),
            "item-factors: protected; how many persons a shared domain is taken to have: a constant that sums of gradients are divided by, in place of the count, which would tell."
        ),
        ScenarioKey(
            "privacy.noise-draws", .integer(1...1_000), default: "1",
            "feature-map with one persons client: above 1, how many draws of the noise are scored at k = 0 besides the released one; they stay inside the client."
        ),
        ScenarioKey("evaluation", .section, "Who is scored, and how."),
        ScenarioKey(
            "evaluation.top-n", .integer(1...1_000), default: "10",
            "Length of the recommendation list: the k of ndcg@k and its like."),
        ScenarioKey(
            "evaluation.metrics", .words(MetricNames.all),
            default: "[ndcg, recall, hit, mrr, coverage, novelty, rmse, mae]",
            "The metrics in the record; rmse and mae are of the methods that predict ratings, all others of those that rank."
        ),
        ScenarioKey(
            "evaluation.baselines", .words(BaselineNames.all),
            default:
                "[item-mean, user-mean, bias-carry, explicit-als, biased-mf, item-knn, text-knn, ease, local-ensemble, pooled-reference, naive-fedavg]",
            "What the transfer is compared with beside popularity, local, best-local and shuffled-source, which always are."
        ),
        ScenarioKey(
            "evaluation.split", .choice(["auto", "time", "seeded"]), default: "auto",
            "time: training ends before validation begins, and that before the test, for all domains at once; seeded: by keyed hash; auto: time where the target has times that leave persons to score."
        ),
        ScenarioKey(
            "evaluation.validation-time", .number(0.01...0.99), default: "0.8",
            "Split by time: the share of the target's interactions that are earlier than validation."),
        ScenarioKey(
            "evaluation.test-time", .number(0.01...0.99), default: "0.9",
            "Split by time: the share of the target's interactions that are earlier than the test."),
        ScenarioKey(
            "evaluation.shots", .integers(0...100), default: "[0, 1, 3, 5]",
            "How many target interactions of a cold person are known."),
        ScenarioKey(
            "evaluation.support", .choice(["random", "earliest"]), default: "random",
            "Which interactions become known first: drawn at random, or the earliest, which needs times."),
        ScenarioKey(
            "evaluation.cold-users", .number(0.01...0.9), default: "0.2",
            "The share of persons, by keyed hash, whose target interactions leave training and are predicted."),
        ScenarioKey(
            "evaluation.validation-users", .number(0.01...0.9), default: "0.15",
            "The share of the remaining persons on whom every choice is made."),
        ScenarioKey(
            "evaluation.warm-users", .number(0...0.9), default: "0.1",
            "The share of training persons who are scored as warm: a fifth of their target interactions is held out, or what is later than the test time. Their choices are those of the most shots; with no shots but 0 they are not scored."
        ),
        ScenarioKey(
            "evaluation.cold-items", .number(0...0.5), default: "0",
            "Seeded split: the share of target items that nobody trains on and that are predicted for warm persons. By time: the items first seen after the test time, whenever this is above 0."
        ),
        ScenarioKey(
            "evaluation.minimum-interactions", .integer(2...100_000), default: "8",
            "Cold and validation persons with fewer target interactions are not scored."),
        ScenarioKey(
            "evaluation.rating-scale", .numbers(-1e6...1e6),
            "The lowest and the highest rating: predictions are clamped to them before rmse and mae; by default those of the target's data."
        ),
        ScenarioKey(
            "evaluation.item-weights-limit", .integer(0...6_000), default: "4000",
            "The largest target catalogue for item-knn, text-knn and ease, which hold a weight for each pair of items; for the ease of pooled-reference, the largest of all domains together."
        ),
        ScenarioKey(
            "evaluation.fedavg-rounds", .integer(1...100), default: "5",
            "Rounds of naive-fedavg, before the choices and again after them."),
        ScenarioKey("transport", .section, "How messages travel."),
        ScenarioKey(
            "transport.kind", .choice(["ipc", "tcp"]), default: "ipc",
            "Unix sockets in a private folder, or TCP on this machine."),
        ScenarioKey(
            "transport.endpoint", .text,
            "TCP only: where the coordinator listens, such as tcp://127.0.0.1:5555; by default the system picks a free port. Addresses that other machines reach need transport.curve: true."
        ),
        ScenarioKey(
            "transport.curve", .boolean, default: "false",
            "TCP only: whether messages are encrypted and both ends authenticated with CURVE (Curve25519). ferry run makes fresh keys for every run; roles started by hand take theirs from files of ferry keys new."
        ),
        ScenarioKey(
            "sweep", .grid,
            "For ferry sweep: a grid over any keys, as in {model.factors: [16, 32], clients.books.count: [1, 3]}; every combination is a run of its own with the same seeds."
        ),
    ]

    private static let byPath: [String: ScenarioKey] = Dictionary(
        all.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })

    /// The key with a path of the table, such as `clients[].id`.
    static func key(_ path: String) -> ScenarioKey? { byPath[path] }

    /// The keys directly below a section.
    static func children(of path: String) -> [ScenarioKey] { byParent[path] ?? [] }

    private static let byParent = Dictionary(grouping: all, by: \.parent)
}
