import Foundation
import TestSupport
import Testing

/// What a run measures: methods, cohorts, numbers of shots, and what must hold between their figures.
@Suite(.serialized)
struct EvaluationTests {
    private static let everyMetric =
        "evaluation.metrics=[ndcg, recall, precision, map, mrr, hit, coverage, novelty, diversity, gini, serendipity, "
        + "rmse, mae]"
    private static let ranking = ["ndcg", "recall", "hit", "mrr", "coverage", "novelty"].map { "\($0)@10" }
    private static let rating = ["rmse", "mae"]
    private static let always = [
        "feature-map", "feature-map-ungated", "best-local", "popularity", "local", "shuffled-source",
        "shuffled-source-ungated",
    ]
    private static let transferred = always.filter { $0.hasPrefix("feature-map") || $0.hasPrefix("shuffled-source") }
    private static let shares = ["ndcg@10-share-better", "ndcg@10-share-worse"]
    private static let comparisons = ["ndcg@10-relative-gain"] + shares
    private static let rankingBaselines = [
        "item-knn", "text-knn", "ease", "local-ensemble", "pooled-reference", "naive-fedavg",
    ]
    private static let ratingBaselines = ["item-mean", "user-mean", "bias-carry", "explicit-als", "biased-mf"]

    /// The record of a small run with overrides.
    private func record(_ overrides: String..., persons: Int = 300) throws -> RecordOfRun {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(persons: persons), to: "small.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        return try RecordOfRun("\(try folder.seedFolder("small", seed: 1))/run.json")
    }

    private func keys(
        _ methods: [String], _ metrics: [String], cohort: String, shots: [Int?]
    ) -> [String] {
        methods.flatMap { method in
            metrics.flatMap { metric in
                shots.map { "\(method) \(cohort) \(metric) \($0.map(String.init) ?? "all")" }
            }
        }
    }

    private func keys(_ record: RecordOfRun) -> [String] {
        record.figures.map { "\($0.method) \($0.cohort) \($0.metric) \($0.shots.map(String.init) ?? "all")" }
    }

    @Test("every method is measured for every cohort and number of shots, each figure once")
    func everyFigure() throws {
        let record = try record()
        let shots = [0, 1, 3, 5]
        let methods = Self.always + Self.rankingBaselines
        let expected =
            keys(Self.transferred, Self.comparisons, cohort: "cold-users", shots: shots)
            + keys(Self.transferred, Self.comparisons, cohort: "warm-users", shots: [nil])
            + keys(methods, Self.ranking, cohort: "cold-users", shots: shots)
            + keys(methods, Self.ranking, cohort: "warm-users", shots: [nil])
            + keys(Self.ratingBaselines, Self.rating, cohort: "cold-users", shots: shots)
            + keys(Self.ratingBaselines, Self.rating, cohort: "warm-users", shots: [nil])
            + keys(["item-factors", "feature-map"], ["attack-auc"], cohort: "membership", shots: [nil])
        #expect(keys(record).sorted() == expected.sorted())
        for cohort in ["cold-users", "warm-users"] {
            #expect(Set(record.figures.filter { $0.cohort == cohort }.map(\.users)).count == 1)
        }
    }

