import Cryptography
import Federation
import Foundation
import Parameters
import Record
import Scenario
import Supervision
import Wire

/// The file of models in a client's own folder, for `ferry recommend`: where texts link the domains, nobody else has the
/// target's models, and the networks of a game of persons are moved by sums and never sent.
enum KeptModels {
    private static let name = "models.safetensors"

    /// Writes the models into the client's folder.
    ///
    /// - Throws: `RecordError`.
    static func write(_ models: ParameterSet, folder: String) throws {
        try RecordFile.write(Safetensors.encode(models), to: "\(folder)/\(name)")
    }

    /// The models of the target's client of a run that texts linked.
    ///
    /// - Parameter folder: the folder of one seed.
    /// - Throws: a sentence with the exit code.
    static func read(
        _ folder: String, _ scenario: ScenarioDefinition, _ record: RunRecord
    ) throws -> (plan: RunPlan, known: ParameterSet, text: TextRanker) {
        guard let client = scenario.clients.first(where: { $0.group.domain == scenario.target })?.id else {
            throw RunFailure(.internalError, "the run has no client of its target")
        }
        let plan = try RunPlan(
            scenario,
            catalogues: scenario.domains.map { domain in
                let items = record.clients.first { $0.domain == domain }?.items
                return Catalogue(domain: domain, itemCount: items ?? 0, digest: sha256([]))
            })
        let kept = try tensors(folder, client: client, specs: plan.modelSpecs + plan.textModelSpecs)
        return (plan, kept, try TextRanker(kept: kept, plan: plan, scenario: scenario))
    }

    /// What a client has kept.
    ///
    /// - Parameter folder: the folder of one seed.
    /// - Throws: a sentence with the exit code.
    static func tensors(_ folder: String, client: String, specs: [TensorSpec]) throws -> ParameterSet {
        let path = "\(folder)/clients/\(client)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else {
            throw RunFailure(
                .inputOutput,
                "\(folder) holds no models of client \(client) (committed records have none); run the scenario again to "
                    + "get them")
        }
        let bytes = try RecordFile.read(path)
        do { return try bytes.withUnsafeBytes { try Safetensors.decode($0, specs: specs) } } catch {
            throw RunFailure(.inputOutput, "\(path) does not fit this version of Ferry; run the scenario again")
        }
    }
}
