public import Record

/// The result as text for standard output: methods × shots, with intervals.
public enum ResultTable {
    /// The table of one metric and cohort for each of the given clients that measured it; empty when nobody did.
    public static func text(
        _ summary: SummaryRecord, metric: String, cohort: String = "cold-users", clients: [String]? = nil
    ) -> String {
        var out = ""
        let figures = members(summary, metric, cohort, clients)
        for client in unique(figures.map(\.client)) {
            let members = figures.filter { $0.client == client }
            let shots = Set(members.map(\.shots)).sorted { ($0 ?? .max) < ($1 ?? .max) }
            var rows = [["method"] + shots.map { $0.map { "k=\($0)" } ?? "all known" }]
            for method in unique(members.map(\.method)) {
                rows.append(
                    [method]
                        + shots.map { count in
                            members.first { $0.method == method && $0.shots == count }.map(cell) ?? "–"
                        })
            }
            let note = shots.contains(nil) ? "" : "; k = known target interactions"
            out += "\(metric) of \(cohort), client \(client)\(note)\n"
            out += table(rows)
        }
        return out
    }

    /// What the brackets of the tables are.
    public static func legend(_ summary: SummaryRecord) -> String {
        guard let kind = summary.figures.first?.kind else { return "" }
        let seeds = summary.seeds.count == 1 ? "seed \(summary.seeds[0])" : "\(summary.seeds.count) seeds"
        return "\(seeds); brackets: 95 % interval, \(kind)\n"
    }

    /// Which seeds were run without which clients, one line for each set of clients; empty when none was lost.
    public static func missing(_ summary: SummaryRecord) -> String {
        let records = summary.missing ?? []
        return unique(records.map { $0.clients.joined(separator: ", ") }).map { clients in
            let seeds = records.filter { $0.clients.joined(separator: ", ") == clients }.map { "\($0.seed)" }
            return "missing: \(clients) \(clients.contains(",") ? "were" : "was") lost in "
                + "\(seeds.count == 1 ? "seed" : "seeds") \(seeds.joined(separator: ", ")), whose figures are of the other clients\n"
        }.joined()
    }

    /// The lines that are shown of what clients did not answer; the records have all.
    private static let absenceLimit = 12

    /// Which rounds clients did not answer, and why; empty when all did.
    public static func absences(_ summary: SummaryRecord) -> String {
        let lines = (summary.absences ?? []).flatMap { seed in
            seed.rounds.map { absence -> String in
                let place = "seed \(seed.seed), round \(absence.round) (\(absence.step)): "
                let end = absence.returned.map { ", took part again from round \($0) on" }
                switch absence.cause {
                case "refused":
                    return place + "the update of \(absence.client) was damaged and refused, the client stayed\n"
                case "late": return place + "\(absence.client) was late and left out\(end ?? "")\n"
                default: return place + "\(absence.client) was lost\(end ?? "")\n"
                }
            }
        }
        let rest = lines.count - absenceLimit
        return lines.prefix(absenceLimit).joined() + (rest > 0 ? "… and \(rest) more in rounds.csv\n" : "")
    }

    private static func members(
        _ summary: SummaryRecord, _ metric: String, _ cohort: String, _ clients: [String]?
    ) -> [SummaryFigure] {
        summary.figures.filter {
            $0.metric == metric && $0.cohort == cohort && clients?.contains($0.client) != false
        }
    }

    /// How the transfer and its control stand against the local model that validation picked, among cold users.
    public static func gains(_ summary: SummaryRecord, metric: String, clients: [String]? = nil) -> String {
        let figures = members(summary, metric, "cold-users", clients)
        var out = ""
        let measuring = unique(figures.map(\.client))
        for client in measuring {
            func value(_ method: String, _ shots: Int) -> Double? {
                figures.first { $0.client == client && $0.method == method && $0.shots == shots }?.mean
            }
            for shots in Set(figures.compactMap(\.shots)).sorted() {
                // Without shots every local model is popularity.
                let baseline = shots == 0 ? "popularity" : "best-local"
                guard let reference = value(baseline, shots), reference > 0 else { continue }
                let parts = ["feature-map", "meta", "adversarial", "article", "shuffled-source"].compactMap { method in
                    value(method, shots).map { "\(method) \(decimals($0 / reference, 2))" }
                }
                out +=
                    (measuring.count > 1 ? "\(client), " : "")
                    + "k=\(shots): \(parts.joined(separator: ", ")) × \(baseline)\n"
            }
        }
        return out
    }

    static func cell(_ figure: SummaryFigure) -> String {
        guard figure.interval.count == 2 else { return decimals(figure.mean, 4) }
        return "\(decimals(figure.mean, 4)) [\(decimals(figure.interval[0], 4)), \(decimals(figure.interval[1], 4))]"
    }

    private static func unique(_ values: [String]) -> [String] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Columns aligned to their widest cell.
    public static func table(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
                .trimmedRight + "\n"
        }.joined()
    }

    /// A difference with its sign and four decimals.
    static func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + decimals(value, 4) }

    /// A number with a fixed count of decimals.
    public static func decimals(_ value: Double, _ count: Int) -> String {
        let scale = (0..<count).reduce(1.0) { product, _ in product * 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, abs(scaled) < 1e18 else { return String(value) }
        let digits = String(Int(abs(scaled)))
        let padded = String(repeating: "0", count: max(0, count + 1 - digits.count)) + digits
        let sign = scaled < 0 ? "-" : ""
        return "\(sign)\(padded.dropLast(count)).\(padded.suffix(count))"
    }
}

extension String {
    fileprivate var trimmedRight: String {
        var copy = self
        while copy.last == " " { copy.removeLast() }
        return copy
    }
}
