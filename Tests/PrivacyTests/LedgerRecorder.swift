import Privacy
import Synchronization

/// Keeps what a ledger writes, and can refuse to.
final class LedgerRecorder: Sendable {
    struct DiskFull: Error {}

    private let stored = Mutex<[LedgerEntry]>([])
    private let capacity: Int

    /// A store with room for `capacity` entries.
    init(capacity: Int = .max) { self.capacity = capacity }

    var entries: [LedgerEntry] { stored.withLock { $0 } }

    func ledger(
        client: String = "books", earlier: [LedgerEntry] = [], repeatsAlike: Bool = false
    ) -> Ledger {
        Ledger(client: client, earlier: earlier, repeatsAlike: repeatsAlike) { entry in
            try self.stored.withLock {
                guard $0.count < self.capacity else { throw DiskFull() }
                $0.append(entry)
            }
        }
    }
}
