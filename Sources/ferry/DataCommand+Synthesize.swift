import ArgumentParser
import Ratings
import Record
import Reporting
import Supervision

extension DataCommand {
    /// `ferry data synthesize`.
    struct Synthesize: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "synthesize", abstract: "Write the synthetic world as RecBole files.",
            discussion: """
                Writes DOMAIN.inter and DOMAIN.item for each domain. The calibrated world is like a real set of movie \
                and book ratings; options change it.
                """)

        /// The world to begin with.
        enum Preset: String, CaseIterable, ExpressibleByArgument {
            case calibrated
            case plain
        }

        @Option(help: ArgumentHelp("The folder to write to.", valueName: "dir"))
        var output: String

        @Option(help: ArgumentHelp("The world to begin with.", valueName: "name"))
        var preset = Preset.calibrated

        @Option(help: ArgumentHelp("The seed of the world.", valueName: "n"))
        var seed = 1

        @Option(help: ArgumentHelp("The domains, with commas between them.", valueName: "names"))
        var domains = "movies,books"

        @Option(help: ArgumentHelp("Persons in the world.", valueName: "n"))
        var persons: Int?

        @Option(help: ArgumentHelp("Items in each domain.", valueName: "n"))
        var items: Int?

        @Option(help: ArgumentHelp("Mean interactions of a person in a domain.", valueName: "x"))
        var interactions: Double?

        @Option(help: ArgumentHelp("The share of persons in every domain.", valueName: "share"))
        var overlap: Double?

        @Option(help: ArgumentHelp("The share of a taste's variance that is of one domain alone.", valueName: "share"))
        var domainGap: Double?

        @Option(help: ArgumentHelp("Standard deviation of the affinity to items, in logits.", valueName: "x"))
        var tasteStrength: Double?

        @Option(help: ArgumentHelp("Standard deviation of what else moves a rating.", valueName: "x"))
        var noise: Double?

        @Option(help: ArgumentHelp("Length of the offset that all titles of a domain share.", valueName: "x"))
        var nuisanceOffset: Double?

        @Option(help: ArgumentHelp("Angle in radians between a domain's titles and its items.", valueName: "x"))
        var nuisanceRotation: Double?

        @Flag(help: "Give every interaction a time.")
        var times = false

        @Option(
            parsing: .singleValue,
            help: ArgumentHelp(
                """
                A change at a share of the world's duration: taste-rotation (radians), popularity-flip (share) or \
                scale-shift (points), as in taste-rotation=0.8@0.5; may be repeated.
                """, valueName: "change=x@share"))
        var drift: [String] = []

        @Option(
            help: ArgumentHelp(
                "Write so many ratings in each domain, drawn without looking at every item: for large files.",
                valueName: "n"))
        var rows: Int?

        @Flag(help: "Replace files that exist.")
        var force = false

        func validate() throws {
            func check(_ name: String, _ value: (some Comparable)?, _ isAllowed: Bool, _ expected: String) throws {
                guard value == nil || isAllowed else { throw ValidationError("--\(name): expected \(expected)") }
            }
            func share(_ name: String, _ value: Double?) throws {
                try check(name, value, (0...1).contains(value ?? 0), "a number from 0 to 1")
            }
            try check("seed", seed, (0...Int(Int32.max)).contains(seed), "a whole number from 0 to 2147483647")
            let persons = persons ?? 10
            try check("persons", self.persons, (10...10_000_000).contains(persons), "10 to 10000000")
            try check("items", items, (20...10_000_000).contains(items ?? 20), "20 to 10000000")
            try check("rows", rows, (10...2_000_000_000).contains(rows ?? 10), "10 to 2000000000")
            let mean = interactions ?? 1
            try check("interactions", interactions, (1...1_000_000).contains(mean), "a number from 1 to 1000000")
            try share("overlap", overlap)
            try share("domain-gap", domainGap)
            for (name, value) in [
                ("taste-strength", tasteStrength), ("noise", noise), ("nuisance-offset", nuisanceOffset),
            ] {
                try check(name, value, (0...100).contains(value ?? 0), "a number from 0 to 100")
            }
            let angle = nuisanceRotation ?? 0
            try check("nuisance-rotation", nuisanceRotation, (-10...10).contains(angle), "an angle in radians")
            let options = try options()
            guard rows == nil || interactions == nil else {
                throw ValidationError("--rows says how many ratings there are; leave out --interactions")
            }
            guard rows == nil || drift.isEmpty else {
                throw ValidationError("--drift needs a world that looks at every item; leave out --rows")
            }
            guard rows != nil || options.personCount * options.itemCount <= 4_000_000_000 else {
                throw ValidationError("a world of so many persons and items takes too long; give --rows too")
            }
        }

        /// The options of the world.
        func options() throws -> SyntheticWorld.Options {
            let names = domains.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            let letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
            guard names.allSatisfy({ !$0.isEmpty && $0.allSatisfy(letters.contains) }), Set(names).count == names.count
            else {
                throw ValidationError("--domains: expected different names of small letters, digits and hyphens")
            }
            var options: SyntheticWorld.Options =
                switch preset {
                case .calibrated: .calibrated(seed: seed, domains: names.sorted())
                case .plain: .plain(seed: seed)
                }
            options.domains = names.sorted()
            if let rows {
                // The proportions of large public sets, 160 ratings a person and 370 an item, up to a density of 3 %.
                let pairs = Double(rows) / 160 * Double(rows) / 370
                let scale = max(1, (Double(rows) / 0.03 / pairs).squareRoot())
                options.personCount = max(10, Int(scale * Double(rows) / 160))
                options.itemCount = max(20, Int(scale * Double(rows) / 370))
                for name in options.overrides.keys.sorted() { options.overrides[name]?.itemCount = nil }
            }
            if let persons { options.personCount = persons }
            if let items {
                options.itemCount = items
                for name in options.overrides.keys.sorted() { options.overrides[name]?.itemCount = nil }
            }
            if let interactions {
                options.meanInteractions = interactions
                for name in options.overrides.keys.sorted() { options.overrides[name]?.meanInteractions = nil }
            }
            if let overlap { options.overlap = overlap }
            if let domainGap { options.domainGap = domainGap }
            if let tasteStrength { options.tasteStrength = tasteStrength }
            if let noise { options.ratingNoise = noise }
            if let nuisanceOffset { options.nuisanceOffset = nuisanceOffset }
            if let nuisanceRotation { options.nuisanceRotation = nuisanceRotation }
            options.hasTimes = times
            options.drifts = try drift.map { try Synthesize.drift($0, options) }
            return options
        }

        private static func drift(_ text: String, _ options: SyntheticWorld.Options) throws -> SyntheticWorld.Drift {
            let problem = ValidationError("--drift: expected change=x@share, such as taste-rotation=0.8@0.5: \(text)")
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw problem }
            let numbers = parts[1].split(separator: "@", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
            guard numbers.count == 2, (-100...100).contains(numbers[0]), (0...1).contains(numbers[1]) else {
                throw problem
            }
            let time = options.startTime + Int64(numbers[1] * Double(options.duration))
            switch parts[0] {
            case "taste-rotation": return SyntheticWorld.Drift(time: time, change: .tasteRotation(numbers[0]))
            case "popularity-flip":
                guard (0...1).contains(numbers[0]) else { throw problem }
                return SyntheticWorld.Drift(time: time, change: .popularityFlip(numbers[0]))
            case "scale-shift": return SyntheticWorld.Drift(time: time, change: .scaleShift(numbers[0]))
            default: throw problem
            }
        }

        func run() throws {
            let options = try options()
            let world = SyntheticWorld(options)
            do throws(RecordError) { try RecordFile.makeDirectory(output) } catch {
                throw fail(RunFailure(.inputOutput, error.description))
            }
            let paths = options.domains.flatMap { ["\(output)/\($0).inter", "\(output)/\($0).item"] }
            try checkOutputs(paths, inputs: [], replaces: force)
            for domain in options.domains {
                let path = "\(output)/\(domain).inter"
                let written: (persons: Int, items: Int, ratings: Int)
                if let rows {
                    written = try writeRows(SyntheticWorld.RowSampler(world, domain: domain, rowCount: rows), path)
                    if written.ratings != rows {
                        standardError("ferry: so many persons and items have no more and no fewer ratings\n")
                    }
                } else {
                    let read = world.interactions(in: domain)
                    try writing { isInterrupted throws(WritingError) in
                        try read.write(to: path, layout: .recbole, overwrites: force, isInterrupted: isInterrupted)
                    }
                    written = (read.persons.count, read.items.count, read.ratings.count)
                }
                standardOutput(
                    "\(path): \(count(written.persons, "person")), \(count(written.items, "item")), "
                        + "\(count(written.ratings, "rating"))\n")
                let items = world.items(in: domain)
                let descriptions = world.descriptions(in: domain)
                try writing { isInterrupted throws(WritingError) in
                    try RatingsLayout.recbole.writeItems(
                        items, descriptions: descriptions, to: "\(output)/\(domain).item", overwrites: force,
                        isInterrupted: isInterrupted)
                }
                standardOutput("\(output)/\(domain).item: \(count(items.count, "item"))\n")
            }
        }

        /// Writes the rows of a sampler as they are drawn.
        private func writeRows(
            _ sampler: SyntheticWorld.RowSampler, _ path: String
        ) throws -> (persons: Int, items: Int, ratings: Int) {
            var sampler = sampler
            var written = (persons: 0, items: sampler.items.count, ratings: 0)
            try writing { isInterrupted throws(WritingError) in
                var writer = try RatingsWriter(
                    path: path, layout: .recbole, items: sampler.items, timeColumn: sampler.hasTimes ? .timestamp : nil,
                    overwrites: force, isInterrupted: isInterrupted)
                while let (person, rows) = sampler.next() {
                    try writer.begin(person: person)
                    for row in rows { try writer.write(item: row.item, rating: row.rating, time: row.time) }
                    written.persons += 1
                    written.ratings += rows.count
                }
                try writer.finish()
            }
            return written
        }
    }
}
