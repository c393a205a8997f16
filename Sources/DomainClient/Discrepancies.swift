import Federation
import Numerics
import Parameters
import Ratings
import Record
import Scenario
import Transfer

/// How far the domains are apart before and after the transfer, from released parameters and statistics only.
struct Discrepancies {
    private(set) var records: [DiscrepancyRecord] = []
    private let target: String

    private init(target: String) { self.target = target }

    private mutating func add(_ source: String, _ measure: String, _ before: Double?, _ after: Double?) {
        guard let before, let after, before.isFinite, after.isFinite else { return }
        records.append(
            DiscrepancyRecord(source: source, target: target, measure: measure, before: before, after: after))
    }

    /// The measures of moments: of the domains as they are, and as the transfer sees them.
    private mutating func add(
        _ source: String, before: (Moments, Moments), after: (Moments, Moments)
    ) throws {
        func both(_ measure: String, _ value: (Moments, Moments) throws -> Double?) rethrows {
            add(source, measure, try value(before.0, before.1), try value(after.0, after.1))
        }
        both("coral") { $0.dimension == $1.dimension ? Discrepancy.coral($0, $1) : nil }
        try both("bures-wasserstein") {
            $0.dimension == $1.dimension ? try Discrepancy.buresWasserstein($0, $1) : nil
        }
        try both("mmd") {
            $0.dimension == $1.dimension && $0.squaredBandwidth(with: $1) > 0
                ? try Discrepancy.gaussianMMD($0, $1) : nil
        }
        both("sliced-wasserstein") {
            guard $0.dimension == $1.dimension else { return nil }
            return Slices(dimension: $0.dimension, directionCount: 64, root: 1).squaredWasserstein($0, $1)
        }
        try both("principal-angle") { try Discrepancies.principalAngle($0, $1) }
    }

    /// The mean angle in radians between the subspaces of the leading quarter of the principal axes, at least one.
    private static func principalAngle(_ first: Moments, _ second: Moments) throws -> Double? {
        guard first.dimension == second.dimension else { return nil }
        let count = max(1, first.dimension / 4)
        func axes(_ moments: Moments) throws -> Matrix {
            let vectors = try SymmetricEigen(moments.covariance, order: moments.dimension).eigenvectors
                .suffix(count)
            return Matrix(
                rowCount: count, columnCount: moments.dimension, values: vectors.flatMap { $0.map { Float($0) } }
            ).transposed
        }
        return mean(try Discrepancy.principalAngles(try axes(first), try axes(second)))
    }

    /// Where persons link the domains: before, the sources' persons beside the target's; after, where the transfer puts
    /// a person of each source, beside the target's.
    static func ofPersons(
        _ plan: RunPlan, known: ParameterSet, models: inout DeviceModels, map: FeatureMap?, factors: Int
    ) throws -> [DiscrepancyRecord] {
        var out = Discrepancies(target: plan.target)
        func moments(_ domain: String) throws -> Moments? {
            guard let count = known.values(TensorName.momentCount(domain))?.first,
                let moments = PersonMoments(
                    count: count, sum: try known.require(TensorName.momentSum(domain)),
                    product: try known.require(TensorName.momentProduct(domain)))
            else { return nil }
            return Moments(mean: moments.mean, covariance: moments.covariance)
        }
        guard let target = try moments(plan.target) else { return [] }
        for (index, source) in plan.sources.enumerated() {
            guard let before = try moments(source) else { continue }
            // Features are white, so that each axis contributes its image.
            func image(_ feature: [Float]) throws -> [Double]? {
                if let meta = models.meta {
                    return try meta.vector(MethodName.meta, feature: feature, known: .empty).map(Double.init)
                }
                return map.map { models.target.basis.vector($0.coordinates(feature)).map(Double.init) }
            }
            let zero = [Float](repeating: 0, count: plan.sources.count * factors)
            guard let center = try image(zero) else { return [] }
            var covariance = [Double](repeating: 0, count: center.count * center.count)
            for axis in 0..<factors {
                var feature = zero
                feature[index * factors + axis] = 1
                guard let value = try image(feature) else { continue }
                let moved = zip(value, center).map { $0 - $1 }
                for row in moved.indices {
                    for column in moved.indices { covariance[row * moved.count + column] += moved[row] * moved[column] }
                }
            }
            try out.add(
                source, before: (before, target), after: (Moments(mean: center, covariance: covariance), target))
        }
        return out.records
    }

