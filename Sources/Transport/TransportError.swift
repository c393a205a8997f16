public import Wire

/// What can go wrong between processes.
public enum TransportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The endpoint is taken by another process.
    case endpointInUse(String)
    /// A call of libzmq failed.
    case zeroMQ(call: String, code: Int32, reason: String, endpoint: String)
    /// Nothing arrived within the time allowed.
    case timedOut(waitingFor: String, seconds: Double)
    /// The peer has gone.
    case peerGone(String)
    /// A frame was refused.
    case refused(WireError)
    /// A key is one that the manual of libzmq prints.
    case publishedKey(owner: String)
    /// A key is missing or is none.
    case damagedKeys
    /// Two clients have one key.
    case sharedKey(String, String)
    /// An address of the network without encryption.
    case unencrypted(String)
    /// The recording of frames could not be written.
    case recording(path: String, reason: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .endpointInUse(let endpoint): "\(endpoint) is in use by another process; choose another transport.endpoint"
        case .zeroMQ(let call, let code, let reason, let endpoint):
            "\(call) failed on \(endpoint) with error \(code): \(reason)"
        case .timedOut(let what, let seconds): "waited \(seconds) s for \(what)"
        case .peerGone(let peer): "\(peer) has gone"
        case .refused(let error): "refused \(error)"
        case .publishedKey(let owner):
            "the key of \(owner) is printed in the manual of libzmq; make keys with ferry keys new"
        case .damagedKeys: "a CURVE key is missing or damaged"
        case .sharedKey(let one, let other): "clients \(one) and \(other) have the same key"
        case .unencrypted(let endpoint):
            "\(endpoint) can be reached from other machines; that needs transport.curve: true"
        case .recording(let path, let reason): "could not write \(path): \(reason)"
        }
    }
}
