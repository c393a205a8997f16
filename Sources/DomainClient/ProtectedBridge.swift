import Cryptography
import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import Supervision
import Transfer

/// The protected release of the bridge B = Σ f tᵀ, each factor clipped, and what of it stays in the client: the exact sum,
/// for drawing the noise again, and the control's bridge, in which each person has another's sources.
struct ProtectedBridge: ProtectedRelease {
    /// The control's bridge with noise of the same size; `nil` for fewer than two contributors.
    let control: Matrix?
    private let sum: ClippedSum
    private let protection: ReleaseProtection
    private let shape: (rows: Int, columns: Int)
    private let contributors: Int
    private let seed: Int
    private let key: StreamKey

    /// Contributes every device's clipped outer product to the release.
    ///
    /// - Parameters:
    ///   - linkedTo: whose links each of a number of persons has in the control.
    ///   - item: the name of an item of a domain.
    init(
        _ devices: [Device], item: (String, UInt32) -> String, linkedTo: (Int) -> [Int], scenario: ScenarioDefinition,
        seed: Int, key: StreamKey,
        plan: RunPlan, models: inout DeviceModels, gate: inout ReleaseGate
    ) throws {
        let release = ReleaseName.bridge(isShuffled: false)
        guard let protection = gate.protection(of: release) else {
            throw RunFailure(.internalError, "the bridge has no protection")
        }
        let spec = try plan.schema.spec(TensorName.crossMoment(isShuffled: false))
        let featureBound = try PersonClipping(bound: scenario.number("privacy.feature-bound"))
        let targetBound = try PersonClipping(bound: scenario.number("privacy.target-bound"))
        var features: [[Float]] = []
        var coordinates: [[Float]] = []
        let blocks = try RatingBlocks(scenario, key: key)
        for device in devices {
            if let blocks {
                let pair = try blocks.pair(
                    of: device, domains: plan.sources + [plan.target], item: item, feature: { try models.feature($0) },
                    coordinates: { try $0.targetCoordinates(&models.target, target: plan.target) })
                guard let target = pair.coordinates else { continue }
                features.append(pair.feature)
                coordinates.append(target)
                continue
            }
            guard let target = try device.targetCoordinates(&models.target, target: plan.target) else { continue }
            var pair = ([try models.feature(device)], [target])
            _ = featureBound.clip(&pair.0)
            _ = targetBound.clip(&pair.1)
            features.append(pair.0[0])
            coordinates.append(pair.1[0])
        }
        let links = linkedTo(features.count)
        try gate.begin(release: release)
        var sum = try ClippedSum(grid: protection.grid)
        var shuffled = try ClippedSum(grid: protection.grid)
        var product = [Float](repeating: 0, count: spec.elementCount)
        for index in features.indices {
            product.withUnsafeMutableBufferPointer { writeOuterProduct(features[index], coordinates[index], to: $0) }
            try gate.contribute(to: release) { contribution in
                contribution.write(spec.name, values: product)
            }
            try sum.add([product])
            product.withUnsafeMutableBufferPointer {
                writeOuterProduct(features[links[index]], coordinates[index], to: $0)
            }
            try shuffled.add([product])
        }
        self.sum = sum
        self.protection = protection
        self.seed = seed
        self.key = key
        shape = (spec.shape[0], spec.shape[1])
        contributors = features.count
        control =
            features.count < 2
            ? nil
            : Matrix(
                rowCount: shape.rows, columnCount: shape.columns,
                values: protection.simulated(
                    shuffled, purpose: "control", root: UInt64(seed), key: key, contributions: contributors))
    }

    /// Bridges with independent noise, as other draws would have released them.
    func draws(_ count: Int) -> [Matrix] {
        (0..<count).map {
            Matrix(
                rowCount: shape.rows, columnCount: shape.columns,
                values: protection.simulated(
                    sum, purpose: "draw-\($0)", root: UInt64(seed), key: key, contributions: contributors))
        }
    }
}
