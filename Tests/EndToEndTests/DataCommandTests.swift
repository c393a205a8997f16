import Foundation
import TestSupport
import Testing

/// `ferry data` as a user types it; `UPDATE_GOLDENS=1` renews the golden texts.
@Suite(.serialized)
struct DataCommandTests {
    private static let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Goldens").path

    /// Ten persons; i2 is i1 under another id; one row is repeated.
    private static let ratings: String = {
        var text = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        for person in 0..<10 {
            text += "p\(person)\ti1\t\(1 + person % 5)\t\(978_300_000 + person)\n"
            text += "p\(person)\ti2\t\(1 + (person + 1) % 5)\t\(978_400_000 + person)\n"
            text += "p\(person)\ti\(3 + person % 4)\t4.5\t\(978_500_000 + person)\n"
        }
        return text + "p3\ti1\t2\t978600000\n"
    }()
    private static let items =
        "item_id:token\ttitle:token_seq\ni1\tWar and Peace\ni2\t\n" + (3...9).map { "i\($0)\tTitle \($0)\n" }.joined()

    private func number(_ text: String, _ label: String) throws -> Double {
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(label + "  ") }, "\(label) in \(text)")
        let word = line.dropFirst(label.count + 2).prefix { "0123456789.,-".contains($0) }
        let digits = String(word.filter { $0 != "," })
        guard let value = Double(digits) else { throw FerryProcess.Failure("no number after \(label): \(line)") }
        return value
    }

    @Test(
        "the help of every data command is the golden text",
        arguments: ["data", "data describe", "data convert", "data synthesize"])
    func help(_ command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let output = try FerryProcess.run(words + ["--help"])
        #expect(output.exitCode == 0)
        try compare(output.standardOutput, "help-\(words.joined(separator: "-")).txt")
    }

    @Test("describe prints the golden text, and of two files what they share")
    func describe() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(DataCommandTests.ratings, to: "r.inter")
        _ = try folder.write(DataCommandTests.items, to: "r.item")
        _ = try folder.write(
            DataCommandTests.ratings.replacingOccurrences(of: "p1\t", with: "q1\t"), to: "second.inter")
        let one = try FerryProcess.run(["data", "describe", "r.inter", "--items", "r.item"], directory: folder.path)
        #expect(one.exitCode == 0, "\(one.standardError)")
        for line in ["persons  10", "items  6", "ratings  30", "duplicate rows  1"] {
            #expect(one.standardOutput.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
        #expect(one.standardOutput.contains("edition twins  2 items in 1 group "))
        let two = try FerryProcess.run(
            ["data", "describe", "r.inter", "second.inter", "--no-twins"], directory: folder.path)
        #expect(two.exitCode == 0, "\(two.standardError)")
        try compare(two.standardOutput, "data-describe.txt")
        #expect(two.standardOutput.contains("in both\npersons  9\n") && !two.standardOutput.contains("twins"))
    }

    @Test("describe --json prints one object with the same numbers")
    func json() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(DataCommandTests.ratings, to: "r.inter")
        let output = try FerryProcess.run(["data", "describe", path, "--json"])
        #expect(output.exitCode == 0 && output.standardError.isEmpty)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any])
        #expect(object["schema"] as? String == "ferry.data/1" && object["ratings"] as? String == path)
        for (key, value) in ["users": 10, "items": 6, "interactions": 30, "rows": 31, "duplicates": 1] {
            #expect(object[key] as? Int == value, "\(key)")
        }
        let density = try #require(object["density"] as? Double)
        #expect(abs(density - 0.5) < 1e-12)
        let bins = try #require(object["histogram"] as? [[String: Double]])
        #expect(bins.reduce(0) { $0 + ($1["count"] ?? 0) } == 30)
        let twins = try #require(object["edition-twins"] as? [String: Any])
        #expect(twins["groups"] as? Int == 1)
        let pair = try FerryProcess.run(["data", "describe", path, path, "--json"])
        let both = try #require(JSONSerialization.jsonObject(with: Data(pair.standardOutput.utf8)) as? [String: Any])
        #expect((both["domains"] as? [[String: Any]])?.count == 2)
        #expect((both["shared"] as? [String: Any])?["users"] as? Int == 10)
    }

    @Test("data that cannot be read ends with 66 and a sentence, a wrong command line with 64")
    func errors() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(DataCommandTests.ratings, to: "r.inter")
        let broken = try folder.write("user_id:token\titem_id:token\trating:float\np\ti\tmany\n", to: "b.inter")
        let missing = try FerryProcess.run(["data", "describe", folder.path + "/none.inter"])
        #expect(missing.exitCode == 66 && missing.standardOutput.isEmpty)
        #expect(missing.standardError.contains("none.inter") && missing.standardError.hasPrefix("ferry: "))
        let malformed = try FerryProcess.run(["data", "describe", broken])
        #expect(malformed.exitCode == 66 && malformed.standardError.contains("\(broken):2: expected"))
        #expect(try FerryProcess.run(["data", "describe", folder.path]).exitCode == 66)
        #expect(try FerryProcess.run(["data", "describe", path, "--duplicates", "error"]).exitCode == 66)
        for arguments in [
            ["describe"], ["describe", path, "--format", "nope"], ["describe", path, "--columns", "user"],
            ["describe", path, "--columns", "reader=x"], ["describe", path, "--items", path, "--items", path],
            ["convert", path, "--to", "csv"], ["convert", path, "--to", "xml", "--output", "x"],
            ["convert", path, "--to", "csv", "--output", "x", "--twin-threshold", "0"], ["synthesize"],
            ["synthesize", "--output", "x", "--overlap", "2"], ["synthesize", "--output", "x", "--domains", "a,a"],
            ["synthesize", "--output", "x", "--domains", "../a"], ["synthesize", "--output", "x", "--persons", "0"],
            ["synthesize", "--output", "x", "--drift", "taste-rotation=1"],
            ["synthesize", "--output", "x", "--rows", "100", "--drift", "scale-shift=1@0.5"],
        ] {
            let output = try FerryProcess.run(["data"] + arguments, directory: folder.path)
            #expect(output.exitCode == 64, "\(arguments): \(output.standardError)")
        }
        #expect(folder.files() == ["b.inter", "r.inter"])
    }

    @Test("convert writes RecBole and CSV; converting again gives the same bytes; twins are merged")
    func convert() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(DataCommandTests.ratings, to: "r.inter")
        _ = try folder.write(DataCommandTests.items, to: "r.item")
        func ferry(_ words: String) throws -> FerryProcess.Output {
            let output = try FerryProcess.run(
                ["data", "convert"] + words.split(separator: " ").map(String.init), directory: folder.path)
            #expect(output.exitCode == 0, "\(output.standardError)")
            return output
        }
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
        }
        let first = try ferry("r.inter --items r.item --to recbole --output a.inter --output-items a.item")
        #expect(first.standardOutput == "a.inter: 10 persons, 9 items, 30 ratings\na.item: 9 items\n")
        _ = try ferry("a.inter --items a.item --to recbole --output b.inter --output-items b.item")
        #expect(try text("a.inter") == text("b.inter"))
        #expect(try text("a.item").split(separator: "\n").count == 10)
        #expect(try text("a.inter").contains("p3\ti1\t2\t978600000\n"))
        _ = try ferry("r.inter --to csv --output c.csv")
        #expect(try text("c.csv").hasPrefix("user_id,item_id,rating,timestamp\np0,i1,1,978300000\n"))
        let merged = try ferry("r.inter --to recbole --output m.inter --merge-twins")
        #expect(merged.standardOutput.hasPrefix("merged 2 items into 1\nm.inter: 10 persons, 5 items, 20 ratings\n"))
        // By default the later rating counts.
        #expect(try text("m.inter").contains("p0\ti1\t2\t978400000\n"))
        let dropped = try ferry("r.inter --to csv --output d.csv --drop-twins-of a.inter")
        #expect(dropped.standardOutput.hasPrefix("dropped 2 items found in a.inter too\n"))
    }

    @Test("convert replaces neither its input nor, without --force, another file; nothing half-written stays")
    func outputs() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(DataCommandTests.ratings, to: "r.inter")
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link.inter", withDestinationPath: path)
        for output in [path, "\(folder.path)/./r.inter", "\(folder.path)/link.inter"] {
            let refused = try FerryProcess.run(["data", "convert", path, "--to", "csv", "--output", output, "--force"])
            #expect(refused.exitCode == 74 && refused.standardError.contains("is the input"))
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == DataCommandTests.ratings)
        let other = try folder.write("mine", to: "other.csv")
        let convert = ["data", "convert", path, "--to", "csv", "--output", other]
        let kept = try FerryProcess.run(convert)
        #expect(kept.exitCode == 74 && kept.standardError.contains("exists already; --force"))
        #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
        #expect(try FerryProcess.run(convert + ["--force"]).exitCode == 0)
        #expect(try String(contentsOfFile: other, encoding: .utf8).hasPrefix("user_id,"))
        let twice = convert.dropLast() + [folder.path + "/x", "--output-items", folder.path + "/./x"]
        #expect(try FerryProcess.run(Array(twice)).exitCode == 64)
        #expect(try FerryProcess.run(convert.dropLast() + [folder.path + "/none/x"]).exitCode == 74)
        #expect(folder.files() == ["link.inter", "other.csv", "r.inter"])
    }

    @Test("a file that does not fit ends with 74 and leaves nothing")
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // The limit on a file's size stands for a full disk.
        let command =
            "trap '' XFSZ; ulimit -f 200; '\(FerryProcess.executable)' data synthesize --output '\(folder.path)'"
        process.arguments = ["-c", command + " --domains movies; echo $? > /dev/stderr"]
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text.contains("cannot write \(folder.path)/movies.inter") && text.hasSuffix("\n74\n"), "\(text)")
        #expect(folder.files().isEmpty)
    }

    @Test("an interrupted writer ends with 130 and leaves nothing under the final name or beside it")
    func interruption() throws {
        let folder = try TemporaryFolder()
        let process = try FerryProcess([
            "data", "synthesize", "--output", folder.path, "--domains", "movies", "--rows", "400000000", "--persons",
            "20000", "--items", "90000",
        ])
        let deadline = ContinuousClock.now + .seconds(60)
        while folder.files().isEmpty, ContinuousClock.now < deadline { usleep(2_000) }
        #expect(folder.files().first?.hasPrefix("movies.inter.partial-") == true)
        kill(process.processID, SIGINT)
        let output = try process.finish()
        #expect(output.exitCode == 130, "\(output.standardError)")
        #expect(output.standardError.contains("stopped before \(folder.path)/movies.inter was complete"))
        #expect(folder.files().isEmpty)
    }

    @Test("synthesize writes the calibrated world, the same each time, and describe agrees with the calibration")
    func synthesize() throws {
        let folder = try TemporaryFolder()
        let made = try FerryProcess.run(["data", "synthesize", "--output", folder.path + "/world"])
        #expect(made.exitCode == 0, "\(made.standardError)")
        let names = ["books.inter", "books.item", "movies.inter", "movies.item"].map { "world/" + $0 }
        #expect(folder.files() == ["world"] + names)
        #expect(made.standardOutput.split(separator: "\n").count == 4)
        #expect(made.standardOutput.contains("/movies.item: 1,253 items\n"))
        let output = try FerryProcess.run(
            [
                "data", "describe", "movies.inter", "books.inter", "--items", "movies.item", "--items", "books.item",
            ], directory: folder.path + "/world")
        #expect(output.exitCode == 0, "\(output.standardError)")
        let parts = output.standardOutput.components(separatedBy: "\n\nbooks.inter\n")
        let (movies, rest) = (parts[0], try #require(parts.last).components(separatedBy: "\n\nin both\n"))
        let (books, both) = (rest[0], try #require(rest.last))
        #expect(abs(try number(both, "persons") - 1_330) <= 5)
        #expect(abs(try number(movies, "density") - 3) <= 0.3)
        #expect(abs(try number(books, "density") - 3) <= 0.3)
        #expect(abs(try number(movies, "mean rating") - 4.0) <= 0.05)
        #expect(abs(try number(books, "mean rating") - 4.3) <= 0.05)
        #expect(abs(try number(both, "correlation of rating biases") - 0.67) <= 0.05)
        #expect(try number(movies, "items") == 1_253)
        #expect(try number(books, "items") == 654)

        let again = try FerryProcess.run(["data", "synthesize", "--output", folder.path + "/again"])
        #expect(again.exitCode == 0)
        for name in names {
            let other = name.replacingOccurrences(of: "world/", with: "again/")
            #expect(
                FileManager.default.contentsEqual(
                    atPath: "\(folder.path)/\(name)", andPath: "\(folder.path)/\(other)"), "\(name)")
        }
        let refused = try FerryProcess.run(["data", "synthesize", "--output", folder.path + "/world"])
        #expect(refused.exitCode == 74)
    }

    @Test("synthesize takes its options, and --rows writes just so many")
    func synthesizeOptions() throws {
        let folder = try TemporaryFolder()
        let small = try FerryProcess.run([
            "data", "synthesize", "--output", folder.path + "/s", "--preset", "plain", "--persons", "50",
            "--items", "40", "--interactions", "6", "--overlap", "1", "--seed", "3", "--domains", "games", "--times",
            "--drift", "scale-shift=-1@0.5",
        ])
        #expect(small.exitCode == 0, "\(small.standardError)")
        #expect(small.standardOutput.contains("/games.inter: 50 persons, 40 items, "))
        let rows = try FerryProcess.run([
            "data", "synthesize", "--output", folder.path + "/r", "--rows", "100000", "--domains", "movies", "--times",
        ])
        #expect(rows.exitCode == 0, "\(rows.standardError)")
        let output = try FerryProcess.run(["data", "describe", folder.path + "/r/movies.inter"])
        #expect(try number(output.standardOutput, "ratings") == 100_000)
        #expect(try number(output.standardOutput, "duplicate rows") == 0)
        #expect(output.standardOutput.contains("2010-") && output.standardOutput.contains(", 2010-"))
    }

    private func compare(_ text: String, _ name: String) throws {
        let path = "\(DataCommandTests.goldens)/\(name)"
        if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == golden, "\(name) differs; UPDATE_GOLDENS=1 renews it")
    }

    @Test("the files of a folder are inputs: convert does not replace them, even by force")
    func folderIsInput() throws {
        let folder = try TemporaryFolder()
        let text = "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n"
        _ = try folder.write(text, to: "in/ratings.csv")
        let items = "movieId,title,genres\n2,Foo,Drama\n"
        _ = try folder.write(items, to: "in/movies.csv")
        for outputs in [["in/ratings.csv"], ["new.inter", "--output-items", "in/movies.csv"]] {
            let output = try FerryProcess.run(
                ["data", "convert", "in", "--to", "recbole", "--force", "--output"] + outputs, directory: folder.path)
            #expect(output.exitCode == 74 && output.standardError.contains("is the input"))
        }
        #expect(try String(contentsOfFile: folder.path + "/in/ratings.csv", encoding: .utf8) == text)
        #expect(try String(contentsOfFile: folder.path + "/in/movies.csv", encoding: .utf8) == items)
    }

    @Test(
        "options that would change nothing are refused",
        arguments: [
            ["convert", "r.inter", "--to", "csv", "--output", "o.csv", "--twin-threshold", "0.9"],
            ["synthesize", "--output", "s", "--rows", "1000", "--interactions", "2"],
        ])
    func idleOptions(_ arguments: [String]) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(DataCommandTests.ratings, to: "r.inter")
        let output = try FerryProcess.run(["data"] + arguments, directory: folder.path)
        #expect(output.exitCode == 64 && folder.files() == ["r.inter"], "\(output.standardError)")
    }
}
