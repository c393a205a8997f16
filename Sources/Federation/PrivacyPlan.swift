public import Accounting
public import Parameters
public import Privacy
public import Scenario

/// How the releases of a run are protected, the same in every process: a pure function of scenario and schema.
public struct PrivacyPlan: Sendable {
    /// The protected releases by name; every other release is `unprotected`.
    public let protections: [String: ReleaseProtection]

    /// A sum of more persons than this is refused: the range of the integers is proven for it.
    static let personLimit = 1 << 20

    /// Makes the noise that the scenario asks for.
    ///
    /// - Throws: `invalidParameter`, `noiseTooFine`, `rangeExceeded` when no grid fits; `AccountingError` when no noise
    ///   gives the ε that is asked for.
    public init(_ scenario: ScenarioDefinition, schema: ParameterSchema) throws {
        guard scenario.isProtected, let policy = ReleasePolicy(mode: scenario.text("privacy.mode")) else {
            protections = [:]
            return
        }
        let relation = NeighbouringRelation(scenario)
        let personsClients = scenario.clients.filter(\.group.isPersons).count
        let sampling = SamplingScheme(scenario)
        func noiseMultiplier(_ sampling: SamplingScheme, rounds: Int) throws -> Double {
            try scenario.optionalNumber("privacy.noise-multiplier")
                ?? PrivacyPlan.noiseMultiplier(
                    epsilon: scenario.optionalNumber("privacy.epsilon") ?? .infinity,
                    delta: scenario.number("privacy.delta"), sampling: sampling.charged(under: policy), rounds: rounds,
                    relation: relation)
        }
        let multiplier = try noiseMultiplier(sampling, rounds: scenario.transferRounds)
        var protections: [String: ReleaseProtection] = [:]
        /// - Parameter multiplier: under the relation; the grid counts sensitivity under add-remove.
        func protect(
            _ name: String, bound: Double, movement: Double? = nil, multiplier: Double, slots: Int? = nil,
            sampling: SamplingScheme = sampling, clients: Int = personsClients
        ) throws {
            let shares = policy == .distributed ? clients : 1
            // A person moves one slot alone.
            let dimension = schema.specs.filter { $0.release == name }.reduce(0) { $0 + $1.elementCount } / (slots ?? 1)
            protections[name] = try ReleaseProtection(
                policy: policy,
                grid: FixedPointGrid(
                    clippingBound: bound, noiseMultiplier: multiplier * relation.sensitivityFactor,
                    dimension: dimension, personLimit: PrivacyPlan.personLimit, view: shares > 1 ? .summed : .separate,
                    noiseShareCount: shares, unitMovement: movement),
                sampling: sampling, clientCount: clients, slotCount: slots)
        }
        if scenario.isMeta {
            for method in MethodName.releasedMetaMethods(scenario) {
                guard scenario.clipsAdaptively else {
                    try protect(
                        ReleaseName.meta(method), bound: scenario.number("privacy.clipping-bound"),
                        multiplier: multiplier)
                    continue
                }
                let bits =
                    PrivacyPlan.clippingNoise(scenario) / AdaptiveClipping.bitBound / relation.sensitivityFactor
                try protect(ReleaseName.metaClipping(method), bound: AdaptiveClipping.bitBound, multiplier: bits)
                // Gradients are in units of the bound of the round.
                try protect(
                    ReleaseName.meta(method), bound: 1,
                    multiplier: AdaptiveClipping.updateNoiseMultiplier(total: multiplier, bits: bits))
            }
        } else if scenario.isGameOfPersons {
            for method in MethodName.releasedAdversarialMethods(scenario) {
                try protect(
                    ReleaseName.adversarial(method), bound: scenario.number("privacy.clipping-bound"),
                    multiplier: multiplier)
            }
        } else if scenario.releasesVectors {
            // Each half is clipped and in units of its bound.
            try protect(
                ReleaseName.personVectors, bound: 2.0.squareRoot().nextUp, multiplier: multiplier,
                slots: scenario.optionalInteger("privacy.slots"))
        } else {
            let product = scenario.number("privacy.feature-bound") * scenario.number("privacy.target-bound")
            let isByBlock = scenario.hidesRatings
            try protect(
                ReleaseName.bridge(isShuffled: false),
                bound: isByBlock ? product * (1 + PrivacyPlan.roundingRoom) : product,
                movement: isByBlock ? PrivacyPlan.ratingMovement(product, blocks: scenario.ratingBlocks) : nil,
                multiplier: multiplier)
        }
        if scenario.protectsChoices {
            let multiplier = try noiseMultiplier(.everyone, rounds: 1)
            let releases =
                [(ReleaseName.selection, scenario.selectionBound)]
                + (scenario.hasGate ? [(ReleaseName.gate, scenario.gateBound)] : [])
            for (release, bound) in releases {
                // One rating can make one clipped vector any other.
                try protect(
                    release, bound: bound, movement: scenario.hidesRatings ? 2 * bound : nil, multiplier: multiplier,
                    sampling: .everyone)
            }
        }
        for domain in scenario.protectsMeans ? scenario.domains : [] {
            guard let spec = try? schema.spec(TensorName.ratingSums(domain)) else { continue }
            protections[spec.release] = try PrivacyPlan.means(scenario, itemCount: spec.shape[0])
        }
        if scenario.protectsItemFactors {
            let multiplier = try noiseMultiplier(.everyone, rounds: scenario.factorRounds)
            for group in scenario.clientGroups where group.isShared {
                try protect(
                    ReleaseName.factorUpdates(group.domain), bound: scenario.factorBound, multiplier: multiplier,
                    sampling: .everyone, clients: group.count)
            }
        }
        self.protections = protections
    }

