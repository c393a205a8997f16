import Accounting
import Foundation

/// A row of `Vectors/dp_accounting.json`: values of other implementations, computed once.
struct ReferenceRow: Decodable, Sendable {
    var id: String
    var group: String
    var mechanism: String?
    var neighbouring: String?
    var sampling: String?
    var q: Double?
    var sigma: Double?
    var rounds: Int?
    var delta: Double
    var n: Int?
    var m: Int?
    var sigmaOverClip: Double?
    var bOverL1Sensitivity: Double?
    var sensitivity: Double?
    var varianceMu: Double?
    var noiseSharesCounted: Int?
    var dim: Int?
    var localSigmaIntegerUnits: Double?
    var localVarianceIntegerUnits: Double?
    var l1AfterRounding: Double?
    var l2AfterRounding: Double?
    var sensitivities: [Double]?
    var samplingProbs: [Double]?
    var clients: Int?
    var parts: [Part]?
    var runsMean: Double?
    var runsShape: Double?
    var method: String?
    var targetEpsilon: Double?
    // What was computed.
    var muGdp: Double?
    var rhoZcdp: Double?
    var epsExact: Double?
    var epsRdp: Double?
    var rdpOrder: Double?
    var epsPld: Double?
    var epsPldOptimistic: Double?
    var pldInterval: Double?
    var epsPrvLowerEstUpper: [Double]?
    var epsPureComposed: Double?
    var epsFromZcdp: Double?
    var epsRdpSingleRun: Double?
    var centralVariance: Double?
    var tau: Double?
    var rdpExactPerStep: [String: Double]?
    var rdpExact: [String: Double]?
    var rdpUpperBoundAgarwal2021: [String: Double]?
    var rdpPerStep: [String: Double]?

    /// One homogeneous part of a heterogeneous composition.
    struct Part: Decodable, Sendable {
        var sigma: Double
        var q: Double?
        var rounds: Int
    }

    private struct File: Decodable { var rows: [ReferenceRow] }

    /// All rows.
    static let all: [ReferenceRow] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Vectors/dp_accounting.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(File.self, from: Data(contentsOf: file)).rows } catch {
            preconditionFailure("\(file.path): \(error)")
        }
    }()

    /// The rows of a group.
    static func group(_ names: String...) -> [ReferenceRow] { all.filter { names.contains($0.group) } }

    /// The groups of mechanisms that are not accounted for.
    static let groupsWithoutMechanism: Set<String> = ["gaussian_truncated_poisson", "tree_aggregation"]

    var relation: NeighbouringRelation { neighbouring == "replace_one" ? .replaceOne : .addRemove }

    /// What the row speaks of; `nil` for a mechanism that is not accounted for.
    var event: PrivacyEvent? {
        switch group {
        case "gaussian_unsubsampled", "gaussian_poisson":
            guard let sigma, let q, let rounds else { return nil }
            return .repeated(event: ReferenceRow.sampled(q, .gaussian(noiseMultiplier: sigma)), count: rounds)
        case "gaussian_replace_one":
            // The standard deviation is given in clips; the sensitivity under replace-one is two of them.
            guard let sigmaOverClip, let q, let rounds else { return nil }
            return .repeated(
                event: ReferenceRow.sampled(q, .gaussian(noiseMultiplier: sigmaOverClip / 2)), count: rounds)
        case "gaussian_fixed_size":
            guard let sigma, let n, let m, let rounds else { return nil }
            return .repeated(
                event: .fixedSizeSampled(population: n, sample: m, event: .gaussian(noiseMultiplier: sigma)),
                count: rounds)
        case "laplace", "laplace_poisson":
            guard let bOverL1Sensitivity, let rounds else { return nil }
            return .repeated(event: ReferenceRow.sampled(q ?? 1, .laplace(scale: bOverL1Sensitivity)), count: rounds)
        case "discrete_gaussian":
            guard let sigma, let sensitivity, let rounds else { return nil }
            return .repeated(
                event: .discreteGaussian(standardDeviation: sigma, sensitivity: sensitivity, dimension: 1),
                count: rounds)
        case "skellam":
            guard let varianceMu, let sensitivity, let rounds else { return nil }
            return .repeated(
                event: .skellam(
                    variance: varianceMu, l1Sensitivity: sensitivity, l2Sensitivity: sensitivity, dimension: 1),
                count: rounds)
        case "distributed_discrete_gaussian", "distributed_discrete_gaussian_poisson", "distributed_skellam",
            "distributed_skellam_poisson":
            guard let rounds, let step = distributed else { return nil }
            return .repeated(event: ReferenceRow.sampled(q ?? 1, step), count: rounds)
        case "heterogeneous_composition":
            return .composed(
                (parts ?? []).map {
                    .repeated(
                        event: ReferenceRow.sampled($0.q ?? 1, .gaussian(noiseMultiplier: $0.sigma)), count: $0.rounds)
                })
        case "hyperparameter_selection":
            guard let q, let sigma, let rounds, let runsMean else { return nil }
            let run = PrivacyEvent.repeated(
                event: .poissonSampled(rate: q, event: .gaussian(noiseMultiplier: sigma)), count: rounds)
            return .repeatAndSelect(
                runs: runsShape.map { .negativeBinomial(mean: runsMean, shape: $0) } ?? .poisson(mean: runsMean),
                event: run)
        case "mixture_of_gaussians":
            guard let sigma, let sensitivities, let samplingProbs, let rounds else { return nil }
            return .repeated(
                event: .gaussianMixture(
                    noiseMultiplier: sigma, sensitivities: sensitivities, probabilities: samplingProbs), count: rounds)
        case "person_in_k_clients":
            guard let sigma, let q, let rounds, let clients else { return nil }
            return .repeated(
                event: .personInClients(
                    count: clients, noiseMultiplier: sigma, rate: q,
                    sampling: sampling == "coordinated" ? .coordinated : .independent), count: rounds)
        default: return nil
        }
    }

    private var distributed: PrivacyEvent? {
        guard let shares = noiseSharesCounted, let dim, let l1 = l1AfterRounding, let l2 = l2AfterRounding else {
            return nil
        }
        if let deviation = localSigmaIntegerUnits {
            return .discreteGaussianSum(
                shares: shares, standardDeviation: deviation, l1Sensitivity: l1, l2Sensitivity: l2, dimension: dim)
        }
        guard let variance = localVarianceIntegerUnits else { return nil }
        return .skellam(variance: Double(shares) * variance, l1Sensitivity: l1, l2Sensitivity: l2, dimension: dim)
    }

    /// The event under Poisson sampling; unsampled at rate 1.
    static func sampled(_ rate: Double, _ event: PrivacyEvent) -> PrivacyEvent {
        rate == 1 ? event : .poissonSampled(rate: rate, event: event)
    }

    /// The orders that the row was computed over.
    var orders: [Double] {
        group.hasPrefix("distributed") ? (2...128).map(Double.init) + [256] : RDPAccountant.usualOrders
    }
}
