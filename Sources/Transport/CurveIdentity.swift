public import Cryptography

/// The keys of a coordinator that listens under CURVE, and who may connect.
public struct CurveServer: Sendable {
    let keys: CurveKeyPair
    /// Whose key is whose.
    let clients: [CurvePublicKey: String]

    /// The keys of a coordinator.
    ///
    /// - Parameter clients: the public key of each client by its id; nobody else is let in.
    /// - Throws: `damagedKeys` when there is no key pair, `publishedKey`, `sharedKey`.
    public init(keys: CurveKeyPair?, clients: [(id: String, key: CurvePublicKey)]) throws(TransportError) {
        guard let keys else { throw .damagedKeys }
        var names: [CurvePublicKey: String] = [:]
        for (name, key) in clients.sorted(by: { $0.id < $1.id }) {
            if CurveKeyPair.publishedKeys.contains(key) { throw .publishedKey(owner: "client \(name)") }
            if let other = names.updateValue(name, forKey: key) { throw .sharedKey(other, name) }
        }
        if CurveKeyPair.publishedKeys.contains(keys.publicKey) { throw .publishedKey(owner: "the coordinator") }
        self.keys = keys
        self.clients = names
    }
}

/// The keys of a client that connects under CURVE.
public struct CurveClient: Sendable {
    let keys: CurveKeyPair
    let serverKey: CurvePublicKey

    /// The client's own keys and the coordinator's public one.
    ///
    /// - Throws: `damagedKeys` when one is missing, `publishedKey`.
    public init(keys: CurveKeyPair?, serverKey: CurvePublicKey?) throws(TransportError) {
        guard let keys, let serverKey else { throw .damagedKeys }
        if CurveKeyPair.publishedKeys.contains(keys.publicKey) { throw .publishedKey(owner: "this client") }
        if CurveKeyPair.publishedKeys.contains(serverKey) { throw .publishedKey(owner: "the coordinator") }
        self.keys = keys
        self.serverKey = serverKey
    }
}
