import Foundation
import Numerics
public import Record
import Scenario
public import Supervision

/// Puts runs side by side and tests their differences, paired over seeds, or over the persons of a single seed.
public enum RunComparison {
    /// What is compared.
    public struct Question: Sendable {
        /// The metric; by default the first of the first run's lists, or of its ratings.
        public let metric: String?
        /// The cohort.
        public let cohort: String
        /// The methods; by default the transfer and what it is judged by.
        public let methods: [String]

        /// Makes a question.
        public init(metric: String? = nil, cohort: String = "cold-users", methods: [String] = []) {
            self.metric = metric
            self.cohort = cohort
            self.methods = methods
        }
    }

    /// The name under which the transfer methods of the runs are compared.
    private static let transfer = "transfer"
    /// What decides which persons a cohort holds and what is known of them.
    private static let cohortKeys = [
        "target", "evaluation.split", "evaluation.validation-time", "evaluation.test-time", "evaluation.support",
        "evaluation.cold-users", "evaluation.warm-users", "evaluation.cold-items", "evaluation.minimum-interactions",
        "evaluation.rating-scale",
    ]

    private struct Run {
        let label: String
        let folder: String
        let scenario: ScenarioDefinition
        let records: [Int: RunRecord]
        /// The folders of the seeds.
        let places: [Int: String]
    }

    /// Compares the runs in folders: run folders, folders of single seeds, and sweeps, which stand for their points.
    ///
    /// - Throws: `RunFailure` for folders without runs, and for runs that do not measure the same persons.
    public static func compare(_ folders: [String], _ question: Question) throws(RunFailure) -> ComparisonRecord {
        var runs: [Run] = []
        for named in folders {
            for folder in try expanded(named) { runs.append(try read(folder, label: label(runs.count))) }
        }
        guard runs.count > 1 else { throw RunFailure(.usage, "a comparison needs at least two runs") }
        let first = runs[0]
        let seeds = first.records.keys.filter { seed in runs.allSatisfy { $0.records[seed] != nil } }.sorted()
        guard !seeds.isEmpty else {
            throw RunFailure(.usage, "the runs have no seed in common, so that there are no pairs to compare")
        }
        for run in runs.dropFirst() { try check(run, against: first, seeds: seeds, cohort: question.cohort) }
        let metric = question.metric ?? first.scenario.headlineMetric
        var figures = self.figures(runs, seeds: seeds, metric: metric, question)
        guard !figures.isEmpty else {
            let known = Set(
                first.records.values.flatMap(\.evaluation).filter { $0.cohort == question.cohort }.map(\.metric))
            throw RunFailure(
                .usage,
                "the runs have no figures of \(metric) for \(question.cohort) in common; "
                    + "run A has \(known.sorted().joined(separator: ", "))")
        }
        let testCount = adjust(&figures)
        let isOverPersons = seeds.count == 1 && figures.contains { $0.tests.contains { $0.degreesOfFreedom > 0 } }
        return ComparisonRecord(
            metric: metric, cohort: question.cohort, runs: runs.map { described($0, first) }, seeds: seeds,
            pairs: isOverPersons ? .persons : .seeds, figures: figures, testCount: testCount,
            notes: notes(runs, seeds: seeds, isOverPersons: isOverPersons))
    }

    private static func expanded(_ folder: String) throws(RunFailure) -> [String] {
        guard FileManager.default.fileExists(atPath: "\(folder)/sweep.json") else { return [folder] }
        do throws(RecordError) {
            let sweep = try RecordFile.readJSON(SweepRecord.self, from: "\(folder)/sweep.json")
            return sweep.points.filter { $0.status == .completed }.map { point in
                URL(fileURLWithPath: "\(folder)/\(point.run)").standardizedFileURL.path
            }
        } catch { throw RunFailure(.inputOutput, error.description) }
    }

