import CSodium

/// Initialises libsodium once a process; every primitive of this module goes through it.
enum Sodium {
    /// Evaluated once, thread-safely; `sodium_init` returns −1 only when the operating system offers no entropy.
    static let isReady: Bool = sodium_init() >= 0

    static func require() {
        precondition(isReady, "libsodium could not be initialised: the operating system offers no entropy source")
    }
}
