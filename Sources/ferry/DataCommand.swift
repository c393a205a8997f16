public import ArgumentParser
import Foundation
public import Ratings
import Record
import Reporting
import Supervision

/// `ferry data`.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Look at, convert and make data sets.",
        subcommands: [Describe.self, Convert.self, Synthesize.self])
}

extension RatingsFormat: ExpressibleByArgument {}
extension ZeroRule: ExpressibleByArgument {}
extension DuplicateRule: ExpressibleByArgument {}
extension RatingsLayout: ExpressibleByArgument {}

/// How a source is read.
struct ReadingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The layout; without it, it is detected.", valueName: "format"))
    var format: RatingsFormat?

    @Option(
        help: ArgumentHelp(
            "The columns of a file with named columns, where they are not the usual ones.",
            valueName: "user=…,item=…,rating=…,time=…"))
    var columns: String?

    @Option(help: ArgumentHelp("What a rating of 0 means.", valueName: "rule"))
    var zeros: ZeroRule = .byDefault

    @Option(help: ArgumentHelp("What becomes of repeated (person, item) rows.", valueName: "rule"))
    var duplicates: DuplicateRule = .byDefault

    func validate() throws { _ = try columnNames() }

    /// The columns that were named.
    func columnNames() throws -> ColumnNames {
        var names = ColumnNames()
        guard let columns else { return names }
        for part in columns.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2, !pair[1].isEmpty else {
                throw ValidationError("--columns: expected name=column, such as user=reader_id, found \(part)")
            }
            switch pair[0] {
            case "user": names.user = pair[1]
            case "item": names.item = pair[1]
            case "rating": names.rating = pair[1]
            case "time": names.time = pair[1]
            default: throw ValidationError("--columns: \(pair[0]) is none of user, item, rating, time")
            }
        }
        return names
    }

    /// Reads a source; what reading came to goes to standard error.
    func read(_ ratings: String, items: String?) throws -> LoadedData {
        let source = DataSource(
            format: format, ratings: ratings, items: items, duplicates: duplicates, zeros: zeros,
            columns: try columnNames())
        do throws(DataError) {
            let data = try LoadedData.read(source)
            for note in data.report.notes { standardError("ferry: \(ratings): \(note)\n") }
            return data
        } catch {
            throw fail(RunFailure(.data, error.description))
        }
    }
}

/// Runs what writes files; an interruption is noticed between pieces, so that nothing half-written stays.
func writing(_ body: (@escaping @Sendable () -> Bool) throws(WritingError) -> Void) throws {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, &signals, &before)
    let isInterrupted: @Sendable () -> Bool = {
        var pending = sigset_t()
        sigpending(&pending)
        return [SIGINT, SIGTERM, SIGHUP].contains { sigismember(&pending, $0) == 1 }
    }
    // The signals stay blocked when one came: the command ends by its exit code.
    defer { if !isInterrupted() { pthread_sigmask(SIG_SETMASK, &before, nil) } }
    do throws(WritingError) { try body(isInterrupted) } catch {
        switch error {
        case .interrupted: throw fail(RunFailure(.interrupted, error.description))
        case .notRepresentable: throw fail(RunFailure(.data, error.description))
        case .exists, .notWritable: throw fail(RunFailure(.inputOutput, error.description))
        }
    }
}

/// Refuses outputs that are inputs, twice the same, or there already unless they may be replaced.
func checkOutputs(_ outputs: [String], inputs: [String], replaces: Bool) throws {
    func identity(_ path: String) -> String? {
        var status = stat()
        return stat(path, &status) == 0 ? "\(status.st_dev):\(status.st_ino)" : nil
    }
    for (index, output) in outputs.enumerated() {
        guard let found = identity(output) else {
            let name = URL(fileURLWithPath: output).standardizedFileURL.path
            for other in outputs[..<index] where URL(fileURLWithPath: other).standardizedFileURL.path == name {
                throw ValidationError("\(output) is given for two outputs")
            }
            continue
        }
        if inputs.contains(where: { identity($0) == found }) {
            throw fail(RunFailure(.inputOutput, "\(output) is the input; nothing was written"))
        }
        if outputs[..<index].contains(where: { identity($0) == found }) {
            throw ValidationError("\(output) is given for two outputs")
        }
        if !replaces { throw fail(RunFailure(.inputOutput, WritingError.exists(path: output).description)) }
    }
}

/// A number and what is counted.
func count(_ number: Int, _ word: String) -> String {
    "\(DataTable.grouped(number)) \(word)\(number == 1 ? "" : "s")"
}
