import Federation
import Scenario
import Testing

private func offer(_ overrides: [String], targetItemCount: Int = 41) throws -> (ScenarioDefinition, BaselineOffer) {
    let scenario = try Scenarios.narrow(overrides)
    return (scenario, BaselineOffer(scenario, itemCounts: [scenario.target: targetItemCount]))
}

private func makeGrid(_ overrides: [String], targetItemCount: Int = 41) throws -> SelectionGrid {
    let (scenario, baselines) = try offer(overrides, targetItemCount: targetItemCount)
    return SelectionGrid(scenario, baselines: baselines)
}

@Suite struct SelectionGridTests {
    private let grid: SelectionGrid

    init() throws {
        grid = try makeGrid([
            "transfer.ridge=[0, 1]", "transfer.fold-in-regularization=[10, 20, 40]", "evaluation.shots=[0, 2]",
            "evaluation.baselines=[]",
        ])
    }

    @Test func `The grid without baselines holds every combination once`() {
        // Without shots a ridge for each of two maps; with shots ridge, kind and λ for each map, λ alone, popularity.
        #expect(grid.candidates.count == 2 * 2 + 2 * 2 * 2 * 3 + 3 + 1)
        for (index, candidate) in grid.candidates.enumerated() {
            #expect(grid.candidates.firstIndex(of: candidate) == index)
            let isMapped = [MethodName.featureMap, MethodName.shuffledSource].contains(candidate.method)
            let isPopularity = candidate.method == MethodName.popularity
            #expect((candidate.shots == 0 || isPopularity) == (candidate.regularization == nil))
            #expect(isMapped == (candidate.ridge != nil))
            #expect((candidate.foldIn == nil) == (candidate.shots == 0 || !isMapped))
            #expect(candidate.blend == nil && candidate.model == nil && candidate.carry == nil)
            #expect(candidate.damping == nil)
        }
    }

    @Test func `The best candidate is the first of equals within its method and shots`() throws {
        var scores = [Float](repeating: 0.5, count: grid.candidates.count)
        for method in [MethodName.featureMap, MethodName.shuffledSource] {
            for shots in [0, 2] {
                let members = grid.candidates.indices.filter {
                    grid.candidates[$0].method == method && grid.candidates[$0].shots == shots
                }
                #expect(members.count == (shots == 0 ? 2 : 12))
                #expect(grid.best(method: method, shots: shots, scores: scores) == grid.candidates[members[0]])
                for index in members.dropFirst() {
                    // A later candidate wins alone, and loses to an equal before it.
                    scores[index] = 0.75
                    #expect(grid.best(method: method, shots: shots, scores: scores) == grid.candidates[index])
                    scores[members[0]] = 0.75
                    #expect(grid.best(method: method, shots: shots, scores: scores) == grid.candidates[members[0]])
                    scores[index] = 0.5
                    scores[members[0]] = 0.5
                }
            }
        }
    }

    @Test func `Scores below zero are compared like others`() throws {
        var scores = [Float](repeating: -3, count: grid.candidates.count)
        let index = try #require(grid.candidates.lastIndex { $0.method == MethodName.local })
        scores[index] = -2
        #expect(grid.best(method: MethodName.local, shots: 2, scores: scores) == grid.candidates[index])
    }

    @Test func `A method without candidates has no best one`() {
        let scores = [Float](repeating: 0, count: grid.candidates.count)
        #expect(grid.best(method: MethodName.local, shots: 0, scores: scores) == nil)
        #expect(grid.best(method: MethodName.ease, shots: 2, scores: scores) == nil)
        #expect(grid.best(method: MethodName.featureMap, shots: 1, scores: scores) == nil)
    }
}

/// The grid of every baseline with the numbers of settings that scenarios have by default.
@Suite struct BaselineGridTests {
    private let grid: SelectionGrid
    private let scenario: ScenarioDefinition
    private let shots = [0, 1, 4]

    init() throws {
        let (scenario, baselines) = try offer([
            "evaluation.shots=[0, 1, 4]", "evaluation.baselines=[\(BaselineNames.all.joined(separator: ", "))]",
        ])
        self.scenario = scenario
        grid = SelectionGrid(scenario, baselines: baselines)
    }

    private func members(_ method: String, _ shots: Int) -> [SelectionGrid.Candidate] {
        grid.candidates.filter { $0.method == method && $0.shots == shots }
    }

