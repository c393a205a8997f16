/// One thing that is wrong with a scenario file.
public struct ScenarioProblem: Sendable, Equatable, CustomStringConvertible {
    /// The file as the user named it.
    public let file: String
    /// The line, from 1; `nil` when the problem is of the whole file.
    public let line: Int?
    /// The path of the key; empty when the problem is of the whole file.
    public let keyPath: String
    /// What is wrong and what would be right.
    public let message: String

    /// `file:line: key.path: message`.
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return keyPath.isEmpty ? "\(place): \(message)" : "\(place): \(keyPath): \(message)"
    }
}

/// Everything that is wrong with a scenario file, in order of line.
public struct ScenarioError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The problems, at least one.
    public let problems: [ScenarioProblem]

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The number of insertions, deletions and replacements between two words (Levenshtein 1965).
func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (index, character) in left.utf8.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in right.indices {
            let substitution = diagonal + (character == right[column] ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substitution, row[column] + 1, row[column + 1] + 1)
        }
    }
    return row[right.count]
}

/// The candidate nearest to a word, first in order on a tie.
func nearest(_ word: String, _ candidates: [String]) -> String? {
    candidates.min { editDistance(word, $0) < editDistance(word, $1) }
}
