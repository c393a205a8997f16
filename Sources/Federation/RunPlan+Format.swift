import Parameters
import Wire

extension RunPlan {
    /// How many bytes more a client's update of a step would take with all of its tensors in float32.
    ///
    /// - Parameter step: the step's name, as records have it; only rounds of shared item factors save something.
    public func bytesSaved(in step: String, by client: String) -> Int {
        guard let step = [RoundStep.factors, .refitFactors].first(where: { $0.description == step }) else { return 0 }
        let specs = uploads(step, client: client)
        return MessageSize.update(specs.map(\.asFloat32)) - MessageSize.update(specs)
    }
}
