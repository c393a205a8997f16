/// What trains the decoder of target coordinates in the adversarial game of persons.
public enum AdversarialDecoder: String, Sendable, Equatable, CaseIterable {
    /// The target representations, and the source representations of the same persons: the links.
    case linked
    /// The target representations alone, as for domains that the game has to bring together without links.
    case own
}

/// One person in the adversarial game of persons.
public struct AdversarialPerson: Sendable, Equatable {
    /// f, the person's white features in the source.
    public let source: [Float]
    /// t, the person's white coordinates in the target.
    public let target: [Float]
    /// What the decoder should make of the person: target coordinates, of one scale for all axes.
    public let coordinates: [Float]
    /// Whether neither D nor the reversed gradient sees the person, who counts for the decoders.
    public let isHeldOut: Bool

    /// A person.
    public init(source: [Float], target: [Float], coordinates: [Float], isHeldOut: Bool = false) {
        precondition(target.count == coordinates.count, "coordinates of two lengths")
        self.source = source
        self.target = target
        self.coordinates = coordinates
        self.isHeldOut = isHeldOut
    }
}

/// The domain-adversarial game whose rows are persons: G maps what a person is like in either domain to common features,
/// from which D should not tell the domain and decoders tell what the person is like.
///
/// The input of G is [f; 0] of a person in the source and [0; t] in the target: the axes of the two have nothing in
/// common, so that G has weights of its own for each. The decoders are affine: of a source row H_S gives f, of a target row
/// H_T gives t; where the decoder is `linked`, H_T is to give t of the same person's source row too. A decoder's loss is
/// half the mean squared error over its outputs. All sums are over persons, and they are the same whichever clients add
/// them up: min over G, H and max over D of L_S + L_T (+ L_link) − λ L_dom, with L_dom of `AdversarialConfiguration`.
///
/// Source: Ganin et al., *Domain-adversarial training of neural networks* (JMLR 2016); decoders as in Bousmalis et al.,
/// *Domain separation networks* (NIPS 2016), without its private encoders.
public struct AdversarialPersonGame: Sendable, Equatable {
    /// The sizes of G and D.
    public let shape: AdversarialShape
    /// Features of a person in the source.
    public let sourceCount: Int
    /// Coordinates of a person in the target.
    public let targetCount: Int
    /// What trains H_T.
    public let decoder: AdversarialDecoder
    private let sourceHead: DenseNetwork
    private let targetHead: DenseNetwork

    /// A game.
    public init(
        _ configuration: AdversarialConfiguration, sourceCount: Int, targetCount: Int, decoder: AdversarialDecoder
    ) {
        precondition(configuration.binCount == 1, "a game of persons has no bins")
        shape = AdversarialShape(configuration, inputCount: sourceCount + targetCount)
        self.sourceCount = sourceCount
        self.targetCount = targetCount
        self.decoder = decoder
        sourceHead = DenseNetwork(.linear, inputCount: shape.dimension, outputCount: sourceCount)
        targetHead = DenseNetwork(.linear, inputCount: shape.dimension, outputCount: targetCount)
    }

    /// The parameters of both decoders: the weights of H_S, d × features, row-major, its biases, then those of H_T.
    public var decoderCount: Int { sourceHead.parameterCount + targetHead.parameterCount }

    /// One person's gradients.
    public func gradient(
        of person: AdversarialPerson, at parameters: AdversarialPersonParameters, part: AdversarialPart = .both
    ) -> AdversarialPersonGradient {
        precondition(
            person.source.count == sourceCount && person.target.count == targetCount, "a person of another game")
        var out = AdversarialPersonGradient(self)
        let rows = batches(person)
        let passes = rows.map { shape.extractor.pass(parameters.game.extractor, $0) }
        if !person.isHeldOut { out.rowCount = 1 }
        for (domain, index) in [(AdversarialDomain.source, 0), (.target, 1)] where !person.isHeldOut {
            let inner = DenseNetwork.Batch(rows: passes[index].outputs, width: shape.dimension, blocks: nil)
            let logit = shape.discriminator.pass(parameters.game.discriminator, inner)
            out.domainLoss += domain.loss(logit.outputs[0])
            out.correctCount += domain.isCorrect(logit.outputs[0]) ? 1 : 0
            let slopes = shape.discriminator.reverse(
                parameters.game.discriminator, inner, logit, outputs: [domain.slope(logit.outputs[0])],
                needsRows: part == .both, into: &out.discriminator)
            guard part == .both else { continue }
            _ = shape.extractor.reverse(
                parameters.game.extractor, rows[index], passes[index], outputs: slopes, needsRows: false,
                into: &out.confusion)
        }
        guard part == .both else { return out }
        out.personCount = 1
        let source = Array(parameters.decoders[..<sourceHead.parameterCount])
        let target = Array(parameters.decoders[sourceHead.parameterCount...])
        var ofSource = [Double](repeating: 0, count: sourceHead.parameterCount)
        var ofTarget = [Double](repeating: 0, count: targetHead.parameterCount)
        let wanted = (person.source.map(Double.init), person.coordinates.map(Double.init))
        // Of each row the decoders that see it.
        for index in 0..<2 {
            let inner = DenseNetwork.Batch(rows: passes[index].outputs, width: shape.dimension, blocks: nil)
            var slopes = [Double](repeating: 0, count: shape.dimension)
            func decode(_ head: DenseNetwork, _ values: [Double], _ wanted: [Double], into gradient: inout [Double]) {
                let pass = head.pass(values, inner)
                let scale = 1 / Double(wanted.count)
                let errors = zip(pass.outputs, wanted).map { $0 - $1 }
                out.decoderLoss += errors.reduce(0) { $0 + 0.5 * scale * $1 * $1 }
                let ofRow = head.reverse(
                    values, inner, pass, outputs: errors.map { scale * $0 }, needsRows: true, into: &gradient)
                for index in slopes.indices { slopes[index] += ofRow[index] }
            }
            if index == 0 { decode(sourceHead, source, wanted.0, into: &ofSource) }
            if index == 1 || decoder == .linked { decode(targetHead, target, wanted.1, into: &ofTarget) }
            _ = shape.extractor.reverse(
                parameters.game.extractor, rows[index], passes[index], outputs: slopes, needsRows: false,
                into: &out.preference)
        }
        out.decoders = ofSource + ofTarget
        return out
    }

