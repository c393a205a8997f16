import ArgumentParser
import Ratings
import Record
import Reporting
import Supervision

extension DataCommand {
    /// `ferry data describe`.
    struct Describe: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "describe", abstract: "Print the statistics of one data set, or of two and what they share.",
            discussion: """
                Items are counted when somebody rated them. Edition twins are items rated by the same persons: one work \
                under several ids.
                """)

        @Argument(help: ArgumentHelp("The file of ratings.", valueName: "ratings"))
        var ratings: String

        @Argument(help: ArgumentHelp("The ratings of a second domain.", valueName: "second"))
        var second: String?

        @Option(
            parsing: .singleValue,
            help: ArgumentHelp("The file of items; given twice, the second is the second domain's.", valueName: "file"))
        var items: [String] = []

        @OptionGroup var reading: ReadingOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        @Flag(name: .customLong("no-twins"), help: "Do not look for edition twins.")
        var ignoresTwins = false

        func validate() throws {
            guard items.count <= (second == nil ? 1 : 2) else {
                throw ValidationError("--items is given more often than there are files of ratings")
            }
        }

        func run() throws {
            let paths = [ratings] + (second.map { [$0] } ?? [])
            let data = try paths.enumerated().map { index, path in
                try reading.read(path, items: index < items.count ? items[index] : nil)
            }
            let descriptions = data.map {
                DataDescription($0, twinThreshold: ignoresTwins ? nil : EditionTwins.usualThreshold)
            }
            let shared =
                data.count == 2
                ? SharedDescription(
                    data[0].interactions, data[1].interactions,
                    twinThreshold: ignoresTwins ? nil : EditionTwins.usualAcrossThreshold) : nil
            if json {
                let sources = zip(paths, descriptions).map { DescribedSource(path: $0, description: $1) }
                let bytes: [UInt8]
                if let shared {
                    bytes = try RecordFile.json(DescribedPair(domains: sources, shared: shared))
                } else {
                    bytes = try RecordFile.json(sources[0])
                }
                standardOutput(String(decoding: bytes, as: UTF8.self))
            } else {
                for (index, description) in descriptions.enumerated() {
                    if paths.count > 1 { standardOutput("\(index == 0 ? "" : "\n")\(paths[index])\n") }
                    standardOutput(text(description))
                }
                if let shared { standardOutput("\nin both\n" + text(shared)) }
            }
        }

        private func text(_ data: DataDescription) -> String {
            var out = "format  \(data.format)\n"
            out += "persons  \(DataTable.grouped(data.users))\nitems  \(DataTable.grouped(data.items))\n"
            out += "ratings  \(DataTable.grouped(data.interactions))\ndensity  \(DataTable.percent(data.density))\n"
            out += "mean rating  \(DataTable.decimals(data.ratingMean, 2))\n"
            out += "deviation of ratings  \(DataTable.decimals(data.ratingDeviation, 2))\n"
            out += "duplicate rows  \(DataTable.grouped(data.duplicates))\n"
            if data.malformed > 0 { out += "malformed rows  \(DataTable.grouped(data.malformed))\n" }
            if data.zeros > 0 { out += "rows without a rating  \(DataTable.grouped(data.zeros))\n" }
            if data.unratedItems > 0 { out += "unrated items  \(DataTable.grouped(data.unratedItems))\n" }
            if data.titles > 0 { out += "items with a title  \(DataTable.grouped(data.titles))\n" }
            if let times = data.times, data.timesArePositions {
                out += "places in a person's own sequence  \(times.first) to \(times.last)\n"
            } else if let times = data.times {
                out += "times  \(times.first) to \(times.last)"
                if let first = times.firstDate, let last = times.lastDate { out += ", \(first) to \(last)" }
                out += "\n"
            } else {
                out += "times  none\n"
            }
            out += "Gini coefficient of items  \(DataTable.decimals(data.gini, 3))\n"
            if let twins = data.twins {
                out += "edition twins  \(count(twins.items, "item")) in \(count(twins.groups, "group")) "
                out += "(Jaccard index from \(DataTable.short(twins.threshold)))\n"
            }
            out += "\n"
            out += DataTable.text(
                [["ratings of a", "min", "p10", "p25", "p50", "p75", "p90", "p99", "max", "mean"]]
                    + [("person", data.perUser), ("item", data.perItem)].map { name, spread in
                        [
                            name, DataTable.short(spread.minimum), DataTable.short(spread.tenth),
                            DataTable.short(spread.quarter), DataTable.short(spread.median),
                            DataTable.short(spread.threeQuarters), DataTable.short(spread.nineTenths),
                            DataTable.short(spread.ninetyNine), DataTable.short(spread.maximum),
                            DataTable.short(spread.mean),
                        ]
                    })
            out += "\n"
            let width = data.binWidth == 0 ? "" : " (bins of \(DataTable.short(data.binWidth)))"
            let total = Double(max(1, data.interactions))
            out += DataTable.text(
                [["rating" + width, "count", "share"]]
                    + data.histogram.map {
                        [
                            DataTable.short($0.rating), DataTable.grouped($0.count),
                            DataTable.percent(Double($0.count) / total),
                        ]
                    })
            return out
        }

        private func text(_ shared: SharedDescription) -> String {
            var out = "persons  \(DataTable.grouped(shared.users))\n"
            out += "share of the first's persons  \(DataTable.percent(shared.shareOfFirst))\n"
            out += "share of the second's persons  \(DataTable.percent(shared.shareOfSecond))\n"
            let correlation = shared.biasCorrelation.map { DataTable.decimals($0, 3) } ?? "unknown"
            out += "correlation of rating biases  \(correlation)"
            out += " (\(DataTable.grouped(shared.biasUsers)) persons with "
            out += "\(SharedDescription.minimumInteractions) ratings or more in both)\n"
            if let twins = shared.twins {
                out += "twins across the two  \(DataTable.grouped(twins)) "
                out += "(Jaccard index from \(DataTable.short(EditionTwins.usualAcrossThreshold)))\n"
            }
            return out
        }
    }
}

/// A description with the file that it is of.
private struct DescribedSource: Encodable, Sendable {
    let path: String
    let description: DataDescription

    private enum CodingKeys: String, CodingKey {
        case schema, ratings
    }

    func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("ferry.data/1", forKey: .schema)
        try container.encode(path, forKey: .ratings)
    }
}

/// Two descriptions and what the sources share.
private struct DescribedPair: Encodable, Sendable {
    let schema = "ferry.data/1"
    let domains: [DescribedSource]
    let shared: SharedDescription

    private enum CodingKeys: String, CodingKey {
        case schema, domains, shared
    }
}
