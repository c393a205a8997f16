import Numerics
import Recommenders
import Testing

@Suite("Means of noised sums")
struct NoisedMeansTests {
    /// Sums of ratings from 1 to 5 with noise, and the items' true offsets.
    private static func world(
        noise: Double, count: Int, seed: UInt64 = 3
    ) -> (counts: [Float], sums: [Float], offsets: [Double]) {
        var random = RandomStream(root: seed, path: ["means"])
        var counts: [Float] = []
        var sums: [Float] = []
        var offsets: [Double] = []
        for _ in 0..<400 {
            let offset = 0.4 * random.gaussian()
            var sum = 0.0
            for _ in 0..<count { sum += (min(5, max(1, 3.5 + offset + random.gaussian())) - 3) / 2 }
            offsets.append(offset)
            counts.append(Float(Double(count) + noise * random.gaussian()))
            sums.append(Float(sum + noise * random.gaussian()))
        }
        return (counts, sums, offsets)
    }

    private static func error(noise: Double, stated: Double) -> Double {
        let world = world(noise: noise, count: 40)
        let means = RatingMeans(
            noisedCounts: world.counts, sums: world.sums, noise: stated, scale: 1...5, damping: 5)
        let squares = zip(means.itemOffsets, world.offsets).map { (Double($0) - $1) * (Double($0) - $1) }
        return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }

    /// What no offsets at all err by: about 0.4.
    private static func errorOfNone(noise: Double) -> Double {
        let offsets = world(noise: noise, count: 40).offsets
        return (offsets.reduce(0) { $0 + $1 * $1 } / Double(offsets.count)).squareRoot()
    }

    @Test("Without noise the means are those of the ratings, damped")
    func exact() {
        let means = RatingMeans(
            noisedCounts: [2, 0, 8], sums: [2, 0, -4], noise: 0, scale: 1...5, damping: 2)
        // Ten ratings of -0.2 on average: 3 − 0.4; of the first item 1.2 above it, with two ratings at the mean.
        #expect(abs(means.globalMean - 2.6) < 1e-6)
        #expect(abs(means.itemOffsets[0] - 2 * (2 + 0.4) / 4) < 1e-6 && means.itemOffsets[1] == 0)
        #expect(abs(means.itemOffsets[2] - 2 * (-4 + 1.6) / 10) < 1e-6)
    }

    @Test(
        "The more noise, the less of it enters: hardly worse than no offsets, and better than taking sums at their word"
    )
    func shrinkage() {
        #expect(Self.error(noise: 0, stated: 0) < 0.2)
        for noise in [2.0, 8, 30, 200] {
            let shrunk = Self.error(noise: noise, stated: noise)
            // Two per cent: what the noise makes up of counts.
            #expect(shrunk < 1.02 * Self.errorOfNone(noise: noise), "\(noise): \(shrunk)")
            #expect(shrunk < Self.error(noise: noise, stated: 0) + 0.01, "\(noise)")
        }
        #expect(Self.error(noise: 2, stated: 2) < 0.25)
    }

    @Test("Noise alone gives the middle of the scale or something within it, and finite offsets")
    func nothing() {
        let means = RatingMeans(
            noisedCounts: [-3, 0.5, 2], sums: [9, -9, 40], noise: 10, scale: 1...5, damping: 0)
        #expect((1...5).contains(means.globalMean) && means.itemOffsets.allSatisfy { $0.isFinite && abs($0) <= 4 })
        let none = RatingMeans(noisedCounts: [-1, -2], sums: [1, 1], noise: 1, scale: 1...5, damping: 1)
        #expect(none.globalMean == 3 && none.itemOffsets == [0, 0])
    }
}
