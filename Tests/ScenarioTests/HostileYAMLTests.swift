import Numerics
import Scenario
import Testing

@Suite struct HostileYAMLTests {
    /// The time within which any file of at most 1 MiB must be refused; generous, because a trap is a hang or minutes.
    static let patience = Duration.seconds(5)

    /// Problems of a text that must not decode, with the time it took.
    private func refuse(_ yaml: String, _ name: Comment) {
        let clock = ContinuousClock()
        let elapsed = clock.measure { #expect(!problems(yaml).isEmpty, name) }
        #expect(elapsed < HostileYAMLTests.patience, name)
    }

    @Test(arguments: ["", "\n\n", " ", "# only a comment\n", "---\n", "...\n", "--- # nothing\n...\n", "\u{FEFF}"])
    func aTextWithoutAnyKeyIsRefused(_ yaml: String) { refuse(yaml, "\(yaml.debugDescription)") }

    @Test(arguments: ["5", "text", "~", "true", "\"quoted\"", "[1, 2]", "- a\n- b\n", "|\n  block\n", "{}", "!!map {}"])
    func aTextThatIsNoSectionIsRefused(_ yaml: String) { refuse(yaml, "\(yaml.debugDescription)") }

    @Test func anEmptyFileIsRefusedWithAHint() {
        #expect(printed("").contains("s.yaml: the file is empty; `ferry scenario reference` lists the keys"))
    }

    @Test(arguments: [
        "[", "{", "]", "}", "[{", "{a: ", "- ", "? ", "-\n", ": ", "& ", "* ", "! ", "'", "\"", "|\n", "\t", "%", "@",
        "\u{0}",
    ])
    func aMebibyteOfOneMarkerIsRefused(_ marker: String) {
        refuse(String(repeating: marker, count: (1 << 20) / marker.utf8.count), "\(marker.debugDescription)")
        refuse(
            validScenario + String(repeating: marker, count: 30_000 / marker.utf8.count), "\(marker.debugDescription)")
    }

    @Test func aTextOfMoreThanAMebibyteIsRefused() {
        let text = "#" + String(repeating: "x", count: 1 << 20) + "\n" + validScenario
        #expect(printed(text).contains("a scenario of more than 1048576 bytes is refused"))
    }

    @Test func aLongCommentIsLegal() {
        #expect(problems("#" + String(repeating: "x", count: 1 << 19) + "\n" + validScenario) == [])
    }

    @Test func deepBlockNestingIsRefused() {
        var deep = ""
        for level in 0..<1_000 { deep += String(repeating: " ", count: level) + "a:\n" }
        refuse(deep, "mappings, one space a level")
        let sequences = (0..<1_000).map { String(repeating: " ", count: $0) + "-\n" }.joined()
        refuse(sequences, "sequences, one space a level")
        refuse("clients:\n" + String(repeating: "- ", count: 5_000) + "a\n", "markers on one line")
        refuse("clients:\n" + String(repeating: "- ? ", count: 5_000) + "a\n", "markers of both kinds")
        refuse("world: " + String(repeating: "{a: [", count: 500) + "\n", "flow")
    }

    @Test(arguments: ["NUL\u{0}byte", "bell\u{7}", "delete\u{7F}", "escape\u{1B}[0m", "c1\u{80}", "\u{FFFE}"])
    func aControlCharacterIsRefused(_ text: String) {
        refuse(scenario(replacing: "movies.inter", with: text), "\(text.debugDescription)")
    }

    @Test func tabsAreRefusedAsIndentationAndLegalBetweenTokens() {
        refuse(scenario(replacing: "  factors: 16", with: "\tfactors: 16"), "indentation")
        #expect(problems(scenario(replacing: "factors: 16", with: "factors:\t16\t# tab")) == [])
    }

    @Test func carriageReturnsOfWindowsAreLegalAndKeepTheLines() throws {
        let text = validScenario.replacing("\n", with: "\r\n")
        let plain = try ScenarioDefinition(yaml: validScenario, file: "a")
        #expect(try ScenarioDefinition(yaml: text, file: "a") == plain)
        let bad = problems(text.replacing("rounds: 18", with: "rounds: x"))
        #expect(bad.map(\.line) == [21])
    }

    @Test func aByteOrderMarkIsLegal() { #expect(problems("\u{FEFF}" + validScenario) == []) }

    @Test func longAndForeignKeysAreRefusedByName() {
        let long = String(repeating: "k", count: 1_000)
        #expect(problems(validScenario + "\(long): 1\n").map(\.keyPath) == [String(repeating: "k", count: 61) + "…"])
        #expect(problems(validScenario + "schlüssel: 1\n").map(\.keyPath) == ["schlüssel"])
        #expect(problems(validScenario + "鍵: 1\n").map(\.keyPath) == ["鍵"])
        refuse(validScenario + "? " + String(repeating: "k", count: 500_000) + "\n: 1\n", "half a mebibyte")
        refuse(validScenario + String(repeating: "k", count: 500_000) + ": 1\n", "beyond a simple key")
    }

    @Test func keysThatAreNotTextAreRefused() {
        for key in ["[a, b]", "{a: b}", "? - a\n"] { refuse(validScenario + "\(key): 1\n", "\(key)") }
        #expect(printed(validScenario + "[a, b]: 1\n").contains("a key must be text"))
    }

    @Test func aBillionLaughsAreRefusedQuickly() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            bomb +=
                "a\(level): &a\(level) [" + [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
                + "]\n"
        }
        refuse(bomb, "below unknown keys")
        refuse(bomb + "seeds: *a30\nmodel: *a30\nclients: *a30\n", "below known keys")
    }

    @Test func manyAliasesOfOneSectionAreBounded() {
        let clients = [String](repeating: "*c", count: 9_000).joined(separator: ", ")
        refuse(
            "clients: [&c {id: a, domain: b, links: [\((0..<50).map { "l\($0)" }.joined(separator: ", "))]}, \(clients)]\n",
            "more values than are walked")
    }

    @Test func anAliasOfNothingIsRefused() {
        refuse(scenario(replacing: "target: books", with: "target: *b"), "undefined")
    }

    @Test func anAliasOfItselfIsRefused() { refuse("clients: &c [*c]\nmodel: &m {kind: *m}\n", "a cycle") }

    @Test func severalDocumentsAreRefused() { refuse(validScenario + "---\n" + validScenario, "two documents") }

    @Test func aLongListOfDifferentSeedsIsDecodedQuickly() throws {
        let list = (0..<40_000).map(String.init).joined(separator: ", ")
        let text = scenario(replacing: "[1, 2]", with: "[\(list)]")
        let elapsed = try ContinuousClock().measure {
            let count = try ScenarioDefinition(yaml: text, file: "a").seeds.count
            #expect(count == 40_000)
        }
        #expect(elapsed < .milliseconds(500))
    }

    @Test func manyUnknownKeysAreAllReportedQuickly() {
        let keys = (0..<20_000).map { "key-\($0): 1\n" }.joined()
        let elapsed = ContinuousClock().measure { #expect(problems(validScenario + keys).count == 20_000) }
        #expect(elapsed < HostileYAMLTests.patience)
    }

    @Test func randomlyDamagedFilesGiveAResultOrAnError() {
        var stream = RandomStream(root: 2_024, path: ["scenario", "damage"])
        let original = Array(validScenario.utf8)
        let marks = Array("[]{}:,-?&*!|>'\"%@`# \n\t\r\0\u{85}".utf8)
        var decoded = 0
        var refused = 0
        for round in 0..<3_000 {
            var bytes = original
            for _ in 0...stream.integer(below: 3) {
                let place = stream.integer(below: bytes.count)
                switch stream.integer(below: 6) {
                case 0: bytes[place] ^= 1 << UInt8(stream.integer(below: 8))
                case 1: bytes[place] = UInt8(stream.integer(below: 256))
                case 2: bytes.insert(marks[stream.integer(below: marks.count)], at: place)
                case 3: bytes[place] = marks[stream.integer(below: marks.count)]
                case 4: bytes.removeSubrange(place..<min(bytes.count - 1, place + 1 + stream.integer(below: 20)))
                default:
                    bytes.insert(
                        contentsOf: bytes[place..<min(bytes.count, place + stream.integer(below: 60))], at: place)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(ScenarioError) {
                let first = try ScenarioDefinition(yaml: text, file: "a")
                decoded += 1
                let second = try ScenarioDefinition(yaml: first.resolvedYAML, file: "resolved")
                #expect(first == second, "round \(round)")
            } catch {
                refused += 1
                #expect(
                    !error.problems.isEmpty && !error.problems.contains { $0.file == "resolved" },
                    "round \(round): \(error)")
                let lineCount = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count
                #expect(error.problems.allSatisfy { (1...2 * lineCount).contains($0.line ?? 1) }, "round \(round)")
            }
        }
        // Both outcomes must be common, or the loop tests little.
        #expect(decoded > 50, "\(decoded) decoded")
        #expect(refused > 1_000, "\(refused) refused")
    }
}
