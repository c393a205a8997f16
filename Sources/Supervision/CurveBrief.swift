public import Cryptography

/// The CURVE keys of one role as they travel over its pipe, in Z85.
public struct CurveBrief: Codable, Sendable {
    /// The role's own secret key.
    private let secretKey: String
    /// The coordinator's public key.
    private let serverKey: String
    /// The public key of each client by its id, for the coordinator alone.
    private let clients: [String: String]

    /// The keys of one role.
    public init(_ keys: CurveKeyPair, serverKey: CurvePublicKey, clients: [String: CurvePublicKey] = [:]) {
        secretKey = keys.secretKey.z85
        self.serverKey = serverKey.description
        self.clients = clients.mapValues(\.description)
    }

    /// The role's own keys, or `nil` when the brief is damaged.
    public var keys: CurveKeyPair? { CurveSecretKey(z85: secretKey).flatMap { CurveKeyPair($0) } }

    /// The coordinator's public key, or `nil` when the brief is damaged.
    public var coordinatorKey: CurvePublicKey? { CurvePublicKey(z85: serverKey) }

    /// The public keys of the clients that the coordinator lets in; damaged ones are left out.
    public var clientKeys: [(id: String, key: CurvePublicKey)] {
        clients.sorted { $0.key < $1.key }.compactMap { id, text in CurvePublicKey(z85: text).map { (id, $0) } }
    }
}