    /// How the counts and sums of ratings of a domain are protected, `nil` where they are not. The domain's one client has
    /// all of the noise where shares of it are dealt out among persons clients.
    ///
    /// With ratings as the unit: a rating is one count and one value from −1 to 1, so that one more or less moves a
    /// person's vector by at most √2 and another value of it by at most 2. To clip is to project onto a ball, which brings
    /// no two vectors further apart: 2, or 2C where that is less. The room is for the rounding of values and factors.
    ///
    /// - Throws: as `init`.
    public static func means(_ scenario: ScenarioDefinition, itemCount: Int) throws -> ReleaseProtection? {
        guard scenario.protectsMeans, let policy = ReleasePolicy(mode: scenario.text("privacy.mode")) else {
            return nil
        }
        let relation = NeighbouringRelation(scenario)
        let multiplier =
            try scenario.optionalNumber("privacy.noise-multiplier")
            ?? PrivacyPlan.noiseMultiplier(
                epsilon: scenario.optionalNumber("privacy.epsilon") ?? .infinity,
                delta: scenario.number("privacy.delta"), sampling: .everyone, rounds: 1, relation: relation)
        let bound = scenario.meansBound
        return try ReleaseProtection(
            policy: policy == .distributed ? .silo : policy,
            grid: FixedPointGrid(
                clippingBound: bound, noiseMultiplier: multiplier * relation.sensitivityFactor,
                dimension: 2 * itemCount, personLimit: PrivacyPlan.personLimit,
                unitMovement: scenario.hidesRatings
                    ? min(2 * bound, 2 * (1 + PrivacyPlan.roundingRoom) + PrivacyPlan.roundingRoom * bound) : nil),
            clientCount: 1)
    }

    /// The standard deviation of all noise in the sum of a protected release over its clients, in units of the release.
    public static func noiseOfSum(_ protection: ReleaseProtection) -> Double {
        let noise = protection.grid.noiseDeviation / protection.grid.scale
        return protection.policy == .silo ? noise * Double(protection.clientCount).squareRoot() : noise
    }

    /// What the arithmetic of updates of blocks may add to a norm, as a part of the bound.
    static let roundingRoom = 0x1p-20

    /// How far one rating moves a person's update x = f̄ t̄ᵀ of the bridge, where f̄ and t̄ are means over G blocks: 2C/G.
    ///
    /// A rating is in one block of one domain, whatever other ratings there are: the block follows from a keyed hash of
    /// person, domain and item. f̄ = (1/G)Σ f_g with ‖f_g‖ ≤ F, t̄ = (1/G)Σ t_g with ‖t_g‖ ≤ T, and a block without ratings
    /// gives zeros. Without a rating of a source one f_g becomes another, which lies at most 2F away: ‖Δf̄‖ ≤ 2F/G, t̄ stays,
    /// and ‖Δx‖ = ‖Δf̄‖·‖t̄‖ ≤ 2FT/G. Of a rating of the target the same with the parts changed. Another value of the same
    /// rating changes the same block. Nobody else's update changes, and none is divided by how many blocks, ratings or
    /// persons there are. With G = 1 it is the distance of two arbitrary updates; from G = 3 on it is below what the person
    /// moves. Rounding: f̄, t̄ and their products are rounded to Float, so that x errs by less than (1 + 2⁻²⁴)³ − 1 < 2⁻²²
    /// of its norm, and two of them by less than 2⁻²¹·C, for which there is twice the room.
    static func ratingMovement(_ bound: Double, blocks: Int) -> Double {
        2 * bound / Double(blocks) + PrivacyPlan.roundingRoom * bound
    }

