import Glibc
public import Numerics
public import Ratings

/// How old interactions fade: exponentially with the windows of time between them and a change.
///
/// What lies in the window of the change or later has weight 1. Everything before the first window counts as one window
/// of its own. *Source*: exponential decay of old samples as in Koren, *Collaborative filtering with temporal dynamics*
/// (KDD 2009), section 2, with an age that stops growing at the change.
public struct SampleDecay: Sendable, Equatable {
    /// When each window begins, ascending, and when the last one ends.
    public let times: [Int64]
    /// The first window of the new distribution, from 1.
    public let change: Int
    /// The windows in which a weight halves.
    public let halfLife: Double

    /// Weights below this are taken for none.
    static let leastWeight: Float = 1.0 / 64

    /// A decay.
    ///
    /// - Precondition: the half-life is positive.
    public init(times: [Int64], change: Int, halfLife: Double) {
        precondition(halfLife > 0, "a half-life of \(halfLife) windows")
        self.times = times
        self.change = change
        self.halfLife = halfLife
    }

    /// The window of a time, from 1; 0 before the first, one more than there are after the last.
    public func window(of time: Int64) -> Int { times.firstIndex { time < $0 } ?? times.count }

    /// Whether a time is before the change.
    public func isOld(_ time: Int64) -> Bool { window(of: time) < change }

    /// The weight of an interaction, 2^(−age / half-life); 0 where it is negligible.
    public func weight(at time: Int64) -> Float {
        let age = max(0, change - window(of: time))
        let weight = Float(exp2(-Double(age) / halfLife))
        return weight < SampleDecay.leastWeight ? 0 : weight
    }

    /// The interactions of a person that still count, and their weights. Of a person with old ones alone, the latest
    /// count in full: nothing better is known.
    public func faded(_ history: PersonHistory) -> (items: [UInt32], weights: [Float]) {
        guard !history.times.isEmpty else { return (history.items, history.items.map { _ in 1 }) }
        let latest = history.times.map { window(of: $0) }.max() ?? 0
        let own = SampleDecay(times: times, change: min(change, latest), halfLife: halfLife)
        var items: [UInt32] = []
        var weights: [Float] = []
        for (item, time) in zip(history.items, history.times) {
            let weight = own.weight(at: time)
            guard weight > 0 else { continue }
            items.append(item)
            weights.append(weight)
        }
        return (items, weights)
    }
}

extension FoldIn {
    /// As `begin(items:weights:regularization:)` for a person's history, old interactions faded.
    ///
    /// - Throws: `notPositiveDefinite`.
    public mutating func begin(
        _ history: PersonHistory, decay: SampleDecay?, regularization: Float
    ) throws(NumericsError) {
        guard let decay else { return try begin(items: history.items[...], regularization: regularization) }
        let (items, weights) = decay.faded(history)
        try begin(items: items[...], weights: weights, regularization: regularization)
    }
}
