import Foundation
import Record
import TestSupport
import Testing

@Suite struct RecordFileTests {
    @Test func aFileHoldsWhatWasWrittenAndNothingIsLeftBeside() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.txt"
        try RecordFile.write("first, and long", to: path)
        #expect(try RecordFile.read(path) == Array("first, and long".utf8))
        try RecordFile.write("second", to: path)
        #expect(try RecordFile.read(path) == Array("second".utf8))
        try RecordFile.write([UInt8](), to: path)
        #expect(try RecordFile.read(path) == [])
        #expect(folder.files() == ["a.txt"])
    }

    @Test func aLargeFileIsWhole() throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        try RecordFile.write(bytes, to: folder.path + "/large")
        #expect(try RecordFile.read(folder.path + "/large") == bytes)
    }

    @Test func aReplacedFileIsANewFileSoThatReadersNeverSeeHalf() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a"
        try RecordFile.write("old", to: path)
        let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        try RecordFile.write("new", to: path)
        #expect(try reader.readToEnd() == Data("old".utf8))
        try reader.close()
    }

    @Test func aLeftOverPartialFileIsOverwritten() throws {
        let folder = try TemporaryFolder()
        try Data("a longer text of a killed process".utf8).write(to: URL(fileURLWithPath: folder.path + "/a.partial"))
        try RecordFile.write("new", to: folder.path + "/a")
        #expect(try RecordFile.read(folder.path + "/a") == Array("new".utf8))
        #expect(folder.files() == ["a"])
    }

    @Test func aMissingFolderIsNotWritable() throws {
        let path = try TemporaryFolder().path + "/missing/a"
        #expect(throws: RecordError.notWritable(path: path, reason: "No such file or directory")) {
            try RecordFile.write("text", to: path)
        }
        #expect(throws: RecordError.notWritable(path: path, reason: "No such file or directory")) {
            try RecordFile.appendLine([1], to: path)
        }
    }

    @Test func aFileInPlaceOfAFolderIsNotWritable() throws {
        let folder = try TemporaryFolder()
        try RecordFile.write("text", to: folder.path + "/a")
        let path = folder.path + "/a/b"
        #expect(throws: RecordError.notWritable(path: path, reason: "Not a directory")) {
            try RecordFile.write("text", to: path)
        }
        do throws(RecordError) {
            try RecordFile.makeDirectory(path)
            Issue.record("a folder was made below a file")
        } catch {
            guard case .notWritable(path, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(folder.files() == ["a"])
    }

    @Test func aFolderInPlaceOfTheFileIsNotWritableAndLeavesNoPartialFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a"
        try RecordFile.makeDirectory(path + "/b")
        #expect(throws: RecordError.notWritable(path: path, reason: "Is a directory")) {
            try RecordFile.write("text", to: path)
        }
        #expect(folder.files() == ["a", "a/b"])
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func aFullDiskIsNotWritableAndKeepsTheOldFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a"
        try RecordFile.write("old", to: path)
        // The partial file is opened through this link, so that every write fails as on a full disk.
        try FileManager.default.createSymbolicLink(atPath: path + ".partial", withDestinationPath: "/dev/full")
        #expect(throws: RecordError.notWritable(path: path, reason: "No space left on device")) {
            try RecordFile.write("new", to: path)
        }
        #expect(try RecordFile.read(path) == Array("old".utf8))
        #expect(folder.files() == ["a"])
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func aLineThatCannotBeAppendedIsAnError() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/log"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
        #expect(throws: RecordError.notWritable(path: path, reason: "No space left on device")) {
            try RecordFile.appendLine(Array("line".utf8), to: path)
        }
    }

    @Test func appendedLinesStandInOrder() throws {
        let folder = try TemporaryFolder()
        for line in ["first", "", "third"] { try RecordFile.appendLine(Array(line.utf8), to: folder.path + "/log") }
        #expect(try RecordFile.read(folder.path + "/log") == Array("first\n\nthird\n".utf8))
    }

    @Test func linesOfJSONAreReadAsTheyWereWrittenAndADamagedOneIsMalformed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/persons.jsonl"
        let figures = [0, nil].map {
            PersonFigures(
                method: "local", cohort: "cold-users", shots: $0, metric: "ndcg@10", persons: "aa",
                values: [0.1, 1.0 / 3, 0])
        }
        try RecordFile.writeLines(figures, to: path)
        #expect(try RecordFile.readLines(PersonFigures.self, from: path) == figures)
        #expect(try RecordFile.read(path).count { $0 == UInt8(ascii: "\n") } == 2)
        try RecordFile.write(Array(try RecordFile.read(path).dropLast(9)), to: path)
        #expect(throws: RecordError.self) { try RecordFile.readLines(PersonFigures.self, from: path) }
    }

    @Test func aFolderThatCannotBeMadeSaysWhatTheSystemSays() throws {
        let folder = try TemporaryFolder()
        try RecordFile.write("", to: folder.path + "/file")
        let path = folder.path + "/file/a/b"
        #expect(throws: RecordError.notWritable(path: path, reason: "Not a directory")) {
            try RecordFile.makeDirectory(path)
        }
    }

    @Test func aFolderIsMadeWithThoseAboveAndMayExist() throws {
        let folder = try TemporaryFolder()
        try RecordFile.makeDirectory(folder.path + "/a/b/c")
        try RecordFile.makeDirectory(folder.path + "/a/b/c")
        try RecordFile.write("text", to: folder.path + "/a/b/c/d")
        #expect(try RecordFile.read(folder.path + "/a/b/c/d") == Array("text".utf8))
    }

    @Test func aMissingFileIsNotReadable() throws {
        let path = try TemporaryFolder().path + "/missing"
        do throws(RecordError) {
            _ = try RecordFile.read(path)
            Issue.record("a missing file was read")
        } catch {
            guard case .notReadable(path, let reason) = error, !reason.isEmpty else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test(arguments: ["", "{", "[]", "5", "{}", "\u{0}", #"{"id": 5}"#])
    func aDamagedFileIsMalformed(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/client.json"
        try RecordFile.write(text, to: path)
        do throws(RecordError) {
            _ = try RecordFile.readJSON(ClientRecord.self, from: path)
            Issue.record("a damaged file was read")
        } catch {
            guard case .malformed(path, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.description.hasPrefix("\(path) is damaged: "))
        }
    }

    @Test func everyTruncationOfARunRecordIsMalformed() throws {
        let folder = try TemporaryFolder()
        let bytes = try RecordFile.json(run)
        let path = folder.path + "/run.json"
        for count in stride(from: 0, to: bytes.count - 1, by: 17) {
            try Data(bytes[..<count]).write(to: URL(fileURLWithPath: path))
            #expect(throws: RecordError.self, "\(count) bytes") { try RecordFile.readJSON(RunRecord.self, from: path) }
        }
    }

    @Test func linesOfAProcessThatWasKilledAreTakenUpWithoutTheOneThatWasBegun() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lines"
        #expect(try RecordFile.takeUpLines(Int.self, of: path) == [])
        for value in 1...3 { try RecordFile.append(value, to: path) }
        #expect(try RecordFile.takeUpLines(Int.self, of: path) == [1, 2, 3])
        try Data("1\n2\n34".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try RecordFile.takeUpLines(Int.self, of: path) == [1, 2])
        try RecordFile.append(5, to: path)
        #expect(try RecordFile.takeUpLines(Int.self, of: path) == [1, 2, 5])
        try Data("1\nx\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: RecordError.self) { try RecordFile.takeUpLines(Int.self, of: path) }
    }

    @Test func `What is half written is removed, in the folder and below it, and nothing else`() throws {
        let folder = try TemporaryFolder()
        try RecordFile.makeDirectory("\(folder.path)/clients/movies")
        let kept = ["run.json", "partial.json", "clients/movies/evaluation.json"]
        for name in kept + ["run.json.partial", "clients/movies/evaluation.json.partial"] {
            try Data("{".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
        }
        RecordFile.removeHalfWritten(below: folder.path)
        #expect(folder.files() == (kept + ["clients", "clients/movies"]).sorted())
        RecordFile.removeHalfWritten(below: "\(folder.path)/nothing")
    }
}
