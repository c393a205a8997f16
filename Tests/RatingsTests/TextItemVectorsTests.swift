import Foundation
import Numerics
import Ratings
import TestSupport
import Testing

struct TextItemVectorsTests {
    private func descriptions(_ titles: [String]) -> [ItemDescription] { titles.map { ItemDescription(title: $0) } }

    private func vectors(_ titles: [String], _ words: WordVectors = .embedded) -> ItemVectors {
        ItemVectors(descriptions: descriptions(titles), words: words)
    }

    @Test func aTinyVocabularyGivesTheVectorsOfAHandCalculation() {
        // Ranks 1, 2, 3 of H = 11/6: p = 6/11, 3/11, 2/11; weights 1e-3 / (1e-3 + p).
        let words = WordVectors(words: ["a", "b", "c"], dimension: 2, values: [1, 0, 0, 1, 2, 2])
        let weights = [6.0, 3, 2].map { 1e-3 / (1e-3 + $0 / 11) }
        let read = ItemVectors(
            descriptions: [
                ItemDescription(title: "A b"), ItemDescription(title: "c", keywords: ["zzz", "C"]), ItemDescription(),
            ], words: words)
        // The rows (w₀, w₁) / 2 and 2 w₂ (1, 1); their first direction from the 2 × 2 Gram matrix.
        let rows = [(weights[0] / 2, weights[1] / 2), (2 * weights[2], 2 * weights[2])]
        let xx = rows[0].0 * rows[0].0 + rows[1].0 * rows[1].0
        let yy = rows[0].1 * rows[0].1 + rows[1].1 * rows[1].1
        let xy = rows[0].0 * rows[0].1 + rows[1].0 * rows[1].1
        let angle = atan2(2 * xy, xx - yy) / 2
        let expected = rows.map { row -> (Double, Double) in
            let product = row.0 * cos(angle) + row.1 * sin(angle)
            return (row.0 - product * cos(angle), row.1 - product * sin(angle))
        }
        for (item, row) in expected.enumerated() {
            #expect(abs(Double(read.vectors[item, 0]) - row.0) < 1e-8)
            #expect(abs(Double(read.vectors[item, 1]) - row.1) < 1e-8)
        }
        #expect(abs(Double(read.vectors[2, 0]) - (expected[0].0 + expected[1].0) / 2) < 1e-8)
        #expect(abs(expected[0].0) > 1e-4)
        #expect(read.isDescribed == [true, true, false])
        #expect(read.knownTokenShare == 0.8)
    }