    /// Where a game makes features of items: before, those that were learnt without the adversary; after, with it. Beside
    /// the moments, what discriminators can still tell of items that none was trained on.
    ///
    /// - Parameters:
    ///   - sourceItems: the ids of the source's items, and which of them something is known about: the features of all
    ///     others are that of the mean text, which no probe should count.
    ///   - targetItems: the same of the target's.
    static func ofGame(
        _ plan: RunPlan, known: ParameterSet, models: DeviceModels, sourceItems: ProbedItems, targetItems: ProbedItems,
        seed: Int
    ) throws -> [DiscrepancyRecord] {
        guard let source = plan.sources.first, let before = models.features(MethodName.sourceOnly),
            let after = models.features(MethodName.adversarial)
        else { return [] }
        let marks = [sourceItems, targetItems].map { items in
            // `nil` for what is left out.
            zip(AdversarialMonitor.heldOut(items.ids, seed: UInt64(seed)), items.isDescribed).map { $1 ? $0 : nil }
        }
        func rows(_ matrix: Matrix, _ isHeldOut: [Bool?], _ wanted: Bool?) -> Matrix {
            let chosen = isHeldOut.indices.filter { wanted == nil ? isHeldOut[$0] != nil : isHeldOut[$0] == wanted }
            return Matrix(
                rowCount: chosen.count, columnCount: matrix.columnCount, values: chosen.flatMap { matrix.row($0) })
        }
        func moments(_ features: (source: Matrix, target: Matrix)) -> (Moments, Moments) {
            (Moments(rows: rows(features.source, marks[0], nil)), Moments(rows: rows(features.target, marks[1], nil)))
        }
        guard marks.allSatisfy({ $0.contains { $0 != nil } }) else { return [] }
        var out = Discrepancies(target: plan.target)
        try out.add(source, before: moments(before), after: moments(after))
        for (degree, name) in [(AdversarialProbe.Degree.linear, "linear"), (.quadratic, "quadratic")] {
            // Squares and products of many features take more time than the rest of the run.
            if degree == .quadratic, after.source.columnCount > 24 { continue }
            func accuracy(_ features: (source: Matrix, target: Matrix)) throws -> Double? {
                let training = (rows(features.source, marks[0], false), rows(features.target, marks[1], false))
                guard training.0.rowCount > 1, training.1.rowCount > 1 else { return nil }
                let probe = try AdversarialProbe(source: training.0, target: training.1, degree: degree)
                return AdversarialMonitor([
                    probe.count(rows(features.source, marks[0], true), domain: .source),
                    probe.count(rows(features.target, marks[1], true), domain: .target),
                ])?.accuracy
            }
            let (first, second) = (try accuracy(before), try accuracy(after))
            out.add(source, "\(name)-probe-accuracy", first, second)
            if name == "linear" {
                out.add(
                    source, "proxy-a-distance", first.map { Discrepancy.proxyADistance(error: 1 - $0) },
                    second.map { Discrepancy.proxyADistance(error: 1 - $0) })
            }
        }
        func heldOut(_ method: String) throws -> Double? {
            let counts = try [true, false].compactMap { isSource -> AdversarialCount? in
                let sums = try known.require(TensorName.adversarial(method, isSource: isSource, .sums))
                guard let rows = Int(exactly: sums[5]), let correct = Int(exactly: sums[6]),
                    (0...max(0, rows)).contains(correct)
                else { return nil }
                return AdversarialCount(
                    domain: isSource ? .source : .target, rowCount: rows, correctCount: correct)
            }
            return counts.count == 2 ? AdversarialMonitor(counts)?.accuracy : nil
        }
        out.add(
            source, "discriminator-accuracy", try heldOut(MethodName.sourceOnly),
            try heldOut(MethodName.adversarial))
        return out.records
    }

