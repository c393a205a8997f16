import Foundation
import Numerics
import Ratings
import TestSupport
import Testing

struct TextWordVectorsTests {
    private let words = ["the", "of", "king", "o'brien", "amélie"]
    private let values: [Float] = [0.5, -1, 2.25, 0, 1e-3, -7, 3, 4, 5, 0.1, 0.2, 0.3, -0.125, 1e10, 9]

    private func expectAll(_ read: WordVectors) {
        #expect(read.words == words)
        #expect(read.dimension == 3)
        #expect(read.values == values)
        #expect(read.ranks == [1, 2, 3, 4, 5])
        #expect(read.rankCount == 5)
        #expect(read.duplicateCount == 0)
    }

    @Test func everyFormatIsReadBackPackedOrNot() throws {
        let text = gloveText(words, 3, values)
        let files: [(WordVectorFormat, [UInt8])] = [
            (.gloveText, Array(text.utf8)), (.word2vecText, Array(("5 3\n" + text).utf8)),
            (.word2vecBinary, word2vecBinary(words, 3, values)),
            (.word2vecBinary, word2vecBinary(words, 3, values, isNewlineWritten: false)),
        ]
        for (format, bytes) in files {
            expectAll(try wordVectors(bytes))
            expectAll(try wordVectors(gzip(bytes)))
            expectAll(try wordVectors(bytes, format: format))
            // Two members one after the other.
            expectAll(try wordVectors(gzip(Array(bytes[..<20])) + gzip(Array(bytes[20...]))))
        }
    }

