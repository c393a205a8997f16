import Cryptography

/// The fixed-point grid of a release: how real sums become integers, what one person can move there, and the noise that
/// hides it.
///
/// **Three steps, each exact.** A person's clipped update is cut, toward zero, to multiples of 1/`sumScale`, which makes
/// no norm larger; sums of such numbers are exact in Double, whatever their order, so that removing a person removes the
/// person's update and no rounding besides. The sum is then rounded *once*, by a dither, to multiples of 1/`scale`. The
/// integers get discrete Gaussian noise. Both scales are powers of two: no multiplication rounds.
///
/// **The dither.** A coordinate a becomes ⌈a − v⌉ with v uniform on [0, 1): stochastic rounding, right on average, zero
/// for zero, and already on the grid, whereas a subtractive dither would have to be taken off after the noise and would
/// leave values beside the grid. v does not depend on data, and neighbouring data sets meet the same v; conditional on it,
/// ⌈a − v⌉ is a function that moves by less than |a − a′| + 1. All clients of a round draw it from one stream, so
/// that it is public, reproducible and no secret of any client. What it adds, at most ½ a unit of standard deviation a
/// client, is no part of the promised noise.
///
/// **Sensitivity.** C·scale + √dimension units in ℓ2 for each client that holds the person. With K such clients it is
/// K times that for the sum of their outputs, and √K times that for the outputs side by side (`View`).
///
/// **A smaller unit than the person.** Where one unit, such as a rating, moves a person's clipped update by at most D from
/// one value to another, the real sums move by D, cutting both updates toward zero by less than √dimension/`sumScale`
/// besides, and rounding by √dimension units: D·scale + 2√dimension, since `sumScale` ≥ `scale`. Nothing but D and the
/// bound C itself is used: D is what the releaser proves of its updates, and that they lie within C without clipping,
/// since clipping scales all of an update.
///
/// *Source*: Kairouz, Liu, Steinke, *The distributed discrete Gaussian mechanism* (ICML 2021), which bounds the rounded
/// norm of each person; here only the client's sum is rounded, as one function.
public struct FixedPointGrid: Sendable, Equatable {
    /// What the adversary of the account sees.
    public enum View: String, Sendable, Codable {
        /// The outputs of all clients side by side, each under noise of its own (`silo`).
        case separate
        /// The sum of the clients' outputs only (`central`, or `distributed` under secure aggregation).
        case summed
    }

    /// √dimension stays below this part of C·scale where the range allows it.
    static let slackTarget = 0.01
    /// Integers up to here are exact in Double, so that the way back is exact as well.
    static let exactLimit = 0x1p53
    /// The number of standard deviations of noise that the range proof leaves room for; more has a probability below 10⁻³².
    static let tailWidth = 12.0

    /// C, the ℓ2 bound on what a person adds to one client's sum.
    public let clippingBound: Double
    /// D, how far one unit moves a person's clipped update; `nil` where the person is the unit, who moves a sum by C.
    public let unitMovement: Double?
    /// The number of values of the release, over all its tensors.
    public let dimension: Int
    /// The largest number of persons, over all clients.
    public let personLimit: Int
    /// K, the largest number of clients that hold one person.
    public let clientsPerPerson: Int
    /// What the noise multiplier refers to.
    public let view: View
    /// The number of equal shares of noise that a sum must contain; 1 when one party adds all of it.
    public let noiseShareCount: Int
    /// Grid units per 1, a power of two.
    public let scale: Double
    /// The units of the sums per 1, a power of two not below `scale`.
    public let sumScale: Double
    /// The noise of one share, in grid units.
    public let noise: DiscreteGaussian

