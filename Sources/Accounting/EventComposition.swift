/// A composition taken apart: how often each single event happens, in the order of first appearance.
struct EventComposition {
    /// One event that is neither a composition nor a repetition, and how often it happens.
    struct Part {
        var event: PrivacyEvent
        var count: Int
    }

    private(set) var parts: [Part] = []
    private(set) var isUnprotected = false
    private var places: [PrivacyEvent: Int] = [:]

    /// Takes an event apart after checking it.
    ///
    /// Complexity: linear in the number of events written out, not in their counts.
    init(_ event: PrivacyEvent) throws(AccountingError) {
        try event.validate()
        try add(event, count: 1)
    }

    private mutating func add(_ event: PrivacyEvent, count: Int) throws(AccountingError) {
        guard count > 0 else { return }
        switch event {
        case .noOp: break
        case .unprotected: isUnprotected = true
        case .composed(let events): for event in events { try add(event, count: count) }
        case .repeated(let event, let times):
            let (product, overflow) = count.multipliedReportingOverflow(by: times)
            try require(!overflow, "the number of repetitions", "\(count) × \(times)", "a 64-bit integer")
            try add(event, count: product)
        case .poissonSampled(1, let event): try add(event, count: count)
        case .fixedSizeSampled(let population, let sample, let event) where population == sample:
            try add(event, count: count)
        case .poissonSampled(_, .noOp), .fixedSizeSampled(_, _, .noOp): break
        case .poissonSampled(_, .unprotected), .fixedSizeSampled(_, _, .unprotected): isUnprotected = true
        default: try append(event, count)
        }
    }

    private mutating func append(_ event: PrivacyEvent, _ count: Int) throws(AccountingError) {
        if let place = places[event] {
            let (sum, overflow) = parts[place].count.addingReportingOverflow(count)
            try require(!overflow, "the number of repetitions", "\(parts[place].count) + \(count)", "a 64-bit integer")
            parts[place].count = sum
        } else {
            places[event] = parts.count
            parts.append(Part(event: event, count: count))
        }
    }

    /// The noise multiplier of one Gaussian release that costs exactly as much as all these Gaussian releases together:
    /// 1/√(Σ counts/σ²). `nil` when there are none.
    static func equivalentNoiseMultiplier(_ parts: [(noiseMultiplier: Double, count: Int)]) -> Double? {
        guard !parts.isEmpty else { return nil }
        if parts.count == 1 { return parts[0].noiseMultiplier / Double(parts[0].count).squareRoot() }
        // Scaled by the smallest multiplier: its square may underflow.
        let smallest = parts.reduce(Double.infinity) { min($0, $1.noiseMultiplier) }
        let precision = parts.reduce(0.0) { sum, part in
            let ratio = smallest / part.noiseMultiplier
            return sum + Double(part.count) * ratio * ratio
        }
        return smallest / precision.squareRoot()
    }
}
