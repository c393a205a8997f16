import Foundation

/// Scenario texts and data that the end-to-end tests share.
enum Fixture {
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
        for item in 0..<40 { lines.append("marked-person-0000\tmarked-\(domain)-item-\(item)\t\(markerRating)") }
        for person in 1..<personCount {
            let count = 12 + (person * 7 + salt) % 9
            for step in 0..<count {
                let item = (person * 11 + step * (2 + salt) + salt * salt) % 40
                let digits = String(person)
                let id = "marked-person-" + String(repeating: "0", count: 4 - digits.count) + digits
                lines.append("\(id)\tmarked-\(domain)-item-\(item)\t\(markerRating)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
