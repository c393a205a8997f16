import ArgumentParser
import DomainClient
import Foundation
import Reporting
import Scenario
import Supervision

/// `ferry recommend`.
struct RecommendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend", abstract: "Recommend items to one person with the models of a finished run.",
        discussion: """
            A persons client answers with the transferred model, a domain client with its best local model; where texts link
            the domains, the target's client with the transferred one. What the person already has is left out; a shorter
            list means that nothing else is left. Scores order the list and mean nothing else. --explain names the person's
            own items without which a score would fall most.
            """)

    @Argument(help: ArgumentHelp("A run folder, or a seed's folder in it.", valueName: "run"))
    var folder: String

    @Option(help: ArgumentHelp("The client that answers.", valueName: "id"))
    var client: String

    @Option(
        name: [.customLong("user"), .customLong("user-id")],
        help: ArgumentHelp("The person, by the id in the data.", valueName: "id"))
    var user: String

    @Option(name: .customShort("n"), help: ArgumentHelp("The length of the list.", valueName: "count"))
    var count = 10

    @Option(help: ArgumentHelp("The seed whose models answer; default: the first.", valueName: "n"))
    var seed: Int?

    @Option(help: ArgumentHelp("Where relative data paths start; default: as in the run.", valueName: "dir"))
    var data: String?

    @Flag(help: "Name the person's own items that weigh most.")
    var explain = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(count) else { throw ValidationError("-n must be from 1 to 100000") }
    }

    func run() throws {
        let list: RecommendationList
        do {
            list = try RecommendationList.read(
                folder: seedFolder(), client: client, user: user, count: count, reasonCount: explain ? 3 : 0,
                dataDirectory: data.map { resolvedPath($0, in: FileManager.default.currentDirectoryPath) })
        } catch { throw fail(error) }
        if json { return try printJSON(list) }
        var rows = [["rank", "score", "item", "title"]]
        for (index, entry) in list.entries.enumerated() {
            let score = ResultTable.decimals(Double(entry.score), 4)
            rows.append(["\(index + 1)", score, entry.item, entry.title])
            for reason in entry.reasons {
                let weight = ResultTable.decimals(Double(reason.weight), 4)
                rows.append(["", "", "", "  +\(weight) for \(reason.domain): \(reason.title)"])
            }
        }
        standardOutput("\(list.method) for \(user), \(list.seenCount) seen items left out\n")
        standardOutput(ResultTable.table(rows))
        if list.entries.count < count {
            standardError("ferry: only \(list.entries.count) items are left that \(user) does not have\n")
        }
    }

    private func seedFolder() throws(RunFailure) -> String {
        let manager = FileManager.default
        if manager.fileExists(atPath: "\(folder)/run.json") {
            guard seed == nil else {
                throw RunFailure(.usage, "\(folder) is the folder of one seed; leave out --seed")
            }
            return folder
        }
        let names = ((try? manager.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasPrefix("seed-") }
            .sorted { ($0.count, $0) < ($1.count, $1) }
        guard let first = names.first else {
            throw RunFailure(
                .inputOutput, "\(folder) is not a run folder: it holds neither run.json nor seed-N folders")
        }
        if let seed {
            guard names.contains("seed-\(seed)") else {
                throw RunFailure(.usage, "\(folder) has no seed \(seed); it holds \(names.joined(separator: ", "))")
            }
            return "\(folder)/seed-\(seed)"
        }
        return "\(folder)/\(first)"
    }

    private func printJSON(_ list: RecommendationList) throws {
        let object: [String: Any] = [
            "method": list.method, "seen": list.seenCount,
            "items": list.entries.map { entry in
                [
                    "item": entry.item, "title": entry.title, "score": Double(entry.score),
                    "reasons": entry.reasons.map {
                        ["domain": $0.domain, "title": $0.title, "weight": Double($0.weight)] as [String: Any]
                    },
                ] as [String: Any]
            },
        ]
        let bytes = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        standardOutput(String(decoding: bytes, as: UTF8.self) + "\n")
    }
}
