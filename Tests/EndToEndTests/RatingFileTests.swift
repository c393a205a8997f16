import Foundation
import TestSupport
import Testing

/// Runs on files whose ratings or times are out of the ordinary.
@Suite(.serialized)
struct RatingFileTests {
    /// One row of a file of ratings.
    private struct Row {
        let person: Int
        let item: Int
        let rating: Double
        let time: Int
    }

    /// Twelve to twenty ratings of each of 150 persons for 40 items, on a scale of one to five times `unit`.
    private func rows(_ domain: Int, unit: Double = 1) -> [Row] {
        (0..<150).flatMap { person in
            (0..<12 + (person * 7) % 9).map { step in
                let item = (person * 11 + step * 3 + domain) % 40
                let taste = (person % 5) + (item % 5)
                let time = (person * 37 + step * 101) % 997
                return Row(
                    person: person, item: item, rating: unit * Double(1 + (taste * taste + step) % 5), time: time)
            }
        }
    }

    /// Writes both domains; the last column has the given name.
    private func write(
        _ folder: TemporaryFolder, unit: Double = 1, timeColumn: String? = nil, more: [Row] = [],
        time: (Row) -> Int = \.time
    ) throws -> String {
        for (index, domain) in ["movies", "books"].enumerated() {
            var text = "user_id:token\titem_id:token\trating:float" + (timeColumn.map { "\t\($0):float" } ?? "") + "\n"
            for row in rows(index, unit: unit) + more {
                text += "p\(row.person)\ti\(1000 + row.item)\t\(row.rating)"
                text += (timeColumn == nil ? "" : "\t\(time(row))") + "\n"
            }
            _ = try folder.write(text, to: "\(domain).inter")
        }
        return try folder.write(Fixture.fileScenario, to: "files.yaml")
    }

