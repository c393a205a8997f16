import Cryptography
import Federation
import Privacy
import Scenario
import Supervision
import Transport
import Wire

/// What the clients of one process have in common: nothing that one of them may know and another may not. The plan of the
/// run and the noise that privacy asks for are worked out once.
final class ClientCommon {
    let scenario: ScenarioDefinition
    let brief: RoleBrief
    let runNumber: UInt64
    let token: RunToken
    let context: SocketContext
    /// Between two plans for a client the coordinator may wait for every other step.
    let patience: Duration
    /// Without a launcher, a coordinator that has not even probed for so long has gone.
    let silence: Duration?
    private var known: (catalogues: [Catalogue], plan: RunPlan)?
    private var protections: [String: ReleaseProtection]?

    init(_ brief: RoleBrief, clientCount: Int) throws {
        scenario = try ScenarioDefinition(yaml: brief.scenario, file: "scenario.yaml")
        guard let runNumber = brief.runNumber,
            let token = bytes(hexadecimal: brief.token).flatMap({ RunToken(bytes: $0) })
        else { throw RunFailure(.internalError, "the launcher's brief for the clients of a process is damaged") }
        self.brief = brief
        self.runNumber = runNumber
        self.token = token
        context = try SocketContext(socketCount: clientCount)
        patience = RunPlan.longestDuration(scenario)
        silence = brief.isByHand ? scenario.duration("federation.deadline") : nil
    }

    /// The plan of a run with these catalogues.
    func plan(_ catalogues: [Catalogue]) throws -> RunPlan {
        if let known, known.catalogues == catalogues { return known.plan }
        let plan = try RunPlan(scenario, catalogues: catalogues)
        known = (catalogues, plan)
        protections = nil
        return plan
    }

    /// How a client's releases are protected. Those of domain clients seldom are, and to find the noise takes a while.
    func protections(
        of group: ScenarioDefinition.ClientGroup, _ plan: RunPlan
    ) throws -> [String: ReleaseProtection] {
        guard group.isPersons || scenario.protectsMeans || (group.isShared && scenario.protectsItemFactors) else {
            return [:]
        }
        if let protections { return protections }
        do {
            let found = try PrivacyPlan(scenario, schema: plan.schema).protections
            protections = found
            return found
        } catch { throw RunFailure(.scenario, "the noise that privacy asks for cannot be made: \(error)") }
    }
}
