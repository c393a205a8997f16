import Numerics
import Ratings
import Testing
import Transfer

@Suite("Text factor map")
struct TextFactorMapTests {
    init() { NumericsBackEnd.useOneThread() }

    @Test("A planted affine map is found, and items of weight 0 say nothing")
    func planted() throws {
        let text = TextAlignmentTests.texts(50, 6, seed: 1)
        let weights = TextAlignmentTests.texts(6, 3, seed: 2)
        var factors = text.multiplied(by: weights)
        for item in 0..<50 { for column in 0..<3 { factors[item, column] += Float(column + 1) } }
        var itemWeights = [Float](repeating: 0.5, count: 50)
        for item in 0..<10 {
            itemWeights[item] = 0
            for column in 0..<3 { factors[item, column] = 100 }
        }
        let map = try TextFactorMap(itemFactors: factors, text: text, itemWeights: itemWeights, ridge: 1e-6)
        #expect(TextAlignmentTests.distance(map.weights, weights) < 1e-3)
        #expect(zip(map.offset, [1, 2, 3]).allSatisfy { abs($0 - $1) < 1e-3 })
        let features = map.features(text, concatenating: false)
        #expect((10..<50).allSatisfy { abs(features[$0, 1] - factors[$0, 1]) < 1e-3 })
    }

    @Test("The gradient of the weighted ridge regression is zero at the map")
    func gradient() throws {
        for seed: UInt64 in 1...4 {
            let text = TextAlignmentTests.texts(30, 4, seed: seed)
            let factors = TextAlignmentTests.texts(30, 2, seed: seed + 9)
            var stream = RandomStream(root: seed, path: ["weights"])
            let weights = (0..<30).map { _ in Float(stream.uniform()) }
            let map = try TextFactorMap(itemFactors: factors, text: text, itemWeights: weights, ridge: 3)
            for column in 0..<2 {
                let residuals = (0..<30).map { item in
                    (0..<4).reduce(Double(map.offset[column]) - Double(factors[item, column])) {
                        $0 + Double(map.weights[$1, column]) * Double(text[item, $1])
                    }
                }
                #expect(abs((0..<30).reduce(0.0) { $0 + Double(weights[$1]) * residuals[$1] }) < 1e-4, "seed \(seed)")
                for row in 0..<4 {
                    let slope = (0..<30).reduce(3 * Double(map.weights[row, column])) {
                        $0 + Double(weights[$1]) * residuals[$1] * Double(text[$1, row])
                    }
                    #expect(abs(slope) < 1e-4, "seed \(seed)")
                }
            }
        }
    }

    @Test("Features are the predicted factors, then the text and a one; an item without text has the mean text")
    func features() throws {
        let text = TextAlignmentTests.texts(20, 4, seed: 3)
        let map = try TextFactorMap(
            itemFactors: TextAlignmentTests.texts(20, 2, seed: 4), text: text,
            itemWeights: [Float](repeating: 1, count: 20), ridge: 1)
        var isDescribed = [Bool](repeating: true, count: 20)
        isDescribed[7] = false
        let features = map.features(text, isDescribed: isDescribed, concatenating: true)
        #expect(features.columnCount == 7)
        #expect(Array(features.row(3)[(features.row(3).startIndex + 2)...]) == Array(text.row(3)) + [1])
        for column in 0..<4 {
            let mean = (0..<20).filter { $0 != 7 }.reduce(Float(0)) { $0 + text[$1, column] } / 19
            #expect(abs(features[7, column + 2] - mean) < 1e-5)
        }
        let prior = map.priorWeights(scale: 3)
        #expect(
            TextAlignmentTests.distance(
                features.multiplied(by: prior),
                Matrix(
                    rowCount: 20, columnCount: 2,
                    values: map.features(text, isDescribed: isDescribed, concatenating: false).values.map { 3 * $0 }))
                < 1e-5)
    }

    @Test("Of equal length, the predicted factors differ in direction alone, and one without text is zero")
    func equalLength() throws {
        let text = TextAlignmentTests.texts(20, 4, seed: 3)
        let map = try TextFactorMap(
            itemFactors: TextAlignmentTests.texts(20, 3, seed: 4), text: text,
            itemWeights: [Float](repeating: 1, count: 20), ridge: 1)
        var isDescribed = [Bool](repeating: true, count: 20)
        isDescribed[7] = false
        let features = map.features(text, isDescribed: isDescribed, length: .equal, concatenating: false)
        for item in 0..<20 {
            let length = features.row(item).reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(length - (item == 7 ? 0 : map.meanLength)) < 1e-5)
        }
    }

    @Test("An item counts n / (n + shrinkage), and not at all without text or interactions")
    func itemWeights() {
        let rows = SparseRows(starts: [0, 2, 4], columns: [0, 1, 0, 2], columnCount: 4)
        #expect(
            TextFactorMap.itemWeights(rows, isDescribed: [true, true, false, true], shrinkage: 2)
                == [0.5, 1 / 3, 0, 0])
    }
}