    private static func read(_ folder: String, label: String) throws(RunFailure) -> Run {
        let seeds = SeedFolders.holding("run.json", in: folder)
        guard let place = seeds.first else {
            throw RunFailure(
                .inputOutput, "\(folder) is no run: it holds neither run.json nor seed-N folders nor sweep.json")
        }
        var records: [Int: RunRecord] = [:]
        var places: [Int: String] = [:]
        do {
            let text = String(decoding: try RecordFile.read("\(place)/scenario.yaml"), as: UTF8.self)
            let scenario = try ScenarioDefinition(yaml: text, file: "\(place)/scenario.yaml")
            for seed in seeds {
                let record = try RecordFile.readJSON(RunRecord.self, from: "\(seed)/run.json")
                if record.status == .completed { (records[record.seed], places[record.seed]) = (record, seed) }
            }
            guard !records.isEmpty else { throw RunFailure(.inputOutput, "\(folder) holds no completed seed") }
            return Run(label: label, folder: folder, scenario: scenario, records: records, places: places)
        } catch {
            throw error as? RunFailure ?? RunFailure(.inputOutput, "\(error)")
        }
    }

    /// A, B, …, Z, A2, B2, …
    private static func label(_ index: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(65 + index % 26)))
        return index < 26 ? letter : "\(letter)\(index / 26 + 1)"
    }

    /// Refuses runs whose figures are not of the same persons: their differences would not be paired.
    private static func check(_ run: Run, against first: Run, seeds: [Int], cohort: String) throws(RunFailure) {
        func refused(_ reason: String) -> RunFailure {
            RunFailure(
                .usage, "runs \(first.label) and \(run.label) do not measure the same persons: \(reason)")
        }
        let isWorld = first.scenario.data(of: first.scenario.target)?.ratings == nil
        for difference in run.scenario.differences(from: first.scenario)
        where cohortKeys.contains(difference.key) || (isWorld && difference.key.hasPrefix("world.")) {
            let (value, other) = (difference.value ?? "not set", difference.other ?? "not set")
            throw refused("\(difference.key) is \(other) in \(first.label) and \(value) in \(run.label)")
        }
        for seed in seeds {
            guard let mine = run.records[seed], let other = first.records[seed] else { continue }
            let target = first.scenario.target
            func data(_ record: RunRecord) -> [ClientRecord] { record.clients.filter { $0.domain == target } }
            let catalogues = [Set(data(mine).compactMap(\.catalogue)), Set(data(other).compactMap(\.catalogue))]
            let sizes = [mine, other].map { data($0).reduce(0) { $0 + $1.interactions } }
            guard catalogues[0] == catalogues[1], sizes[0] == sizes[1] else {
                throw refused("the data of the target \(target) differs (\(sizes[1]) and \(sizes[0]) interactions)")
            }
            let users = Dictionary(
                other.evaluation.map { (FigureKey($0), $0.users) }, uniquingKeysWith: { first, _ in first })
            for figure in mine.evaluation where figure.cohort == cohort {
                guard let count = users[FigureKey(figure)], count != figure.users else { continue }
                throw refused(
                    "seed \(seed), client \(figure.client): \(count) and \(figure.users) persons are scored")
            }
        }
    }

    private static func figures(
        _ runs: [Run], seeds: [Int], metric: String, _ question: Question
    ) -> [ComparedFigure] {
        let methods = question.methods.isEmpty ? [transfer, "best-local", "shuffled-source"] : question.methods
        // The clients of one entry are compared together.
        let clients = Set(runs.flatMap { $0.scenario.clientGroups.map(\.id) })
        func isAsked(_ record: EvaluationRecord) -> Bool {
            record.metric == metric && record.cohort == question.cohort && clients.contains(record.client)
        }
        func values(_ run: Run, _ method: String, _ client: String, _ shots: Int?) -> [EvaluationRecord]? {
            let name = method == transfer ? run.scenario.transferMethod : method
            let found = seeds.compactMap { seed in
                run.records[seed]?.evaluation.first {
                    isAsked($0) && $0.method == name && $0.client == client && $0.shots == shots
                }
            }
            return found.count == seeds.count ? found : nil
        }
        // One seed has no pairs of its own; its persons have.
        let persons = runs.map { run in
            seeds.count == 1 ? run.places[seeds[0]].map { PersonValues($0, run.scenario) } : nil
        }
        func test(_ index: Int, _ member: [EvaluationRecord], _ reference: [EvaluationRecord]) -> ComparedFigure.Test? {
            if let mine = persons[index]?.values(of: member[0]), let other = persons[0]?.values(of: reference[0]),
                mine.persons == other.persons
            {
                return self.test(runs[index].label, mine.values, other.values)
            }
            return self.test(runs[index].label, member.map(\.value), reference.map(\.value))
        }
        let all = (runs[0].records[seeds[0]]?.evaluation ?? []).filter(isAsked)
        var out: [ComparedFigure] = []
        for client in Set(all.map(\.client)).sorted() {
            for method in methods {
                for shots in Set(all.map(\.shots)).sorted(by: { ($0 ?? .max) < ($1 ?? .max) }) {
                    let members = runs.map { values($0, method, client, shots) }
                    guard let reference = members[0], members.dropFirst().contains(where: { $0 != nil }) else {
                        continue
                    }
                    let tests = members.indices.dropFirst().compactMap { index in
                        members[index].flatMap { test(index, $0, reference) }
                    }
                    out.append(
                        ComparedFigure(
                            client: client, method: method, shots: shots, members: members.map { $0.flatMap(member) },
                            tests: tests))
                }
            }
        }
        return out
    }

    private static func member(_ records: [EvaluationRecord]) -> ComparedFigure.Member? {
        let values = records.map(\.value)
        guard let center = mean(values) else { return nil }
        let interval =
            records.count == 1
            ? records[0].interval : studentInterval(ofMean: values).map { [$0.lower, $0.upper] } ?? []
        return ComparedFigure.Member(mean: center, interval: interval)
    }

    private static func test(_ label: String, _ values: [Double], _ reference: [Double]) -> ComparedFigure.Test? {
        PairedTest(values, reference).map { test in
            ComparedFigure.Test(
                run: label, difference: test.difference,
                interval: test.interval.map { [$0.lower, $0.upper] } ?? [], t: test.statistic,
                degreesOfFreedom: test.degreesOfFreedom, p: test.pValue, adjusted: nil)
        }
    }

    /// Corrects all p-values as one family; returns their number.
    private static func adjust(_ figures: inout [ComparedFigure]) -> Int {
        let family = figures.flatMap { $0.tests.compactMap(\.p) }
        var adjusted = holmAdjusted(family)[...]
        figures = figures.map { figure in
            ComparedFigure(
                client: figure.client, method: figure.method, shots: figure.shots, members: figure.members,
                tests: figure.tests.map { test in
                    ComparedFigure.Test(
                        run: test.run, difference: test.difference, interval: test.interval, t: test.t,
                        degreesOfFreedom: test.degreesOfFreedom, p: test.p,
                        adjusted: test.p == nil ? nil : adjusted.popFirst())
                })
        }
        return family.count
    }

    private static func described(_ run: Run, _ first: Run) -> ComparedRun {
        let settings = run.scenario.differences(from: first.scenario).filter { !["name", "seeds"].contains($0.key) }
        return ComparedRun(
            label: run.label, folder: run.folder, scenario: run.scenario.name, transfer: run.scenario.transferMethod,
            seeds: run.records.keys.sorted(),
            settings: settings.map { SweepSetting(key: $0.key, value: $0.value ?? "not set") })
    }

    private static func notes(_ runs: [Run], seeds: [Int], isOverPersons: Bool) -> [String] {
        var out: [String] = []
        if seeds.count == 1 {
            out.append(
                isOverPersons
                    ? "The runs have one seed in common: the tests are over its persons, and say nothing of another "
                        + "split of persons or another draw of noise. Run several seeds."
                    : "The runs have one seed in common, and not both hold figures of the same single persons: whether "
                        + "a difference is more than chance cannot be tested. Run several seeds.")
        }
        let left = runs.filter { $0.records.count > seeds.count }.map(\.label)
        if !left.isEmpty {
            out.append("Seeds that not every run has are left out, of \(left.joined(separator: ", ")).")
        }
        return out
    }
}
