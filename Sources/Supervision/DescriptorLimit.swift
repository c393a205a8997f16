import CLinux
import Glibc

/// The number of files and connections that this process may have open.
public enum DescriptorLimit {
    /// What a process has open beside its connections.
    private static let ownCount = 64

    /// Makes room for a number of descriptors beside a process's own: raises the soft limit to the hard one where it is
    /// less.
    ///
    /// - Throws: `tooFewDescriptors` when the hard limit is too low.
    public static func require(_ count: Int) throws(SupervisionError) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .system(call: "getrlimit", reason: String(cString: strerror(errno)))
        }
        let needed = rlim_t(count + ownCount)
        guard limit.rlim_cur < needed else { return }
        guard limit.rlim_max >= needed else {
            throw .tooFewDescriptors(needed: Int(needed), limit: Int(limit.rlim_max))
        }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .system(call: "setrlimit", reason: String(cString: strerror(errno)))
        }
    }
}