    @Test func `No two candidates are equal and every number of shots has some of every method`() {
        for (index, candidate) in grid.candidates.enumerated() {
            #expect(grid.candidates.firstIndex(of: candidate) == index, "\(candidate)")
            #expect(shots.contains(candidate.shots))
        }
        for method in BaselineNames.all + [MethodName.featureMap, MethodName.shuffledSource] {
            for shots in [1, 4] { #expect(!members(method, shots).isEmpty, "\(method) at \(shots)") }
        }
    }

    @Test func `Without shots only methods that know something of the person have candidates`() {
        let methods = Set(grid.candidates.filter { $0.shots == 0 }.map(\.method))
        #expect(
            methods == [
                "feature-map", "shuffled-source", "global-mean", "item-mean", "user-mean", "bias-carry",
                "explicit-als", "biased-mf", "pooled-reference", "naive-fedavg",
            ])
    }

    @Test
    func `A mapped prior and its control choose ridge, share of the offset and, with shots, its damping`()
        throws
    {
        let scenario = try Scenarios.narrow(["transfer.ratings=mapped-prior", "evaluation.shots=[0, 2]"])
        let grid = SelectionGrid(
            scenario, baselines: BaselineOffer(scenario, itemCounts: ["books": 41, "movies": 42]))
        for method in MethodName.ratingTransfers {
            for shots in [0, 2] {
                let settings = grid.candidates.filter { $0.method == method && $0.shots == shots }
                    .map { [$0.ridge ?? -1, $0.carry ?? -1, $0.damping ?? -1] }
                let count = shots == 0 ? 36 : 216
                #expect(Set(settings).count == count && settings.count == count, "\(method) at \(shots)")
                #expect(settings.allSatisfy { ($0[2] < 0) == (shots == 0) })
            }
        }
        // Among local rating models a carried offset and a mapped prior are none.
        let scores = grid.candidates.map { candidate -> Float in
            if candidate.method == "user-mean" { return 2 }
            return ["mapped-prior", "bias-carry"].contains(candidate.method) ? 3 : 0
        }
        #expect(grid.bestLocalRatings(shots: 2, scores: scores)?.method == "user-mean")
        #expect(grid.best(method: "mapped-prior", shots: 2, scores: scores)?.carry == 0.4)
    }

