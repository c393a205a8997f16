import Glibc
import Numerics
import Ratings
import Transfer

/// A random game of few rows, and a slow twin of its losses.
struct AdversarialFixture {
    let configuration: AdversarialConfiguration
    let shape: AdversarialShape
    let parameters: AdversarialParameters
    let rows: [Matrix]
    let bins: [[Int]]
    let isHeldOut: [[Bool]]
    /// Those of the source's persons; for every second seed the target's too.
    let interactions: [SparseRows?]

    static let maps: [AdversarialMap] = [
        .linear, .hidden(units: 5, activation: .tanh), .hidden(units: 6, activation: .relu),
    ]

    init(extractor: AdversarialMap, discriminator: AdversarialMap, binCount: Int, seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["adversarial"])
        let inputCount = 4 + stream.integer(below: 3)
        var configuration = AdversarialConfiguration(dimension: 2 + stream.integer(below: 3))
        configuration.extractor = extractor
        configuration.discriminator = discriminator
        configuration.binCount = binCount
        self.configuration = configuration
        shape = AdversarialShape(configuration, inputCount: inputCount)
        let start = AdversarialParameters(shape, stream: RandomStream(root: seed, path: ["start"]))
        // Biases must not be zero, or their layout would not be tested.
        parameters = AdversarialParameters(
            shape, extractor: start.extractor.map { $0 + 0.3 * stream.gaussian() },
            discriminator: start.discriminator.map { $0 + 0.3 * stream.gaussian() })
        var rows: [Matrix] = []
        var bins: [[Int]] = []
        var held: [[Bool]] = []
        var interactions: [SparseRows?] = []
        for domain in 0..<2 {
            let count = 12 + stream.integer(below: 8)
            rows.append(
                Matrix(
                    rowCount: count, columnCount: inputCount,
                    values: (0..<count * inputCount).map { _ in Float(stream.gaussian() + Double(domain)) }))
            bins.append((0..<count).map { _ in stream.integer(below: binCount) })
            held.append((0..<count).map { $0 > 0 && stream.uniform() < 0.2 })
            var starts = [0]
            var columns: [UInt32] = []
            for _ in 0..<7 {
                columns += (0..<count).filter { _ in stream.uniform() < 0.25 }.map { UInt32($0) }
                starts.append(columns.count)
            }
            let isRated = domain == 0 || seed % 2 == 1
            interactions.append(isRated ? SparseRows(starts: starts, columns: columns, columnCount: count) : nil)
        }
        self.rows = rows
        self.bins = bins
        isHeldOut = held
        self.interactions = interactions
    }

    var clients: [AdversarialClient] {
        AdversarialDomain.allCases.map { domain in
            AdversarialClient(
                configuration, domain: domain, rows: rows[domain.rawValue], bins: bins[domain.rawValue],
                isHeldOut: isHeldOut[domain.rawValue], interactions: interactions[domain.rawValue])
        }
    }

    func average(
        _ parameters: AdversarialParameters, reversal: Double, of part: AdversarialPart = .both
    ) throws -> AdversarialAverage? {
        AdversarialAverage(try clients.map { try $0.gradient(at: parameters, of: part) }, reversal: reversal)
    }

    /// The outputs of one row by the documented layout.
    private static func outputs(
        _ map: AdversarialMap, _ values: [Double], _ input: [Double], outputCount: Int
    ) -> [Double] {
        var rest = values[...]
        func affine(_ input: [Double], _ count: Int) -> [Double] {
            let weights = Array(rest.prefix(input.count * count))
            rest = rest.dropFirst(weights.count)
            let biases = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            return (0..<count).map { unit in
                input.indices.reduce(biases[unit]) { $0 + input[$1] * weights[$1 * count + unit] }
            }
        }
        switch map {
        case .linear: return affine(input, outputCount)
        case .hidden(let units, let activation):
            let inner = affine(input, units).map { activation == .tanh ? tanh($0) : max($0, 0) }
            return affine(inner, outputCount)
        }
    }

    func features(_ domain: Int, _ parameters: AdversarialParameters) -> [[Double]] {
        (0..<rows[domain].rowCount).map { row in
            Self.outputs(
                configuration.extractor, parameters.extractor, rows[domain].row(row).map(Double.init),
                outputCount: shape.dimension)
        }
    }

    /// L_dom from the probabilities themselves.
    func domainLoss(_ parameters: AdversarialParameters) -> Double {
        var sum = 0.0
        for domain in 0..<2 {
            let features = features(domain, parameters)
            let kept = features.indices.filter { !isHeldOut[domain][$0] }
            for row in kept {
                var input = [Double](repeating: 0, count: shape.dimension * shape.binCount)
                for (index, value) in features[row].enumerated() {
                    input[bins[domain][row] * shape.dimension + index] = value
                }
                let logit = Self.outputs(
                    configuration.discriminator, parameters.discriminator, input, outputCount: 1)[0]
                let probability = 1 / (1 + exp(-logit))
                sum -= 0.5 * log(domain == 0 ? probability : 1 - probability) / Double(kept.count)
            }
        }
        return sum
    }

    /// L_pref over all cells, with p by the normal equations.
    func preferenceLoss(
        _ parameters: AdversarialParameters, solve: ([[Double]], [Double]) -> [Double]
    ) -> Double {
        var losses: [Double] = []
        for domain in 0..<2 {
            guard let interactions = interactions[domain] else { continue }
            let features = features(domain, parameters)
            let dimension = shape.dimension
            var sum = 0.0
            for person in 0..<interactions.rowCount {
                let own = Set(interactions.row(person).map { Int($0) })
                func weight(_ item: Int) -> Double { own.contains(item) ? 1 + configuration.confidence : 1 }
                let normal = (0..<dimension).map { row in
                    (0..<dimension).map { column in
                        features.indices.reduce(row == column ? configuration.regularization : 0) {
                            $0 + weight($1) * features[$1][row] * features[$1][column]
                        }
                    }
                }
                let right = (0..<dimension).map { row in own.sorted().reduce(0) { $0 + weight($1) * features[$1][row] }
                }
                let vector = solve(normal, right)
                for item in features.indices {
                    let error =
                        (own.contains(item) ? 1 : 0) - zip(vector, features[item]).reduce(0) { $0 + $1.0 * $1.1 }
                    sum += weight(item) * error * error
                }
                sum += configuration.regularization * vector.reduce(0) { $0 + $1 * $1 }
            }
            losses.append(sum / Double(interactions.columns.count))
        }
        return losses.reduce(0, +) / Double(losses.count)
    }
}
