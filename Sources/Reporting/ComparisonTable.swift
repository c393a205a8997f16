public import Record

/// Several runs side by side as text for standard output.
public enum ComparisonTable {
    /// What each run is, a table of figures for each client, and the tests.
    public static func text(_ comparison: ComparisonRecord) -> String {
        var out = ""
        for run in comparison.runs {
            let settings = run.settings.isEmpty ? "" : ": " + settingsText(run.settings)
            out += "\(run.label)  \(run.folder) (\(run.scenario), \(run.transfer))\(settings)\n"
        }
        let clients = comparison.figures.reduce(into: [String]()) {
            if !$0.contains($1.client) { $0.append($1.client) }
        }
        for client in clients {
            let figures = comparison.figures.filter { $0.client == client }
            out += "\n\(comparison.metric) of \(comparison.cohort), client \(client)\n"
            out += ResultTable.table(
                [["method", "k"] + comparison.runs.map(\.label)]
                    + figures.map { figure in
                        [figure.method, figure.shots.map { "\($0)" } ?? "all known"] + figure.members.map(cell)
                    })
            let different = figures.filter { !isEqual($0) }
            if !different.isEmpty {
                out += "\ndifferences from \(comparison.runs[0].label), client \(client)\n"
                out += ResultTable.table(
                    [["method", "k", "run", "difference", "t", "p", "p (Holm)"]]
                        + different.flatMap { figure in figure.tests.map { row(figure, $0) } })
            }
            let equal = figures.filter(isEqual).map { "\($0.method) k=\($0.shots.map { "\($0)" } ?? "all known")" }
            if !equal.isEmpty { out += "the same in all runs: \(equal.joined(separator: ", "))\n" }
        }
        let seeds = comparison.seeds
        let pairs = comparison.pairs.rawValue
        let isTested = seeds.count > 1 || comparison.pairs == .persons
        out +=
            seeds.count == 1
            ? "\nseed \(seeds[0]); brackets: 95 % interval of one run, bootstrap over persons"
            : "\n\(seeds.count) common seeds; brackets: 95 % interval, student-t over seeds"
        out += isTested ? "; differences are paired over \(pairs)\n" : "\n"
        if isTested {
            out +=
                "p: paired t-test, two-sided; p (Holm): corrected for \(comparison.testCount) tests; equal: the same in all \(pairs), nothing to test\n"
        }
        return out + comparison.notes.map { "note: \($0)\n" }.joined()
    }

    /// Whether no run differs from the first in any seed.
    private static func isEqual(_ figure: ComparedFigure) -> Bool {
        figure.tests.allSatisfy { $0.t == nil && $0.difference == 0 }
    }

    private static func settingsText(_ settings: [SweepSetting]) -> String {
        let shown = settings.prefix(8).map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return settings.count > 8 ? "\(shown) and \(settings.count - 8) more" : shown
    }

    private static func cell(_ member: ComparedFigure.Member?) -> String {
        guard let member else { return "–" }
        let mean = ResultTable.decimals(member.mean, 4)
        guard member.interval.count == 2 else { return mean }
        return
            "\(mean) [\(ResultTable.decimals(member.interval[0], 4)), \(ResultTable.decimals(member.interval[1], 4))]"
    }

    private static func row(_ figure: ComparedFigure, _ test: ComparedFigure.Test) -> [String] {
        let head = [figure.method, figure.shots.map { "\($0)" } ?? "all known", test.run]
        var difference = ResultTable.signed(test.difference)
        if test.interval.count == 2 {
            difference += " [\(ResultTable.signed(test.interval[0])), \(ResultTable.signed(test.interval[1]))]"
        }
        guard let t = test.t, let p = test.p, let adjusted = test.adjusted else {
            let isEqual = test.difference == 0
            return head + [isEqual ? "equal" : difference, "–", "–", "–"]
        }
        return head + [difference, ResultTable.decimals(t, 2), probability(p), probability(adjusted)]
    }

    private static func probability(_ value: Double) -> String {
        value < 0.0001 ? "< 0.0001" : ResultTable.decimals(value, 4)
    }
}
