import Cryptography
import Federation
import Supervision

/// Fresh CURVE keys for the roles of one run on one machine; they live in memory and travel over pipes alone.
struct RunKeys: Sendable {
    private let coordinator = CurveKeyPair()
    private let clients: [String: CurveKeyPair]

    /// Keys for the coordinator and for each client.
    init(clients: [String]) {
        self.clients = Dictionary(clients.map { ($0, CurveKeyPair()) }, uniquingKeysWith: { first, _ in first })
    }

    /// What the roles of one process are told: their own keys, the coordinator's public one, and the coordinator the
    /// clients' public ones.
    func briefs(for roles: [String]) -> [String: CurveBrief] {
        roles.reduce(into: [:]) { briefs, role in
            briefs[role] =
                role == Coordinator.name
                ? CurveBrief(coordinator, serverKey: coordinator.publicKey, clients: clients.mapValues(\.publicKey))
                : clients[role].map { CurveBrief($0, serverKey: coordinator.publicKey) }
        }
    }
}
