import Foundation
import TestSupport
import Testing

/// Whole runs under protection: what the record says of ε, against whom.
@Suite(.serialized)
struct PrivacyRunTests {
    private struct Bounds: Decodable {
        let coordinator: Double?
        let peer: Double?
        let colluders: Double?
        let model: Double?
    }

    private struct Release: Decodable {
        enum CodingKeys: String, CodingKey {
            case name, epsilon, mechanism, population
            case conditionalOn = "conditional-on"
            case sampleSize = "sample-size"
            case clippingBounds = "clipping-bounds"
        }
        let name: String
        let epsilon: Bounds
        let mechanism: String?
        let conditionalOn: [String]
        let population: Int?
        let sampleSize: Int?
        let clippingBounds: [Double]?
    }

    private struct Cohort: Decodable {
        let name: String
        let epsilon: Bounds
    }

    private struct Privacy: Decodable {
        let mode: String
        let epsilon: Bounds
        let releases: [Release]
        let unprotected: [String]
        let cohorts: [Cohort]?

        func release(_ name: String) -> Release? { releases.first { $0.name == name } }
    }

    private struct Run: Decodable {
        let privacy: Privacy
    }

    private typealias Outcome = (privacy: Privacy, text: String, bytes: Data, tables: [String: String])

    private func run(_ overrides: String...) throws -> Outcome { try run(overrides) }

