import Numerics
import Ratings
import TestSupport
import Testing

/// Damaged files: each is read or refused with a `DataError`, and never traps, hangs or allocates beyond its size.
struct TextHostileTests {
    private let words = ["the", "of", "king", "queen"]
    private let values: [Float] = [0.5, -1, 2.25, 0, 1e-3, -7, 3, 4, 5, 0.1, 0.2, 0.3]

    /// Reads every truncation and `count` seeded mutations; the number of files that were refused.
    private func damage(
        _ bytes: [UInt8], count: Int, seed: UInt64, _ read: ([UInt8]) throws -> Void
    ) throws -> Int {
        var refusedCount = 0
        func attempt(_ bytes: [UInt8], _ name: String) {
            do { try read(bytes) } catch {
                #expect(error is DataError, "\(name): \(error)")
                refusedCount += 1
            }
        }
        for length in 0..<bytes.count { attempt(Array(bytes[..<length]), "the first \(length) bytes") }
        var stream = RandomStream(root: seed, path: ["mutations"])
        for trial in 0..<count {
            var mutant = bytes
            for _ in 0...stream.integer(below: 4) {
                let place = stream.integer(below: mutant.count)
                switch stream.integer(below: 5) {
                case 0: mutant[place] ^= 1 << UInt8(stream.integer(below: 8))
                case 1: mutant[place] = UInt8(stream.integer(below: 256))
                case 2: mutant[place] = [0, 0xFF, 10, 32, 9, 45, 57, 0x7F][stream.integer(below: 8)]
                case 3: mutant.insert(UInt8(stream.integer(below: 256)), at: place)
                default: mutant.remove(at: place)
                }
            }
            attempt(mutant, "seed \(seed), mutation \(trial)")
        }
        return refusedCount
    }

    @Test func damagedWordVectorFilesAreReadOrRefused() throws {
        let folder = try TemporaryFolder()
        let text = Array(gloveText(words, 3, values).utf8)
        let header = Array("4 3\n".utf8)
        let files = [
            text, header + text, word2vecBinary(words, 3, values), gzip(text), gzip(word2vecBinary(words, 3, values)),
        ]
        for (number, bytes) in files.enumerated() {
            let refused = try damage(bytes, count: 1_000, seed: UInt64(number)) { bytes in
                let read = try WordVectors(file: folder.write(bytes, to: "v"))
                #expect(read.values.count == read.words.count * read.dimension)
                #expect(read.values.allSatisfy { $0.isFinite })
                let items = ItemVectors(
                    descriptions: [
                        ItemDescription(title: "the king"), ItemDescription(title: "of"), ItemDescription(),
                    ],
                    words: read)
                #expect(items.vectors.values.allSatisfy { $0.isFinite })
            }
            #expect(refused > 100, "file \(number)")
        }
    }

    @Test func damagedItemVectorFilesAreReadOrRefused() throws {
        let folder = try TemporaryFolder()
        let ids = try folder.write("a\nb\nc\nd\n", to: "ids")
        let array = numPy(shape: "(4, 3)", values.flatMap { littleEndian($0.bitPattern) })
        let text = Array("4 3\na 1 2 3\nb 4 5 6\nc,7,8,9\nd\t1 2 3\n".utf8)
        for (number, bytes) in [array, gzip(array), text].enumerated() {
            let refused = try damage(bytes, count: 1_500, seed: UInt64(10 + number)) { bytes in
                let read = try ItemVectors(file: folder.write(bytes, to: "v"), ids: ids, items: ["a", "b", "c", "x"])
                #expect(read.vectors.rowCount == 4)
                #expect(read.vectors.values.allSatisfy { $0.isFinite })
            }
            #expect(refused > 100, "file \(number)")
        }
    }

    @Test func aTruncatedPackedFileIsRefused() throws {
        let bytes = gzip(Array(gloveText(words, 3, values).utf8))
        for length in 2..<bytes.count {
            #expect(throws: DataError.self, "\(length) bytes") { try wordVectors(Array(bytes[..<length])) }
        }
        var wrong = bytes
        wrong[bytes.count - 6] ^= 1
        #expect(throws: DataError.self) { try wordVectors(wrong) }
    }
}
