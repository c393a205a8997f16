import Cryptography
import Federation
import Parameters
import Scenario
import Testing
import Wire

@Suite struct RunPlanTests {
    private func plan(_ scenario: ScenarioDefinition) throws -> RunPlan {
        try RunPlan(scenario, catalogues: scenario.domains.map { Federation.catalogue($0) })
    }

    @Test func `No shared tensor has a dimension that counts persons, whatever the number of persons`() throws {
        let few = try plan(try Scenarios.wide())
        for spec in few.schema.specs { #expect(!spec.shape.contains(7_919), "\(spec.name)") }
        let many = try plan(try Scenarios.wide(["world.persons=104729", "clients.all.count=20"]))
        for spec in many.schema.specs {
            #expect(!spec.shape.contains(104_729) && !spec.shape.contains(20), "\(spec.name)")
        }
        #expect(many.schema.digest == few.schema.digest)
    }

    @Test func `The shapes follow from catalogues, factors, sources and the grid`() throws {
        let plan = try plan(try Scenarios.wide())
        let shapes = Dictionary(uniqueKeysWithValues: plan.schema.specs.map { ($0.name, $0.shape) })
        #expect(shapes["books.item-factors"] == [41, 3])
        #expect(shapes["movies.item-factors"] == [42, 3])
        #expect(shapes["music.item-factors"] == [43, 3])
        #expect(shapes["books.item-counts"] == [41])
        #expect(shapes["movies.item-counts"] == nil)
        #expect(shapes["music.moment-product"] == [3, 3])
        #expect(shapes["bridge.cross-moment"] == [6, 2])
        #expect(shapes["shuffled-bridge.cross-moment"] == [6, 2])
        #expect(shapes["bridge.source-moment"] == [6, 6])
        #expect(shapes["selection.scores"] == [plan.grid.candidates.count])
        for method in ["item-knn", "text-knn", "ease"] {
            #expect(shapes["books.\(method).item-weights"] == [41, 41])
            #expect(shapes["movies.\(method).item-weights"] == nil)
        }
        for method in ["explicit-als", "biased-mf"] {
            #expect(shapes["books.\(method).item-factors"] == [41, 16])
            #expect(shapes["books.\(method).item-offsets"] == [41])
            #expect(shapes["books.\(method).global-mean"] == [1])
            #expect(shapes["books.\(method).regularization"] == [1])
            #expect(shapes["movies.\(method).item-factors"] == nil)
        }
        for domain in ["books", "movies", "music"] {
            #expect(shapes["\(domain).rating-means.global-mean"] == [1])
        }
        #expect(shapes["music.rating-means.item-offsets"] == [43])
        #expect(shapes["books.naive-fedavg.item-factors"] == [41, 3])
        #expect(shapes["calendar.times"] == [CalendarCode.elementCount])
        #expect(shapes["tower.weights-sum"] == [50, 3])
        #expect(shapes["tower.prior-sum"] == [3])
        #expect(shapes["tower.count"] == [1])
        let (domains, target, shared) = (3 * (4 + 2), 1 + 3 + 2 * 4 + 1, 1 + 3 + 2 * 3 + 2 + 2)
        #expect(shapes["gate.counts"] == [Gate.rowCount] && shapes["gate.gains"]?.first == Gate.rowCount)
        #expect(shapes.count == domains + target + shared)
        let bare = try self.plan(try Scenarios.wide(Scenarios.bare))
        #expect(bare.schema.specs.count == 3 * 4 + 1 + 2 * 3 + 2)
        let narrow = try self.plan(try Scenarios.narrow())
        #expect(!narrow.schema.specs.contains { $0.name.hasSuffix("source-moment") })
    }

    @Test func `A transfer of ratings adds explicit factors and moments of every domain, and bridges of its own`()
        throws
    {
        let with = try plan(try Scenarios.wide(["transfer.ratings=mapped-prior"]))
        let without = Set(try plan(try Scenarios.wide()).schema.specs.map(\.name))
        let shapes = Dictionary(uniqueKeysWithValues: with.schema.specs.map { ($0.name, $0.shape) })
            .filter { !without.contains($0.key) }
        #expect(shapes.count == 2 * 4 + 3 * 3 + 2 * 3)
        #expect(
            shapes["music.explicit-als.item-factors"] == [43, 16] && shapes["music.explicit-als.item-offsets"] == [43])
        #expect(shapes["books.rating-moment-product"] == [16, 16] && shapes["movies.rating-moment-sum"] == [16])
        for name in ["rating-bridge", "shuffled-rating-bridge"] {
            #expect(shapes["\(name).cross-moment"] == [32, 16] && shapes["\(name).source-moment"] == [32, 32])
            #expect(with.uploads(.bridge, client: "some").contains { $0.name == "\(name).count" })
        }
        let methods = ["feature-map", "shuffled-source", "mapped-prior", "shuffled-prior"]
        #expect(with.gate?.methods == methods)
        #expect(with.baselines.ratingMethods.prefix(2) == ["mapped-prior", "shuffled-prior"])
    }

