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
        let clients = scenario.clients.filter(\.group.isPersons).count
        let names =
            scenario.isMeta
            ? MethodName.releasedMetaMethods(scenario).map(ReleaseName.meta)
            : [scenario.releasesVectors ? ReleaseName.personVectors : ReleaseName.bridge(isShuffled: false)]
        let slots = scenario.releasesVectors ? scenario.optionalInteger("privacy.slots") : nil
        // Of vectors each half is clipped and in units of its bound.
        let bound =
            slots != nil
            ? 2.0.squareRoot().nextUp
            : scenario.isMeta
                ? scenario.number("privacy.clipping-bound")
                : scenario.number("privacy.feature-bound") * scenario.number("privacy.target-bound")
        let rate = scenario.isMeta ? scenario.number("transfer.meta.participation") : 1
        let sampling: SamplingScheme = rate < 1 ? .poisson(rate: rate) : .everyone
        let relation = NeighbouringRelation(scenario)
        let multiplier =
            try scenario.optionalNumber("privacy.noise-multiplier")
            ?? PrivacyPlan.noiseMultiplier(
                epsilon: scenario.optionalNumber("privacy.epsilon") ?? .infinity,
                delta: scenario.number("privacy.delta"),
                samplingRate: rate, rounds: scenario.transferRounds, relation: relation)
        // The grid counts sensitivity under add-remove.
        let noise = multiplier * relation.sensitivityFactor
        var protections: [String: ReleaseProtection] = [:]
        for name in names {
            // A person moves one slot alone.
            let dimension = schema.specs.filter { $0.release == name }.reduce(0) { $0 + $1.elementCount } / (slots ?? 1)
            let shares = policy == .distributed ? clients : 1
            protections[name] = try ReleaseProtection(
                policy: policy,
                grid: FixedPointGrid(
                    clippingBound: bound, noiseMultiplier: noise, dimension: dimension,
                    personLimit: PrivacyPlan.personLimit, view: shares > 1 ? .summed : .separate,
                    noiseShareCount: shares),
                sampling: sampling, clientCount: clients, slotCount: slots)
        }
        self.protections = protections
    }

    /// The noise multiplier, under the relation, at which all rounds together cost ε; rounded up.
    ///
    /// - Throws: `AccountingError`.
    static func noiseMultiplier(
        epsilon: Double, delta: Double, samplingRate: Double, rounds: Int, relation: NeighbouringRelation
    ) throws(AccountingError) -> Double {
        let isSampled = samplingRate < 1
        func event(_ multiplier: Double) -> PrivacyEvent {
            let noise = PrivacyEvent.gaussian(noiseMultiplier: multiplier)
            return .repeated(
                event: isSampled ? .poissonSampled(rate: samplingRate, event: noise) : noise, count: rounds)
        }
        let found =
            isSampled
            ? try NoiseCalibration(
                epsilon: epsilon, delta: delta, accountant: PLDAccountant(relation: relation), event: event)
            : try NoiseCalibration(
                epsilon: epsilon, delta: delta, accountant: AnalyticGaussianAccountant(relation: relation), event: event
            )
        // Room for what the smoothing of the integers takes off the multiplier.
        return found.noise * (1 + 1e-6)
    }

    /// The accountant whose ε is printed: the exact one where there is no sampling, else privacy-loss distributions.
    public static func accountant(_ relation: NeighbouringRelation, isSampled: Bool) -> any PrivacyAccountant {
        isSampled ? PLDAccountant(relation: relation) : AnalyticGaussianAccountant(relation: relation)
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
