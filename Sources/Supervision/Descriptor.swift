import Glibc

/// Writes all bytes to a descriptor; returns whether that was possible.
///
/// A reader that has gone is no error worth ending for: `ferry run | head` must not trap.
@discardableResult
public func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
        let count = bytes[offset...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno != EINTR { return false }
        offset += max(0, count)
    }
    return true
}
