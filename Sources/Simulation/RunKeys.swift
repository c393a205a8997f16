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

    /// What one role is told: its own keys, the coordinator's public one, and the coordinator the clients' public ones.
    func brief(for role: String) -> CurveBrief? {
        if role == Coordinator.name {
            return CurveBrief(
                coordinator, serverKey: coordinator.publicKey, clients: clients.mapValues(\.publicKey))
        }
        return clients[role].map { CurveBrief($0, serverKey: coordinator.publicKey) }
    }
}
