import CZeroMQ
import Cryptography

/// Answers libzmq's question whether a key may connect (ZAP, rfc.zeromq.org/spec/27).
///
/// Without such a handler libzmq 4.3.4 lets every key in, a ZAP domain or not. It is polled by the thread that owns the
/// coordinator's socket, and bound before that socket is.
struct KeyGuard {
    /// The domain that questions must carry.
    static let domain = "ferry"
    private static let endpoint = "inproc://zeromq.zap.01"
    /// Frames of a question under CURVE.
    private static let frameCount = 7

    let handle: UnsafeMutableRawPointer
    private let clients: [CurvePublicKey: String]

    init(context: UnsafeMutableRawPointer, clients: [CurvePublicKey: String]) throws(TransportError) {
        guard let handle = zmq_socket(context, ZMQ_REP) else { throw Socket.error("zmq_socket", KeyGuard.endpoint) }
        self.handle = handle
        self.clients = clients
        var linger: Int32 = 0
        guard zmq_setsockopt(handle, ZMQ_LINGER, &linger, 4) == 0, zmq_bind(handle, KeyGuard.endpoint) == 0 else {
            let failure = Socket.error("zmq_bind", KeyGuard.endpoint)
            zmq_close(handle)
            throw failure
        }
    }

    /// Closes its socket, without which the context cannot end. The owner calls it once.
    func close() { zmq_close(handle) }

    /// Answers a question that is there; returns the key that was refused, if one was.
    func answer() -> String? {
        var frames: [[UInt8]] = []
        var hasMore = true
        while hasMore {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) >= 0 else { return nil }
            frames.append(
                Array(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
            hasMore = zmq_msg_more(&message) != 0
        }
        let key = frames.count == KeyGuard.frameCount ? CurvePublicKey(bytes: frames[6]) : nil
        var client: String?
        if frames.count == KeyGuard.frameCount, frames[0] == Array("1.0".utf8),
            frames[2] == Array(KeyGuard.domain.utf8), frames[5] == Array("CURVE".utf8)
        {
            client = key.flatMap { clients[$0] }
        }
        let reply = [
            "1.0", nil, client == nil ? "400" : "200", client == nil ? "this key may not connect" : "OK", client ?? "",
            "",
        ]
        for (index, part) in reply.enumerated() {
            let bytes = part.map { Array($0.utf8) } ?? (frames.count > 1 ? frames[1] : [])
            zmq_send(handle, bytes, bytes.count, index + 1 < reply.count ? ZMQ_SNDMORE : 0)
        }
        return client == nil ? key?.description ?? "no key" : nil
    }
}
