import Federation
import Parameters
import Privacy
import Ratings
import Transfer

/// A persons client's part in the training of the map's networks: in each round its devices' gradients at the networks
/// that the coordinator has sent, one sum for the transfer and one for the control.
struct MapTrainer {
    private struct Member {
        let feature: [Float]
        let coordinates: [Float]
    }

    /// The stage whose data it trains on.
    let stage: SplitStage
    private let shape: MapShape
    /// The members of the transfer, then of the control, whose features are another person's.
    private var members: [[Member]] = []

    /// - Parameters:
    ///   - contributors: the devices that train; `swapped` the same persons with others' sources.
    init(
        _ shape: MapShape, stage: SplitStage, contributors: [Device], swapped: [Device], models: inout DeviceModels,
        target: String
    ) throws {
        self.shape = shape
        self.stage = stage
        for devices in [contributors, swapped] {
            var side: [Member] = []
            for device in devices {
                guard let coordinates = try device.targetCoordinates(&models.target, target: target) else { continue }
                side.append(Member(feature: try models.feature(device), coordinates: coordinates))
            }
            members.append(side)
        }
    }

    /// Adds up the gradients of all members.
    func release(known: ParameterSet, gate: inout ReleaseGate) throws {
        for isShuffled in [false, true] {
            let release = ReleaseName.mapGradient(isShuffled: isShuffled)
            try gate.begin(release: release)
            let networks = try DeviceModels.networks(shape, known, isShuffled: isShuffled)
            for member in members[isShuffled ? 1 : 0] {
                try gate.contribute(to: release) { contribution in
                    contribution.write(TensorName.mapCount(isShuffled: isShuffled)) { $0[0] = 1 }
                    contribution.write(TensorName.mapGradient(isShuffled: isShuffled)) { target in
                        var position = 0
                        for network in networks {
                            for value in network.gradient(feature: member.feature, coordinates: member.coordinates) {
                                target[position] = Float(value)
                                position += 1
                            }
                        }
                    }
                }
            }
        }
    }
}
