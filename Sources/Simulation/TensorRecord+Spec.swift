import Parameters
import Record

extension TensorRecord {
    /// The record of a declaration.
    init(_ spec: TensorSpec) {
        self.init(
            name: spec.name, shape: spec.shape, scope: spec.scope.description, release: spec.release,
            format: spec.format == .float32 ? nil : spec.format.description)
    }

    /// What may cross of the tensor; nothing for a record that declares nothing.
    var parts: [TensorPart] {
        guard let format = format.map(ElementFormat.init) ?? .float32, shape.allSatisfy({ $0 > 0 }),
            format.isLegal(elementCount: shape.reduce(1, *))
        else { return [] }
        return TensorSpec(name: name, shape: shape, scope: .global, bound: 1, release: release, format: format).parts
    }
}
