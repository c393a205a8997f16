import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Decay of old samples")
struct SampleDecayTests {
    /// Windows 10–19, 20–29, 30–39; the third is the changed one.
    private let decay = SampleDecay(times: [10, 20, 30, 40], change: 3, halfLife: 0.5)

    @Test("A weight halves with each half-life before the change, and is 1 from the change on")
    func weights() {
        #expect([9, 10, 19, 20, 29, 30, 39, 40, 99].map { decay.window(of: $0) } == [0, 1, 1, 2, 2, 3, 3, 4, 4])
        #expect([30, 39, 99].map { decay.weight(at: $0) } == [1, 1, 1])
        #expect(decay.weight(at: 25) == 0.25 && decay.weight(at: 15) == 0.0625)
        // 2⁻⁶ still counts, less does not.
        #expect(decay.weight(at: 5) == 1.0 / 64)
        #expect(SampleDecay(times: [10, 20, 30, 40], change: 3, halfLife: 0.4).weight(at: 5) == 0)
        #expect(decay.isOld(29) && !decay.isOld(30))
    }

    @Test("Old interactions fade beside new ones; of a person with old ones alone the latest count in full")
    func faded() {
        func history(_ times: [Int64]) -> PersonHistory {
            PersonHistory(items: times.indices.map { UInt32($0) }, ratings: times.map { _ in 1 }, times: times)
        }
        let mixed = decay.faded(history([35, 25, 5]))
        #expect(mixed.items == [0, 1, 2] && mixed.weights == [1, 0.25, 1.0 / 64])
        let old = decay.faded(history([15, 12, 5]))
        #expect(old.items == [0, 1, 2] && old.weights == [1, 1, 0.25])
        let timeless = decay.faded(PersonHistory(items: [4, 7], ratings: [1, 1]))
        #expect(timeless.items == [4, 7] && timeless.weights == [1, 1])
        #expect(decay.faded(.empty).items.isEmpty)
    }

    @Test("A fold-in of weights solves the equations with confidences 1 + αw", arguments: 0..<4 as Range<UInt64>)
    func foldIn(seed: UInt64) throws {
        NumericsBackEnd.useOneThread()
        let model = try FoldInTests.model(iterations: 2, seed: seed).model
        let confidence = FoldInTests.confidence
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: confidence)
        let items: [UInt32] = [1, 4, 9, 17]
        let weights: [Float] = [1, 0.5, 0.0625, 0.25]
        let start: [Float] = [0.5, -1, 2, 0.25]
        try foldIn.begin(items: items[...], weights: weights, regularization: 3)
        let (plain, corrected) = (foldIn.vector(), foldIn.correctedVector(start: start))
        func residual(_ vector: [Float]) -> [Double] {
            // Σ c q (1 − qᵀp) − Σ over other items q qᵀp − λ(p − prior), which is zero at the solution without prior.
            var sum = vector.map { -3 * Double($0) }
            for item in 0..<model.itemFactors.rowCount {
                let row = model.itemFactors.row(item).map { Double($0) }
                let score = zip(row, vector).reduce(0.0) { $0 + $1.0 * Double($1.1) }
                let position = items.firstIndex(of: UInt32(item))
                let c = position.map { 1 + Double(confidence) * Double(weights[$0]) } ?? 1
                for index in row.indices { sum[index] += c * row[index] * ((position == nil ? 0 : 1) - score) }
            }
            return sum
        }
        #expect(residual(plain).allSatisfy { abs($0) < 1e-4 })
        // (G + Σ(c−1)qqᵀ + λI)(p − start) = Σ c q (1 − qᵀstart), and with weights of 1 it is as without.
        var matrix = [Double](repeating: 0, count: 16)
        var right = [Double](repeating: 0, count: 4)
        for item in 0..<model.itemFactors.rowCount {
            let row = model.itemFactors.row(item).map { Double($0) }
            let position = items.firstIndex(of: UInt32(item))
            let c = position.map { 1 + Double(confidence) * Double(weights[$0]) } ?? 1
            let fit = zip(row, start).reduce(0.0) { $0 + $1.0 * Double($1.1) }
            for i in 0..<4 {
                for j in 0..<4 { matrix[i * 4 + j] += c * row[i] * row[j] }
                if position != nil { right[i] += c * row[i] * (1 - fit) }
            }
        }
        for i in 0..<4 { matrix[i * 5] += 3 }
        for i in 0..<4 {
            let product = (0..<4).reduce(0.0) { $0 + matrix[i * 4 + $1] * Double(corrected[$1] - start[$1]) }
            #expect(abs(product - right[i]) < 1e-4)
        }
        try foldIn.begin(items: items[...], weights: [1, 1, 1, 1], regularization: 3)
        let weighted = foldIn.correctedVector(start: start)
        try foldIn.begin(items: items[...], regularization: 3)
        #expect(weighted == foldIn.correctedVector(start: start))
    }
}
