import Foundation
import Record
import Scenario
public import Supervision

/// The process of one point of a sweep: an ordinary run of a scenario, whose progress goes to the sweep.
public enum PointProcess {
    /// Runs a point to its end; when this returns no process of it is left.
    ///
    /// - Throws: `RunFailure` when the run did not complete; the sweep has been told why.
    public static func run(brief: PointBrief) throws(RunFailure) {
        let result: ScenarioRunner.Result
        do {
            let scenario = try ScenarioDefinition(yaml: brief.scenario, file: "scenario.yaml")
            result = try ScenarioRunner(
                scenario: scenario, dataDirectory: brief.dataDirectory, outputDirectory: brief.outputDirectory,
                recordsWire: false, resumes: brief.resumes, isQuiet: true, logLevel: brief.logLevel, isPoint: true
            ).run()
        } catch let failure as RunFailure {
            throw failure
        } catch let error as RecordError {
            throw RunFailure(.inputOutput, error.description)
        } catch { throw RunFailure(.internalError, "\(error)") }
        guard result.exitCode == .success else {
            throw RunFailure(result.exitCode, result.message ?? "the run did not complete")
        }
    }
}
