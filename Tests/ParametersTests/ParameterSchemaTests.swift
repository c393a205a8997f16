import Numerics
import Parameters
import TestSupport
import Testing

@Suite struct ParameterSchemaTests {
    private func spec(
        name: String = "a", shape: [Int] = [2, 3], scope: ParameterScope = .global, bound: Float = 1,
        release: String = "r"
    ) -> TensorSpec {
        TensorSpec(name: name, shape: shape, scope: scope, bound: bound, release: release)
    }

    @Test func `The digest changes with every field of a declaration`() throws {
        let base = spec()
        let others = [
            spec(name: "b"), spec(shape: [3, 2]), spec(shape: [6]), spec(shape: [2, 3, 1]),
            spec(scope: .domain("books")),
            spec(scope: .domain("global")), spec(bound: Float(1).nextUp), spec(release: "s"), spec(release: ""),
        ]
        let declarations = [base] + others
        let distinct = Set(try declarations.map { try ParameterSchema([$0]).digest })
        #expect(distinct.count == declarations.count)
        let more = try [[], [base, spec(name: "b")], [base, spec(name: "c")]].map { try ParameterSchema($0).digest }
        #expect(distinct.union(more).count == declarations.count + 3)
    }

    @Test(arguments: 0..<20) func `The order of declaration changes neither the schema nor its digest`(seed: UInt64)
        throws
    {
        var stream = RandomStream(root: seed, path: ["schema", "order"])
        let schema = try Generated.schema(&stream)
        let shuffled = try ParameterSchema(schema.specs.shuffled(using: &stream))
        #expect(shuffled == schema, "seed \(seed)")
        #expect(shuffled.digest == schema.digest, "seed \(seed)")
    }

    @Test func `Two declarations of one name are refused, and so is a name without one`() throws {
        #expect(throws: ParameterError.duplicateName("a")) {
            try ParameterSchema([spec(), spec(name: "b"), spec(bound: 2)])
        }
        let schema = try ParameterSchema([spec(), spec(name: "b")])
        #expect(try schema.spec("b") == spec(name: "b"))
        #expect(throws: ParameterError.unknownTensor("c")) { try schema.spec("c") }
    }

    @Test func `A tensor takes exactly as many values as its shape has elements`() {
        for count in [0, 5, 7] {
            #expect(throws: ParameterError.elementCountMismatch(name: "a", expected: 6, actual: count)) {
                try ParameterSet.Tensor(spec(), values: [Float](repeating: 0, count: count))
            }
        }
    }

    @Test func `A set keeps its tensors in order of name, one a name`() throws {
        func tensor(_ name: String, _ value: Float) throws -> ParameterSet.Tensor {
            try ParameterSet.Tensor(spec(name: name, shape: [1]), values: [value])
        }
        #expect(throws: ParameterError.duplicateName("a")) {
            try ParameterSet([tensor("a", 0), tensor("b", 0), tensor("a", 1)])
        }
        var set = try ParameterSet([tensor("c", 0.25), tensor("a", 0)])
        set.set(try tensor("b", 0.5))
        set.set(try tensor("a", 1))
        #expect(set.specs.map(\.name) == ["a", "b", "c"])
        #expect(set.tensors.map(\.values) == [[1], [0.5], [0.25]])
        #expect(set.filter { $0.name != "b" }.specs.map(\.name) == ["a", "c"])
        #expect(set.values("d") == nil)
        #expect(try set.require("b") == [0.5])
        #expect(throws: ParameterError.missingTensor("d")) { try set.require("d") }
    }
}
