import Scenario
import Testing

/// Every key of the table, broken in every way its type can be, in a file that holds every key on a line of its own.
@Suite struct ScenarioKeyErrorTests {
    /// A line of the resolved scenario.
    struct Place: Sendable, CustomTestStringConvertible {
        let key: ScenarioKey
        /// The path with the index of the client.
        let path: String
        /// The index of the line, from 0.
        let index: Int

        var testDescription: String { path }
    }

    static let lines: [String] = {
        let text = (try? ScenarioDefinition(yaml: scenarioWithEveryKey, file: "a").resolvedYAML) ?? ""
        return text.split(separator: "\n").map(String.init)
    }()

    /// Each key of the table, at the first line where it stands.
    static let places: [Place] = {
        var stack: [(indentation: Int, name: String)] = []
        var out: [Place] = []
        var (client, event) = (-1, -1)
        for (index, line) in lines.enumerated() {
            let body = line.drop { $0 == " " || $0 == "-" }
            let indentation = line.count - body.count
            if line.hasPrefix("  - ") { client += 1 }
            if line.hasPrefix("    - ") { event += 1 }
            let name = body.prefix { $0 != ":" }
            while let last = stack.last, last.indentation >= indentation { stack.removeLast() }
            stack.append((indentation, String(name)))
            let path = stack.map(\.name).joined(separator: ".")
            let tablePath = path.replacing("clients.", with: "clients[].")
                .replacing("faults.events.", with: "faults.events[].")
            guard let key = ScenarioKey.all.first(where: { $0.path == tablePath }) else { continue }
            if out.contains(where: { $0.key == key }) { continue }
            out.append(
                Place(
                    key: key,
                    path: path.replacing("clients.", with: "clients[\(client)].").replacing(
                        "faults.events.", with: "faults.events[\(event)]."), index: index))
        }
        return out
    }()