    @Test func inventedTitlesGiveTheVectorsOfNumPy() {
        let read = vectors(NumPyOracle.titles)
        #expect(read.knownTokenShare == 1)
        for (item, expected) in NumPyOracle.expected.enumerated() {
            let row = Array(read.vectors.row(item))
            for (place, value) in zip(stride(from: 0, to: 50, by: 10), expected) {
                #expect(abs(Double(row[place]) - value) < 2e-5, "\(NumPyOracle.titles[item]), column \(place)")
            }
            let norm = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(norm - expected[5]) < 2e-5)
        }
    }

    @Test func theCommonDirectionIsGone() throws {
        let read = vectors(NumPyOracle.titles)
        let common = read.commonComponent
        #expect(abs(common.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
        for item in NumPyOracle.titles.indices {
            let product = zip(read.vectors.row(item), common).reduce(0.0) { $0 + Double($1.0) * $1.1 }
            #expect(abs(product) < 1e-5)
        }
    }

    @Test func theOrderOfTheItemsIsTheOrderOfTheRows() {
        var stream = RandomStream(root: 21, path: ["permutations"])
        let titles = NumPyOracle.titles + ["", "qqqq zzzz"]
        let straight = vectors(titles)
        for trial in 0..<10 {
            let order = stream.permutation(count: titles.count)
            let permuted = vectors(order.map { titles[$0] })
            for (row, item) in order.enumerated() {
                let difference = zip(permuted.vectors.row(row), straight.vectors.row(item)).map { abs($0 - $1) }
                #expect((difference.max() ?? 1) < 1e-5, "root 21, trial \(trial)")
                #expect(permuted.isDescribed[row] == straight.isDescribed[item])
            }
        }
    }

    @Test func unknownWordsChangeNothingButTheKnownShare() {
        let straight = vectors(NumPyOracle.titles)
        let longer = vectors(NumPyOracle.titles.map { $0 + " qqzx 40172" })
        #expect(longer.vectors == straight.vectors)
        #expect(longer.isDescribed == straight.isDescribed)
        #expect(longer.knownTokenShare < 1)
    }

    @Test func keywordsCountAsTheWordsOfTheTitleDo() {
        let titles = NumPyOracle.titles
        let split = ItemVectors(
            descriptions: titles.map { title in
                let words = title.split(separator: " ").map(String.init)
                return ItemDescription(title: words[0], keywords: Array(words.dropFirst()))
            }, words: .embedded)
        #expect(split == vectors(titles))
    }

    @Test func cataloguesWithoutDifferencesGiveZeros() {
        let none = vectors([])
        #expect(none.vectors.rowCount == 0 && none.vectors.columnCount == 50)
        #expect(none.isDescribed.isEmpty && none.knownTokenShare == 0 && none.commonComponent.isEmpty)
        let empty = vectors(["", "", "qqzx"])
        #expect(empty.vectors.values.allSatisfy { $0 == 0 })
        #expect(empty.isDescribed == [false, false, false] && empty.commonComponent.isEmpty)
        for titles in [["Air Force One"], ["Air Force One", ""], [String](repeating: "Air Force One", count: 7)] {
            let same = vectors(titles)
            #expect(same.vectors.values.allSatisfy { $0 == 0 })
            #expect(same.isDescribed == titles.map { !$0.isEmpty })
            #expect(same.commonComponent.count == 50)
        }
    }

    @Test func itemsWithoutAKnownWordHaveTheMeanOfTheOthers() {
        let titles = NumPyOracle.titles + ["", "qqzx"]
        let read = vectors(titles)
        for column in 0..<50 {
            let mean = (0..<20).reduce(0.0) { $0 + Double(read.vectors[$1, column]) } / 20
            #expect(abs(Double(read.vectors[20, column]) - mean) < 1e-6)
            #expect(read.vectors[20, column] == read.vectors[21, column])
        }
        #expect(read.isDescribed.suffix(3) == [true, false, false])
    }

    @Test(.enabled(if: RealData.isPresent, "skipped: no real data; set FERRY_DATA to its folder"))
    func titlesOfTheAmazonItemsLieTheSameWithTheCutAndTheFullNumbers() throws {
        let full = try WordVectors(file: RealData.folder + "/word-vectors/glove.6B.50d.20k.txt")
        for domain in ["movies", "books"] {
            let text = try String(contentsOfFile: RealData.folder + "/amazon-merged/\(domain).item", encoding: .utf8)
            let titles = text.split(separator: "\n").dropFirst()
                .map { String($0.split(separator: "\t", omittingEmptySubsequences: false)[1]) }
            let cut = vectors(titles)
            let whole = vectors(titles, full)
            #expect(cut.isDescribed == whole.isDescribed)
            #expect(cut.knownTokenShare > 0.83)
            let described = titles.indices.filter { cut.isDescribed[$0] }
            var pairs: [(Double, Double)] = []
            for (place, first) in described.enumerated() {
                for second in described[..<place] {
                    pairs.append(
                        (
                            cosine(cut.vectors.row(first), cut.vectors.row(second)),
                            cosine(whole.vectors.row(first), whole.vectors.row(second))
                        ))
                }
            }
            // Measured: 0.998 for both domains.
            #expect(correlation(pairs) > 0.997)
        }
    }

    private func correlation(_ pairs: [(Double, Double)]) -> Double {
        let count = Double(pairs.count)
        let means = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
        var products = (0.0, 0.0, 0.0)
        for (left, right) in pairs {
            products.0 += (left - means.0) * (right - means.1)
            products.1 += (left - means.0) * (left - means.0)
            products.2 += (right - means.1) * (right - means.1)
        }
        return products.0 / (products.1 * products.2).squareRoot()
    }
}