    @Test func `Every tensor of a domain has the scope of that domain, the others are global`() throws {
        for spec in try plan(try Scenarios.wide()).schema.specs {
            let domain = ["books", "movies", "music"].first { spec.name.hasPrefix($0 + ".") }
            #expect(spec.scope == (domain.map { .domain($0) } ?? .global), "\(spec.name)")
        }
    }

    @Test func `Every tensor is released by someone, and nobody releases in a step that does not ask`() throws {
        for overrides in RunPlanTests.overrides {
            try expectEveryTensorReleased(try Scenarios.wide(overrides))
            try expectEveryTensorReleased(try Scenarios.narrow(overrides))
        }
        let plan = try plan(try Scenarios.wide())
        #expect(plan.uploads(.encoders, client: "movies").allSatisfy { $0.scope == .domain("movies") })
        #expect(plan.uploads(.encoders, client: "movies").count == 6)
        #expect(plan.uploads(.tower, client: "movies").map(\.release) == ["tower", "tower", "tower"])
        #expect(plan.uploads(.calendar, client: "movies").isEmpty)
        #expect(plan.uploads(.evaluation, client: "some").isEmpty)
    }

    /// Runs of every shape: each baseline alone, all, none, with and without times.
    private static let overrides: [[String]] =
        [
            [], Scenarios.bare, ["evaluation.split=seeded"], ["evaluation.baselines=[]"], ["text.word-vectors=none"],
            ["transfer.ratings=mapped-prior"],
        ]
        + BaselineNames.all.map { ["evaluation.baselines=[\($0)]"] }

    private func expectEveryTensorReleased(_ scenario: ScenarioDefinition) throws {
        let plan = try plan(scenario)
        var released: Set<String> = []
        for step in plan.steps {
            for id in scenario.clients.map(\.id) {
                let uploads = plan.uploads(step, client: id)
                if !plan.participants(step).contains(id) { #expect(uploads.isEmpty, "\(id) in \(step)") }
                for spec in uploads { released.insert(spec.name) }
                // A release is made whole or not at all.
                for release in Set(uploads.map(\.release)) {
                    let members = plan.schema.specs.filter { $0.release == release }
                    #expect(uploads.filter { $0.release == release } == members, "\(release) by \(id)")
                }
            }
            #expect(plan.uploads(step, client: "nobody").isEmpty)
        }
        #expect(released == Set(plan.schema.specs.map(\.name)), "\(scenario.words("evaluation.baselines"))")
    }

    @Test(
        arguments: [
            ([], true, 5), (["evaluation.split=time"], true, 5), (["evaluation.split=seeded"], false, 5),
            (["evaluation.fedavg-rounds=1"], true, 1), (["evaluation.baselines=[]"], true, 0),
            (["evaluation.baselines=[ease, bias-carry]"], true, 0), (["transfer.gate=false"], true, 5),
            (["text.word-vectors=none"], true, 0),
            (Scenarios.bare, false, 0),
        ] as [([String], Bool, Int)])
    func `The steps are those of the scenario's split and rounds of the common tower, in order`(
        overrides: [String], isTimed: Bool, towerRounds: Int
    ) throws {
        let scenario = try Scenarios.narrow(overrides)
        let steps = try plan(scenario).steps
        let tower = [RoundStep](repeating: .tower, count: towerRounds)
        let refit = [RoundStep](repeating: .refitTower, count: towerRounds)
        let choices: [RoundStep] = [.encoders, .bridge, .selection] + (scenario.hasGate ? [.gate] : [])
        #expect(
            steps == (isTimed ? [.calendar] : []) + tower + choices + refit + [
                .refitEncoders, .refitBridge, .evaluation,
            ])
        #expect(scenario.fedAvgRounds == towerRounds)
        #expect(scenario.roundCount == steps.count)
        // Nothing that comes before a choice is final, and everything behind it is.
        let selection = try #require(steps.firstIndex(of: scenario.hasGate ? .gate : .selection))
        for (index, step) in steps.enumerated() { #expect(step.isFinal == (index > selection), "\(step)") }
        #expect(Set(steps).count == steps.count - 2 * max(0, towerRounds - 1))
    }

    @Test func `Meta-learning has rounds of gradients in place of the bridge, and each tensor is somebody's to send`()
        throws
    {
        let scenario = try Scenarios.narrow(Scenarios.bare + ["transfer.method=meta", "transfer.meta.rounds=3"])
        let plan = try plan(scenario)
        #expect(
            plan.steps == [
                .encoders, .meta, .meta, .meta, .selection, .refitEncoders, .refitMeta, .refitMeta, .refitMeta,
                .evaluation,
            ])
        #expect(!plan.schema.specs.contains { $0.name.contains("cross-moment") })
        let sent = plan.uploads(.meta, client: "persons").map(\.name)
        #expect(sent == plan.uploads(.refitMeta, client: "persons").map(\.name))
        #expect(sent.filter { $0.hasPrefix("meta-local.") }.count == 3)
        #expect(sent.filter { $0.hasPrefix("meta.") }.count == 4)
        #expect(sent.filter { $0.hasPrefix("shuffled-source.") }.count == 4)
        #expect(plan.uploads(.meta, client: "books").isEmpty)
        let released = Set(
            plan.steps.flatMap { step in
                scenario.clients.flatMap { plan.uploads(step, client: $0.id).map(\.name) }
            })
        #expect(released == Set(plan.schema.specs.map(\.name)))
    }