    @Test("every word of evaluation.metrics is measured, and every word of evaluation.baselines")
    func everyWord() throws {
        let record = try record(
            Self.everyMetric, "evaluation.shots=[1]",
            "evaluation.baselines=[global-mean, \((Self.ratingBaselines + Self.rankingBaselines).joined(separator: ", "))]"
        )
        let metrics = ["precision", "map", "diversity", "gini", "serendipity"].map { "\($0)@10" } + Self.ranking
        let methods = Self.always + Self.rankingBaselines
        #expect(
            Set(keys(record).filter { $0.contains(" cold-users ") })
                == Set(
                    keys(Self.transferred, Self.comparisons, cohort: "cold-users", shots: [1])
                        + keys(methods, metrics, cohort: "cold-users", shots: [1])
                        + keys(["global-mean"] + Self.ratingBaselines, Self.rating, cohort: "cold-users", shots: [1])))
    }

    @Test("without shots every local method has the figures of popularity, and best-local those of the model it names")
    func localMethods() throws {
        let record = try record()
        for metric in Self.ranking {
            let popularity = try #require(record.value("popularity", 0, metric))
            for method in ["local", "best-local", "item-knn", "text-knn", "ease", "local-ensemble"] {
                #expect(record.value(method, 0, metric) == popularity, "\(method), \(metric)")
            }
            // Nothing of a person is known to popularity.
            for shots in [1, 3, 5] { #expect(record.value("popularity", shots, metric) == popularity) }
        }
        #expect(!record.choices.contains { $0.method == "best-local" && $0.shots == 0 })
        // Without a known rating a person has no offset.
        for metric in Self.rating {
            #expect(record.value("user-mean", 0, metric) == record.value("item-mean", 0, metric))
            #expect(record.value("user-mean", 1, metric) != record.value("item-mean", 1, metric))
            #expect(record.value("bias-carry", 0, metric) != record.value("item-mean", 0, metric))
        }
        for shots in [1, 3, 5] {
            let named = record.choices.filter { $0.method == "best-local" && $0.shots == shots }.compactMap(\.model)
            let model = try #require(named.first)
            #expect(named == [model])
            for metric in Self.ranking {
                #expect(record.value("best-local", shots, metric) == record.value(model, shots, metric))
                #expect(record.value("best-local", shots, metric) != nil)
            }
        }
        // Models of pairs of items and of ratings are tuned by their domain, once for all numbers of shots.
        for method in ["item-knn", "text-knn", "ease", "explicit-als", "biased-mf", "rating-means"] {
            let choices = record.choices.filter { $0.method == method && $0.setting != nil }
            #expect(choices.count == 1 && choices[0].shots == nil, "\(method)")
        }
    }

    @Test("a run without baselines has the methods that always are, and no rating errors")
    func noBaselines() throws {
        let record = try record("evaluation.baselines=[]")
        #expect(Set(record.figures.filter { $0.cohort != "membership" }.map(\.method)) == Set(Self.always))
        #expect(!record.figures.contains { Self.rating.contains($0.metric) })
        #expect(record.object["rounds"] as? Int == 8)
    }

    @Test(
        "the gate is best-local bit for bit where it is closed, the transfer where it is wide open, and can be left out"
    )
    func gate() throws {
        let record = try record("evaluation.baselines=[ease]", persons: 600)
        var weights: [Double] = []
        for method in ["feature-map", "shuffled-source"] {
            for shots in [0, 1, 3, 5] {
                let choice = try #require(record.choices.first { $0.method == method && $0.shots == shots })
                let weight = try #require(choice.gate)
                weights.append(weight)
                for metric in Self.ranking {
                    let gated = try #require(record.value(method, shots, metric))
                    if weight == 0 { #expect(gated == record.value("best-local", shots, metric), "\(method) \(shots)") }
                    if weight == 1 { #expect(gated == record.value("\(method)-ungated", shots, metric)) }
                }
                let gain = try #require(record.value(method, shots, "ndcg@10-relative-gain"))
                let local = try #require(record.value("best-local", shots))
                #expect(abs(gain - (try #require(record.value(method, shots)) - local) / local) < 1e-9)
                let worse = try #require(record.value(method, shots, "ndcg@10-share-worse"))
                let better = try #require(record.value(method, shots, "ndcg@10-share-better"))
                #expect((0...1).contains(worse) && (weight > 0 || worse == 0 && better == 0))
                #expect(better >= 0 && better + worse <= 1)
                // A mean that moves has somebody who moved it.
                #expect(gain <= 0 || better > 0)
                #expect(gain >= 0 || worse > 0)
            }
        }
        // Transfer helps those of whom nothing else is known; permuted links help nobody then.
        #expect(weights.contains { $0 > 0 } && weights.contains(0))
        #expect(record.choices.first { $0.method == "feature-map" && $0.shots == 0 }?.gate != 0)
        #expect(!record.choices.contains { $0.method.hasSuffix("-ungated") })

        let ungated = try self.record("evaluation.baselines=[ease]", "transfer.gate=false", persons: 600)
        #expect(!ungated.figures.contains { $0.method.hasSuffix("-ungated") })
        #expect(ungated.object["rounds"] as? Int == 7)
        for shots in [0, 1, 3, 5] {
            #expect(ungated.value("feature-map", shots) == record.value("feature-map-ungated", shots))
        }
    }

    @Test(
        "a baseline more or less changes no figure of the methods that always are, best-local and what is gated with it aside"
    )
    func baselinesAreIndependent() throws {
        let all = try record()
        let none = try record("evaluation.baselines=[]")
        for method in ["feature-map-ungated", "popularity", "local", "shuffled-source-ungated"] {
            for shots in [0, 1, 3, 5] {
                for metric in Self.ranking {
                    let value = try #require(none.value(method, shots, metric))
                    #expect(all.value(method, shots, metric) == value, "\(method), k = \(shots), \(metric)")
                }
            }
        }
    }

    @Test(
        "what is predicted is the same for all numbers of shots: asking for the most alone changes no figure of theirs")
    func queryIsTheSame() throws {
        let all = try record("evaluation.baselines=[user-mean, bias-carry]")
        let most = try record("evaluation.baselines=[user-mean, bias-carry]", "evaluation.shots=[5]")
        #expect(!most.figures.contains { $0.cohort == "cold-users" && $0.shots != 5 })
        for method in Self.always {
            for metric in Self.ranking {
                let value = try #require(most.value(method, 5, metric))
                #expect(all.value(method, 5, metric) == value, "\(method), \(metric)")
            }
        }
        for method in ["user-mean", "bias-carry"] {
            for metric in Self.rating {
                let value = try #require(most.value(method, 5, metric))
                #expect(all.value(method, 5, metric) == value, "\(method), \(metric)")
            }
        }
        let users =
            all.figures.filter { $0.cohort == "cold-users" }.map(\.users)
            + most.figures.filter {
                $0.cohort == "cold-users"
            }.map(\.users)
        #expect(Set(users).count == 1)
    }

    @Test("data without times are split by hash, whether the scenario says so or leaves it to the data")
    func automaticSplit() throws {
        let automatic = try record()
        let seeded = try record("evaluation.split=seeded")
        #expect(automatic.object["evaluation"] as? [NSDictionary] == seeded.object["evaluation"] as? [NSDictionary])
        #expect(automatic.figures.count > 100)
        #expect(seeded.object["rounds"] as? Int == Fixture.roundCount - 1)
    }

    @Test(
        "a split or a support by time of data without times is refused with 66 and the name of the domain",
        arguments: ["evaluation.split=time", "evaluation.support=earliest"])
    func timesAreMissing(_ override: String) throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let output = try FerryProcess.run(["run", "-q", scenario, "--output", folder.path, "--set", override])
        #expect(output.exitCode == 66)
        #expect(output.standardError.contains("the data of books has no times"), "\(output.standardError)")
        #expect(output.standardError.split(separator: "\n").count == 1, "\(output.standardError)")
        #expect(folder.files() == ["small.yaml"])
    }

    @Test(
        "a world with times is split by them, and scores fewer cold persons, who need interactions after the test time")
    func splitByTime() throws {
        let overrides = ["world.times=true", "world.interactions=40", "evaluation.minimum-interactions=6"]
        func run(_ split: String) throws -> RecordOfRun {
            try record(overrides[0], overrides[1], overrides[2], "evaluation.split=\(split)", persons: 800)
        }
        func users(_ record: RecordOfRun) throws -> Int {
            try #require(record.figures.first { $0.cohort == "cold-users" }).users
        }
        let timed = try run("time")
        let seeded = try run("seeded")
        #expect(try users(timed) > 5)
        #expect(try users(timed) < users(seeded))
        #expect(try run("auto").bytes.count > 0)
        #expect(
            try run("auto").object["evaluation"] as? [NSDictionary] == timed.object["evaluation"] as? [NSDictionary])
        #expect(Set(timed.figures.map(\.cohort)) == ["cold-users", "membership", "warm-users"])
    }

    @Test("cold items are a cohort of their own, ranked over the full catalogue and among themselves")
    func coldItems() throws {
        let record = try record("evaluation.cold-items=0.2", "evaluation.warm-users=0.5")
        let cold = record.figures.filter { $0.cohort == "cold-items" }
        let methods = Self.always + Self.rankingBaselines
        let metrics = Self.ranking + Self.ranking.prefix(4).map { "\($0)-among-cold" }
        #expect(
            Set(keys(record).filter { $0.contains(" cold-items ") })
                == Set(
                    keys(methods, metrics, cohort: "cold-items", shots: [nil])
                        // Local models rank no cold item: there is no relative gain over them.
                        + keys(Self.transferred, Self.shares, cohort: "cold-items", shots: [nil])))
        #expect(cold.allSatisfy { $0.users > 20 })
        // Nobody has trained on them: popularity never ranks one before an item that somebody knows.
        #expect(record.value("popularity", nil, "recall@10", cohort: "cold-items") == 0)
        // Ten of about 24 cold items are a list of its own.
        #expect(try #require(record.value("popularity", nil, "recall@10-among-cold", cohort: "cold-items")) > 0.1)
        for method in methods {
            let full = try #require(record.value(method, nil, "recall@10", cohort: "cold-items"))
            let among = try #require(record.value(method, nil, "recall@10-among-cold", cohort: "cold-items"))
            #expect(among >= full, "\(method)")
        }
        #expect(try !self.record().figures.contains { $0.cohort == "cold-items" })
    }

    @Test("with no shots but none, choices for warm persons do not exist, and they are not scored")
    func noShots() throws {
        let record = try record("evaluation.shots=[0]", "evaluation.cold-items=0.2", "evaluation.warm-users=0.5")
        #expect(Set(record.figures.map(\.cohort)) == ["cold-users", "membership"])
        #expect(try #require(record.value("feature-map", 0)) > 0)
    }

    @Test("several persons clients score the persons of one, and what is no mean over persons is not pooled")
    func severalPersonsClients() throws {
        let one = try record()
        let three = try record("clients.persons.count=3")
        // They choose from the same scores.
        #expect(three.choices.count == one.choices.count)
        // Their sums open the gate as far as those of one.
        #expect(three.choices.map(\.gate) == one.choices.map(\.gate))
        let clients = ["persons-1", "persons-2", "persons-3"]
        #expect(Set(three.figures.map(\.client)) == Set(clients + ["persons"]))
        for cohort in ["cold-users", "warm-users"] {
            func users(_ record: RecordOfRun, _ client: String) -> Int {
                record.figures.first { $0.client == client && $0.cohort == cohort }?.users ?? 0
            }
            #expect(clients.reduce(0) { $0 + users(three, $1) } == users(one, "persons"))
            #expect(users(three, "persons") == users(one, "persons"))
        }
        let pooled = three.figures.filter { $0.client == "persons" }
        #expect(
            Set(pooled.map(\.metric))
                == Set(["ndcg@10", "recall@10", "hit@10", "mrr@10", "novelty@10"] + Self.shares))
        for metric in ["coverage@10", "rmse", "mae"] {
            #expect(three.figures.contains { $0.client == "persons-1" && $0.metric == metric })
        }
        for figure in pooled {
            let parts = three.figures.filter {
                clients.contains($0.client) && $0.method == figure.method && $0.cohort == figure.cohort
                    && $0.shots == figure.shots && $0.metric == figure.metric
            }
            let mean = parts.reduce(0) { $0 + $1.value * Double($1.users) } / Double(figure.users)
            #expect(abs(mean - figure.value) <= 1e-12 * max(1, abs(mean)), "\(figure)")
        }
        // Popularity does not depend on who counts.
        for metric in ["ndcg@10", "recall@10", "hit@10", "mrr@10"] {
            let value = try #require(one.value("popularity", 0, metric))
            #expect(abs(try #require(three.value("popularity", 0, metric)) - value) < 1e-12)
        }
    }
}
