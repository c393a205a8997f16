import Foundation
import TestSupport
import Testing

/// What an eavesdropper on every socket sees.
@Suite(.serialized)
struct PrivacyWallTests {
    static let methods = ["feature-map", "meta", "vectors"]
    /// The one release with a row a person.
    private static let vectors = [
        "privacy.mode=local", "privacy.neighbouring=replace-one", "privacy.epsilon=8", "privacy.release=vectors",
        "privacy.slots=64",
    ]

    private func record(_ salt: Int, in folder: TemporaryFolder, method: String = "feature-map") throws -> [UInt8] {
        _ = try folder.write(Fixture.interactions("movies", personCount: 150, salt: salt), to: "movies.inter")
        _ = try folder.write(Fixture.interactions("books", personCount: 150, salt: salt), to: "books.inter")
        let scenario = try folder.write(Fixture.fileScenario, to: "files.yaml")
        let overrides =
            method == "vectors" ? Self.vectors : ["transfer.method=\(method)", "transfer.meta.rounds=3"]
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", "\(folder.path)/out", "--record-wire"]
                + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let run = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/files")[0]
        return Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/out/files/\(run)/seed-1/frames.bin")))
    }

    /// The sizes of envelope and piece of every recorded message, sorted: arrival order may differ.
    private func sizes(_ recording: [UInt8]) -> [[Int]] {
        var offset = 8
        var out: [[Int]] = []
        func length() -> Int {
            defer { offset += 4 }
            return (0..<4).reduce(0) { $0 | Int(recording[offset + $1]) << (8 * $1) }
        }
        while offset < recording.count {
            offset += 2 + Int(recording[offset + 1])
            let envelope = length()
            offset += envelope
            let piece = length()
            offset += piece
            out.append([envelope, piece])
        }
        return out.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test(
        "no person id, item id or planted rating occurs in any frame, and the run token is not in the recording",
        arguments: Self.methods)
    func nothingPrivateCrosses(_ method: String) throws {
        let folder = try TemporaryFolder()
        let recording = Data(try record(1, in: folder, method: method))
        #expect(recording.count > 20_000)
        // The search finds what is there: the names of tensors cross in the clear.
        #expect(recording.range(of: Data("books.item-factors".utf8)) != nil)
        #expect(recording.range(of: Data("marked-".utf8)) == nil)
        for person in 0..<150 {
            let digits = String(person)
            let id = "person-" + String(repeating: "0", count: 4 - digits.count) + digits
            #expect(recording.range(of: Data(id.utf8)) == nil)
        }
        let marker = Fixture.markerRating
        for bytes in [
            withUnsafeBytes(of: Float(marker)) { Data($0) },
            withUnsafeBytes(of: Float(marker).bitPattern.bigEndian) { Data($0) },
            withUnsafeBytes(of: marker) { Data($0) }, withUnsafeBytes(of: marker.bitPattern.bigEndian) { Data($0) },
            Data("\(marker)".utf8),
        ] {
            #expect(recording.range(of: bytes) == nil)
        }
        // Each join is recorded with 32 zeros where the run token was.
        #expect(recording.range(of: Data("persons".utf8) + Data(count: 32)) != nil)
    }

    @Test("frame sizes do not depend on who rated what", arguments: Self.methods)
    func sizesDoNotDependOnRatings(_ method: String) throws {
        let first = sizes(try record(1, in: try TemporaryFolder(), method: method))
        let second = sizes(try record(2, in: try TemporaryFolder(), method: method))
        #expect(first == second)
        #expect(first.count > 20)
    }

    @Test("the audit decodes every recorded frame and names each tensor with its scope")
    func auditListsTensors() throws {
        let folder = try TemporaryFolder()
        _ = try record(1, in: folder)
        let run = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/files")[0]
        let audit = try FerryProcess.run(["audit", "wire", "\(folder.path)/out/files/\(run)"])
        #expect(audit.exitCode == 0)
        #expect(!audit.standardOutput.contains("anomaly"))
        #expect(audit.standardOutput.contains("domain:books"))
        #expect(audit.standardOutput.contains("bridge.cross-moment"))

        let nowhere = try FerryProcess.run(["audit", "wire", folder.path])
        #expect(nowhere.exitCode == 74)
        #expect(nowhere.standardError.contains("is not a run folder"))
    }
}
