public import Cryptography

/// The sum, over the persons of one client, of their clipped updates, exact and independent of the order of persons.
public struct ClippedSum: Sendable {
    /// The grid of the release.
    public let grid: FixedPointGrid
    /// The number of persons that were added, refused ones among them. Known to the client only.
    public private(set) var personCount = 0
    /// The number of persons whose update was brought down to the bound. Known to the client only.
    public private(set) var clippedCount = 0
    /// The number of persons whose update was not finite and counts as zero. Known to the client only.
    public private(set) var refusedCount = 0
    private let clipping: PersonClipping
    /// In units of 1/`grid.sumScale`: integers below 2⁵³.
    private var sums: [Double]

    /// The empty sum, which is released like any other.
    ///
    /// - Throws: `invalidParameter`.
    public init(grid: FixedPointGrid) throws(PrivacyError) {
        self.grid = grid
        clipping = try PersonClipping(bound: grid.clippingBound)
        sums = [Double](repeating: 0, count: grid.dimension)
    }

    /// Adds one person's update, all tensors of the release in their order.
    ///
    /// - Throws: `invalidValues` when the tensors do not have as many values as the release, `tooManyPersons`.
    @discardableResult
    public mutating func add(_ tensors: [[Float]]) throws(PrivacyError) -> ClippingOutcome {
        try addClipped(tensors)
    }

    /// Adds one person's update, all tensors of the release in their order.
    ///
    /// - Throws: `invalidValues` when the tensors do not have as many values as the release, `tooManyPersons`.
    @discardableResult
    public mutating func add(_ tensors: [[Double]]) throws(PrivacyError) -> ClippingOutcome {
        try addClipped(tensors)
    }

    @inline(__always)
    private mutating func addClipped<Value: BinaryFloatingPoint>(
        _ tensors: [[Value]]
    ) throws(PrivacyError) -> ClippingOutcome {
        let count = tensors.reduce(0) { $0 + $1.count }
        guard count == sums.count else {
            throw .invalidValues(reason: "an update has \(count) values, not \(sums.count)")
        }
        guard personCount < grid.personLimit else { throw .tooManyPersons(limit: grid.personLimit) }
        personCount += 1
        let scaling = clipping.scaling(of: tensors)
        switch scaling.outcome {
        case .refused:
            refusedCount += 1
            return .refused
        case .clipped: clippedCount += 1
        case .within: break
        }
        var element = 0
        for tensor in tensors {
            for value in tensor {
                // `sumScale` is applied last: only `factor` rounds, by less than the bound was lowered.
                let clipped = Double(value) * scaling.prescale * scaling.factor * grid.sumScale
                sums[element] += clipped.rounded(.towardZero)
                element += 1
            }
        }
        return scaling.outcome
    }

    /// The sum as grid units, rounded once by the dither; it carries no noise yet.
    ///
    /// *Determinism*: draws one number a coordinate from `dither`; all clients of a round pass streams of the same key.
    public func integers(dither: inout KeyStream) -> [Int64] { grid.round(sums, dither: &dither) }
}
