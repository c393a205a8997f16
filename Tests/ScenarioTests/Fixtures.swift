import Foundation
import Numerics
import Scenario
import Testing

/// The root of the package, found from this file.
let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A legal scenario; tests replace one line of it. Line numbers are those of this text.
let validScenario = """
    name: two-domains
    seeds: [1, 2]
    clients:
      - id: movies
        domain: movies
        data:
          format: recbole
          ratings: movies.inter
          items: movies.item
      - id: books
        domain: books
        data:
          format: synthetic
      - id: persons
        domain: persons
        links: [movies, books]
    target: books
    model:
      factors: 16
    federation:
      rounds: 18
    evaluation:
      shots: [0, 1, 3]
    transport:
      kind: ipc

    """

/// The valid scenario with every key that has no default.
let scenarioWithEveryKey =
    validScenario.replacing("kind: ipc", with: "kind: tcp\n  endpoint: tcp://127.0.0.1:5555")
    .replacing(
        "      items: movies.item\n",
        with: "      items: movies.item\n      item-vectors: movies.npy\n      word-vectors: words.txt\n"
            + "      columns: {user: reader, item: film, rating: stars, time: day}\n"
    )
    .replacing(
        "rounds: 18",
        with: "rounds: 18\n  mode: sync\n  buffer: 2\n  staleness: 3\n  speed-spread: 0.5\n  job-spread: 0.2\n"
            + "  simulated-time: 9"
    )
    .replacing("format: synthetic", with: "format: synthetic\n      word-vectors: words.txt")
    .replacing("rounds: 18", with: "rounds: 18\n  update-format: float32\n  top-share: none")
    .replacing("shots: [0, 1, 3]", with: "shots: [0, 1, 3]\n  rating-scale: [1, 5]")
    .replacing("links: [movies, books]", with: "per-process: 2\n    links: [movies, books]")
    + "world: {drift: {domain: books}, shortcut: {domain: movies}, target-items: 90, target-interactions: 9, "
    + "word-rotation: 0}\ntransfer: {source-dimension: 8, ratings: none, "
    + "text: {similarity-temperature: none, public-words: 500, anchor-ridge: 2, network-epochs: 50}, "
    + "adversarial: {input: text, decoder: linked}}\nprivacy: {mode: local, "
    + "neighbouring: replace-one, epsilon: 1, noise-multiplier: none, release: vectors, slots: 9, "
    + "sampling: poisson, clipping: fixed, clipping-quantile: none, clipping-rate: none, clipping-noise: none, "
    + "ratings-per-person: 50, rating-blocks: 1, gate: unprotected, "
    + "selection-bound: none, gate-bound: none, "
    + "rating-means: unprotected, means-bound: none, item-factors: unprotected, factor-bound: none, factor-persons: 1}\n"
    + "faults: {events: [{client: movies, kind: crash, round: 2, phase: sending, returns: 3}, {client: movies, "
    + "kind: delay, round: 4, late-by: 2s}, {client: books, kind: corrupt, round: 4, damage: shape}, {client: books, "
    + "kind: drop, round: 5, loses: piece}]}\n"

/// The scenario with one occurrence of a text replaced; fails the test when the text is not there once.
func scenario(replacing old: String, with new: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    #expect(validScenario.ranges(of: old).count == 1, "\(old) must be there once", sourceLocation: sourceLocation)
    return validScenario.replacing(old, with: new)
}

/// The problems of a scenario; empty when it decodes.
func problems(_ yaml: String, overrides: [String] = []) -> [ScenarioProblem] {
    do throws(ScenarioError) {
        _ = try ScenarioDefinition(yaml: yaml, file: "s.yaml", overrides: overrides)
        return []
    } catch {
        return error.problems
    }
}

/// The problems as printed, one line each.
func printed(_ yaml: String, overrides: [String] = []) -> String {
    problems(yaml, overrides: overrides).map(\.description).joined(separator: "\n")
}

/// The number of the line that holds a text, from 1.
func line(of text: String, in yaml: String) -> Int? {
    yaml.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(text) }.map { $0 + 1 }
}