    /// Chooses the coarsest grid on which a share's σ is at least 4 units and √dimension below 1 % of C·scale, or, where
    /// the range ends before the latter, the finest possible one.
    ///
    /// The range proof: personLimit·clientsPerPerson·(⌈C·scale⌉ + 1) + 12σ < 2⁵³. It implies the bound 2⁶³ of the
    /// 64-bit ring, and the conversion back is exact besides.
    ///
    /// - Parameters:
    ///   - noiseMultiplier: the standard deviation of all noise of the view ÷ the sensitivity of the view.
    ///   - unitMovement: D, for a smaller unit than the person; at most 2C, which two updates can lie apart.
    /// - Throws: `invalidParameter`, `noiseTooFine`, `rangeExceeded`.
    public init(
        clippingBound: Double, noiseMultiplier: Double, dimension: Int, personLimit: Int, clientsPerPerson: Int = 1,
        view: View = .separate, noiseShareCount: Int = 1, unitMovement: Double? = nil
    ) throws(PrivacyError) {
        try FixedPointGrid.check(clippingBound: clippingBound)
        guard unitMovement.map({ $0 > 0 && $0 <= 2 * clippingBound }) ?? true else {
            throw .invalidParameter(name: "movement by one unit", requirement: "above 0 and at most twice the bound")
        }
        guard noiseMultiplier.isFinite, noiseMultiplier > 0 else {
            throw .invalidParameter(name: "noise multiplier", requirement: "finite and positive")
        }
        for (name, value) in [
            ("dimension", dimension), ("largest number of persons", personLimit),
            ("number of clients per person", clientsPerPerson), ("number of noise shares", noiseShareCount),
        ] where value < 1 || value > 1 << 40 {
            throw .invalidParameter(name: name, requirement: "from 1 to 2⁴⁰")
        }
        guard view == .summed || noiseShareCount == 1 else {
            throw .invalidParameter(name: "number of noise shares", requirement: "1 where outputs are seen separately")
        }
        self.clippingBound = clippingBound
        self.unitMovement = unitMovement
        self.dimension = dimension
        self.personLimit = personLimit
        self.clientsPerPerson = clientsPerPerson
        self.view = view
        self.noiseShareCount = noiseShareCount

        /// What a scale leads to: the deviation of all noise and of a share, and the largest integer of the release.
        func outcome(_ scale: Double) -> (total: Double, share: Double, magnitude: Double) {
            let sensitivity = FixedPointGrid.sensitivity(
                clippingBound: clippingBound, unitMovement: unitMovement, scale: scale, dimension: dimension,
                clientsPerPerson: clientsPerPerson, view: view)
            let total = (noiseMultiplier * sensitivity).nextUp
            let share = (total / Double(noiseShareCount).squareRoot().nextDown).nextUp
            let sum = Double(personLimit) * Double(clientsPerPerson) * ((clippingBound * scale).rounded(.up) + 1)
            return (total, share, sum + FixedPointGrid.tailWidth * total)
        }
        func isInRange(_ scale: Double) -> Bool {
            let outcome = outcome(scale)
            return outcome.magnitude < FixedPointGrid.exactLimit
                && outcome.share < IntegerNoise.maximumStandardDeviation
        }
        func isFine(_ scale: Double) -> Bool {
            Double(dimension).squareRoot() < FixedPointGrid.slackTarget * min(clippingBound, unitMovement ?? .infinity)
                * scale
                && outcome(scale).share >= IntegerNoise.minimumStandardDeviation
        }

        // From C·scale ∈ [1, 2) upwards; below that, rounding would be all there is.
        var exponent = -Int(clippingBound.exponent)
        var chosen = FixedPointGrid.power(exponent)
        guard isInRange(chosen) else {
            throw .rangeExceeded(magnitude: outcome(chosen).magnitude, limit: FixedPointGrid.exactLimit)
        }
        while !isFine(chosen), isInRange(FixedPointGrid.power(exponent + 1)) {
            exponent += 1
            chosen = FixedPointGrid.power(exponent)
        }
        scale = chosen
        let share = outcome(chosen).share
        noise = try DiscreteGaussian(standardDeviation: share)

        // personLimit·C·sumScale ≤ 2⁵²: sums are exact. By the range proof the grid itself fulfils this up to a factor 2.
        var finest = chosen
        while Double(personLimit) * clippingBound * finest * 2 <= FixedPointGrid.exactLimit / 2 { finest *= 2 }
        sumScale = finest
    }

