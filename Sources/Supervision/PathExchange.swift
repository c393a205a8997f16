import CLinux
import Glibc

/// Moves a folder to a place in one step; where something is already, the two change places (renameat2).
///
/// - Throws: `system`.
public func exchangeOrRename(_ from: String, _ to: String) throws(SupervisionError) {
    // A second try: between the two another process may have put something there.
    for _ in 0..<2 where ferry_exchange_paths(from, to) == 0 || rename(from, to) == 0 { return }
    throw .system(call: "rename", reason: String(cString: strerror(errno)))
}
