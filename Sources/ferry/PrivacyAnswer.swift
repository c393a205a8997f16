import Accounting
import Foundation

/// What `ferry privacy` prints.
struct PrivacyAnswer: Encodable {
    let accountant: String
    let categories: Int?
    let delta: Double
    let dimension: Int?
    /// `nil` is no bound; the key is there all the same.
    let epsilon: Double?
    let keepProbability: Double?
    let mechanism: String
    let neighbouring: String
    let noiseMultiplier: Double?
    let order: Double?
    let population: Int?
    /// The cross-check, where Rényi divergences have a bound.
    let rdpEpsilon: Double?
    let rdpOrder: Double?
    let rounds: Int
    let sample: Int?
    let sampling: String
    let samplingRate: Double
    let sensitivity: Double?
    let targetEpsilon: Double?

    enum CodingKeys: String, CodingKey {
        case accountant, categories, delta, dimension, epsilon
        case keepProbability = "keep-probability"
        case mechanism, neighbouring
        case noiseMultiplier = "noise-multiplier"
        case order, population
        case rdpEpsilon = "rdp-epsilon"
        case rdpOrder = "rdp-order"
        case rounds, sample, sampling
        case samplingRate = "sampling-rate"
        case sensitivity
        case targetEpsilon = "target-epsilon"
    }

    init(
        _ release: ReleaseOptions, guarantee: PrivacyGuarantee, event: PrivacyEvent, noiseMultiplier: Double? = nil,
        keepProbability: Double? = nil, targetEpsilon: Double? = nil
    ) {
        accountant = guarantee.accountant
        categories = release.mechanism == .randomizedResponse ? release.categories ?? 2 : nil
        delta = release.delta
        let isDiscrete = release.mechanism == .discreteGaussian || release.mechanism == .skellam
        dimension = isDiscrete ? release.dimension ?? 1 : nil
        epsilon = guarantee.epsilon.isFinite ? guarantee.epsilon : nil
        self.keepProbability = keepProbability
        mechanism = release.mechanism.rawValue
        neighbouring = release.relation.rawValue
        self.noiseMultiplier = noiseMultiplier
        order = guarantee.order
        population = release.population
        let check: PrivacyGuarantee?
        do throws(AccountingError) {
            check = try RDPAccountant(relation: release.relation).epsilon(of: event, delta: release.delta)
        } catch {
            // No cross-check for what Rényi divergences do not cover.
            check = nil
        }
        rdpEpsilon = check.flatMap { $0.epsilon.isFinite ? $0.epsilon : nil }
        rdpOrder = rdpEpsilon == nil ? nil : check?.order
        rounds = release.rounds
        sample = release.sample
        sampling = release.scheme.rawValue
        samplingRate = release.rate
        sensitivity = isDiscrete ? release.sensitivity ?? 1 : nil
        self.targetEpsilon = targetEpsilon
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(accountant, forKey: .accountant)
        try container.encodeIfPresent(categories, forKey: .categories)
        try container.encode(delta, forKey: .delta)
        try container.encodeIfPresent(dimension, forKey: .dimension)
        try container.encode(epsilon, forKey: .epsilon)
        try container.encodeIfPresent(keepProbability, forKey: .keepProbability)
        try container.encode(mechanism, forKey: .mechanism)
        try container.encode(neighbouring, forKey: .neighbouring)
        try container.encodeIfPresent(noiseMultiplier, forKey: .noiseMultiplier)
        try container.encodeIfPresent(order, forKey: .order)
        try container.encodeIfPresent(population, forKey: .population)
        try container.encode(rdpEpsilon, forKey: .rdpEpsilon)
        try container.encodeIfPresent(rdpOrder, forKey: .rdpOrder)
        try container.encode(rounds, forKey: .rounds)
        try container.encodeIfPresent(sample, forKey: .sample)
        try container.encode(sampling, forKey: .sampling)
        try container.encode(samplingRate, forKey: .samplingRate)
        try container.encodeIfPresent(sensitivity, forKey: .sensitivity)
        try container.encodeIfPresent(targetEpsilon, forKey: .targetEpsilon)
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// ε, against which change, by whom, and the cross-check.
    var sentence: String {
        let change =
            neighbouring == NeighbouringRelation.addRemove.rawValue
            ? "adding or removing one person (add-remove)" : "replacing one person (replace-one)"
        let whom = PrivacyAnswer.by(accountant, order)
        let promise = epsilon.map { "ε = \(PrivacyAnswer.roundedUp($0))" } ?? "no finite ε"
        let check =
            accountant == AccountantName.rdp.rawValue
            ? ""
            : "; cross-check by \(PrivacyAnswer.by("rdp", rdpOrder)): "
                + (rdpEpsilon.map { "ε = \(PrivacyAnswer.roundedUp($0))" } ?? "no bound")
        return "\(promise) at δ = \(PrivacyAnswer.short(delta)) against \(change), by \(whom)\(check)"
    }

    private static func by(_ accountant: String, _ order: Double?) -> String {
        order.map { "\(accountant) at order \(short($0))" } ?? accountant
    }

    /// Five significant digits, never less than the value.
    static func roundedUp(_ value: Double) -> String {
        guard value > 0 else { return "0" }
        let unit = pow(10, log10(value).rounded(.down) - 4)
        let text = short((value / unit).rounded(.up) * unit, digits: 5)
        return text
    }

    /// A number without trailing zeros.
    static func short(_ value: Double, digits: Int = 6) -> String { String(format: "%.\(digits)g", value) }
}