    @Test func `A plan needs the catalogue of every domain`() throws {
        let scenario = try Scenarios.narrow()
        #expect(throws: ParameterError.missingTensor("movies.item-factors")) {
            try RunPlan(scenario, catalogues: [Federation.catalogue("books")])
        }
    }

    @Test func `Another catalogue size gives another schema digest`() throws {
        let scenario = try Scenarios.narrow()
        let other = [Federation.catalogue("books"), Federation.catalogue("movies", itemCount: 43)]
        #expect(try RunPlan(scenario, catalogues: other).schema.digest != plan(scenario).schema.digest)
    }

    @Test func `By text a round has two models of the target, which alone trains, chooses and scores for itself`()
        throws
    {
        let text = [
            "clients=[{id: movies, domain: movies, data: {format: synthetic}}, {id: books, domain: books, data: {format: synthetic}}]",
            "transfer={alignment: text, text: {regularization: [40], item-regularization: [10], feature-ratio: [1, 10], source-scale: [1, 3], lengths: [equal]}}",
            "evaluation.split=seeded",
        ]
        let scenario = try Scenarios.narrow(text)
        let plan = try plan(scenario)
        // Two settings of the twin, four of the transfer and of the control.
        #expect(scenario.textSettingCount == 10)
        let training = Array(repeating: RoundStep.textModels, count: 1 + 5)
        #expect(
            plan.steps == [.encoders] + training + [
                .selection, .gate, .refitEncoders, .refitTextModels, .refitTextModels, .refitTextModels, .evaluation,
            ])
        #expect(plan.steps.count == scenario.roundCount)
        for step in plan.steps {
            let isOfSources = step == .encoders || step == .refitEncoders
            #expect(plan.participants(step) == [isOfSources ? "movies" : "books"], "\(step)")
            #expect(plan.uploads(step, client: "books").isEmpty, "\(step)")
        }
        #expect(plan.schema.specs.allSatisfy { $0.name.hasPrefix("movies.") })
        let article = try Scenarios.narrow(text + ["transfer.method=article"])
        #expect(article.textSettingCount == 3 && article.textRounds == 3)
    }

    @Test func `Meta-learning by text asks all domain clients for gradients, and the target's twin stays at home`()
        throws
    {
        let clients = [
            "{id: movies, domain: movies, data: {format: synthetic}, count: 2}",
            "{id: books, domain: books, data: {format: synthetic}}",
        ]
        let scenario = try Scenarios.narrow([
            "clients=[\(clients.joined(separator: ", "))]",
            "transfer={method: meta, alignment: text, meta: {rounds: 2}}", "evaluation.split=seeded",
        ])
        let plan = try plan(scenario)
        #expect(
            plan.steps == [
                .encoders, .meta, .meta, .textModels, .selection, .gate, .refitEncoders, .refitMeta, .refitMeta,
                .refitTextModels, .evaluation,
            ])
        #expect(plan.steps.count == scenario.roundCount)
        let parts = ["count", "log-rate", "start", "tower"]
        let gradients = ["meta", "shuffled-source"].flatMap { method in parts.map { "\(method).gradient-\($0)" } }
        for step in [RoundStep.meta, .refitMeta] {
            #expect(plan.participants(step) == ["movies-1", "movies-2", "books"])
            for client in plan.participants(step) {
                #expect(plan.uploads(step, client: client).map(\.name) == gradients)
            }
        }
        #expect(
            plan.uploads(.encoders, client: "movies-1").map(\.name) == ["movies.text-covariance", "movies.text-mean"])
        #expect(plan.uploads(.encoders, client: "movies-2").isEmpty)
        for step in plan.steps where ![.meta, .refitMeta].contains(step) {
            #expect(plan.uploads(step, client: "books").isEmpty, "\(step)")
        }
        let names = plan.schema.specs.map(\.name)
        #expect(Set(names) == Set(gradients + ["movies.text-mean", "movies.text-covariance"]))
        for spec in plan.schema.specs where spec.name.contains("gradient") {
            #expect(spec.shape.first != 0 && plan.isVisible(spec, to: "movies-2") && plan.isVisible(spec, to: "books"))
        }
        #expect(scenario.factorRounds == 0)
    }

    @Test func `A game of persons is played by their devices between encoders and choices, and seen by nobody else`()
        throws
    {
        let overrides = [
            "transfer.method=adversarial", "transfer.adversarial.input=persons", "transfer.adversarial.rounds=2",
            "transfer.adversarial.discriminator-steps=3", "evaluation.split=seeded", "evaluation.baselines=[]",
            "transfer.adversarial.dimension=2", "transfer.dimension=2",
        ]
        let plan = try plan(try Scenarios.narrow(overrides))
        let game = Array(repeating: RoundStep.adversarial, count: 6)
        let again = Array(repeating: RoundStep.refitAdversarial, count: 6)
        #expect(
            plan.steps == [.encoders] + game + [.selection, .gate, .refitEncoders] + again + [.evaluation])
        for step in [RoundStep.adversarial, .refitAdversarial] {
            #expect(plan.participants(step) == ["persons"])
            let specs = plan.uploads(step, client: "persons")
            #expect(specs.count == 15 && plan.uploads(step, client: "movies").isEmpty)
            for spec in specs {
                #expect(plan.isVisible(spec, to: "persons") && !plan.isVisible(spec, to: "movies"), "\(spec.name)")
            }
            let shapes = Dictionary(uniqueKeysWithValues: specs.map { ($0.name, $0.shape) })
            // G: 3 + 2 inputs and a bias, 2 features; decoders: 2 features and a bias, 3 + 2 outputs.
            #expect(shapes["adversarial.persons-confusion"] == [12] && shapes["source-only.persons-decoders"] == [15])
        }
        #expect(!plan.schema.specs.contains { $0.name.hasSuffix(".features") })
        #expect(
            plan.keptGameSpecs.count == 6
                && Set(plan.keptGameSpecs.map(\.name)).isDisjoint(with: plan.schema.specs.map(\.name)))
    }

    @Test func `Of words a source sends its vectors of a public list, and none where items have other vectors`() throws
    {
        let text = [
            "clients=[{id: movies, domain: movies, data: {format: synthetic}}, {id: books, domain: books, data: {format: synthetic}}]",
            "transfer={alignment: text, text: {public-words: 37}}", "evaluation.split=seeded",
        ]
        let plan = try plan(try Scenarios.narrow(text))
        let spec = try #require(plan.schema.specs.first { $0.release == ReleaseName.textWords("movies") })
        #expect(spec.name == "movies.text-words" && spec.shape == [37, 50])
        #expect(plan.uploads(.encoders, client: "movies") == plan.schema.specs)
        #expect(plan.schema.specs.allSatisfy { plan.isVisible($0, to: "books") && !plan.isVisible($0, to: "movies") })
        let dense = try self.plan(try Scenarios.narrow(text + ["world.item-vectors=dense", "text.dimension=8"]))
        #expect(!dense.schema.specs.isEmpty)
        #expect(!dense.schema.specs.contains { $0.release == ReleaseName.textWords("movies") })
    }
}