    @Test func aFilePackedByGzipItselfIsRead() throws {
        let packed = """
            H4sIAAAAAAACAyvJSFUwVDDUM1XQNeTKT1MwUjACsY24sjPz0hWMFYxBPGOuwtLU1DwFEwUTENeECwBQyb7GNgAAAA==
            """
        let read = try wordVectors(Array(try #require(Data(base64Encoded: packed))))
        #expect(read.words == ["the", "of", "king", "queen"])
        #expect(read.values == [1, 1.5, -1, 2, 2.5, -2, 3, 3.5, -3, 4, 4.5, -4])
    }

    @Test func longFilesCrossTheBuffersOfTheReader() throws {
        let words = (0..<9_000).map { "w\($0)" }
        var stream = RandomStream(root: 2, path: ["long file"])
        let values = (0..<9_000 * 12).map { _ in Float(stream.gaussian()) }
        for bytes in [Array(gloveText(words, 12, values).utf8), word2vecBinary(words, 12, values)] {
            for bytes in [bytes, gzip(bytes)] {
                let read = try wordVectors(bytes)
                #expect(read.words == words)
                #expect(read.values == values)
            }
        }
    }

    @Test func onlyTheVocabularyIsKeptWithTheRanksOfTheWholeFile() throws {
        let text = Array(gloveText(words, 3, values).utf8)
        for bytes in [text, Array("5 3\n".utf8) + text, word2vecBinary(words, 3, values)] {
            let read = try wordVectors(bytes, keeping: ["king", "amélie", "absent"])
            #expect(read.words == ["king", "amélie"])
            #expect(read.ranks == [3, 5])
            #expect(read.rankCount == 5)
            #expect(read.values == Array(values[6..<9] + values[12..<15]))
            #expect(try wordVectors(bytes, keeping: []).words.isEmpty)
        }
    }

    @Test func theFirstOfARepeatedWordCounts() throws {
        let read = try wordVectors("a 1 2\nb 3 4\na 5 6\ne\u{301} 7 8\né 9 9\n")
        #expect(read.words == ["a", "b", "é"])
        #expect(read.values == [1, 2, 3, 4, 7, 8])
        #expect(read.ranks == [1, 2, 4])
        #expect(read.duplicateCount == 2)
    }

    @Test func wordsAreFoundInOtherFormsToo() {
        let names = ["amelie", "Hitchcock", "HITCHCOCK", "do", "n't", "child", "o'brien", "paris", "Paris"]
        let known = WordVectors(
            words: names, dimension: 1, values: names.indices.map { Float($0) })
        func found(_ word: String) -> [String] { known.indices(of: word).map { known.words[$0] } }
        #expect(found("amélie") == ["amelie"])
        #expect(found("hitchcock") == ["Hitchcock"])
        #expect(found("paris") == ["paris"])
        #expect(found("don't") == ["do", "n't"])
        #expect(found("child's") == ["child"])
        #expect(found("o'brien's") == ["o'brien"])
        #expect(found("d'paris") == ["paris"])
        #expect(found("unknown").isEmpty)
        #expect(found("'s").isEmpty)
    }

    @Test func probabilitiesFollowTheRanksAndAddUpToOne() throws {
        let all = try wordVectors(gloveText(words, 3, values))
        #expect(abs((0..<5).reduce(0) { $0 + all.probability(at: $1) } - 1) < 1e-12)
        #expect(abs(all.probability(at: 0) / all.probability(at: 3) - 4) < 1e-12)
        let kept = try wordVectors(Array(gloveText(words, 3, values).utf8), keeping: ["king"])
        #expect(kept.probability(at: 0) == all.probability(at: 2))
    }

    @Test(arguments: [
        ("a 1 2\nb 1\n", 2), ("a 1 2\nb 1 x\n", 2), ("a 1 2\nb 1 nan\n", 2), ("a 1 2\nb inf 1\n", 2),
        ("a 1 2\nb 1e60 1\n", 2), ("a 1 2\nb 2e15 1\n", 2), ("a 1 2\nb 0x1p3 1\n", 2), ("a 1 2\nb 1 2 3\n", 2),
        ("a\n", 1),
        ("3 2\na 1 2\nb 3 4\n", 4), ("1 2\na 1 2\nb 3 4\n", 3), ("2 9000\na 1\n", 1), ("2 0\na\n", 1),
        ("9223372036854775807 4096\na 1 2\n", 1), ("4000000000 300\na 1 2\n", 1), ("1 -2\na 1 2\n", 1),
        ("a 1 2\n" + String(repeating: "x", count: 1_001) + " 1 2\n", 2),
        ("a 1 2\n" + String(repeating: "x", count: 200_000), 2),
    ])
    func aMalformedTextIsRefusedWithItsLine(text: String, line: Int) throws {
        #expect {
            _ = try wordVectors(text)
        } throws: { error in
            guard case .malformedLine(_, line, _)? = error as? DataError else { return false }
            return true
        }
    }

    @Test func aMalformedBinaryFileIsRefusedWithItsWord() throws {
        let good = word2vecBinary(words, 3, values)
        let bad: [([UInt8], Int)] = [
            (Array(good.dropLast(8)), 6), (good + [65], 7), (word2vecBinary(words, 3, values, count: 6), 7),
            (word2vecBinary(words, 3, values, count: 8), 1),
            (word2vecBinary(["a", "b"], 1, [1, .nan]), 3), (word2vecBinary(["a", "b"], 1, [1, .infinity]), 3),
            (word2vecBinary(["a", ""], 1, [1, 2]), 3),
            (word2vecBinary(["a", String(repeating: "x", count: 1_001)], 1, [1, 2]), 3),
        ]
        for (bytes, line) in bad {
            #expect {
                _ = try wordVectors(bytes, format: .word2vecBinary)
            } throws: { error in
                guard case .malformedLine(_, line, _)? = error as? DataError else { return false }
                return true
            }
        }
    }

    @Test func filesWithoutWordsAndWhatIsNoFileAreNamed() throws {
        for text in ["", "0 3\n"] {
            #expect { _ = try wordVectors(text) } throws: {
                guard case .empty? = $0 as? DataError else { return false }
                return true
            }
        }
        let folder = try TemporaryFolder()
        for path in [folder.path, folder.path + "/absent", "/dev/null"] {
            #expect { _ = try WordVectors(file: path) } throws: {
                guard case .notReadable(path, _)? = $0 as? DataError else { return false }
                return true
            }
        }
    }

    @Test func wordsWithSpacesOfTheLargeGloVeFilesAreRead() throws {
        let read = try wordVectors(", 1 2\n. . . 3 4\nat name@domain.com 5 6\n")
        #expect(read.words == [",", ". . .", "at name@domain.com"])
        #expect(read.values == [1, 2, 3, 4, 5, 6])
    }

    @Test func numbersInWritingAreTheNearestFloats() throws {
        var stream = RandomStream(root: 8, path: ["numbers"])
        var texts = ["0", "-0", ".5", "5.", "+1", "1e-3", "-1.5E+2", "1234567890.12345678901234567890", "0.1"]
        for _ in 0..<2_000 { texts.append("\(Float(stream.gaussian()))") }
        let read = try wordVectors(texts.enumerated().map { "w\($0) \($1)\n" }.joined())
        #expect(read.values == texts.map { Float($0) ?? .nan })
    }
}

