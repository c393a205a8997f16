import Foundation
import TestSupport
import Testing

/// `ferry recommend` on the models of a finished run.
@Suite(.serialized)
struct RecommendTests {
    /// A run on written files; the folder with `movies.inter`, `movies.item` and the same of books, and the run's folder.
    private func makeRun() throws -> (folder: TemporaryFolder, run: String) {
        let folder = try TemporaryFolder()
        let made = try FerryProcess.run(
            [
                "data", "synthesize", "--preset", "plain", "--persons", "200", "--items", "60", "--interactions", "12",
                "--output", "data",
            ], directory: folder.path)
        try #require(made.exitCode == 0, "\(made.standardError)")
        let domains = ["movies", "books"].map {
            "  - {id: \($0), domain: \($0), data: {ratings: \($0).inter, items: \($0).item}}\n"
        }
        let scenario = try folder.write(
            "name: rec\nseeds: [1, 2]\ntarget: books\nmodel: {factors: 8, regularization: 10, confidence: 10, "
                + "iterations: 3}\nclients:\n\(domains.joined())"
                + "  - {id: persons, domain: persons, links: [movies, books]}\n", to: "rec.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--data", folder.path + "/data", "--output", folder.path + "/out"])
        try #require(output.exitCode == 0, "\(output.standardError)")
        return (folder, try TemporaryFolder.only(folder.path + "/out/rec"))
    }

    private func recommend(_ run: String, _ arguments: String...) throws -> FerryProcess.Output {
        try FerryProcess.run(["recommend", run] + arguments)
    }

    private func items(_ output: FerryProcess.Output) throws -> [[String: Any]] {
        try #require(output.exitCode == 0, "\(output.standardError)")
        let object = try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any]
        return try #require(object?["items"] as? [[String: Any]])
    }

    @Test("titles come best first, what the person has is left out, and reasons are the person's own items")
    func lists() throws {
        let (folder, run) = try makeRun()
        let rows = try String(contentsOfFile: folder.path + "/data/books.inter", encoding: .utf8)
            .split(separator: "\n").dropFirst().map { $0.split(separator: "\t").map(String.init) }
        let person = rows[0][0]
        let own = Set(rows.filter { $0[0] == person }.map { $0[1] })
        for client in ["persons", "books"] {
            let all = try items(
                recommend(run, "--client", client, "--user", person, "-n", "1000", "--json", "--explain"))
            #expect(all.count == 60 - own.count)
            let ids = all.compactMap { $0["item"] as? String }
            #expect(Set(ids).count == all.count && Set(ids).isDisjoint(with: own))
            let scores = all.compactMap { $0["score"] as? Double }
            #expect(scores.count == all.count && zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 })
            #expect(all.allSatisfy { ($0["title"] as? String)?.isEmpty == false })
            let reasons = all.flatMap { $0["reasons"] as? [[String: Any]] ?? [] }
            #expect(reasons.allSatisfy { ($0["weight"] as? Double ?? 0) > 0 })
            #expect(reasons.contains { $0["domain"] as? String == "books" })
            let five = try items(recommend(run, "--client", client, "--user", person, "-n", "5", "--json"))
            #expect(five.compactMap { $0["item"] as? String } == Array(ids.prefix(5)))
        }
    }

    @Test("persons, clients and seeds that the run does not know are refused by name")
    func refusals() throws {
        let (folder, run) = try makeRun()
        let nobody = try recommend(run, "--client", "books", "--user", "nobody")
        #expect(nobody.exitCode == 66 && nobody.standardError.contains("\"nobody\" is unknown to client books"))
        let client = try recommend(run, "--client", "boks", "--user", "nobody")
        #expect(client.exitCode == 64 && client.standardError.contains("boks; its clients are movies, books, persons"))
        let seed = try recommend(run, "--client", "books", "--user", "nobody", "--seed", "9")
        #expect(seed.exitCode == 64 && seed.standardError.contains("it holds seed-1, seed-2"))
        let folderOfSeed = try recommend(run + "/seed-1", "--client", "books", "--user", "nobody", "--seed", "1")
        #expect(folderOfSeed.exitCode == 64)
        #expect(try recommend(folder.path, "--client", "books", "--user", "nobody").exitCode == 74)
    }

    @Test("data with another catalogue than the run's are refused, whichever domain they are of")
    func otherCatalogues() throws {
        let (folder, run) = try makeRun()
        let person = try String(contentsOfFile: folder.path + "/data/books.inter", encoding: .utf8)
            .split(separator: "\n")[1].prefix { $0 != "\t" }
        for domain in ["movies", "books"] {
            for file in ["inter", "item"] {
                for name in ["movies", "books"] {
                    let path = "\(name).\(file)"
                    var text = try String(contentsOfFile: folder.path + "/data/" + path, encoding: .utf8)
                    // As many items, one of them of another name.
                    if name == domain { text = text.replacing("\(name)-item-000", with: "zz-new") }
                    _ = try folder.write(text, to: "other-\(domain)/" + path)
                }
            }
            let output = try recommend(
                run, "--client", "persons", "--user", String(person), "--data", folder.path + "/other-\(domain)")
            #expect(output.exitCode == 66 && output.standardError.contains("the data of \(domain)"))
        }
    }
}
