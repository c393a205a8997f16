import Scenario
import Testing

/// Texts that aim at the stack of the process; each runs in a process of its own, so that a trap fails one test.
@Suite struct CrashingYAMLTests {
    // A naive count takes the bracket in each comment or text for the end of the sequence that its line opens.
    @Test func bracketsBehindCommentsAreRefused() async {
        await #expect(processExitsWith: .success) {
            expectQuickRefusal("world: " + String(repeating: "[ # ]\n  ", count: 100_000))
        }
    }

    @Test func bracketsBehindTextsAreRefused() async {
        await #expect(processExitsWith: .success) {
            expectQuickRefusal("world: " + String(repeating: "[ \"]\", ", count: 100_000))
        }
    }

    @Test func sequencesClosedBehindCommentsAreRefused() async {
        await #expect(processExitsWith: .success) {
            let closed = String(repeating: "[ # ]\n  ", count: 900) + String(repeating: " ]", count: 900)
            expectQuickRefusal("world: \(closed)\n")
            expectQuickRefusal("world: " + String(repeating: "[ # ]\n  ", count: 900))
        }
    }

    @Test func markersAfterOtherLineEndsAreRefused() async {
        await #expect(processExitsWith: .success) {
            for ending in ["\r", "\u{85}", "\u{2028}"] {
                #expect(!problems("clients:" + ending + String(repeating: "- ", count: 100_000) + "a\n").isEmpty)
                #expect(!problems("clients:" + ending + String(repeating: "- ", count: 900) + "a\n").isEmpty)
            }
            #expect(!problems("\u{FEFF}" + String(repeating: "- ", count: 100_000) + "a\n").isEmpty)
        }
    }

    @Test func nestingBehindAliasesIsRefused() async {
        await #expect(processExitsWith: .success) {
            var text = "- &a0 [x]\n"
            for level in 1..<50_000 { text += "- &a\(level) [*a\(level - 1)]\n" }
            #expect(text.utf8.count <= 1 << 20)
            #expect(!problems("world:\n" + text).isEmpty)
        }
    }

    @Test func nestingBehindAliasesOfAnOverrideIsRefused() async {
        await #expect(processExitsWith: .success) {
            var text = "[&a0 [x]"
            for level in 1..<3_000 { text += ", &a\(level) [*a\(level - 1)]" }
            #expect(!problems(validScenario, overrides: ["world=\(text)]"]).isEmpty)
        }
    }

    @Test func anAliasBombAsAKeyIsRefusedQuickly() async {
        await #expect(processExitsWith: .success) {
            var text = "world:\n- &a0 [x, x]\n"
            // 2²⁰ values: seconds when each is hashed, nothing when none is. With 60 levels it would never end.
            for level in 1...20 { text += "- &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
            text += "- {? *a20 : 1}\n"
            let elapsed = ContinuousClock().measure { #expect(!problems(text).isEmpty) }
            #expect(elapsed < .milliseconds(500))
        }
    }

    @Test func manyUnknownLinksAreRefusedQuickly() {
        let domains = (0..<500).map { "  - {id: d\($0), domain: domain-\($0), data: {format: synthetic}}\n" }.joined()
        let links = (0..<4_000).map { "other-\($0)" }.joined(separator: ", ")
        let text = "name: a\ntarget: domain-1\nclients:\n\(domains)  - {id: p, domain: persons, links: [\(links)]}\n"
        let elapsed = ContinuousClock().measure { #expect(!problems(text).isEmpty) }
        #expect(elapsed < .milliseconds(500))
    }

    @Test func aLongKeyBehindManyAliasesIsRefusedQuickly() {
        let key = String(repeating: "k", count: 20_000)
        let aliases = [String](repeating: "*c", count: 200).joined(separator: ", ")
        let elapsed = ContinuousClock().measure {
            #expect(!problems("clients: [&c {? \(key) : 1}, \(aliases)]\n").isEmpty)
        }
        #expect(elapsed < .milliseconds(500))
    }
}

/// Expects problems within a second.
private func expectQuickRefusal(_ yaml: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let elapsed = ContinuousClock().measure { #expect(!problems(yaml).isEmpty, sourceLocation: sourceLocation) }
    #expect(elapsed < .seconds(1), sourceLocation: sourceLocation)
}
