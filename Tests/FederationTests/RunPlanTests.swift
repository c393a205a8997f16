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
        #expect(shapes.count == 3 * 4 + 1 + 2 * 3 + 2)
        let narrow = try self.plan(try Scenarios.narrow())
        #expect(!narrow.schema.specs.contains { $0.name.hasSuffix("source-moment") })
    }

    @Test func `Every tensor of a domain has the scope of that domain, the others are global`() throws {
        for spec in try plan(try Scenarios.wide()).schema.specs {
            let domain = ["books", "movies", "music"].first { spec.name.hasPrefix($0 + ".") }
            #expect(spec.scope == (domain.map { .domain($0) } ?? .global), "\(spec.name)")
        }
    }

    @Test func `Every tensor is released by someone, and nobody releases in a step that does not ask`() throws {
        let scenario = try Scenarios.wide()
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
        #expect(released == Set(plan.schema.specs.map(\.name)))
        #expect(plan.uploads(.encoders, client: "movies").allSatisfy { $0.scope == .domain("movies") })
        #expect(plan.uploads(.encoders, client: "movies").count == 4)
        #expect(plan.uploads(.evaluation, client: "some").isEmpty)
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
}

@Suite struct SelectionGridTests {
    private let grid: SelectionGrid

    init() throws {
        grid = SelectionGrid(
            try Scenarios.narrow([
                "transfer.ridge=[0, 1]", "transfer.fold-in-regularization=[10, 20, 40]", "evaluation.shots=[0, 2]",
            ]))
    }

    @Test func `The grid holds every combination once`() {
        // Without shots a ridge for each of two maps; with shots ridge, kind and λ for each map, and λ alone.
        #expect(grid.candidates.count == 2 * 2 + 2 * 2 * 2 * 3 + 3)
        for (index, candidate) in grid.candidates.enumerated() {
            #expect(grid.candidates.firstIndex(of: candidate) == index)
            #expect((candidate.shots == 0) == (candidate.regularization == nil))
            #expect((candidate.method == MethodName.local) == (candidate.ridge == nil))
            #expect((candidate.foldIn == nil) == (candidate.shots == 0 || candidate.method == MethodName.local))
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
        #expect(grid.best(method: MethodName.popularity, shots: 2, scores: scores) == nil)
        #expect(grid.best(method: MethodName.featureMap, shots: 1, scores: scores) == nil)
    }
}