    private func run(_ overrides: [String]) throws -> Outcome {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(persons: 300), to: "small.yaml")
        let small = ["transfer.dimension=4", "transfer.source-dimension=4", "evaluation.baselines=[]"]
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + (small + overrides).flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(try folder.seedFolder("small", seed: 1))/run.json"))
        let tables = "\(try TemporaryFolder.only("\(folder.path)/small"))/tables"
        var files: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: tables) {
            files[name] = try String(contentsOfFile: "\(tables)/\(name)", encoding: .utf8)
        }
        return (try JSONDecoder().decode(Run.self, from: data).privacy, output.standardOutput, data, files)
    }

    @Test("a silo's bridge has the ε that was asked for against everybody, everything together has none")
    func silo() throws {
        let (privacy, text, bytes, _) = try run("privacy.mode=silo", "privacy.epsilon=2")
        let bridge = try #require(privacy.release("bridge"))
        for epsilon in [
            bridge.epsilon.coordinator, bridge.epsilon.peer, bridge.epsilon.colluders, bridge.epsilon.model,
        ] {
            let value = try #require(epsilon)
            #expect(value <= 2 && value > 1.999)
        }
        #expect(bridge.mechanism == "discrete-gaussian")
        #expect(bridge.conditionalOn.contains("books.item-factors") && bridge.conditionalOn.contains("movies.moments"))
        #expect(privacy.epsilon.coordinator == nil && privacy.epsilon.peer == nil && privacy.epsilon.model == nil)
        #expect(!privacy.unprotected.contains("bridge") && privacy.unprotected.contains("books.item-factors"))
        #expect(privacy.release("shuffled-bridge") == nil)
        #expect(
            text.contains(
                " against the coordinator, another client (peer), the coordinator with other clients (colluders) and whoever "
                    + "gets the released model (model); per person, neighbouring relation add-remove, δ = 10⁻⁵; conditional on "
            ))
        #expect(text.contains("The release bridge has ε = 2, by Rényi accounting "))
        #expect(try run("privacy.mode=silo", "privacy.epsilon=2").bytes == bytes)
    }

    @Test(
        "vectors of persons have the ε of replacing one, in slots that text and report say are of persons",
        arguments: [20, 300])
    func vectors(_ slots: Int) throws {
        let wanted = [
            "privacy.mode=local", "privacy.neighbouring=replace-one", "privacy.epsilon=2", "privacy.release=vectors",
        ]
        let (privacy, text, bytes, _) = try run(wanted + ["privacy.slots=\(slots)"])
        let vectors = try #require(privacy.release("person-vectors"))
        for epsilon in [vectors.epsilon.coordinator, vectors.epsilon.peer, vectors.epsilon.model] {
            let value = try #require(epsilon)
            #expect(value <= 2 && value > 1.999)
        }
        #expect(vectors.mechanism == "discrete-gaussian" && vectors.conditionalOn.contains("movies.moments"))
        #expect(privacy.release("bridge") == nil && privacy.epsilon.coordinator == nil)
        #expect(text.contains("ONE TENSOR IS INDEXED BY PERSONS. The release person-vectors has \(slots) slots"))
        #expect(try run(wanted + ["privacy.slots=\(slots)"]).bytes == bytes)
    }

    @Test("the trusted coordinator of the central mode has no bound, the others have")
    func central() throws {
        let (privacy, _, _, _) = try run("privacy.mode=central", "privacy.epsilon=2")
        let bridge = try #require(privacy.release("bridge"))
        #expect(bridge.epsilon.coordinator == nil && bridge.epsilon.colluders == nil)
        #expect(try #require(bridge.epsilon.peer) > 1.999 && #require(bridge.epsilon.model) > 1.999)
    }

    @Test("sampling protects against those without its key alone: a peer's ε is above the model's")
    func sampledGradients() throws {
        let (privacy, _, _, tables) = try run(
            "privacy.mode=silo", "privacy.epsilon=4", "transfer.method=meta", "transfer.meta.rounds=3")
        let gradients = try #require(privacy.release("meta.gradient"))
        let model = try #require(gradients.epsilon.model)
        #expect(model <= 4 && model > 3.9)
        #expect(try #require(gradients.epsilon.peer) > model * 1.1)
        // With the key the coordinator sees as much as a peer.
        #expect(gradients.epsilon.colluders == gradients.epsilon.peer)
        // The page's ε by round, from the ledger, ends at what the record says, and its curve of learning is of these rounds.
        let spent: String = try #require(tables["epsilon-by-round.csv"])
        var values: [Double] = []
        for line in spent.split(separator: "\n") where line.contains("meta.gradient") {
            let cells = line.split(separator: ",")
            if cells.count == 4, cells[2] == "peer", let value = Double(cells[3]) { values.append(value) }
        }
        #expect(values.count == 3 && values == values.sorted() && Set(values).count == 3)
        #expect(values.last == gradients.epsilon.peer)
        let learning = try #require(tables["learning-gradient-norm.csv"]).split(separator: "\n")
        #expect(learning.filter { $0.contains(",meta,meta,") }.count == 3, "\(learning)")
        // The control, where one person's sources serve another's gradient, does not cross.
        #expect(privacy.release("shuffled-source.gradient") == nil && privacy.release("meta-local.gradient") != nil)
    }

    @Test("a sample of fixed size and a bound that follows the norms: record and text name them, and runs repeat")
    func samplesAndBounds() throws {
        let wanted = [
            "privacy.mode=silo", "privacy.epsilon=4", "privacy.neighbouring=replace-one", "privacy.sampling=fixed-size",
            "privacy.linked-persons=150", "privacy.clipping=adaptive", "privacy.clipping-noise=100",
            "privacy.ratings-per-person=12", "transfer.method=meta", "transfer.meta.rounds=3",
            "transfer.meta.participation=0.2",
        ]
        let (privacy, text, bytes, _) = try run(wanted)
        let gradients = try #require(privacy.release("meta.gradient"))
        let bits = try #require(privacy.release("meta.clipping"))
        #expect(gradients.sampleSize == 30 && gradients.population == 150 && bits.sampleSize == 30)
        let bounds = try #require(gradients.clippingBounds)
        #expect(bounds.count == 3 && bounds[0] == 1 && bounds[1] != 1 && bits.clippingBounds == nil)
        #expect(try #require(gradients.epsilon.model) < 4 && #require(bits.epsilon.model) < 4)
        #expect(text.contains("meta.gradient: in each round 30 of 150 places, drawn without replacement, take part"))
        #expect(text.contains("the clipping bound follows the persons’ norms (1 in the first round, "))
        #expect(text.contains("At most 12 ratings of one person, over all domains, enter what is protected"))
        #expect(try run(wanted).bytes == bytes)
    }

    @Test("of disjoint cohorts the bridge's has a bound on everything, the encoders' has none")
    func disjoint() throws {
        let (privacy, _, _, tables) = try run("privacy.mode=silo", "privacy.epsilon=1", "privacy.encoders=disjoint")
        let cohorts = try #require(privacy.cohorts)
        #expect(cohorts.first { $0.name == "bridge" }?.epsilon.coordinator.map { $0 <= 1 && $0 > 0.999 } == true)
        #expect(cohorts.first { $0.name == "encoders" }.map { $0.epsilon.coordinator == nil } == true)
        #expect(tables["cohorts.csv"]?.contains("encoders,0.5,no bound,no bound,no bound,no bound") == true)
    }

    @Test("without protection every ε is null and nothing claims a mechanism")
    func none() throws {
        let (privacy, text, _, _) = try run()
        #expect(privacy.mode == "none" && privacy.releases.allSatisfy { $0.mechanism == nil && $0.epsilon.peer == nil })
        #expect(text.contains("UNPROTECTED. Privacy mode none"))
    }

    @Test(
        "choices under noise are charged releases, of disjoint cohorts the validation persons have a bound on everything"
    )
    func protectedChoices() throws {
        let wanted = ["privacy.mode=silo", "privacy.epsilon=2", "privacy.gate=protected", "privacy.encoders=disjoint"]
        let (privacy, text, bytes, _) = try run(wanted)
        for name in ["selection", "gate"] {
            let release = try #require(privacy.release(name))
            for epsilon in [release.epsilon.coordinator, release.epsilon.peer, release.epsilon.model] {
                let value = try #require(epsilon)
                #expect(value <= 2 && value > 1.999)
            }
            #expect(release.mechanism == "discrete-gaussian" && !privacy.unprotected.contains(name))
        }
        let validation = try #require(privacy.cohorts?.first { $0.name == "validation" })
        // Two releases of ε = 2 together: more than one, less than their sum.
        #expect(validation.epsilon.coordinator.map { $0 > 2.5 && $0 < 4 } == true)
        #expect(text.contains("Persons of the cohort validation (15 % of those who train or validate)"))
        #expect(try run(wanted).bytes == bytes)
    }

    @Test("where ratings are hidden, text and record say what an ε covers and what it does not")
    func ratings() throws {
        let (privacy, text, _, _) = try run(
            "privacy.mode=silo", "privacy.epsilon=2", "privacy.unit=rating", "privacy.rating-blocks=4")
        let bridge = try #require(privacy.release("bridge"))
        #expect(bridge.epsilon.coordinator.map { $0 <= 2 && $0 > 1.999 } == true)
        #expect(text.contains("Privacy mode silo; per rating, neighbouring relation add-remove"))
        #expect(text.contains("Each ε covers a rating, not a person: that one person rated one item"))
    }

    @Test("means of ratings under noise are charged releases of both domains, and ratings are predicted by them")
    func protectedMeans() throws {
        let (privacy, _, bytes, _) = try run(
            "privacy.mode=central", "privacy.epsilon=8", "privacy.rating-means=protected", "privacy.gate=protected",
            "evaluation.rating-scale=[1, 5]", "evaluation.baselines=[bias-carry, item-mean]")
        for name in ["books.rating-means", "movies.rating-means"] {
            let release = try #require(privacy.release(name))
            #expect(release.epsilon.coordinator == nil && !privacy.unprotected.contains(name))
            #expect(release.epsilon.model.map { $0 <= 8 && $0 > 7.999 } == true)
        }
        #expect(String(decoding: bytes, as: UTF8.self).contains("\"bias-carry\""))
    }

    @Test("item factors of shared domains are learnt of noised gradients, without a count, for an ε of their own")
    func itemFactors() throws {
        let found = try run(
            "privacy.mode=silo", "privacy.epsilon=2", "privacy.item-factors=protected", "privacy.factor-persons=200",
            "privacy.factor-bound=5", "federation.strategy=gradient", "federation.factor-rounds=4",
            "clients.movies.count=2", "clients.books.count=2")
        for domain in ["movies", "books"] {
            let release = try #require(found.privacy.release("\(domain).factor-updates"))
            #expect(
                release.mechanism == "discrete-gaussian"
                    && release.conditionalOn
                        == ["calendar"].filter {
                            found.privacy.unprotected.contains($0)
                        }
            )
            for epsilon in [release.epsilon.coordinator, release.epsilon.peer, release.epsilon.model] {
                #expect(abs(try #require(epsilon) - 2) < 0.01)
            }
            #expect(!found.privacy.unprotected.contains("\(domain).factor-updates"))
        }
        // The bridge is not only conditional on what crossed before it: the person pays for all of them.
        #expect(found.privacy.release("bridge")?.epsilon.model != nil)
        #expect(!String(decoding: found.bytes, as: UTF8.self).contains("factor-weight"))
    }

    @Test("the game of persons is played on noised gradients, without counts, and its control stays in the client")
    func game() throws {
        let found = try run(
            "privacy.mode=silo", "privacy.epsilon=4", "privacy.linked-persons=150", "transfer.method=adversarial",
            "transfer.adversarial.input=persons", "transfer.adversarial.rounds=10",
            "transfer.adversarial.discriminator-steps=2", "transfer.adversarial.dimension=4")
        for method in ["adversarial", "source-only"] {
            let release = try #require(found.privacy.release("\(method).gradient"))
            #expect(abs(try #require(release.epsilon.coordinator) - 4) < 0.01)
        }
        #expect(found.privacy.release("shuffled-source.gradient") == nil)
        #expect(found.text.contains("adversarial.gradient"))
    }
}
