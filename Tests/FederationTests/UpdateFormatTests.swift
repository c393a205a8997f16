import Federation
import Parameters
import Scenario
import Testing
import Wire

@Suite("Formats of updates")
struct UpdateFormatTests {
    private func plan(_ overrides: [String]) throws -> RunPlan {
        try Federation(try SharedDomainTests.scenario(["federation.local-steps=1"] + overrides)).plan
    }

    private func formats(_ plan: RunPlan, _ step: RoundStep = .factors) -> [String: ElementFormat] {
        let uploads = plan.uploads(step, client: "movies-2")
        return Dictionary(uploads.map { ($0.name, $0.format) }, uniquingKeysWith: { first, _ in first })
    }

    @Test(
        "what a round changes has the format, and nothing else in the schema",
        arguments: ["federation.strategy=fedavg", "federation.strategy=scaffold", "federation.strategy=gradient"])
    func whichTensors(strategy: String) throws {
        let isGradient = strategy.hasSuffix("gradient")
        let parts: [TensorName.FactorPart] =
            isGradient ? [.gradient] : strategy.hasSuffix("scaffold") ? [.change, .controlChange] : [.change]
        let names = Set(parts.map { TensorName.factor("movies", $0) })
        let base = [strategy] + (isGradient ? ["federation.local-steps=0"] : [])
        for format in ["float16", "int8", "top-k"] {
            let plan = try plan(base + ["federation.update-format=\(format)"])
            let coarse = plan.schema.specs.filter { $0.format != .float32 }
            #expect(Set(coarse.map(\.name)) == names && coarse.allSatisfy { $0.format.description.hasPrefix(format) })
            #expect(formats(plan)[TensorName.factor("movies", .weight)] == .float32)
            #expect(formats(plan) == formats(plan, .refitFactors))
        }
        // Without the key, and with float32, it is the schema that it was.
        let plain = try plan(base).schema
        #expect(plain.specs.allSatisfy { $0.format == .float32 })
        #expect(try plan(base + ["federation.update-format=float32"]).schema.digest == plain.digest)
        #expect(try plan(base + ["federation.update-format=int8"]).schema.digest != plain.digest)
    }

    @Test("the share of the values that are sent is that of the scenario, and at least one value")
    func share() throws {
        let name = TensorName.factor("movies", .change)
        let count = try plan([]).schema.spec(name).elementCount
        for (share, expected) in [
            ("0.1", Int((0.1 * Double(count)).rounded())), ("1", count), ("0.00001", 1), ("none", count / 10),
        ] {
            let plan = try plan(["federation.update-format=top-k", "federation.top-share=\(share)"])
            guard case .topK(let kept) = try plan.schema.spec(name).format else {
                Issue.record("\(share): \(try plan.schema.spec(name).format)")
                continue
            }
            #expect(abs(kept - expected) <= (share == "none" ? 1 : 0), "\(share)")
        }
    }

    @Test("what a format saves is what it takes less than float32, in rounds of shared factors alone")
    func savedBytes() throws {
        let plan = try plan(["federation.update-format=float16"])
        let uploads = plan.uploads(.factors, client: "movies-2")
        let saved = plan.bytesSaved(in: RoundStep.factors.description, by: "movies-2")
        #expect(saved == MessageSize.update(uploads.map(\.asFloat32)) - MessageSize.update(uploads))
        let elements = try plan.schema.spec(TensorName.factor("movies", .change)).elementCount
        // The headers differ by what their padding leaves of a few digits.
        #expect(abs(saved - 2 * elements) <= 8)
        #expect(plan.bytesSaved(in: RoundStep.refitFactors.description, by: "movies-2") == saved)
        for step in ["encoders", "evaluation", "no-such-step"] {
            #expect(plan.bytesSaved(in: step, by: "movies-2") == 0, "\(step)")
        }
        #expect(plan.bytesSaved(in: RoundStep.factors.description, by: "persons") == 0)
        #expect(try self.plan([]).bytesSaved(in: RoundStep.factors.description, by: "movies-2") == 0)
    }
}