    /// How many of a held-out person's two rows D tells the domain of.
    public func correctCount(of person: AdversarialPerson, at parameters: AdversarialPersonParameters) -> Int {
        zip(AdversarialDomain.allCases, batches(person)).count { domain, row in
            let features = shape.extractor.pass(parameters.game.extractor, row).outputs
            let inner = DenseNetwork.Batch(rows: features, width: shape.dimension, blocks: nil)
            return domain.isCorrect(shape.discriminator.pass(parameters.game.discriminator, inner).outputs[0])
        }
    }

    /// The target coordinates that H_T makes of a person's source features.
    public func coordinates(ofSource feature: [Float], at parameters: AdversarialPersonParameters) -> [Float] {
        precondition(feature.count == sourceCount, "\(feature.count) source features")
        let features = shape.extractor.pass(
            parameters.game.extractor, batch(feature + [Float](repeating: 0, count: targetCount))
        ).outputs
        let inner = DenseNetwork.Batch(rows: features, width: shape.dimension, blocks: nil)
        return targetHead.pass(Array(parameters.decoders[sourceHead.parameterCount...]), inner).outputs.map {
            Float($0)
        }
    }

    /// Mean and covariance of G over persons whose rows are white; `nil` for a G with a hidden layer.
    public func moments(
        _ domain: AdversarialDomain, at parameters: AdversarialPersonParameters
    ) -> (mean: [Double], covariance: [Double])? {
        guard shape.extractorOutputWeights.isEmpty else { return nil }
        let dimension = shape.dimension
        let weights = parameters.game.extractor[shape.extractorWeights]
        let rows = domain == .source ? 0..<sourceCount : sourceCount..<sourceCount + targetCount
        var covariance = [Double](repeating: 0, count: dimension * dimension)
        for row in rows {
            for first in 0..<dimension {
                for second in 0..<dimension {
                    covariance[first * dimension + second] +=
                        weights[row * dimension + first] * weights[row * dimension + second]
                }
            }
        }
        return (Array(parameters.game.extractor[shape.extractorBiases]), covariance)
    }

    private func batches(_ person: AdversarialPerson) -> [DenseNetwork.Batch] {
        [
            batch(person.source + [Float](repeating: 0, count: targetCount)),
            batch([Float](repeating: 0, count: sourceCount) + person.target),
        ]
    }

    private func batch(_ row: [Float]) -> DenseNetwork.Batch {
        DenseNetwork.Batch(rows: row.map(Double.init), width: row.count, blocks: nil)
    }
}

/// What the game of persons learns: G and D, and the decoders.
public struct AdversarialPersonParameters: Sendable, Equatable {
    /// G and D.
    public internal(set) var game: AdversarialParameters
    /// H_S, then H_T.
    public internal(set) var decoders: [Double]

    /// Parameters from their parts.
    public init(game: AdversarialParameters, decoders: [Double]) {
        self.game = game
        self.decoders = decoders
    }
}

/// Sums of gradients over persons, which add up over clients.
public struct AdversarialPersonGradient: Sendable, Equatable {
    /// ∂ Σ loss / ∂D over both rows of the persons that train D.
    public internal(set) var discriminator: [Double]
    /// ∂ Σ loss / ∂G over the same rows, not yet reversed; zeros where D alone is moved.
    public internal(set) var confusion: [Double]
    /// ∂ (decoders' loss) / ∂G; zeros where D alone is moved.
    public internal(set) var preference: [Double]
    /// ∂ (decoders' loss) / ∂H; zeros where D alone is moved.
    public internal(set) var decoders: [Double]
    /// Σ loss of D, over both rows.
    public internal(set) var domainLoss = 0.0
    /// The persons that train D: as many rows of each domain.
    public internal(set) var rowCount = 0
    /// Of twice as many rows those whose domain D tells.
    public internal(set) var correctCount = 0
    /// The decoders' loss.
    public internal(set) var decoderLoss = 0.0
    /// The persons that train the decoders.
    public internal(set) var personCount = 0

