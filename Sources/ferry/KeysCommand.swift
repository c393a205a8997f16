import ArgumentParser
import Supervision

/// `ferry keys`.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make CURVE keys.", subcommands: [New.self])

    /// `ferry keys new`.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make key pairs in a folder.",
            discussion: """
                Each NAME gets NAME.public and NAME.secret, one line of Z85 each, with permissions 0600 in a folder of
                0700. Keys that are there are never overwritten. ferry run with transport.curve: true needs no files: it
                makes fresh keys for every run and hands them over on pipes.
                """)

        @Argument(help: ArgumentHelp("The folder; it is made when it is not there.", valueName: "dir"))
        var folder: String

        @Argument(help: ArgumentHelp("Whose keys; default: coordinator.", valueName: "name"))
        var names: [String] = ["coordinator"]

        func validate() throws {
            for name in names {
                let isLegal = name.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || $0 == UInt8(ascii: "-")
                }
                guard isLegal, (1...64).contains(name.utf8.count) else {
                    throw ValidationError("a name has 1 to 64 lower-case letters, digits and hyphens")
                }
            }
            guard Set(names).count == names.count else { throw ValidationError("a name is given twice") }
        }

        func run() throws {
            let keys = KeyFolder(folder)
            do throws(KeyFolder.Problem) {
                try keys.make(names)
                for name in names {
                    standardOutput("\(keys.publicPath(name)): \(try keys.publicKey(name))\n")
                    standardOutput("\(keys.secretPath(name)): keep it secret\n")
                }
            } catch { throw fail(RunFailure(.inputOutput, error.description)) }
        }
    }
}