    @Test func `The same number of settings is tried for every local model`() {
        // Models of pairs of items are tuned by their domain: one candidate here, a list of settings there.
        let settings: [String: Int] = [
            MethodName.local: members(MethodName.local, 1).count,
            MethodName.itemKNN: members(MethodName.itemKNN, 1).count
                * scenario.numbers("tune.item-knn-shrinkage").count,
            MethodName.textKNN: members(MethodName.textKNN, 1).count
                * scenario.integers("tune.text-knn-neighbours").count,
            MethodName.ease: members(MethodName.ease, 1).count * scenario.numbers("tune.ease-regularization").count,
            MethodName.itemMean: members(MethodName.itemMean, 1).count * scenario.numbers("tune.item-damping").count,
            MethodName.userMean: members(MethodName.userMean, 1).count,
            MethodName.explicitALS: members(MethodName.explicitALS, 1).count
                * scenario.numbers("tune.explicit-als-regularization").count,
            MethodName.biasedMF: members(MethodName.biasedMF, 1).count
                * scenario.numbers("tune.biased-mf-regularization").count,
        ]
        for (method, count) in settings { #expect(count == 6, "\(method)") }
        #expect(members(MethodName.popularity, 1).count == 1)
        #expect(members(MethodName.globalMean, 1).count == 1)
    }

    @Test func `Every pair of local models is blended once with each weight, and with each λ where one folds in`() {
        let models = [
            MethodName.popularity, MethodName.local, MethodName.itemKNN, MethodName.textKNN, MethodName.ease,
        ]
        for shots in [1, 4] {
            let blends = members(MethodName.localEnsemble, shots)
            var count = 0
            for (index, first) in models.enumerated() {
                for second in models[(index + 1)...] {
                    for weight in [0.25, 0.5, 0.75] {
                        let found = blends.filter {
                            $0.blend?.weight == weight
                                && [$0.blend?.first, $0.blend?.second].contains(first)
                                && [$0.blend?.first, $0.blend?.second].contains(second)
                        }
                        let involvesFoldIn = first == MethodName.local || second == MethodName.local
                        let expected: [Double?] =
                            involvesFoldIn ? scenario.numbers("transfer.fold-in-regularization") : [nil]
                        #expect(found.map(\.regularization) == expected, "\(first), \(second)")
                        count += found.count
                    }
                }
            }
            #expect(blends.count == count && count == 3 * (6 + 4 * 6))
        }
        #expect(members(MethodName.localEnsemble, 0).isEmpty)
    }

    @Test func `A blend of models that are not offered is not in the grid`() throws {
        let grid = try makeGrid(["evaluation.baselines=[local-ensemble, ease]"])
        let pairs = Set(grid.candidates.compactMap { $0.blend.map { "\($0.first)+\($0.second)" } })
        #expect(pairs == ["popularity+local", "popularity+ease", "local+ease"])
    }

    @Test func `Bias carry tries every share with every damping, without shots too`() {
        let (shares, dampings) = (scenario.numbers("tune.bias-carry"), scenario.numbers("tune.user-damping"))
        for shots in [0, 4] {
            let pairs = members(MethodName.biasCarry, shots).map { [$0.damping ?? -1, $0.carry ?? -1] }
            #expect(pairs == dampings.flatMap { damping in shares.map { [damping, $0] } })
        }
        #expect(members(MethodName.userMean, 0).map(\.damping) == [nil])
    }

    @Test func `The best local model is one of the local ranking models, and nil without shots`() {
        let local: Set<String> = ["popularity", "local", "item-knn", "text-knn", "ease"]
        var scores = [Float](repeating: 0, count: grid.candidates.count)
        #expect(grid.bestLocal(shots: 0, scores: scores) == nil)
        for shots in [1, 4] {
            for index in grid.candidates.indices {
                let candidate = grid.candidates[index]
                scores[index] = 1
                let best = grid.bestLocal(shots: shots, scores: scores)
                #expect(best?.shots == shots && best.map { local.contains($0.method) } == true)
                if local.contains(candidate.method) && candidate.shots == shots {
                    #expect(best == candidate)
                } else {
                    // Whatever is no local model of these shots cannot be picked, however good it is.
                    #expect(best != candidate)
                }
                scores[index] = 0
            }
        }
        #expect(grid.bestLocal(shots: 2, scores: scores) == nil)
    }

    @Test func `The best local model is the best candidate of the method that it names`() {
        for seed in 0..<50 {
            // Distinct scores in an order that differs from seed to seed.
            let count = grid.candidates.count
            let scores = (0..<count).map { Float(($0 * 7_919 + seed * 104_729) % count) }
            for shots in [1, 4] {
                let best = grid.bestLocal(shots: shots, scores: scores)
                #expect(best == grid.best(method: best?.method ?? "", shots: shots, scores: scores), "seed \(seed)")
                for method in grid.localRanking {
                    let other = grid.best(method: method, shots: shots, scores: scores)
                    func score(_ candidate: SelectionGrid.Candidate?) -> Float {
                        candidate.flatMap { grid.candidates.firstIndex(of: $0) }.map { scores[$0] } ?? -1
                    }
                    #expect(score(best) >= score(other), "seed \(seed)")
                }
            }
        }
    }
}

@Suite struct BaselineOfferTests {
    private let every = "evaluation.baselines=[\(BaselineNames.all.reversed().joined(separator: ", "))]"

    @Test func `The order of the offer is that of the record, whatever the order in the scenario`() throws {
        #expect(try offer([every]).1.methods == BaselineNames.all)
        #expect(
            try offer(["evaluation.baselines=[ease, global-mean, item-knn]"]).1.methods == [
                "global-mean", "item-knn", "ease",
            ])
    }

    @Test func `Nothing is offered that was not asked for`() throws {
        let offer = try offer(["evaluation.baselines=[]"]).1
        #expect(offer.methods.isEmpty && offer.refusals.isEmpty)
        #expect(offer.itemWeightMethods.isEmpty && offer.ratingMethods.isEmpty && offer.ratingFactorMethods.isEmpty)
    }