    /// The gradient of nobody.
    public init(_ game: AdversarialPersonGame) {
        discriminator = [Double](repeating: 0, count: game.shape.discriminatorCount)
        confusion = [Double](repeating: 0, count: game.shape.extractorCount)
        preference = confusion
        decoders = [Double](repeating: 0, count: game.decoderCount)
    }

    /// Sums that have travelled; `nil` where a vector has another size, a value is not finite or a count is negative.
    public init?(
        _ game: AdversarialPersonGame, discriminator: [Double], confusion: [Double], preference: [Double],
        decoders: [Double], domainLoss: Double, rowCount: Int, correctCount: Int, decoderLoss: Double, personCount: Int
    ) {
        self.init(game)
        guard discriminator.count == self.discriminator.count, confusion.count == self.confusion.count,
            preference.count == self.preference.count, decoders.count == self.decoders.count, rowCount >= 0,
            personCount >= 0, (0...2 * rowCount).contains(correctCount), domainLoss.isFinite, decoderLoss.isFinite,
            [discriminator, confusion, preference, decoders].allSatisfy({ $0.allSatisfy { $0.isFinite } })
        else { return nil }
        self.discriminator = discriminator
        self.confusion = confusion
        self.preference = preference
        self.decoders = decoders
        self.domainLoss = domainLoss
        self.rowCount = rowCount
        self.correctCount = correctCount
        self.decoderLoss = decoderLoss
        self.personCount = personCount
    }

    /// Adds other persons.
    public mutating func add(_ other: AdversarialPersonGradient) {
        precondition(
            discriminator.count == other.discriminator.count && confusion.count == other.confusion.count
                && decoders.count == other.decoders.count, "a sum of gradients of two games")
        for index in discriminator.indices { discriminator[index] += other.discriminator[index] }
        for index in confusion.indices { confusion[index] += other.confusion[index] }
        for index in preference.indices { preference[index] += other.preference[index] }
        for index in decoders.indices { decoders[index] += other.decoders[index] }
        domainLoss += other.domainLoss
        rowCount += other.rowCount
        correctCount += other.correctCount
        decoderLoss += other.decoderLoss
        personCount += other.personCount
    }
}

extension AdversarialAverage {
    /// The averages of a game of persons: both domains have the same weight, as they have the same number of rows.
    ///
    /// - Parameter reversal: λ.
    /// - Returns: `nil` where nobody trains D.
    public init?(_ sums: AdversarialPersonGradient, reversal: Double) {
        guard sums.rowCount > 0 else { return nil }
        let ofDomain = 0.5 / Double(sums.rowCount)
        let ofPersons = 1 / Double(max(1, sums.personCount))
        discriminator = sums.discriminator.map { ofDomain * $0 }
        extractor = sums.confusion.indices.map {
            ofPersons * sums.preference[$0] - reversal * ofDomain * sums.confusion[$0]
        }
        domainLoss = ofDomain * sums.domainLoss
        preferenceLoss = ofPersons * sums.decoderLoss
        accuracy = ofDomain * Double(sums.correctCount)
    }
}

/// The steps of both players and of the decoders, identical for all who apply the same sums. The decoders move with G, by
/// Adam with its step length and decay.
public struct AdversarialPersonOptimizer: Sendable {
    private let configuration: AdversarialConfiguration
    private var players: AdversarialOptimizer
    private var decoders: AdversarialOptimizer.Moments

    /// Starts with empty averages.
    public init(_ configuration: AdversarialConfiguration, _ game: AdversarialPersonGame) {
        self.configuration = configuration
        players = AdversarialOptimizer(configuration, game.shape)
        decoders = AdversarialOptimizer.Moments(count: game.decoderCount, decay: 0.9)
    }

    /// Moves D, or all networks, by the sums of an exchange; nothing moves where nobody trains D.
    ///
    /// - Parameter exchange: its number, from 0.
    /// - Returns: what the sums come to; `nil` where nothing moved.
    @discardableResult public mutating func step(
        _ parameters: inout AdversarialPersonParameters, _ sums: AdversarialPersonGradient, exchange: Int
    ) -> AdversarialAverage? {
        let progress = configuration.progress(atExchange: exchange)
        let part = configuration.part(ofExchange: exchange)
        guard let average = AdversarialAverage(sums, reversal: configuration.reversal(at: progress)) else { return nil }
        players.step(&parameters.game, average, of: part, progress: progress)
        guard part == .both, sums.personCount > 0 else { return average }
        let scale = 1 / Double(sums.personCount)
        let slopes = zip(sums.decoders, parameters.decoders).map { scale * $0 + configuration.extractorDecay * $1 }
        decoders.step(&parameters.decoders, slopes, rate: configuration.extractorRate(at: progress))
        return average
    }
}