    static func check(clippingBound: Double) throws(PrivacyError) {
        guard clippingBound >= 0x1p-100, clippingBound <= 0x1p100 else {
            throw .invalidParameter(name: "clipping bound", requirement: "from 2⁻¹⁰⁰ to 2¹⁰⁰")
        }
    }

    private static func power(_ exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: 1)
    }

    /// The sensitivity of a view, in grid units, rounded up.
    private static func sensitivity(
        clippingBound: Double, unitMovement: Double?, scale: Double, dimension: Int, clientsPerPerson: Int, view: View
    ) -> Double {
        let rounding = Double(dimension).squareRoot().nextUp
        let one = (unitMovement.map { $0 * scale + 2 * rounding } ?? (clippingBound * scale + rounding)).nextUp
        let clients = Double(clientsPerPerson)
        switch view {
        case .separate: return clientsPerPerson == 1 ? one : (clients.squareRoot().nextUp * one).nextUp
        case .summed: return clientsPerPerson == 1 ? one : (clients * one).nextUp
        }
    }

    /// How far, in ℓ2 and grid units, one person moves the integers of one client: C·scale + √dimension; or one unit.
    public var clientSensitivity: Double {
        FixedPointGrid.sensitivity(
            clippingBound: clippingBound, unitMovement: unitMovement, scale: scale, dimension: dimension,
            clientsPerPerson: 1, view: view)
    }

    /// How far, in ℓ2 and grid units, one person, or one unit, moves what the view shows, with all clients that hold the
    /// person.
    public var sensitivity: Double {
        FixedPointGrid.sensitivity(
            clippingBound: clippingBound, unitMovement: unitMovement, scale: scale, dimension: dimension,
            clientsPerPerson: clientsPerPerson, view: view)
    }

    /// The standard deviation of all noise of the view, in grid units.
    public var noiseDeviation: Double { (Double(noiseShareCount) * noise.variance).squareRoot() }

    /// σ ÷ sensitivity under add-remove; at least what was asked for. The accountant's number.
    public var noiseMultiplier: Double { noiseDeviation / sensitivity }

    /// √dimension as a part of C·scale: what rounding adds to the sensitivity.
    public var slack: Double { Double(dimension).squareRoot() / (clippingBound * scale) }

    /// Rounds sums, given in multiples of 1/`sumScale`, to grid units by the dither.
    ///
    /// *Determinism*: draws one number a coordinate, whatever its value.
    ///
    /// - Precondition: the sums are integers of at most 2⁵³.
    func round(_ sums: [Double], dither: inout KeyStream) -> [Int64] {
        let ratio = scale / sumScale
        return sums.map { sum in
            precondition(sum.magnitude <= FixedPointGrid.exactLimit, "a sum is out of the range that was proven")
            return FixedPointGrid.ceiling(sum * ratio, minus: Double(dither.next() >> 11) * 0x1p-53)
        }
    }

    /// ⌈value − dither⌉ of the real numbers, without the rounding that a subtraction of Doubles would bring.
    ///
    /// - Precondition: `dither` is a multiple of 2⁻⁵³ in [0, 1), so that 1 − dither is exact.
    package static func ceiling(_ value: Double, minus dither: Double) -> Int64 {
        let whole = value.rounded(.towardZero)
        let fraction = value - whole
        if fraction >= 0 { return Int64(whole) + (fraction > dither ? 1 : 0) }
        return Int64(whole) - (-fraction >= 1 - dither ? 1 : 0)
    }

    /// Back to real values: integers ÷ scale ÷ `divisor`, which must be a configured constant, never an observed count.
    ///
    /// Every value is a multiple of 1/scale before it is divided; nothing but the integers' own bits remains below.
    ///
    /// - Precondition: `divisor` is positive.
    public func decode(_ integers: [Int64], dividedBy divisor: Double = 1) -> [Double] {
        precondition(divisor > 0, "sums are divided by a positive constant")
        return integers.map { Double($0) / scale / divisor }
    }
}