    /// σ_b: the noise on the number of persons within an adaptive bound.
    static func clippingNoise(_ scenario: ScenarioDefinition) -> Double {
        scenario.optionalNumber("privacy.clipping-noise") ?? PrivacyPlan.expectedParticipants(scenario) / 20
    }

    /// How many persons a round of a protected release is expected to have: a constant that sums are divided by.
    public static func expectedParticipants(_ scenario: ScenarioDefinition) -> Double {
        SamplingScheme(scenario).samplingRate * Double(scenario.integer("privacy.linked-persons"))
    }

    /// The adaptive bound of the first round, from which every client follows it alike; `nil` where bounds are fixed.
    ///
    /// - Throws: `invalidParameter`.
    public static func adaptiveClipping(_ scenario: ScenarioDefinition) throws(PrivacyError) -> AdaptiveClipping? {
        guard scenario.clipsAdaptively else { return nil }
        let initial = scenario.number("privacy.clipping-bound")
        return try AdaptiveClipping(
            initialBound: initial, range: initial * 0x1p-20...initial * 0x1p20,
            targetQuantile: scenario.clippingQuantile, learningRate: scenario.clippingRate,
            expectedCount: PrivacyPlan.expectedParticipants(scenario))
    }

    /// The noise multiplier, under the relation, at which all rounds together cost ε; rounded up.
    ///
    /// - Throws: `AccountingError`.
    static func noiseMultiplier(
        epsilon: Double, delta: Double, sampling: SamplingScheme, rounds: Int, relation: NeighbouringRelation
    ) throws(AccountingError) -> Double {
        func calibrated(
            _ sampling: SamplingScheme, _ accountant: some PrivacyAccountant
        ) throws(AccountingError) -> Double {
            try NoiseCalibration(epsilon: epsilon, delta: delta, accountant: accountant) { multiplier in
                .repeated(event: sampling.event(.gaussian(noiseMultiplier: multiplier)), count: rounds)
            }.noise
        }
        var noise = try calibrated(sampling, PrivacyPlan.accountant(relation, sampling: [sampling]))
        if sampling.isFixedSize {
            noise = min(noise, try calibrated(.everyone, AnalyticGaussianAccountant(relation: relation)))
        }
        // Room for what the smoothing of the integers takes off the multiplier.
        return noise * (1 + 1e-6)
    }

    /// The accountant whose ε is printed: the exact one where there is no sampling, else privacy-loss distributions, and
    /// for samples of a fixed size Rényi divergences, which alone have a bound for them. A sample costs no more than
    /// everybody, given which sample it is (the divergences are jointly convex): where its Rényi bound is above the exact
    /// cost of the noise without sampling, as for large samples, the latter counts.
    public static func accountant(
        _ relation: NeighbouringRelation, sampling: [SamplingScheme]
    ) -> any PrivacyAccountant {
        let sampled = sampling.filter { $0.samplingRate < 1 }
        if sampled.isEmpty { return AnalyticGaussianAccountant(relation: relation) }
        return sampled.contains(where: \.isFixedSize)
            ? RDPAccountant(relation: relation) : PLDAccountant(relation: relation)
    }
}

extension SamplingScheme {
    /// Who takes part in a round of a scenario's protected release. Sampler and accountant both have it from here.
    public init(_ scenario: ScenarioDefinition) {
        let rate = scenario.isMeta ? scenario.number("transfer.meta.participation") : 1
        let places = scenario.integer("privacy.linked-persons")
        if scenario.samplesFixedSize {
            self = .fixedSize(count: max(1, Int((rate * Double(places)).rounded())), population: places)
        } else {
            self = rate < 1 ? .poisson(rate: rate) : .everyone
        }
    }

    /// Whether the number of those who take part is fixed.
    public var isFixedSize: Bool { if case .fixedSize = self { true } else { false } }

    /// The scheme of which an account may make use. Where each device adds noise of its own, the noise itself shows how
    /// many are in the sample: sampling hides nothing there.
    public func charged(under policy: ReleasePolicy) -> SamplingScheme { policy == .local ? .everyone : self }

    /// Noise on what those who are sampled contribute.
    public func event(_ noise: PrivacyEvent) -> PrivacyEvent {
        switch self {
        case .everyone: noise
        case .poisson(let rate): .poissonSampled(rate: rate, event: noise)
        case .fixedSize(let count, let population):
            .fixedSizeSampled(population: population, sample: count, event: noise)
        }
    }
}

extension NeighbouringRelation {
    /// The relation of a scenario.
    public init(_ scenario: ScenarioDefinition) {
        self = scenario.text("privacy.neighbouring") == "replace-one" ? .replaceOne : .addRemove
    }

    /// The sensitivity under the relation over that under adding or removing a person.
    public var sensitivityFactor: Double { self == .replaceOne ? 2 : 1 }
}
