/// The runs of a scenario file: every combination of the values in its `sweep:`, or one where it has none.
public struct ScenarioSweep: Sendable, Equatable {
    /// The most combinations of a sweep.
    public static let pointLimit = 1_000

    /// A swept key and its value at one point.
    public struct Setting: Sendable, Equatable {
        /// The key path, such as `model.factors` or `clients.books.count`.
        public let key: String
        /// The value as YAML.
        public let value: String
    }

    /// One combination.
    public struct Point: Sendable, Equatable {
        /// The swept keys with their values, in the order of the file; empty without a sweep.
        public let settings: [Setting]
        /// The scenario with these values and without a sweep.
        public let scenario: ScenarioDefinition
    }

    /// The scenario's name.
    public let name: String
    /// The swept keys in the order of the file; empty without a sweep.
    public let keys: [String]
    /// Every combination: the values of the last key change fastest.
    public let points: [Point]

    /// Decodes a scenario file with or without a sweep.
    ///
    /// - Parameters:
    ///   - yaml: the text of the file.
    ///   - file: the name that errors show.
    ///   - overrides: `path=value` pairs that replace keys in all points, as of `--set`.
    /// - Throws: every problem found; those of some combinations alone name the combination.
    public init(yaml: String, file: String, overrides: [String] = []) throws(ScenarioError) {
        let grid = ScenarioDecoder.decode(yaml, file: file, overrides: overrides, purpose: .grid)
        guard grid.problems.isEmpty else { throw grid.error }
        keys = grid.sweep.map(\.path)
        var points: [Point] = []
        var failures: [(settings: [Setting], problems: [ScenarioProblem])] = []
        for settings in ScenarioSweep.combinations(grid.sweep) {
            let decoder = ScenarioDecoder.decode(yaml, file: file, overrides: overrides, purpose: .point(settings))
            do throws(ScenarioError) {
                points.append(Point(settings: settings, scenario: try ScenarioDefinition(decoder)))
            } catch {
                failures.append((settings, error.problems))
            }
        }
        guard failures.isEmpty else {
            throw ScenarioSweep.error(failures, of: points.count + failures.count, line: grid.lines["sweep"])
        }
        name = points.first?.scenario.name ?? ""
        self.points = points
    }

    /// How many points the sweep in a text has that decodes as one scenario; 0 without a sweep.
    public static func pointCount(yaml: String, file: String, overrides: [String] = []) -> Int {
        ScenarioDecoder.decode(yaml, file: file, overrides: overrides, purpose: .grid).combinationCount
    }

    private static func combinations(_ keys: [SweptKey]) -> [[Setting]] {
        keys.reduce([[]]) { settings, key in
            settings.flatMap { setting in
                key.values.map { setting + [Setting(key: key.path, value: $0.yaml)] }
            }
        }
    }

    /// What all combinations have in common is a problem of the file, the rest is one of its combinations.
    private static func error(
        _ failures: [(settings: [Setting], problems: [ScenarioProblem])], of count: Int, line: Int?
    ) -> ScenarioError {
        let mostShown = 20
        var problems = failures[0].problems.filter { problem in
            failures.count == count && failures.allSatisfy { $0.problems.contains(problem) }
        }
        let common = problems
        var own: [ScenarioProblem] = []
        for (settings, found) in failures {
            let combination = settings.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            for problem in found where !common.contains(problem) {
                own.append(
                    ScenarioProblem(
                        file: problem.file, line: line, keyPath: "sweep",
                        message: "with \(combination): \(problem.keyPath): \(problem.message)"))
            }
        }
        problems += own.prefix(mostShown)
        if own.count > mostShown {
            problems.append(
                ScenarioProblem(
                    file: own[0].file, line: line, keyPath: "sweep",
                    message: "and \(own.count - mostShown) further problems of its combinations"))
        }
        return ScenarioError(problems: problems)
    }
}