    @Test func `Every method is a ranking model, a rating model or one of the composed methods`() throws {
        let offer = try offer([every]).1
        #expect(offer.itemWeightMethods == ["item-knn", "text-knn", "ease"])
        #expect(offer.ratingFactorMethods == ["explicit-als", "biased-mf"])
        #expect(
            offer.ratingMethods == [
                "global-mean", "item-mean", "user-mean", "bias-carry", "explicit-als", "biased-mf",
            ])
        let rest = Set(offer.methods).subtracting(offer.itemWeightMethods + offer.ratingMethods)
        #expect(rest == ["local-ensemble", "pooled-reference", "naive-fedavg"])
    }

    @Test func `A catalogue at the limit has weights of pairs, one above is refused with the reason`() throws {
        let limit = "evaluation.item-weights-limit=41"
        let at = try offer([every, limit], targetItemCount: 41).1
        #expect(at.methods == BaselineNames.all && at.refusals.isEmpty)
        let above = try offer([every, limit], targetItemCount: 42).1
        #expect(above.methods == BaselineNames.all.filter { !["item-knn", "text-knn", "ease"].contains($0) })
        #expect(
            above.refusals
                == ["item-knn", "text-knn", "ease"].map {
                    "\($0) is left out: 42 target items are more than evaluation.item-weights-limit, 41"
                } + [
                    "pooled-reference has no ease to choose: 42 items of all domains are more than "
                        + "evaluation.item-weights-limit, 41"
                ])
        // What was not asked for is not refused either.
        #expect(try offer(["evaluation.baselines=[ease]", limit], targetItemCount: 42).1.refusals.count == 1)
    }

    @Test func `The ease of the pooled reference has the same limit, for the items of all domains`() throws {
        let scenario = try Scenarios.narrow([every, "evaluation.item-weights-limit=60"])
        for (sources, isOffered) in [(19, true), (20, false)] {
            let baselines = BaselineOffer(scenario, itemCounts: [scenario.target: 41, "movies": sources])
            let models = SelectionGrid(scenario, baselines: baselines).candidates
                .filter { $0.method == MethodName.pooledReference }.compactMap(\.model)
            #expect(Set(models) == (isOffered ? ["implicit-als", "ease"] : ["implicit-als"]))
            #expect(baselines.methods == BaselineNames.all)
            #expect(
                baselines.refusals
                    == (isOffered
                        ? []
                        : [
                            "pooled-reference has no ease to choose: 61 items of all domains are more than "
                                + "evaluation.item-weights-limit, 60"
                        ]))
        }
    }

    @Test func `Without vectors of items there is neither text-knn nor a common text tower`() throws {
        let none = try offer([every, "text.word-vectors=none"])
        #expect(none.1.methods == BaselineNames.all.filter { !["text-knn", "naive-fedavg"].contains($0) })
        #expect(none.0.fedAvgRounds == 0)
        #expect(none.1.refusals.count == 2)
        for method in ["text-knn", "naive-fedavg"] {
            #expect(
                none.1.refusals.contains {
                    $0.hasPrefix("\(method) is left out: text.word-vectors is none")
                        && $0.contains("clients[].data.item-vectors")
                })
        }
        // Dense vectors of the synthetic world come without words.
        let dense = [every, "text.word-vectors=none", "world.item-vectors=dense", "text.dimension=8"]
        #expect(try offer(dense).1.methods == BaselineNames.all)
        let files = [
            every, "clients.movies.data={format: recbole, ratings: m.inter}",
            "clients.books.data={format: recbole, ratings: b.inter, items: b.item}",
        ]
        // The target's texts are enough for text-knn; a common tower needs texts everywhere.
        #expect(try offer(files).1.methods == BaselineNames.all.filter { $0 != "naive-fedavg" })
        let vectors = [
            every, "text.word-vectors=none", "clients.movies.data={ratings: m.csv, item-vectors: m.npy}",
            "clients.books.data={ratings: b.csv, item-vectors: b.npy}",
        ]
        #expect(try offer(vectors).1.methods == BaselineNames.all)
    }

    @Test func `By text the transfer, its twin and its control can rank by neighbours wherever something is known`()
        throws
    {
        let text = [
            "clients=[{id: movies, domain: movies, data: {format: synthetic}}, {id: books, domain: books, data: {format: synthetic}}]",
            "transfer.alignment=text", "evaluation.baselines=[]", "evaluation.item-weights-limit=41",
        ]
        for (count, hasNeighbours) in [(41, true), (42, false)] {
            let scenario = try Scenarios.narrow(text)
            let baselines = BaselineOffer(scenario, itemCounts: ["books": count, "movies": 5])
            let grid = SelectionGrid(scenario, baselines: baselines).candidates
            for method in MethodName.textMethods("feature-map") {
                for shots in scenario.integers("evaluation.shots") {
                    let found = grid.count {
                        $0.method == method && $0.shots == shots && $0.model == MethodName.neighbours
                    }
                    #expect(found == (hasNeighbours && shots > 0 ? 1 : 0), "\(method), \(shots)")
                }
            }
            #expect(baselines.refusals.isEmpty == hasNeighbours)
        }
        let article = try Scenarios.narrow(text + ["transfer.method=article"])
        #expect(!BaselineOffer(article, itemCounts: ["books": 5, "movies": 5]).hasTextNeighbours)
    }
}
