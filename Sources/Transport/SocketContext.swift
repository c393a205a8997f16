import CZeroMQ
import Glibc

/// A libzmq context: its I/O threads serve every socket of one thread, which it can wait for together.
///
/// Not `Sendable`: it belongs to the thread of its sockets. It ends with the last of them.
public final class SocketContext {
    let handle: UnsafeMutableRawPointer
    private var items: [zmq_pollitem_t] = []
    /// Parallel to the items.
    private var ids: [Int] = []
    private var lastID = 0

    /// Sockets that libzmq allows where nothing is said.
    private static let ordinarySocketCount = 1_023

    /// I/O threads that are of use to one that serves many connections: of one alone, copies into and out of the system
    /// would take a round's time.
    static var threadCountForMany: Int { min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// A context.
    ///
    /// - Parameter socketCount: how many sockets there will be.
    /// - Throws: `zeroMQ`.
    public convenience init(socketCount: Int) throws(TransportError) {
        try self.init(socketCount: socketCount, threadCount: 1)
    }

    init(socketCount: Int, threadCount: Int) throws(TransportError) {
        guard let handle = zmq_ctx_new() else { throw Socket.error("zmq_ctx_new", "a context") }
        self.handle = handle
        // Some are libzmq's own.
        let limit = max(SocketContext.ordinarySocketCount, socketCount + 8)
        guard zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, Int32(limit)) == 0 else {
            throw Socket.error("zmq_ctx_set", "\(socketCount) sockets")
        }
        guard zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(threadCount)) == 0 else {
            throw Socket.error("zmq_ctx_set", "\(threadCount) threads")
        }
    }

    deinit { zmq_ctx_term(handle) }

    /// Lets `wait` wait for a socket too, until it is removed; returns its id.
    func add(_ socket: UnsafeMutableRawPointer) -> Int {
        lastID += 1
        items.append(zmq_pollitem_t(socket: socket, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
        ids.append(lastID)
        return lastID
    }

    func remove(_ id: Int) {
        guard let position = ids.firstIndex(of: id) else { return }
        items.remove(at: position)
        ids.remove(at: position)
    }

    /// Waits until something has arrived for one of the client sockets, at most `timeout`; returns the ids of those that
    /// it has arrived for.
    ///
    /// - Throws: `zeroMQ`.
    public func wait(timeout: Duration) throws(TransportError) -> [Int] {
        let end = ContinuousClock.now + timeout
        while true {
            let left = max(.zero, end - ContinuousClock.now) / .milliseconds(1)
            let count = zmq_poll(&items, Int32(items.count), Int(min(left.rounded(.up), 1e9)))
            if count < 0 {
                if zmq_errno() == EINTR { continue }
                throw Socket.error("zmq_poll", "\(items.count) sockets")
            }
            return count == 0 ? [] : items.indices.filter { items[$0].revents != 0 }.map { ids[$0] }
        }
    }
}
