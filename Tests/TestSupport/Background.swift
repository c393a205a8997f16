import Dispatch
import Foundation
import Glibc
import Synchronization

/// Work on a thread of its own; sockets belong to one thread and block it.
package final class Background<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    package init(_ body: @escaping @Sendable () throws -> Value) {
        let thread = Thread {
            let outcome = Result { try body() }
            self.result.withLock { $0 = outcome }
            self.isDone.signal()
        }
        thread.start()
    }

    /// Waits for the end of the work, at most a minute.
    package func value() throws -> Value {
        guard isDone.wait(timeout: .now() + 60) == .success, let outcome = result.withLock({ $0 }) else {
            throw StillRunning()
        }
        isDone.signal()
        return try outcome.get()
    }

    package struct StillRunning: Error {}
}

/// A pipe whose reading end a coordinator watches.
package final class ControlPipe: Sendable {
    /// The descriptor to watch.
    package let readEnd: Int32
    private let writeEnd: Int32

    package init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw CocoaError(.fileReadUnknown) }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    /// Makes the reading end readable.
    package func write() { _ = Glibc.write(writeEnd, "x", 1) }

    deinit {
        close(readEnd)
        close(writeEnd)
    }
}
