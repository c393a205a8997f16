/// One kind of release in a record.
public struct ReleaseRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case name, epsilon, mechanism, sensitivity, rounds
        case conditionalOn = "conditional-on"
        case noiseMultiplier = "noise-multiplier"
        case clippingBound = "clipping-bound"
        case samplingRate = "sampling-rate"
        case renyiEpsilon = "epsilon-rdp"
        case personSlots = "person-slots"
        case sampleSize = "sample-size"
        case population
        case clippingBounds = "clipping-bounds"
    }

    /// The name.
    public let name: String
    /// Its own ε, by privacy-loss distributions.
    public let epsilon: EpsilonRecord
    /// The unprotected values that ε treats as fixed.
    public let conditionalOn: [String]
    /// The noise mechanism; absent when unprotected, as everything below.
    public let mechanism: String?
    /// The standard deviation of the noise over the sensitivity.
    public let noiseMultiplier: Double?
    /// The bound on one person's joint ℓ2 norm; in the first round where it follows the norms.
    public let clippingBound: Double?
    /// The ℓ2 sensitivity that is charged, in units of the released values: the bound and what rounding adds.
    public let sensitivity: Double?
    /// The probability with which a person takes part in one round; 1 without sampling.
    public let samplingRate: Double?
    /// How often it is released.
    public let rounds: Int?
    /// The same ε by Rényi differential privacy, as a check.
    public let renyiEpsilon: EpsilonRecord?
    /// How many rows it has of which each is of one person or of nobody; absent for sums over persons.
    public let personSlots: Int?
    /// How many of `population` places take part in each round; absent unless their number is fixed.
    public let sampleSize: Int?
    /// The places that a sample of fixed size is drawn from.
    public let population: Int?
    /// The clipping bound of each round, where it follows the norms; empty before the run. Absent where it is fixed.
    public let clippingBounds: [Double]?

    /// Makes a release.
    public init(
        name: String, epsilon: EpsilonRecord, conditionalOn: [String], mechanism: String? = nil,
        noiseMultiplier: Double? = nil, clippingBound: Double? = nil, sensitivity: Double? = nil,
        samplingRate: Double? = nil, rounds: Int? = nil, renyiEpsilon: EpsilonRecord? = nil, personSlots: Int? = nil,
        sampleSize: Int? = nil, population: Int? = nil, clippingBounds: [Double]? = nil
    ) {
        self.sampleSize = sampleSize
        self.population = population
        self.clippingBounds = clippingBounds
        self.name = name
        self.epsilon = epsilon
        self.conditionalOn = conditionalOn
        self.mechanism = mechanism
        self.noiseMultiplier = noiseMultiplier
        self.clippingBound = clippingBound
        self.sensitivity = sensitivity
        self.samplingRate = samplingRate
        self.rounds = rounds
        self.renyiEpsilon = renyiEpsilon
        self.personSlots = personSlots
    }
}
