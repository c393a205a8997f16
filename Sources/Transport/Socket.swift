import CZeroMQ
import Cryptography
import Glibc
import Parameters
import Wire

/// A ZeroMQ socket, owned by one thread; closes itself.
struct Socket: ~Copyable {
    /// The bytes of one received frame, owned by libzmq until the frame is closed.
    struct Frame: ~Copyable {
        fileprivate var message = zmq_msg_t()

        /// An empty frame to receive into.
        init() { zmq_msg_init(&message) }

        /// A frame of `byteCount` bytes that `fill` writes. Several sockets can send it: libzmq counts its users.
        init(byteCount: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) throws(TransportError) {
            guard zmq_msg_init_size(&message, byteCount) == 0 else {
                zmq_msg_init(&message)
                throw Socket.error("zmq_msg_init_size", "\(byteCount) bytes")
            }
            fill(UnsafeMutableRawBufferPointer(start: zmq_msg_data(&message), count: byteCount))
        }

        /// A piece of a message, in its tensor's own memory where it lies within one: the message then stays until libzmq
        /// has sent it. `spoil` may damage a copy.
        init(
            _ range: Range<Int>, of sending: SentMessage, checksum: inout UInt64,
            spoil: ((UnsafeMutableRawBufferPointer) -> Void)? = nil
        ) throws(TransportError) {
            let encoded = sending.encoded
            if spoil == nil, let (storage, bytes) = encoded.tensor(holding: range) {
                try self.init(storage, bytes, holder: sending)
                checksum = withBytes { EncodedMessage.checksum($0) }
                return
            }
            var code: UInt64 = 0
            try self.init(byteCount: range.count) { target in
                code = encoded.copy(range, to: target)
                spoil?(target)
            }
            checksum = code
        }

