import Scenario
import Testing

/// What the `privacy` section asks for, and what it refuses.
@Suite struct PrivacyKeyTests {
    /// The valid scenario with a privacy section and further text.
    private func with(_ privacy: String, _ more: String = "") -> String {
        validScenario + "privacy: {\(privacy)}\n" + more
    }

    @Test("a mode needs a noise, and says which keys give it")
    func modeWithoutNoise() {
        #expect(printed(with("mode: silo")).contains("privacy.epsilon or privacy.noise-multiplier"))
        #expect(problems(with("mode: silo, epsilon: 2")).isEmpty)
        #expect(problems(with("mode: silo, noise-multiplier: 3")).isEmpty)
        #expect(printed(with("mode: silo, epsilon: 2, noise-multiplier: 3")).contains("leave one of them out"))
    }

    @Test("an ε without a mode is refused, and ε below zero too")
    func noiseWithoutMode() {
        #expect(printed(with("epsilon: 2")).contains("nothing is protected in mode none"))
        #expect(printed(with("mode: silo, epsilon: -1")).contains("privacy.epsilon"))
        #expect(printed(with("mode: silo, epsilon: .nan")).contains("privacy.epsilon"))
        #expect(printed(with("mode: silo, epsilon: 1, delta: 1")).contains("privacy.delta"))
    }

    @Test("epsilon: none is a run without noise, with the refitting rounds of an unprotected one")
    func none() throws {
        let plain = try ScenarioDefinition(yaml: validScenario, file: "a")
        let none = try ScenarioDefinition(yaml: with("mode: silo, epsilon: none"), file: "a")
        let protected = try ScenarioDefinition(yaml: with("mode: silo, epsilon: 1"), file: "a")
        #expect(!none.isProtected && none.roundCount == plain.roundCount)
        #expect(protected.isProtected && protected.roundCount < plain.roundCount)
    }

    @Test("local protection hides no presence, so that it is offered under replace-one alone")
    func local() {
        #expect(printed(with("mode: local, epsilon: 1")).contains("replace-one"))
        #expect(problems(with("mode: local, epsilon: 1, neighbouring: replace-one")).isEmpty)
    }

    @Test("vectors of persons are released under local noise, in a configured number of slots, or not at all")
    func vectors() throws {
        let local = "mode: local, neighbouring: replace-one"
        let vectors = try ScenarioDefinition(
            yaml: with("\(local), epsilon: 1, release: vectors, slots: 64"), file: "a")
        #expect(vectors.releasesVectors)
        let sums = try ScenarioDefinition(yaml: with("\(local), epsilon: 1, release: cross-moment"), file: "a")
        #expect(!sums.releasesVectors && sums.isProtected)
        let silent = try ScenarioDefinition(yaml: with("\(local), epsilon: 1"), file: "a")
        #expect(!silent.resolvedYAML.contains("release:") && !silent.resolvedYAML.contains("slots"))
        for (privacy, key) in [
            ("release: vectors, slots: 64", "privacy.release"),
            ("mode: silo, epsilon: 1, release: vectors, slots: 64", "privacy.release"),
            ("\(local), epsilon: none, release: vectors, slots: 64", "privacy.release"),
            ("\(local), epsilon: 1, release: vectors", "privacy.slots"),
            ("\(local), epsilon: 1, slots: 64", "privacy.slots"),
            ("\(local), epsilon: 1, release: cross-moment, slots: 64", "privacy.slots"),
        ] {
            #expect(problems(with(privacy)).map(\.keyPath) == [key], "\(privacy)")
        }
        let wanted = with("\(local), epsilon: 1, release: vectors, slots: 64")
        #expect(
            problems(wanted + "transfer: {method: meta, meta: {rounds: 4}}\n").map(\.keyPath) == ["privacy.release"])
        let two = wanted.replacing("domain: persons\n", with: "domain: persons\n    count: 2\n")
        #expect(printed(two).contains("one persons client"))
    }

    @Test("distributed noise needs three persons clients, and draws need one")
    func clientCounts() {
        #expect(printed(with("mode: distributed, epsilon: 1")).contains("at least 3"))
        let three = with("mode: distributed, epsilon: 1, noise-draws: 5").replacing(
            "domain: persons\n", with: "domain: persons\n    count: 3\n")
        #expect(printed(three).contains("only one persons client"))
    }

    @Test("what protection does not reach is refused: text, adversarial games, networks, windows of time")
    func methods() {
        for transfer in ["method: adversarial", "map: mlp"] {
            let text = printed(with("mode: silo, epsilon: 1", "transfer: {\(transfer)}\n"))
            #expect(text.contains("privacy.mode"), "\(transfer): \(text)")
        }
        #expect(problems(with("mode: silo, epsilon: 1", "transfer: {method: meta, meta: {rounds: 4}}\n")).isEmpty)
    }
}
