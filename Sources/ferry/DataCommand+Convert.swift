import ArgumentParser
import Ratings
import Reporting
import Supervision

extension DataCommand {
    /// `ferry data convert`.
    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert", abstract: "Write ratings in another layout.",
            discussion: """
                Repeated rows become one by the rule of --duplicates, and so do the ratings of merged twins. A file \
                appears under its name only when it is complete.
                """)

        @Argument(help: ArgumentHelp("The file of ratings.", valueName: "ratings"))
        var ratings: String

        @Option(name: .customLong("to"), help: ArgumentHelp("The layout to write.", valueName: "layout"))
        var layout: RatingsLayout

        @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
        var output: String

        @Option(help: ArgumentHelp("The file of items.", valueName: "file"))
        var items: String?

        @Option(help: ArgumentHelp("The file of items to write.", valueName: "file"))
        var outputItems: String?

        @Flag(help: "Make edition twins one item, under the first of their ids.")
        var mergeTwins = false

        @Option(
            help: ArgumentHelp(
                "The share of common persons from which two items are twins (their Jaccard index); default: 0.7 in one domain, 0.5 across two.",
                valueName: "share"))
        var twinThreshold: Double?

        @Option(
            help: ArgumentHelp(
                "Leave out items that the same persons rated in another domain: its file of ratings.",
                valueName: "ratings"))
        var dropTwinsOf: String?

        @OptionGroup var reading: ReadingOptions

        @Flag(help: "Replace outputs that exist.")
        var force = false

        func validate() throws {
            guard let twinThreshold else { return }
            guard twinThreshold > 0 && twinThreshold <= 1 else {
                throw ValidationError("--twin-threshold: expected a number above 0 and at most 1")
            }
            guard mergeTwins || dropTwinsOf != nil else {
                throw ValidationError("--twin-threshold needs --merge-twins or --drop-twins-of")
            }
        }

        func run() throws {
            let outputs = [output] + (outputItems.map { [$0] } ?? [])
            let inputs = [ratings, items, dropTwinsOf].compactMap(\.self)
            try checkOutputs(outputs, inputs: inputs, replaces: force)
            var data = try reading.read(ratings, items: items)
            // A folder is known by the files in it only now.
            try checkOutputs(outputs, inputs: data.report.files, replaces: force)
            if mergeTwins {
                let groups = EditionTwins.find(
                    in: data.interactions, threshold: twinThreshold ?? EditionTwins.usualThreshold)
                let twins = groups.reduce(0) { $0 + $1.count }
                data = data.merging(groups, rule: reading.duplicates)
                standardOutput("merged \(count(twins, "item")) into \(DataTable.grouped(groups.count))\n")
            }
            if let dropTwinsOf {
                let other = try reading.read(dropTwinsOf, items: nil)
                try checkOutputs(outputs, inputs: other.report.files, replaces: force)
                let threshold = twinThreshold ?? EditionTwins.usualAcrossThreshold
                let twins = EditionTwins.findAcross(data.interactions, other.interactions, threshold: threshold)
                let dropped = Set(twins.map(\.first))
                data = data.droppingItems(dropped)
                standardOutput("dropped \(count(dropped.count, "item")) found in \(dropTwinsOf) too\n")
            }
            let written = data
            try writing { isInterrupted throws(WritingError) in
                try written.interactions.write(
                    to: output, layout: layout, overwrites: force, isInterrupted: isInterrupted)
                if let outputItems {
                    try layout.writeItems(
                        written.interactions.items, descriptions: written.descriptions, to: outputItems,
                        overwrites: force, isInterrupted: isInterrupted)
                }
            }
            let read = written.interactions
            standardOutput(
                "\(output): \(count(read.persons.count, "person")), \(count(read.items.count, "item")), "
                    + "\(count(read.ratings.count, "rating"))\n")
            if let outputItems { standardOutput("\(outputItems): \(count(read.items.count, "item"))\n") }
        }
    }
}
