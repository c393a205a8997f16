import ArgumentParser
import Record
import Reporting
import Simulation
import Supervision

/// `ferry compare`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Put runs side by side and test their differences.",
        discussion: """
            The first run is what the others are compared with. Differences are paired over the seeds that all runs
            have, or over the persons of a single one: t-tests, with p-values corrected for all of them by Holm's method. Runs that do not measure the same
            persons are refused. The folder of a sweep stands for its points.
            """)

    @Argument(help: ArgumentHelp("Run folders, folders of single seeds, or a sweep's folder.", valueName: "run"))
    var folders: [String]

    @Option(help: ArgumentHelp("The metric; default: the scenario's first, such as ndcg@10.", valueName: "metric"))
    var metric: String?

    @Option(help: ArgumentHelp("cold-users, warm-users or cold-items.", valueName: "cohort"))
    var cohort: String = "cold-users"

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A method to compare, may be repeated; default: transfer (that of each run), best-local, shuffled-source.",
            valueName: "method"))
    var method: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        do {
            let comparison = try RunComparison.compare(
                folders, RunComparison.Question(metric: metric, cohort: cohort, methods: method))
            if json {
                standardOutput(String(decoding: try RecordFile.json(comparison), as: UTF8.self))
            } else {
                standardOutput(ComparisonTable.text(comparison))
            }
        } catch { throw fail(error as? RunFailure ?? RunFailure(.internalError, "\(error)")) }
    }
}
