import Cryptography
import Foundation
import Supervision
import TestSupport
import Testing

@Suite struct KeyFolderTests {
    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require((attributes[.posixPermissions] as? NSNumber)?.intValue)
    }

    private func setMode(_ mode: Int, of path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        try setMode(0o600, of: path)
    }

    @Test func `Keys are private files in a private folder, whatever the umask, and are read back`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/keys"
        let keys = KeyFolder(path)
        try keys.make(["coordinator", "books-1"])
        #expect(try mode(path) == 0o700)
        for name in ["coordinator", "books-1"] {
            #expect(try mode(keys.secretPath(name)) == 0o600)
            #expect(try mode(keys.publicPath(name)) == 0o600)
            #expect(try keys.pair(name).publicKey == keys.publicKey(name))
        }
        #expect(try keys.publicKey("coordinator") != keys.publicKey("books-1"))
    }

    @Test func `A key is never overwritten, and nothing is made when one is there`() throws {
        let folder = try TemporaryFolder()
        let keys = KeyFolder("\(folder.path)/keys")
        try keys.make(["a"])
        let before = try keys.publicKey("a")
        #expect(throws: KeyFolder.Problem.exists(path: keys.secretPath("a"))) { try keys.make(["b", "a"]) }
        #expect(try keys.publicKey("a") == before)
        #expect(!FileManager.default.fileExists(atPath: keys.secretPath("b")))
    }

    @Test(arguments: [0o604, 0o640, 0o660, 0o644] as [Int])
    func `A secret that others can read is refused`(mode: Int) throws {
        let folder = try TemporaryFolder()
        let keys = KeyFolder("\(folder.path)/keys")
        try keys.make(["a"])
        try setMode(mode, of: keys.secretPath("a"))
        #expect(throws: KeyFolder.Problem.exposed(path: keys.secretPath("a"))) { try keys.pair("a") }
    }

    @Test func `A folder that others can enter is refused`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/keys"
        let keys = KeyFolder(path)
        try keys.make(["a"])
        try setMode(0o755, of: path)
        #expect(throws: KeyFolder.Problem.exposed(path: path)) { try keys.pair("a") }
        #expect(throws: KeyFolder.Problem.exposed(path: path)) { try keys.make(["b"]) }
    }

    @Test(arguments: ["", "x", String(repeating: "0", count: 41), String(repeating: "a", count: 200)])
    func `A file without a key is refused without showing what it holds`(text: String) throws {
        let folder = try TemporaryFolder()
        let keys = KeyFolder("\(folder.path)/keys")
        try keys.make(["other"])
        try write(text, to: keys.secretPath("a"))
        try write(text, to: keys.publicPath("a"))
        #expect(throws: KeyFolder.Problem.notAKey(path: keys.secretPath("a"))) { try keys.pair("a") }
        #expect(throws: KeyFolder.Problem.notAKey(path: keys.publicPath("a"))) { try keys.publicKey("a") }
    }

    @Test func `The manual's keys are refused`() throws {
        let folder = try TemporaryFolder()
        let keys = KeyFolder("\(folder.path)/keys")
        try keys.make(["other"])
        try write("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6\n", to: keys.secretPath("a"))
        #expect(throws: KeyFolder.Problem.published(path: keys.secretPath("a"))) { try keys.pair("a") }
    }

    @Test func `The keys of a brief survive the pipe`() throws {
        let coordinator = CurveKeyPair()
        let client = CurveKeyPair()
        let brief = CurveBrief(coordinator, serverKey: coordinator.publicKey, clients: ["a": client.publicKey])
        var line = try ControlLine.encode(brief)
        line.removeLast()
        let read = try ControlLine.decode(CurveBrief.self, from: line)
        #expect(read.keys?.publicKey == coordinator.publicKey)
        #expect(read.coordinatorKey == coordinator.publicKey && read.clientKeys.map(\.id) == ["a"])
        #expect(read.clientKeys.map(\.key) == [client.publicKey])
    }
}
