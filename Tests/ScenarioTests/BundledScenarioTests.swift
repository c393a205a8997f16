import Foundation
import Scenario
import Testing

@Suite struct BundledScenarioTests {
    static let files: [String] = {
        let folder = packageRoot.appendingPathComponent("Scenarios").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    }()

    @Test func theQuickstartIsAmongTheBundledScenarios() {
        #expect(BundledScenarioTests.files.contains { $0.hasSuffix("/quickstart.yaml") })
    }

    @Test(arguments: files)
    func aBundledScenarioDecodesAndIsNamedLikeItsFile(_ path: String) throws {
        let sweep = try ScenarioSweep(yaml: String(contentsOfFile: path, encoding: .utf8), file: path)
        #expect(path.hasSuffix("/\(sweep.name).yaml"))
        for scenario in sweep.points.map(\.scenario) {
            #expect(scenario.domains.contains(scenario.target))
            #expect(!scenario.sources.isEmpty)
        }
    }

    @Test(arguments: files)
    func theResolvedTextIsAFixedPoint(_ path: String) throws {
        let sweep = try ScenarioSweep(yaml: String(contentsOfFile: path, encoding: .utf8), file: path)
        for first in sweep.points.map(\.scenario) {
            let second = try ScenarioDefinition(yaml: first.resolvedYAML, file: "resolved")
            #expect(second == first)
            #expect(second.resolvedYAML == first.resolvedYAML)
        }
    }
}