struct TextEmbeddedVectorsTests {
    private let embedded = WordVectors.embedded

    @Test func theCutHasItsWordsInTheOrderOfFrequency() {
        #expect(embedded.words.count == 20_000)
        #expect(embedded.dimension == 50)
        #expect(embedded.duplicateCount == 0)
        #expect(Array(embedded.words.prefix(5)) == ["the", "of", "to", "and", "in"])
        #expect(embedded.values.allSatisfy { $0.isFinite && abs($0) < 6 })
    }

    private func nearest(_ word: String, _ count: Int) throws -> [String] {
        let centre = embedded.vector(at: try #require(embedded.index(of: word)))
        return embedded.words.indices.map { (embedded.words[$0], cosine(centre, embedded.vector(at: $0))) }
            .sorted { $0.1 > $1.1 }.dropFirst().prefix(count).map(\.0)
    }

    @Test func wordsOfOneKindLieTogether() throws {
        #expect(try nearest("king", 10).contains("queen"))
        #expect(try nearest("movie", 5).contains("film"))
        #expect(try nearest("thriller", 10).contains("drama"))
    }

    @Test(.enabled(if: RealData.isPresent, "skipped: no real data; set FERRY_DATA to its folder"))
    func theCutAgreesWithTheFullNumbers() throws {
        let full = try WordVectors(file: RealData.folder + "/word-vectors/glove.6B.50d.20k.txt")
        #expect(full.words == embedded.words)
        let cosines = full.words.indices.map { cosine(full.vector(at: $0), embedded.vector(at: $0)) }
        // Measured: mean 0.9986, least 0.969.
        #expect(try #require(mean(cosines)) > 0.998)
        #expect(try #require(cosines.min()) > 0.96)
    }

    @Test func vectorsOfGivenWordsAreZerosForThoseThatAreUnknown() {
        let values: [Float] = [0.5, -1, 2.25, 0, 1e-3, -7, 3, 4, 5]
        let known = WordVectors(words: ["the", "of", "king"], dimension: 3, values: values)
        let rows = known.vectors(of: ["king", "absent", "the"])
        #expect(rows.row(0).elementsEqual(values[6..<9]))
        #expect(rows.row(1).elementsEqual([0, 0, 0]))
        #expect(rows.row(2).elementsEqual(values[0..<3]))
        #expect(WordVectors.publicWords(3) == Array(WordVectors.embedded.words.prefix(3)))
    }

    @Test(arguments: [0.4, 1.5, 3]) func turnedWordsKeepTheirLengthsAndAngles(_ angle: Double) {
        func stream() -> RandomStream { RandomStream(root: 5, path: ["turn"]) }
        let plain = WordVectors.embedded
        #expect(plain.turned(by: 0, stream: stream()).values == plain.values)
        let turned = plain.turned(by: angle, stream: stream())
        #expect(turned.words == plain.words && turned.ranks == plain.ranks)
        func product(_ vectors: WordVectors, _ first: Int, _ second: Int) -> Double {
            zip(vectors.vector(at: first), vectors.vector(at: second)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        for word in stride(from: 0, to: 2_000, by: 100) {
            for other in [word, word + 7, 19_999] {
                let expected = product(plain, word, other)
                #expect(abs(product(turned, word, other) - expected) < 1e-4)
            }
            // In a plane the vector and its image enclose the angle, and the planes fill the space.
            let cosine =
                zip(plain.vector(at: word), turned.vector(at: word))
                .reduce(0) { $0 + Double($1.0) * Double($1.1) } / product(plain, word, word)
            #expect(abs(cosine - cosineOf(angle)) < 1e-4)
        }
    }

    private func cosineOf(_ angle: Double) -> Double { Foundation.cos(angle) }
}
