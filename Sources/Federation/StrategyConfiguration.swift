/// A strategy and its constants.
public struct StrategyConfiguration: Sendable, Equatable {
    /// The strategy.
    public let strategy: AggregationStrategy
    /// η, the factor of the server's step.
    public let serverRate: Double
    /// β₁, the share of the last momentum that is kept; used by fedavgm and the adaptive strategies.
    public let momentum: Double
    /// β₂, the share of the last second moments that is kept; used by fedadam and fedyogi.
    public let secondMomentum: Double
    /// τ, what is added to the root of the second moments; the smaller, the more adaptive.
    public let adaptivity: Double
    /// f, the number of arbitrary updates that a robust strategy has to bear; what trimmed-mean cuts at each end.
    public let byzantineCount: Int

    /// A strategy with the constants that are given, and for the others those of its source.
    ///
    /// - Parameters:
    ///   - serverRate: 0.1 for the adaptive strategies, whose first steps have this size; 1 for the others.
    ///   - momentum: 0 for fedadagrad, 0.9 for the others (Reddi et al. 2021, section 5).
    ///   - byzantineCount: 1 for robust strategies, 0 for the others.
    /// - Precondition: η and τ are positive, β₁ and β₂ in [0, 1), f not negative; all are finite.
    public init(
        _ strategy: AggregationStrategy, serverRate: Double? = nil, momentum: Double? = nil,
        secondMomentum: Double = 0.99, adaptivity: Double = 1e-3, byzantineCount: Int? = nil
    ) {
        self.strategy = strategy
        self.serverRate = serverRate ?? (strategy.isAdaptive ? 0.1 : 1)
        self.momentum = momentum ?? (strategy == .fedAdagrad ? 0 : 0.9)
        self.secondMomentum = secondMomentum
        self.adaptivity = adaptivity
        self.byzantineCount = byzantineCount ?? (strategy.isRobust ? 1 : 0)
        precondition(self.serverRate > 0 && self.serverRate.isFinite, "a server rate of \(self.serverRate)")
        precondition((0..<1).contains(self.momentum), "a momentum of \(self.momentum)")
        precondition((0..<1).contains(secondMomentum), "a second momentum of \(secondMomentum)")
        precondition(adaptivity > 0 && adaptivity.isFinite, "an adaptivity of \(adaptivity)")
        precondition(self.byzantineCount >= 0, "\(self.byzantineCount) Byzantine clients")
    }

    /// The fewest updates of a round.
    public var minimumClientCount: Int { strategy.minimumClientCount(byzantine: byzantineCount) }
}
