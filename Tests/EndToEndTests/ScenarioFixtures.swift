import Foundation

/// Scenario texts and data that the end-to-end tests share.
enum Fixture {
    /// The rounds of the small scenario: the times, ten of the common tower, seven of the method.
    static let roundCount = 18

    /// A small synthetic scenario.
    static func scenario(name: String = "small", extra: String = "", persons: Int = 300) -> String {
        """
        name: \(name)
        world: {persons: \(persons), items: 120, interactions: 15}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        model: {factors: 8, regularization: 10, confidence: 10, iterations: 3}
        \(extra)

        """
    }

    /// A scenario on files in the same folder.
    static let fileScenario = """
        name: files
        clients:
          - {id: movies, domain: movies, data: {ratings: movies.inter}}
          - {id: books, domain: books, data: {ratings: books.inter}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        model: {factors: 8, regularization: 10, confidence: 10, iterations: 3}
        evaluation: {cold-users: 0.4, validation-users: 0.4}

        """

    /// A rating that occurs nowhere else: 4.6875 is exact in binary.
    static let markerRating = 4.6875

    /// Ratings of `personCount` marked persons, each with 12 to 20 of 40 marked items; `salt` chooses which.
    static func interactions(_ domain: String, personCount: Int, salt: Int) -> String {
        var lines = ["user_id:token\titem_id:token\trating:float"]
        // Every item occurs, so that the catalogue does not depend on the salt.
        for item in 0..<40 { lines.append(line(domain, person: 0, item: item)) }
        for person in 1..<personCount {
            let count = 12 + (person * 7 + salt) % 9
            for step in 0..<count {
                let item = (person * 11 + step * (2 + salt) + salt * salt) % 40
                lines.append(line(domain, person: person, item: item))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Two ratings of three are the marker. Were all of them, their mean would be, and a mean may cross.
    private static func line(_ domain: String, person: Int, item: Int) -> String {
        let digits = String(person)
        let id = "marked-person-" + String(repeating: "0", count: 4 - digits.count) + digits
        let rating = (person + item) % 3 == 0 ? Double(1 + (2 * person + item) % 5) : markerRating
        return "\(id)\tmarked-\(domain)-item-\(item)\t\(rating)"
    }
}

/// One seed's `run.json`.
struct RecordOfRun {
    /// One figure.
    struct Figure {
        let client: String
        let method: String
        let cohort: String
        let shots: Int?
        let metric: String
        let value: Double
        let interval: [Double]
        let users: Int
    }

    /// One choice of validation persons.
    struct Choice {
        let method: String
        let shots: Int?
        let model: String?
        let setting: Double?
        let gate: Double?
    }

    let bytes: Data
    let object: [String: Any]
    let figures: [Figure]
    let choices: [Choice]

    init(_ path: String) throws {
        bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        object = try JSONSerialization.jsonObject(with: bytes) as? [String: Any] ?? [:]
        figures = (object["evaluation"] as? [[String: Any]] ?? []).map { row in
            Figure(
                client: row["client"] as? String ?? "", method: row["method"] as? String ?? "",
                cohort: row["cohort"] as? String ?? "", shots: row["shots"] as? Int,
                metric: row["metric"] as? String ?? "", value: row["value"] as? Double ?? .nan,
                interval: row["ci95"] as? [Double] ?? [], users: row["users"] as? Int ?? 0)
        }
        choices = (object["choices"] as? [[String: Any]] ?? []).map { row in
            Choice(
                method: row["method"] as? String ?? "", shots: row["shots"] as? Int, model: row["model"] as? String,
                setting: row["setting"] as? Double, gate: row["gate"] as? Double)
        }
    }

    /// The value of a figure; `nil` when there is none.
    func value(
        _ method: String, _ shots: Int?, _ metric: String = "ndcg@10", cohort: String = "cold-users",
        client: String = "persons"
    ) -> Double? {
        figures.first {
            $0.client == client && $0.method == method && $0.shots == shots && $0.metric == metric
                && $0.cohort == cohort
        }?.value
    }
}