    private func run(_ scenario: String, _ folder: TemporaryFolder, _ overrides: String...) throws
        -> FerryProcess.Output
    {
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path + "/out"] + overrides.flatMap { ["--set", $0] })
        return output
    }

    private func seedFolder(_ folder: TemporaryFolder) throws -> String {
        "\(try TemporaryFolder.only("\(folder.path)/out/files"))/seed-1"
    }

    private func record(_ scenario: String, _ folder: TemporaryFolder) throws -> RecordOfRun {
        let output = try run(scenario, folder)
        try #require(output.exitCode == 0, "\(output.standardError)")
        return try RecordOfRun("\(try seedFolder(folder))/run.json")
    }

    /// Every tensor of a run's checkpoints, as last written.
    private func tensors(_ folder: TemporaryFolder) throws -> [String: [Float]] {
        let path = "\(try seedFolder(folder))/checkpoints"
        var out: [String: [Float]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
            let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            let header = try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length])) as? [String: Any] ?? [:]
            for (tensor, value) in header {
                guard let range = (value as? [String: Any])?["data_offsets"] as? [Int] else { continue }
                let start = 8 + length + range[0]
                out[tensor] = (0..<(range[1] - range[0]) / 4).map { index in
                    Float(
                        bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + 4 * index + $1]) << (8 * UInt32($1)) }
                    )
                }
            }
        }
        return out
    }

    @Test("no rating model tells the ratings of an item that fewer than three persons rated")
    func itemsWithFewRatings() throws {
        let folder = try TemporaryFolder()
        // Items 1040 to 1059 have one rating each, 1060 to 1069 two.
        let more = (0..<40).map { Row(person: $0, item: 40 + ($0 < 20 ? $0 : 20 + ($0 - 20) / 2), rating: 5, time: 0) }
        let scenario = try write(folder, more: more)
        // Without damping an offset is what the ratings are above their mean.
        let output = try run(scenario, folder, "tune.item-damping=[0]")
        try #require(output.exitCode == 0, "\(output.standardError)")
        let tensors = try tensors(folder)
        var seen = 0
        for (name, values) in tensors {
            let width =
                name.hasSuffix(".item-offsets")
                ? 1
                : name.contains("explicit-als.item-factors")
                    || name.contains("biased-mf.item-factors") ? values.count / 70 : 0
            guard width > 0 else { continue }
            seen += 1
            try #require(values.count == 70 * width)
            #expect(values[(40 * width)...].allSatisfy { $0 == 0 }, "\(name)")
            #expect(values[..<(40 * width)].contains { $0 != 0 }, "\(name)")
        }
        // Offsets of the means of both domains, offsets and factors of two models of the target.
        #expect(seen == 6, "\(tensors.keys.sorted())")
    }

    @Test("on a scale sixteen times as wide every rating error is sixteen times as large")
    func scaleOfRatings() throws {
        var records: [RecordOfRun] = []
        for unit in [1.0, 16] {
            let folder = try TemporaryFolder()
            records.append(try record(write(folder, unit: unit), folder))
        }
        var count = 0
        for figure in records[0].figures {
            let unit = ["rmse", "mae"].contains(figure.metric) ? 16.0 : 1
            let other = try #require(
                records[1].value(figure.method, figure.shots, figure.metric, cohort: figure.cohort))
            #expect(abs(other - unit * figure.value) <= 1e-4 * unit, "\(figure)")
            if unit == 16 { count += 1 }
        }
        #expect(count > 40)
    }

    @Test("where all ratings are equal there are rankings and no rating errors, and a warning says so")
    func equalRatings() throws {
        let folder = try TemporaryFolder()
        let scenario = try write(folder, unit: 0)
        let output = try run(scenario, folder)
        try #require(output.exitCode == 0, "\(output.standardError)")
        #expect(output.standardError.contains("all ratings of books are 0.0: there are no rating errors"))
        let record = try RecordOfRun("\(try seedFolder(folder))/run.json")
        #expect(!record.figures.contains { ["rmse", "mae"].contains($0.metric) })
        #expect(record.figures.contains { $0.metric == "ndcg@10" })
    }

    @Test("ratings beyond the scale of the scenario are refused with 66, their range and the key")
    func ratingsBeyondTheScale() throws {
        let folder = try TemporaryFolder()
        let scenario = try write(folder, unit: 2)
        let output = try run(scenario, folder, "evaluation.rating-scale=[1, 5]")
        #expect(output.exitCode == 66)
        #expect(
            output.standardError.contains(
                "the ratings of books lie between 2.0 and 10.0, beyond evaluation.rating-scale"),
            "\(output.standardError)")
        #expect(try run(scenario, folder, "evaluation.rating-scale=[2, 10]").exitCode == 0)
    }

    @Test("places in a person's own sequence are no times: the split is seeded, and a split by time is refused")
    func positions() throws {
        let plain = try TemporaryFolder()
        let expected = try record(write(plain), plain)
        let folder = try TemporaryFolder()
        let scenario = try write(folder, timeColumn: "position") { ($0.item * 7) % 41 }
        let output = try run(scenario, folder)
        try #require(output.exitCode == 0, "\(output.standardError)")
        #expect(!output.standardError.contains("times"), "\(output.standardError)")
        let placed = try RecordOfRun("\(try seedFolder(folder))/run.json")
        #expect(placed.object["evaluation"] as? [NSDictionary] == expected.object["evaluation"] as? [NSDictionary])
        #expect(placed.figures.count > 100)
        let refused = try run(scenario, folder, "evaluation.split=time")
        #expect(refused.exitCode == 66)
        #expect(refused.standardError.contains("places in each person's own sequence"), "\(refused.standardError)")
        // An order of one person's ratings is enough for the earliest.
        #expect(try run(scenario, folder, "evaluation.support=earliest").exitCode == 0)
    }

    @Test("times that leave nobody to score give a seeded split and a warning, and with split: time an error")
    func timesThatLeaveNobody() throws {
        let folder = try TemporaryFolder()
        // Everybody's ratings follow those of the person before, so that hardly anybody has any after the test time.
        let scenario = try write(folder, timeColumn: "timestamp") { 1_000 * $0.person + $0.item }
        let output = try FerryProcess.run(["run", scenario, "--output", folder.path + "/out"])
        try #require(output.exitCode == 0, "\(output.standardError)")
        #expect(output.standardError.contains("the split is seeded"), "\(output.standardError)")
        let record = try RecordOfRun("\(try seedFolder(folder))/run.json")
        #expect(try #require(record.figures.first { $0.cohort == "cold-users" }).users > 20)
        let refused = try run(scenario, folder, "evaluation.split=time")
        #expect(refused.exitCode == 66)
        #expect(refused.standardError.contains("persons to validate or score"), "\(refused.standardError)")
    }
}
