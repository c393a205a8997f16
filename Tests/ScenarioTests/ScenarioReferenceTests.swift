import Scenario
import Testing

@Suite struct ScenarioReferenceTests {
    @Test func everyKeyIsInTheReferenceWithItsMeaning() {
        let lines = ScenarioReference.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for key in ScenarioKey.all {
            guard let index = lines.firstIndex(of: key.path), index + 2 < lines.count else {
                Issue.record("\(key.path) is missing")
                continue
            }
            #expect(lines[index + 1].contains(key.kind.description), "\(key.path)")
            #expect(lines[index + 2] == "    \(key.meaning)", "\(key.path)")
            if !key.defaultText.isEmpty {
                #expect(lines[index + 1].contains("default: \(key.defaultText)"), "\(key.path)")
            }
        }
    }

    @Test func everyPathIsThereOnceAndHasASectionAbove() {
        let paths = ScenarioKey.all.map(\.path)
        #expect(Set(paths).count == paths.count)
        for path in paths {
            guard let dot = path.lastIndex(of: ".") else { continue }
            let above = path[..<dot]
            let parent = above.hasSuffix("[]") ? above.dropLast(2) : above
            let isSection = ScenarioKey.all.contains {
                $0.path == String(parent) && ($0.kind == .section || $0.kind == .sections)
            }
            #expect(isSection, "\(path)")
        }
    }

    @Test func everyMeaningIsASentence() {
        for key in ScenarioKey.all {
            #expect(key.meaning.count > 10 && ".…".contains(key.meaning.suffix(1)), "\(key.path)")
        }
    }

    @Test func everyPathOfAResolvedScenarioIsInTheTableAndEveryDefaultIsResolved() throws {
        let resolved = try ScenarioDefinition(yaml: scenarioWithEveryKey, file: "a").resolvedYAML
        let seen = paths(inBlockStyle: resolved)
        let known = Set(ScenarioKey.all.map(\.path))
        #expect(seen.subtracting(known.map { $0.replacing("[]", with: "") }) == [])
        let expected = ScenarioKey.all.filter { ![.section, .sections, .grid].contains($0.kind) }
            .map { $0.path.replacing("[]", with: "") }
        #expect(Set(expected).subtracting(seen) == [])
    }

    /// The key paths of a resolved scenario, read without the decoder: two spaces a level, `- ` opens a list entry.
    private func paths(inBlockStyle text: String) -> Set<String> {
        var stack: [(indentation: Int, name: String)] = []
        var out: Set<String> = []
        for line in text.split(separator: "\n") {
            let body = line.drop { $0 == " " || $0 == "-" }
            let indentation = line.count - body.count
            guard let colon = body.firstIndex(of: ":") else { continue }
            while let last = stack.last, last.indentation >= indentation { stack.removeLast() }
            stack.append((indentation, String(body[..<colon])))
            out.insert(stack.map(\.name).joined(separator: "."))
        }
        return out
    }
}
