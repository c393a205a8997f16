/// What an exact half-sweep of a domain that several clients share takes: each client sends, for every item, the sums of
/// the products and of the vectors of the persons who have it, d(d + 3)/2 numbers for d factors.
public struct HalfSweepSize: Sendable, Equatable {
    /// The most bytes of one client's update. The coordinator holds the sums, their total and an update that arrives:
    /// about four times as much.
    public static let mostBytes = 1 << 29

    /// The items of the catalogue.
    public let items: Int
    /// The factors of an item, d.
    public let factors: Int

    /// The size for a catalogue.
    public init(items: Int, factors: Int) {
        self.items = items
        self.factors = factors
    }

    /// The bytes of one client's update, four a number; `.max` where they cannot be counted.
    public var bytes: Int {
        let (numbers, isTooMany) = items.multipliedReportingOverflow(by: factors * (factors + 3) / 2)
        let (bytes, isTooLarge) = numbers.multipliedReportingOverflow(by: 4)
        return isTooMany || isTooLarge ? .max : bytes
    }

    /// Why a domain's half-sweeps cannot be exact, and what can be done about it; `nil` when they can.
    public func refusal(_ domain: String) -> String? {
        guard bytes > HalfSweepSize.mostBytes else { return nil }
        return "an exact half-sweep of \(domain), which several clients share, takes \(bytes >> 20) MB a client for "
            + "\(items) items and \(factors) factors, and \(HalfSweepSize.mostBytes >> 20) MB are allowed; lower "
            + "model.factors or set strategy: gradient"
    }
}

extension ScenarioDefinition {
    /// Why the exact half-sweeps of a domain cannot be done with so many items; `nil` when they can, or for other
    /// domains and strategies.
    public func halfSweepRefusal(_ domain: String, items: Int) -> String? {
        guard isShared(domain), text("federation.strategy") == "fedavg", integer("federation.local-steps") == 0 else {
            return nil
        }
        return HalfSweepSize(items: items, factors: integer("model.factors")).refusal(domain)
    }
}
