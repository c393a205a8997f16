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

    @Test("item factors have noise where each person's gradient is summed by clients that share a domain")
    func itemFactors() throws {
        let protected = "mode: silo, epsilon: 2, item-factors: protected, factor-persons: 500"
        // The valid scenario has one client a domain, and no gradients.
        #expect(problems(with(protected)).map(\.keyPath) == ["privacy.item-factors"])
        #expect(printed(with(protected)).contains("protected needs federation.strategy: gradient"))
        for (privacy, keys) in [
            ("item-factors: protected", ["privacy.item-factors"]),
            ("mode: silo, epsilon: 2, factor-bound: 2", ["privacy.factor-bound"]),
            ("mode: silo, epsilon: 2, factor-persons: 10", ["privacy.factor-persons"]),
        ] {
            #expect(problems(with(privacy)).map(\.keyPath) == keys, "\(privacy)")
        }
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

    private static let meta = "transfer: {method: meta, meta: {rounds: 4}}\n"

    @Test("a sample of fixed size needs meta, replacing one, one persons client and noise on sums")
    func fixedSize() throws {
        let wanted = "mode: silo, epsilon: 1, neighbouring: replace-one, sampling: fixed-size"
        #expect(try ScenarioDefinition(yaml: with(wanted, Self.meta), file: "a").samplesFixedSize)
        let poisson = try ScenarioDefinition(yaml: with("mode: silo, epsilon: 1, sampling: poisson"), file: "a")
        #expect(!poisson.samplesFixedSize)
        #expect(printed(with(wanted)).contains("set transfer.method: meta"))
        for (privacy, word) in [
            ("mode: silo, epsilon: 1, sampling: fixed-size", "privacy.neighbouring: replace-one"),
            ("mode: local, neighbouring: replace-one, epsilon: 1, sampling: fixed-size", "another mode than local"),
            ("mode: none, sampling: fixed-size", "nothing is protected in mode none"),
            ("mode: silo, epsilon: 1, sampling: bernoulli", "privacy.sampling"),
        ] {
            #expect(printed(with(privacy, Self.meta)).contains(word), "\(privacy)")
        }
        let two = with(wanted, Self.meta).replacing("domain: persons\n", with: "domain: persons\n    count: 2\n")
        #expect(printed(two).contains("of 2 persons clients each knows its own"))
    }

    @Test("adaptive clipping needs the rounds of meta, and its keys need adaptive clipping")
    func adaptiveClipping() throws {
        let wanted = "mode: silo, epsilon: 1, clipping: adaptive"
        let plain = try ScenarioDefinition(yaml: with(wanted, Self.meta), file: "a")
        #expect(plain.clipsAdaptively && plain.clippingQuantile == 0.5 && plain.clippingRate == 0.2)
        let full = try ScenarioDefinition(
            yaml: with("\(wanted), clipping-quantile: 0.8, clipping-rate: 0.1, clipping-noise: 20", Self.meta),
            file: "a")
        #expect(full.clippingQuantile == 0.8 && full.clippingRate == 0.1)
        #expect(printed(with(wanted)).contains("only meta has several"))
        for key in ["clipping-quantile: 0.5", "clipping-rate: 0.2", "clipping-noise: 20"] {
            let text = printed(with("mode: silo, epsilon: 1, \(key)", Self.meta))
            #expect(text.contains("only privacy.clipping: adaptive has it"), "\(key): \(text)")
        }
        let greedy = "mode: silo, noise-multiplier: 10, clipping: adaptive, clipping-noise: 5"
        #expect(printed(with(greedy, Self.meta)).contains("privacy.clipping-noise"))
        #expect(printed(with("clipping: adaptive", Self.meta)).contains("nothing is protected"))
    }

    @Test("the keys of protection that a file leaves out are in no resolved scenario")
    func absentKeys() throws {
        let text = try ScenarioDefinition(yaml: with("mode: silo, epsilon: 1"), file: "a").resolvedYAML
        for key in ["sampling:", "clipping:", "clipping-quantile", "ratings-per-person"] {
            #expect(!text.contains(key), "\(key)")
        }
        #expect(printed(with("ratings-per-person: 5")).contains("nothing is protected"))
        #expect(printed(with("mode: silo, epsilon: 1, ratings-per-person: 1")).contains("ratings-per-person"))
    }

    @Test("one rating is hidden where blocks bound what it moves, and nowhere else")
    func ratings() throws {
        let wanted = "mode: silo, epsilon: 1, unit: rating, rating-blocks: 4"
        let scenario = try ScenarioDefinition(yaml: with(wanted), file: "a")
        #expect(scenario.hidesRatings && scenario.ratingBlocks == 4)
        let three = "domain: persons\n    count: 3\n"
        let distributed = with(wanted.replacing("mode: silo", with: "mode: distributed"))
            .replacing("domain: persons\n", with: three)
        #expect(problems(distributed).isEmpty)
        #expect(printed(with(wanted, Self.meta)).contains("rating needs transfer.method: feature-map"))
        for (privacy, key) in [
            ("mode: silo, epsilon: 1, unit: rating", "privacy.rating-blocks"),
            ("mode: silo, epsilon: 1, rating-blocks: 2", "privacy.rating-blocks"),
            ("\(wanted), neighbouring: replace-one", "privacy.unit"),
            ("\(wanted), ratings-per-person: 10", "privacy.ratings-per-person"),
            ("mode: none, unit: rating", "privacy.unit"),
            ("mode: silo, epsilon: 1, unit: rating, rating-blocks: 65", "privacy.rating-blocks"),
        ] {
            #expect(problems(with(privacy)).map(\.keyPath) == [key], "\(privacy)")
        }
        let local = wanted.replacing("mode: silo", with: "mode: local, neighbouring: replace-one")
        #expect(printed(with(local)).contains("mode silo, central or distributed"))
    }

    @Test("choices are protected where sums with noise can tell anything, and nothing else enters them")
    func choices() throws {
        let wanted = "mode: silo, epsilon: 1, gate: protected"
        let plain = "evaluation: {shots: [0, 1, 3], baselines: [ease, item-knn]}\n"
        func yaml(_ privacy: String, _ evaluation: String) -> String {
            validScenario.replacing("evaluation:\n  shots: [0, 1, 3]\n", with: evaluation) + "privacy: {\(privacy)}\n"
        }
        let scenario = try ScenarioDefinition(yaml: yaml(wanted, plain), file: "a")
        #expect(scenario.protectsChoices && scenario.selectionBound == 1 && scenario.gateBound == 0.5)
        let bounds = try ScenarioDefinition(
            yaml: yaml("\(wanted), selection-bound: 2, gate-bound: 0.25", plain), file: "a")
        #expect(bounds.selectionBound == 2 && bounds.gateBound == 0.25)
        #expect(
            try !ScenarioDefinition(yaml: yaml("mode: silo, epsilon: none, gate: protected", plain), file: "a")
                .protectsChoices)
        for (privacy, evaluation, key) in [
            ("mode: silo, epsilon: 1, gate-bound: 1", plain, "privacy.gate-bound"),
            ("mode: silo, epsilon: 1, gate: unprotected, selection-bound: 1", plain, "privacy.selection-bound"),
            ("mode: local, neighbouring: replace-one, epsilon: 1, gate: protected", plain, "privacy.gate"),
            ("mode: none, gate: protected", plain, "privacy.gate"),
            (wanted, "evaluation: {shots: [0], baselines: [bias-carry]}\n", "evaluation.rating-scale"),
            (wanted, "evaluation: {shots: [0], baselines: [], cold-items: 0.1}\n", "privacy.gate"),
        ] {
            #expect(problems(yaml(privacy, evaluation)).map(\.keyPath) == [key], "\(privacy) \(evaluation)")
        }
        for evaluation in [
            "{shots: [0], baselines: [bias-carry], rating-scale: [1, 5]}",
            "{shots: [0], baselines: [], cold-items: 0.1, split: seeded}",
        ] {
            #expect(problems(yaml(wanted, "evaluation: \(evaluation)\n")).isEmpty, "\(evaluation)")
        }
    }

    @Test("means of ratings are protected where a baseline has them and their scale is given")
    func means() throws {
        func yaml(_ privacy: String, _ evaluation: String) -> String {
            validScenario.replacing("evaluation:\n  shots: [0, 1, 3]\n", with: "evaluation: {\(evaluation)}\n")
                + "privacy: {\(privacy)}\n"
        }
        let wanted = "mode: silo, epsilon: 1, rating-means: protected"
        let plain = "shots: [0, 1], baselines: [bias-carry], rating-scale: [1, 5]"
        let scenario = try ScenarioDefinition(yaml: yaml(wanted, plain), file: "a")
        #expect(scenario.protectsMeans && scenario.meansBound == 5)
        #expect(try ScenarioDefinition(yaml: yaml("\(wanted), means-bound: 9", plain), file: "a").meansBound == 9)
        for (privacy, evaluation, key) in [
            ("mode: silo, epsilon: 1, means-bound: 9", plain, "privacy.means-bound"),
            ("mode: none, rating-means: protected", plain, "privacy.rating-means"),
            (
                "mode: local, neighbouring: replace-one, epsilon: 1, rating-means: protected", plain,
                "privacy.rating-means"
            ),
            (wanted, "shots: [0], baselines: [ease], rating-scale: [1, 5]", "privacy.rating-means"),
            (wanted, "shots: [0], baselines: [item-mean]", "privacy.rating-means"),
        ] {
            #expect(problems(yaml(privacy, evaluation)).map(\.keyPath) == [key], "\(privacy) \(evaluation)")
        }
    }
}