    /// The text with the value of a key replaced, and what was below it removed.
    private func text(_ place: Place, value: String) -> String {
        var lines = ScenarioKeyErrorTests.lines
        let line = lines[place.index]
        let indentation = line.prefix { $0 == " " || $0 == "-" }.count
        lines[place.index] = "\(line.prefix { $0 != ":" }): \(value)"
        while place.index + 1 < lines.count,
            lines[place.index + 1].prefix(while: { $0 == " " || $0 == "-" }).count > indentation
        {
            lines.remove(at: place.index + 1)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Values that the type of a key refuses.
    private func badValues(_ kind: ScenarioValueKind) -> [String] {
        switch kind {
        case .section, .grid: ["5", "text", "[1]", "[{a: 1}]"]
        case .sections: ["5", "text", "{a: 1}", "[]", "[5]", "[[1]]"]
        case .numberOrNone: ["text", "null", "[1]", "{a: 1}", "0"]
        case .text: ["\"\"", "~", "null", "[a]", "{a: b}", String(repeating: "a", count: 4_097), "\"a\\0b\""]
        case .name:
            [
                "Upper", "a_b", "\"a b\"", "-a", "é", "\"\"", "../up", "a/b", "[a]", "{a: b}",
                String(repeating: "a", count: 65),
            ]
        case .names: ["a", "{a: b}", "[A]", "[a, a]", "[[a]]", "[-a]"]
        case .integer(let range):
            [
                "abc", "1.5", "\"1\"", "1e3", "0x1F", "[1]", "{a: 1}", "~", "true", "99999999999999999999",
                "\(range.lowerBound - 1)", "\(range.upperBound + 1)",
            ]
        case .number(let range):
            [
                "abc", "\"1\"", ".inf", "-.inf", ".nan", "inf", "nan", "1e999", "0x1p3", "[1]", "{a: 1}", "~",
                "\(range.lowerBound - 0.001)", "\(range.upperBound.nextUp)",
            ]
        case .boolean: ["yes", "1", "\"true\"", "TRUE", "[true]"]
        case .duration: ["60", "-1s", "9ms", "25h", "1d", "s", "infs", "nans", "1e999s", "5 s", "[5s]", "{a: 5s}", "~"]
        case .words(let words):
            [
                "\(words[0])", "{a: b}", "[no-such-word]", "[\(words[0]), \(words[0])]", "[[\(words[0])]]", "[~]",
                "[\"\"]",
            ]
        case .choice: ["no-such-word", "\"\"", "[a]", "{a: b}", "~"]
        case .integers(let range):
            [
                "1", "[]", "[a]", "[1, 1]", "[1.5]", "[\"1\"]", "[[1]]", "[\(range.lowerBound - 1)]",
                "[\(range.upperBound + 1)]",
            ]
        case .numbers(let range):
            [
                "1", "[]", "[a]", "[1, 1.0]", "[.nan]", "[[1]]", "[\(range.lowerBound - 1)]",
                "[\(range.upperBound.nextUp)]",
            ]
        }
    }

    @Test func theResolvedScenarioHoldsEveryKey() {
        // A sweep is of several scenarios; none of them holds it.
        let paths = ScenarioKey.all.map(\.path).filter { $0 != "sweep" }.sorted()
        #expect(ScenarioKeyErrorTests.places.map(\.key.path).sorted() == paths)
    }

    @Test(arguments: places)
    func aValueOfTheWrongTypeOrRangeIsReportedAtItsLine(_ place: Place) {
        for value in badValues(place.key.kind) {
            let found = problems(text(place, value: value))
            #expect(found.count == 1, "\(value): \(found)")
            guard let problem = found.first else { continue }
            #expect(problem.keyPath == place.path || problem.keyPath.hasPrefix("\(place.path)["), "\(value)")
            #expect(problem.line == place.index + 1, "\(value)")
            #expect(problem.description.hasPrefix("s.yaml:\(place.index + 1): \(problem.keyPath): "), "\(value)")
        }
    }

    @Test(arguments: places)
    func theEndsOfARangeAreLegal(_ place: Place) {
        let ends: [String]
        switch place.key.kind {
        case .integer(let range): ends = ["\(range.lowerBound)", "\(range.upperBound)"]
        case .number(let range): ends = ["\(range.lowerBound)", "\(range.upperBound)"]
        case .integers(let range): ends = ["[\(range.lowerBound), \(range.upperBound)]"]
        case .numbers(let range): ends = ["[\(range.lowerBound), \(range.upperBound)]"]
        case .duration: ends = ["10ms", "24h", "86400s", "1440m", "0.01s"]
        case .choice(let words): ends = words
        case .words(let words): ends = words.map { "[\($0)]" } + ["[\(words.joined(separator: ", "))]"]
        default: return
        }
        for value in ends {
            // A rule may still object to the combination, but the type must not.
            let found = problems(text(place, value: value))
            #expect(
                !found.contains { $0.message.hasPrefix("expected") || $0.message.contains("not one of") }, "\(found)")
        }
    }

    @Test(arguments: places)
    func aMisspeltKeyIsReportedAtItsLineWithTheNearestKey(_ place: Place) {
        let name = place.path.split(separator: ".").last.map(String.init) ?? ""
        let middle = name.index(name.startIndex, offsetBy: name.count / 2)
        for misspelt in ["\(name)x", String(name[..<middle] + name[name.index(after: middle)...])] {
            // Where two keys of a section lose a letter to the same word, as map and mlp do, either may be meant.
            let isAmbiguous = ScenarioKeyErrorTests.places.contains { other in
                guard other.path != place.path, let last = other.path.split(separator: ".").last.map(String.init),
                    other.path.dropLast(last.count) == place.path.dropLast(name.count)
                else { return false }
                return last.indices.contains { last[..<$0] + last[last.index(after: $0)...] == misspelt }
            }
            if isAmbiguous { continue }
            var lines = ScenarioKeyErrorTests.lines
            let line = lines[place.index]
            lines[place.index] = line.replacing("\(name):", with: "\(misspelt):", maxReplacements: 1)
            let found = problems(lines.joined(separator: "\n"))
            let path = place.path.dropLast(name.count) + misspelt
            let expected = "s.yaml:\(place.index + 1): \(path): unknown key; did you mean \(name)?"
            #expect(found.map(\.description) == [expected])
        }
    }

    @Test func aKeyOfAnotherSectionIsSuggestedWithItsPath() {
        #expect(printed(validScenario + "factors: 3\n").contains("factors: unknown key; did you mean model.factors?"))
        let nested = printed(scenario(replacing: "  factors: 16", with: "  shots: [1]"))
        #expect(nested.contains("model.shots: unknown key; did you mean evaluation.shots?"), "\(nested)")
    }

    @Test func aMisspeltWordIsCorrectedWhenItIsNear() {
        let near = printed(scenario(replacing: "kind: ipc", with: "kind: ipx"))
        #expect(near.contains("transport.kind: \"ipx\" is not one of ipc, tcp; did you mean ipc?"), "\(near)")
        let far = printed(scenario(replacing: "kind: ipc", with: "kind: carrier-pigeon"))
        #expect(far.hasSuffix("\"carrier-pigeon\" is not one of ipc, tcp"), "\(far)")
    }

    @Test func aListIsReportedAtTheLineOfItsBadMember() {
        let text = scenario(replacing: "shots: [0, 1, 3]", with: "shots:\n    - 0\n    - 1\n    - x\n")
        #expect(problems(text).map(\.line) == [line(of: "- x", in: text)])
    }
}