    /// Where a game makes features of persons: before, those that were learnt without the adversary; after, with it. Both
    /// sides of its input are white, so that the moments of the features follow from G; what D can tell is of persons whom
    /// it was not trained on.
    static func ofPersonGame(
        _ plan: RunPlan, known: ParameterSet, models: DeviceModels
    ) throws -> [DiscrepancyRecord] {
        guard let source = plan.sources.first, let game = models.personGame else { return [] }
        var out = Discrepancies(target: plan.target)
        func moments(_ method: String) -> (Moments, Moments)? {
            guard let first = game.moments(method, .source), let second = game.moments(method, .target) else {
                return nil
            }
            return (
                Moments(mean: first.mean, covariance: first.covariance),
                Moments(mean: second.mean, covariance: second.covariance)
            )
        }
        if let before = moments(MethodName.sourceOnly), let after = moments(MethodName.adversarial) {
            try out.add(source, before: before, after: after)
        }
        func heldOut(_ method: String) throws -> Double? {
            // Under protection no count crosses, and nobody is held out.
            guard let sums = known.values(TensorName.personGame(method, .sums)) else { return nil }
            // Both rows of each person count.
            return sums[5] > 0 ? Double(sums[6]) / (2 * Double(sums[5])) : nil
        }
        let (first, second) = (try heldOut(MethodName.sourceOnly), try heldOut(MethodName.adversarial))
        out.add(source, "discriminator-accuracy", first, second)
        out.add(
            source, "proxy-a-distance", first.map { Discrepancy.proxyADistance(error: 1 - $0) },
            second.map { Discrepancy.proxyADistance(error: 1 - $0) })
        return out.records
    }

    /// Where texts link the domains: before, their texts; after, what the source's map makes of either, the target's
    /// texts brought into its space. Of the public words that both have, the similarity of the two representations.
    static func ofTexts(
        _ plan: RunPlan, known: ParameterSet, texts: Matrix, spaces: TextSpaces, factors: Int
    ) throws -> [DiscrepancyRecord] {
        var out = Discrepancies(target: plan.target)
        let own = Moments(TextMoments(texts))
        for source in plan.sources where known.values(TensorName.textMap(source, .weights)) != nil {
            let other = Moments(try TextMoments(known, source: source))
            let map = try TextFactorMap(known, source: source, isShuffled: false, factors: factors)
            let moved = Moments(TextMoments(spaces.aligned(texts, to: source)))
            try out.add(source, before: (other, own), after: (image(other, map), image(moved, map)))
            guard let pairs = spaces.pairs[source], pairs.count > 1 else { continue }
            out.add(
                source, "linear-cka", Discrepancy.linearCKA(pairs.to, pairs.from),
                Discrepancy.linearCKA(
                    pairs.to.multiplied(by: map.weights),
                    spaces.aligned(pairs.from, to: source).multiplied(by: map.weights)))
        }
        return out.records
    }

    /// Where meta-learning has a tower for all domains' texts: before, the texts; after, what the tower makes of them.
    static func ofTower(
        _ plan: RunPlan, known: ParameterSet, texts: Matrix, trainer: MetaTextTrainer
    ) throws -> [DiscrepancyRecord] {
        var out = Discrepancies(target: plan.target)
        let own = TextMoments(texts)
        for source in plan.sources where known.values(TensorName.textMap(source, .mean)) != nil {
            let other = try TextMoments(known, source: source)
            guard let first = trainer.map(other), let second = trainer.map(own) else { continue }
            try out.add(
                source, before: (Moments(other), Moments(own)),
                after: (image(Moments(other), first), image(Moments(own), second)))
        }
        return out.records
    }

    /// The moments of a + Bᵀx.
    private static func image(_ moments: Moments, _ map: TextFactorMap) -> Moments {
        let (rows, columns) = (map.weights.rowCount, map.weights.columnCount)
        let weights = map.weights.values.map(Double.init)
        var center = map.offset.map(Double.init)
        for row in 0..<rows {
            for column in 0..<columns { center[column] += weights[row * columns + column] * moments.mean[row] }
        }
        var half = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for inner in 0..<rows {
                let value = moments.covariance[row * rows + inner]
                for column in 0..<columns { half[row * columns + column] += value * weights[inner * columns + column] }
            }
        }
        var covariance = [Double](repeating: 0, count: columns * columns)
        for inner in 0..<rows {
            for row in 0..<columns {
                let value = weights[inner * columns + row]
                for column in 0..<columns {
                    covariance[row * columns + column] += value * half[inner * columns + column]
                }
            }
        }
        return Moments(mean: center, covariance: covariance)
    }
}

/// The items of a domain as a probe sees them.
struct ProbedItems {
    /// The ids.
    let ids: [String]
    /// Whether anything is known about an item, parallel.
    let isDescribed: [Bool]
}
