/// What became of one person's update.
public enum ClippingOutcome: Sendable, Equatable {
    /// Its norm was within the bound.
    case within
    /// Its norm was above the bound and was brought down to it.
    case clipped
    /// It held a number that is not finite, and counts as zero.
    case refused
}

/// Clips one person's update over all tensors of a release together: Δ · min(1, C / ‖Δ‖₂).
///
/// The bound holds for the real numbers that come out, not only up to rounding: the computed norm is enlarged by the error
/// that its sum may have, and products are rounded toward zero.
///
/// *Source*: Abadi et al., *Deep learning with differential privacy* (CCS 2016), section 3.1; McMahan et al. 2018, section
/// 3, "flat clipping".
public struct PersonClipping: Sendable, Equatable {
    /// C, the largest ℓ2 norm.
    public let bound: Double

    /// - Throws: `invalidParameter` unless the bound is from 2⁻¹⁰⁰ to 2¹⁰⁰.
    public init(bound: Double) throws(PrivacyError) {
        try FixedPointGrid.check(clippingBound: bound)
        self.bound = bound
    }

    /// How an update is clipped: every value is multiplied by `prescale`, a power of two, then by `factor`.
    struct Scaling {
        var outcome: ClippingOutcome
        var prescale = 1.0
        var factor = 1.0
    }

    /// Measures the joint norm of all tensors. *Complexity*: two passes over the values.
    @inline(__always)
    func scaling<Value: BinaryFloatingPoint>(of tensors: [[Value]]) -> Scaling {
        var largest = 0.0
        var count = 0
        for tensor in tensors {
            count += tensor.count
            for value in tensor {
                guard value.isFinite else { return Scaling(outcome: .refused, prescale: 0, factor: 0) }
                largest = max(largest, Double(value.magnitude))
            }
        }
        if largest == 0 { return Scaling(outcome: .within) }
        // Squares of what lies within 2^±400 neither overflow nor vanish.
        var prescale = 1.0
        if largest > 0x1p400 || largest < 0x1p-400 {
            // 2^1074, which the least Double would need, is no Double; 2^1000 is enough.
            prescale = Double(sign: .plus, exponent: min(-Int(largest.exponent), 1000), significand: 1)
        }
        var sum = 0.0
        for tensor in tensors {
            for value in tensor {
                let scaled = Double(value) * prescale
                sum += scaled * scaled
            }
        }
        // Each addition and each square errs by at most 2⁻⁵³ of the sum.
        let norm = sum.squareRoot() * (1 + Double(count + 8) * 0x1p-53)
        let scaledBound = bound * prescale
        if norm <= scaledBound { return Scaling(outcome: .within) }
        return Scaling(outcome: .clipped, prescale: prescale, factor: bound / norm * (1 - 0x1p-50))
    }

    /// Clips an update in place; a refused one becomes zero.
    public func clip(_ tensors: inout [[Float]]) -> ClippingOutcome {
        let scaling = scaling(of: tensors)
        guard scaling.outcome != .within else { return .within }
        for tensor in tensors.indices {
            for index in tensors[tensor].indices {
                let exact = Double(tensors[tensor][index]) * scaling.prescale * scaling.factor
                let rounded = Float(exact)
                let isAway = Double(rounded).magnitude > exact.magnitude
                let inward = isAway ? (rounded > 0 ? rounded.nextDown : rounded.nextUp) : rounded
                // Infinity times zero is no number: a refused update is set, not multiplied.
                tensors[tensor][index] = scaling.outcome == .refused ? 0 : inward
            }
        }
        return scaling.outcome
    }

    /// Clips an update in place; a refused one becomes zero.
    public func clip(_ tensors: inout [[Double]]) -> ClippingOutcome {
        let scaling = scaling(of: tensors)
        guard scaling.outcome != .within else { return .within }
        for tensor in tensors.indices {
            for index in tensors[tensor].indices {
                tensors[tensor][index] =
                    scaling.outcome == .refused ? 0 : tensors[tensor][index] * scaling.prescale * scaling.factor
            }
        }
        return scaling.outcome
    }
}