        private init(
            _ storage: TensorStorage, _ bytes: Range<Int>, holder: SentMessage
        ) throws(TransportError) {
            let code = storage.values.withUnsafeBytes { values in
                let part = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: values[bytes]))
                let holder = Unmanaged.passRetained(holder)
                let code = zmq_msg_init_data(
                    &message, part.baseAddress, part.count,
                    { _, holder in holder.map { Unmanaged<SentMessage>.fromOpaque($0).release() } }, holder.toOpaque())
                if code != 0 { holder.release() }
                return code
            }
            guard code == 0 else {
                zmq_msg_init(&message)
                throw Socket.error("zmq_msg_init_data", "\(bytes.count) bytes")
            }
        }

        deinit {
            var copy = message
            zmq_msg_close(&copy)
        }

        /// Calls `body` with the frame's bytes; they are valid during the call only.
        mutating func withBytes<Result, Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            let count = zmq_msg_size(&message)
            return try body(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: count))
        }

        /// The frame's bytes.
        var byteCount: Int {
            mutating get { zmq_msg_size(&message) }
        }

        /// The client that libzmq has authenticated as the sender; `nil` without CURVE.
        var userID: String? {
            mutating get { zmq_msg_gets(&message, "User-Id").map { String(cString: $0) } }
        }

        fileprivate var hasMore: Bool {
            mutating get { zmq_msg_more(&message) != 0 }
        }
    }

    private let context: SocketContext
    let handle: UnsafeMutableRawPointer
    private let endpoint: String
    private let keyGuard: KeyGuard?
    /// The keys of one end of an encrypted connection.
    enum Curve {
        case server(CurveServer)
        case client(CurveClient)
    }

    /// How long unsent messages live after closing.
    private static let lingerMilliseconds: Int32 = 2_000
    /// Complete messages that wait at one end of a connection; each is at most one piece.
    static let highWaterMark: Int32 = 8

    /// Connections that may wait to be taken; more are tried again by libzmq a little later.
    private static let connectionQueueLimit: Int32 = 4_096

    /// libzmq allocates every frame anew, on threads of its own. Without this the C library gives freed frames back to the
    /// system, and each new one costs a page fault every four kibibytes: one heap for all threads, which keeps some
    /// memory that becomes free at its end.
    private static func keepFreedFrames() {
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, Int32(32 << 20))
        mallopt(M_TRIM_THRESHOLD, Int32(64 << 20))
    }

    private init(
        context: SocketContext, handle: UnsafeMutableRawPointer, endpoint: String,
        keyGuard: KeyGuard?
    ) {
        self.context = context
        self.handle = handle
        self.endpoint = endpoint
        self.keyGuard = keyGuard
    }

    /// Opens a socket of a libzmq type with every limit set; one send blocks at most `sendTimeout` while
    /// `sendQueueLimit` messages wait for the peer, 0 for no limit.
    static func open(
        type: Int32, context: SocketContext, endpoint: String, frameByteLimit: Int, sendTimeout: Duration,
        sendQueueLimit: Int32,
        curve: Curve? = nil, routingID: String? = nil
    ) throws(TransportError) -> Socket {
        keepFreedFrames()
        let keyGuard: KeyGuard?
        if case .server(let server)? = curve {
            keyGuard = try KeyGuard(context: context.handle, clients: server.clients)
        } else {
            keyGuard = nil
        }
        guard let handle = zmq_socket(context.handle, type) else {
            let failure = Socket.error("zmq_socket", endpoint)
            keyGuard?.close()
            throw failure
        }
        let socket = Socket(context: context, handle: handle, endpoint: endpoint, keyGuard: keyGuard)
        try socket.encrypt(curve)
        if let routingID { try socket.set(ZMQ_ROUTING_ID, Array(routingID.utf8)) }
        try socket.set(ZMQ_LINGER, lingerMilliseconds)
        try socket.set(ZMQ_SNDTIMEO, Int32(min(max(sendTimeout / .milliseconds(1), 1), 1e9)))
        try socket.set(ZMQ_SNDHWM, sendQueueLimit)
        try socket.set(ZMQ_RCVHWM, highWaterMark)
        try socket.set(ZMQ_HANDSHAKE_IVL, 5_000)
        // No heartbeats of libzmq: when a peer goes away whose messages have filled the queue, version 4.3.4 ends the
        // connection's input, and the next heartbeat on it aborts the process (assertion !_io_error in
        // stream_engine_base.cpp). The launcher and probes tell of a process that has gone, the kernel of a host.
        try socket.set(ZMQ_HEARTBEAT_IVL, 0)
        try socket.set(ZMQ_TCP_KEEPALIVE, 1)
        try socket.set(ZMQ_TCP_KEEPALIVE_IDLE, 5)
        try socket.set(ZMQ_TCP_KEEPALIVE_INTVL, 5)
        try socket.set(ZMQ_TCP_KEEPALIVE_CNT, 2)
        // With IPv6 an IPv4 endpoint would be reported as a mapped address.
        if endpoint.hasPrefix("tcp://[") { try socket.set(ZMQ_IPV6, 1) }
        // Under CURVE the limit counts what encryption adds.
        var limit = Int64(frameByteLimit + (curve == nil ? 0 : curveByteCount))
        if zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &limit, 8) != 0 { throw socket.failure("zmq_setsockopt") }
        if type == ZMQ_ROUTER {
            try socket.set(ZMQ_ROUTER_MANDATORY, 1)
            // Clients that connect all at once; the system's own limit may be lower.
            try socket.set(ZMQ_BACKLOG, connectionQueueLimit)
            try socket.set(ZMQ_ROUTER_HANDOVER, 0)
        } else {
            try socket.set(ZMQ_IMMEDIATE, 1)
        }
        return socket
    }

    deinit {
        zmq_close(handle)
        keyGuard?.close()
    }

    /// The bytes that CURVE adds to a frame.
    private static let curveByteCount = 33
    /// ZMQ_ZAP_ENFORCE_DOMAIN, which the header names in draft builds alone.
    private static let zapEnforceDomain: Int32 = 93

    /// Sets the keys.
    private func encrypt(_ curve: Curve?) throws(TransportError) {
        switch curve {
        case nil: return
        case .server(let server):
            try set(ZMQ_CURVE_SERVER, 1)
            try set(ZMQ_CURVE_SECRETKEY, server.keys.secretKey.bytes)
            try set(ZMQ_ZAP_DOMAIN, Array(KeyGuard.domain.utf8))
            try set(Socket.zapEnforceDomain, 1)
        case .client(let client):
            try set(ZMQ_CURVE_SERVERKEY, client.serverKey.bytes)
            try set(ZMQ_CURVE_PUBLICKEY, client.keys.publicKey.bytes)
            try set(ZMQ_CURVE_SECRETKEY, client.keys.secretKey.bytes)
        }
    }

    private func set(_ option: Int32, _ value: [UInt8]) throws(TransportError) {
        if zmq_setsockopt(handle, option, value, value.count) != 0 { throw failure("zmq_setsockopt(\(option))") }
    }

    private func set(_ option: Int32, _ value: Int32) throws(TransportError) {
        var value = value
        if zmq_setsockopt(handle, option, &value, 4) != 0 { throw failure("zmq_setsockopt(\(option))") }
    }

    private func failure(_ call: String) -> TransportError { Socket.error(call, endpoint) }

    static func error(_ call: String, _ endpoint: String) -> TransportError {
        let code = zmq_errno()
        if code == EADDRINUSE { return .endpointInUse(endpoint) }
        return .zeroMQ(call: call, code: code, reason: String(cString: zmq_strerror(code)), endpoint: endpoint)
    }

    /// Listens; returns the endpoint with the port that the system picked.
    func bind() throws(TransportError) -> String {
        if zmq_bind(handle, endpoint) != 0 { throw failure("zmq_bind") }
        var text = [CChar](repeating: 0, count: 512)
        var count = text.count
        if zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) != 0 { throw failure("zmq_getsockopt") }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Connects; libzmq retries in the background.
    func connect() throws(TransportError) {
        if zmq_connect(handle, endpoint) != 0 { throw failure("zmq_connect") }
    }

    /// What a wait ended with.
    enum Readiness: Equatable { case message, descriptor, refusedKey(String), nothing }

    /// The messages in a row that were there at once.
    private var readyCount = 0
    /// After so many of them, what else may have happened is looked at.
    private static let readyLimit = 32

    /// Waits for a message, or for a file descriptor to be readable, at most `timeout`.
    ///
    /// A message that is there already is told without a system call, save now and then.
    mutating func wait(timeout: Duration, descriptor: Int32?) throws(TransportError) -> Readiness {
        if readyCount < Socket.readyLimit {
            var events: Int32 = 0
            var byteCount = MemoryLayout<Int32>.size
            if zmq_getsockopt(handle, ZMQ_EVENTS, &events, &byteCount) == 0, events & Int32(ZMQ_POLLIN) != 0 {
                readyCount += 1
                return .message
            }
            if timeout <= .zero, descriptor == nil, keyGuard == nil { return .nothing }
        }
        readyCount = 0
        let end = ContinuousClock.now + timeout
        while true {
            let left = max(.zero, end - ContinuousClock.now) / .milliseconds(1)
            var items = [
                zmq_pollitem_t(socket: handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0),
                zmq_pollitem_t(
                    socket: keyGuard?.handle, fd: -1, events: Int16(ZMQ_POLLIN), revents: 0),
            ]
            if let descriptor {
                items.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
            }
            let count = zmq_poll(&items, Int32(items.count), Int(min(left.rounded(.up), 1e9)))
            if count < 0 {
                if zmq_errno() == EINTR { continue }
                throw failure("zmq_poll")
            }
            if count == 0 { return .nothing }
            if items[1].revents != 0, let key = keyGuard?.answer() { return .refusedKey(key) }
            if items.count > 2, items[2].revents != 0 { return .descriptor }
            if items[0].revents != 0 { return .message }
        }
    }

    /// Receives the next frame of a message that `wait` announced; returns whether more frames follow.
    func receive(into frame: inout Frame) throws(TransportError) -> Bool {
        while zmq_msg_recv(&frame.message, handle, ZMQ_DONTWAIT) < 0 {
            if zmq_errno() != EINTR { throw failure("zmq_msg_recv") }
        }
        return frame.hasMore
    }

    /// Sends a frame as the last one of its message without copying its bytes; the frame can be sent again.
    func send(sharing frame: inout Frame) throws(TransportError) {
        var copy = zmq_msg_t()
        zmq_msg_init(&copy)
        zmq_msg_copy(&copy, &frame.message)
        while zmq_msg_send(&copy, handle, 0) < 0 {
            let code = zmq_errno()
            if code == EINTR { continue }
            let failure = failure("zmq_msg_send")
            zmq_msg_close(&copy)
            if code == EHOSTUNREACH || code == EAGAIN { throw .peerGone("the peer") }
            throw failure
        }
    }

    /// Sends one frame, copying it; `more` says that the message goes on.
    func send(_ bytes: [UInt8], more: Bool) throws(TransportError) {
        let result: Result<Void, TransportError> = bytes.withUnsafeBytes { bytes in
            do throws(TransportError) { return .success(try send(bytes, more: more)) } catch { return .failure(error) }
        }
        try result.get()
    }

    private func send(_ bytes: UnsafeRawBufferPointer, more: Bool) throws(TransportError) {
        while zmq_send(handle, bytes.baseAddress, bytes.count, more ? ZMQ_SNDMORE : 0) < 0 {
            switch zmq_errno() {
            case EINTR: continue
            case EHOSTUNREACH, EAGAIN: throw .peerGone("the peer")
            default: throw failure("zmq_send")
            }
        }
    }
}

/// Who keeps a received frame that tensors may stay in. It lets go of it on whichever thread is the last to need it.
final class HeldFrame: Sendable {
    /// Of frames that are shorter libzmq keeps the bytes where they do not stay.
    static let leastByteCount = 1_024
    /// Where libzmq's message is.
    private let address: UInt

    init() {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        zmq_msg_init(message)
        address = UInt(bitPattern: message)
    }

    /// Takes a frame over; its bytes stay where they are.
    func take(_ frame: inout Socket.Frame) {
        guard let message = UnsafeMutablePointer<zmq_msg_t>(bitPattern: address) else { return }
        zmq_msg_move(message, &frame.message)
    }

    deinit {
        guard let message = UnsafeMutablePointer<zmq_msg_t>(bitPattern: address) else { return }
        zmq_msg_close(message)
        message.deallocate()
    }
}

/// A message that frames on their way hold on to.
final class SentMessage: Sendable {
    let encoded: EncodedMessage

    init(_ encoded: EncodedMessage) { self.encoded = encoded }
}
