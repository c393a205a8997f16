import Parameters
import Scenario

extension RunPlan {
    /// Why the run cannot go on with the parameters it has after a step, or `nil` when it can.
    ///
    /// - Parameters:
    ///   - parameters: all that is known.
    ///   - changed: the tensors that the step's own round has changed. What is known of the stage before the choices does
    ///     not stand for what a step after them should have made.
    func obstacle(after step: RoundStep, parameters: ParameterSet, changed: Set<String>) -> String? {
        switch step {
        case .calendar:
            if parameters.values(TensorName.calendar) == nil {
                return "no client of the target domain \(target) is left"
            }
        case .encoders where isByText, .refitEncoders where isByText:
            if !sources.contains(where: { parameters.values(TensorName.textMap($0, .mean)) != nil }) {
                return "no client of a source domain is left"
            }
        case .encoders, .refitEncoders:
            if parameters.values(TensorName.momentCount(target)) == nil {
                return "no client of the target domain \(target) is left"
            }
            if !sources.contains(where: { parameters.values(TensorName.momentCount($0)) != nil }) {
                return "no client of a source domain is left"
            }
            // The features of both domains are those of one extractor, which has moved on.
            if step == .refitEncoders, isGameOfItems, steps.contains(.refitAdversarial),
                let domain = stale(changed: changed).first
            {
                return "no client of domain \(domain) is left to train it again after the choices"
            }
        case .bridge, .refitBridge, .adaptBridge:
            let names = [TensorName.crossMoment(isShuffled: false), TensorName.personVectors]
            if changed.isDisjoint(with: names) {
                return "there are no cross-moments of persons with the present models"
            }
        case .meta, .refitMeta:
            if !changed.contains(TensorName.meta(MethodName.meta, .start)) {
                return "there are no gradients of persons"
            }
        case .selection:
            if !isByText, !changed.contains(TensorName.selectionScores) { return "the validation scores are missing" }
        case .gate:
            if !isByText, !changed.contains(TensorName.gateGains) { return "the gains of the gate are missing" }
        // Without persons clients nobody answers a step of the map.
        case .tower, .factors, .adversarial, .map, .refitTower, .refitFactors, .refitAdversarial, .refitMap,
            .textModels,
            .refitTextModels, .evaluation, .monitor, .adapt, .adaptGate:
            break
        }
        return nil
    }

    /// The domains that a round of `refitEncoders` should have trained again and did not.
    func stale(changed: Set<String>) -> [String] {
        let names =
            isByText
            ? sources.map { ($0, TensorName.textMap($0, .mean)) }
            : (sources + [target]).map { ($0, TensorName.momentCount($0)) }
        return names.filter { !changed.contains($0.1) }.map(\.0)
    }
}
