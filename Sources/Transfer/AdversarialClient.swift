public import Numerics
public import Ratings

/// One client of the adversarial game: its rows, their domain, and perhaps persons who interact with them.
///
/// Rows are whatever represents the domain: texts of items, or vectors of persons. Where there are interactions, each
/// person's vector p is refitted at every gradient and stays here.
public struct AdversarialClient: Sendable {
    /// The domain of all rows.
    public let domain: AdversarialDomain
    private let configuration: AdversarialConfiguration
    private let rows: DenseNetwork.Batch
    private let bins: [Int]
    private let isHeldOut: [Bool]
    private let isLeftOut: [Bool]
    private let interactions: SparseRows?

    /// A client.
    ///
    /// - Parameters:
    ///   - rows: one row an item, or one a person; m columns.
    ///   - bins: the bin of each row, below K, such as a bin of its popularity or rating; empty where all are 0.
    ///   - isHeldOut: the rows that neither D nor the reversed gradient sees; empty for none. They count for preferences.
    ///   - isLeftOut: the rows about whose domain nothing is asked, such as items without text; empty for none. They count
    ///     for preferences alone, whether held out or not.
    ///   - interactions: persons × rows; `nil` for a client without ratings.
    public init(
        _ configuration: AdversarialConfiguration, domain: AdversarialDomain, rows: Matrix, bins: [Int] = [],
        isHeldOut: [Bool] = [], isLeftOut: [Bool] = [], interactions: SparseRows? = nil
    ) {
        configuration.check()
        let count = rows.rowCount
        precondition(bins.isEmpty || bins.count == count, "\(bins.count) bins of \(count) rows")
        precondition(bins.allSatisfy { (0..<configuration.binCount).contains($0) }, "a bin that D has not")
        precondition(isHeldOut.isEmpty || isHeldOut.count == count, "\(isHeldOut.count) marks of \(count) rows")
        precondition(isLeftOut.isEmpty || isLeftOut.count == count, "\(isLeftOut.count) marks of \(count) rows")
        precondition(interactions.map { $0.columnCount == count } != false, "interactions with other rows")
        self.configuration = configuration
        self.domain = domain
        self.rows = DenseNetwork.Batch(
            rows: rows.values.map(Double.init), width: rows.columnCount, blocks: nil)
        self.bins = bins.isEmpty ? [Int](repeating: 0, count: count) : bins
        self.isHeldOut = isHeldOut.isEmpty ? [Bool](repeating: false, count: count) : isHeldOut
        self.isLeftOut = isLeftOut.isEmpty ? [Bool](repeating: false, count: count) : isLeftOut
        self.interactions = interactions
    }

    /// The client's sums of gradients.
    ///
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(rows · parameters), and with preferences
    ///   O(interactions · d² + persons · d³) more.
    public func gradient(
        at parameters: AdversarialParameters, of part: AdversarialPart = .both
    ) throws(NumericsError) -> AdversarialGradient {
        let shape = parameters.shape
        var out = AdversarialGradient(shape, domain: domain)
        let dimension = shape.dimension
        let pass = shape.extractor.pass(parameters.extractor, rows)
        let kept = isHeldOut.indices.filter { !isHeldOut[$0] && !isLeftOut[$0] }
        let (batch, logits) = logits(of: kept, features: pass.outputs, parameters)
        var slopes: [Double] = []
        slopes.reserveCapacity(kept.count)
        for logit in logits.outputs {
            out.domainLoss += domain.loss(logit)
            out.correctCount += domain.isCorrect(logit) ? 1 : 0
            slopes.append(domain.slope(logit))
        }
        out.rowCount = kept.count
        let isBoth = part == .both
        let ofKept = shape.discriminator.reverse(
            parameters.discriminator, batch, logits, outputs: slopes, needsRows: isBoth, into: &out.discriminator)
        guard isBoth else { return out }
        var ofFeatures = [Double](repeating: 0, count: pass.outputs.count)
        for (position, row) in kept.enumerated() {
            for index in 0..<dimension { ofFeatures[row * dimension + index] = ofKept[position * dimension + index] }
        }
        _ = shape.extractor.reverse(
            parameters.extractor, rows, pass, outputs: ofFeatures, needsRows: false, into: &out.confusion)
        guard let interactions else { return out }
        let preference = AdversarialPreference(
            features: pass.outputs, dimension: dimension, confidence: configuration.confidence,
            regularization: configuration.regularization)
        let (loss, ofItems) = try preference.gradient(interactions)
        out.preferenceLoss = loss
        out.interactionCount = interactions.columns.count
        _ = shape.extractor.reverse(
            parameters.extractor, rows, pass, outputs: ofItems, needsRows: false, into: &out.preference)
        return out
    }

    /// Each person's vector p, persons × d; private.
    ///
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    public func personVectors(at parameters: AdversarialParameters) throws(NumericsError) -> Matrix {
        guard let interactions else { return Matrix(rowCount: 0, columnCount: parameters.shape.dimension) }
        let features = parameters.shape.extractor.pass(parameters.extractor, rows).outputs
        let preference = AdversarialPreference(
            features: features, dimension: parameters.shape.dimension, confidence: configuration.confidence,
            regularization: configuration.regularization)
        let persons = try preference.persons(interactions)
        return Matrix(
            rowCount: interactions.rowCount, columnCount: parameters.shape.dimension,
            values: persons.map { Float($0) })
    }

    /// How many of the held-out rows D tells the domain of.
    public func heldOutCount(at parameters: AdversarialParameters) -> AdversarialCount {
        let features = parameters.shape.extractor.pass(parameters.extractor, rows).outputs
        let chosen = isHeldOut.indices.filter { isHeldOut[$0] && !isLeftOut[$0] }
        let logits = logits(of: chosen, features: features, parameters).logits.outputs
        return AdversarialCount(
            domain: domain, rowCount: chosen.count, correctCount: logits.count { domain.isCorrect($0) })
    }

    private func logits(
        of chosen: [Int], features: [Double], _ parameters: AdversarialParameters
    ) -> (batch: DenseNetwork.Batch, logits: DenseNetwork.Pass) {
        let dimension = parameters.shape.dimension
        var values: [Double] = []
        values.reserveCapacity(chosen.count * dimension)
        for row in chosen { values.append(contentsOf: features[row * dimension..<(row + 1) * dimension]) }
        let batch = DenseNetwork.Batch(rows: values, width: dimension, blocks: chosen.map { bins[$0] })
        return (batch, parameters.shape.discriminator.pass(parameters.discriminator, batch))
    }
}
