import Dispatch
import Foundation
import Synchronization

/// Work on a thread of its own; sockets belong to one thread and block it.
final class Background<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Value) {
        let thread = Thread {
            let outcome = Result { try body() }
            self.result.withLock { $0 = outcome }
            self.isDone.signal()
        }
        thread.start()
    }

    /// Waits for the end of the work, at most a minute.
    func value() throws -> Value {
        guard isDone.wait(timeout: .now() + 60) == .success, let outcome = result.withLock({ $0 }) else {
            throw StillRunning()
        }
        isDone.signal()
        return try outcome.get()
    }

    struct StillRunning: Error {}
}
