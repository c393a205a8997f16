import Federation
import Numerics
import Testing

@Suite struct PageHinkleyTests {
    private func alarms(_ series: [Double], _ detector: PageHinkley = PageHinkley()) -> [Int] {
        var detector = detector
        return series.indices.filter { detector.observe(series[$0]) }
    }

    private func stationary(_ seed: Int, count: Int = 30, _ path: StreamComponent = "stationary") -> [Double] {
        var stream = RandomStream(root: UInt64(seed), path: ["drift", path])
        return (0..<count).map { _ in stream.gaussian() }
    }

    @Test func `The excess is that of a small series by hand`() {
        var detector = PageHinkley(tolerance: 0.5, threshold: 2.9, minimumObservationCount: 1)
        // Means 0, 0, 2, 3; m = −0.5, −1, 2.5, 5.
        let values: [(value: Double, excess: Double, isAlarm: Bool, unsuspected: Int)] = [
            (0, 0, false, 1), (0, 0, false, 2), (6, 3.5, true, 2), (6, 6, true, 2),
        ]
        for expected in values {
            #expect(detector.observe(expected.value) == expected.isAlarm)
            #expect(abs(detector.excess - expected.excess) <= 1e-12)
            #expect(detector.unsuspectedCount == expected.unsuspected)
        }
        #expect(detector.mean == 3 && detector.observationCount == 4)
        detector.reset()
        #expect(detector == PageHinkley(tolerance: 0.5, threshold: 2.9, minimumObservationCount: 1))
        // A fall lowers m and raises no alarm; the level before it is then an increase.
        #expect(alarms([6, 6, 6, 0, 0, 0, 0, 0]).isEmpty)
        #expect(alarms([0, 0, 9], PageHinkley(minimumObservationCount: 3)) == [2])
        #expect(alarms([0, 0, 9, 9], PageHinkley(minimumObservationCount: 4)) == [3])
    }

    @Test(arguments: 0..<20) func `Its excess is that of a slow twin`(seed: Int) {
        let series = stationary(seed, "twin")
        var detector = PageHinkley(tolerance: 0.1, threshold: 1)
        for end in series.indices {
            let isAlarm = detector.observe(series[end])
            var sums = [0.0]
            for index in 0...end {
                sums.append(sums[index] + series[index] - series[...index].reduce(0, +) / Double(index + 1) - 0.1)
            }
            let excess = sums[end + 1] - (sums.min() ?? 0)
            #expect(abs(detector.excess - excess) <= 1e-12 && isAlarm == (end >= 4 && excess > 1), "seed \(seed)")
        }
    }

    @Test func `No alarm in 200 stationary series of 30 observations, and in few of 20,000`() {
        #expect((0..<200).allSatisfy { alarms(stationary($0)).isEmpty })
        let count = (0..<20_000).count { !alarms(stationary($0)).isEmpty }
        print("Page–Hinkley: \(count) of 20,000 stationary series raised an alarm")
        #expect(count <= 8)
    }

    @Test func `A step of four standard deviations is seen within two observations`() {
        let delays = (0..<2000).map { seed in
            let series = stationary(seed, "step").enumerated().map { $1 + ($0 >= 20 ? 4 : 0) }
            return alarms(series).first.map { $0 - 20 } ?? 99
        }
        let shares = (0..<3).map { limit in delays.count { (0...limit).contains($0) } }
        print("Page–Hinkley: delays of at most 0, 1, 2 in \(shares) of 2,000 series")
        #expect(shares[2] >= 1920)
        // Without noise it is seen at the second observation of the new level.
        #expect(alarms((0..<30).map { $0 < 20 ? 0 : 4 }).first == 21)
    }
}

@Suite struct FeatureMeanAlarmTests {
    private let features = RandomFeatures(dimension: 4, frequencyCount: 64, squaredBandwidth: 4, root: 1)

    private func window(_ count: Int, shift: Float = 0, _ stream: inout RandomStream) -> FeatureMean {
        let values = (0..<count * 4).map { _ in Float(stream.gaussian()) + shift }
        return FeatureMean(
            mean: features.mean(of: Matrix(rowCount: count, columnCount: 4, values: values)), count: count)
    }

    @Test func `Windows of the reference's distribution raise no alarm, shifted ones do`() {
        var stream = RandomStream(root: 2, path: ["feature-alarm"])
        let alarm = FeatureMeanAlarm(reference: window(500, &stream))
        #expect((0..<1000).count { _ in alarm.isRaised(by: window(100, &stream)) } == 0)
        #expect((0..<50).allSatisfy { _ in alarm.isRaised(by: window(100, shift: 1, &stream)) })
        #expect((0..<50).count { _ in alarm.isRaised(by: window(2, shift: 0.1, &stream)) } == 0)
    }

    @Test func `The threshold follows from the counts`() {
        let alarm = FeatureMeanAlarm(reference: FeatureMean(mean: [1, 0], count: 50), level: 0.05)
        // (1/50 + 1/200) (1.959964² − 1).
        let window = FeatureMean(mean: [0, 1], count: 200)
        #expect(abs(alarm.threshold(window) - 0.025 * 2.841458820694126) <= 1e-9)
        #expect(alarm.squaredMMD(window) == 2 && alarm.isRaised(by: window))
        let single = FeatureMean(mean: [0, 1], count: 1)
        #expect(alarm.squaredMMD(single) == nil && !alarm.isRaised(by: single))
        #expect(!FeatureMeanAlarm(reference: single).isRaised(by: window))
    }

    @Test func `Of features of rank one the level is reached, and not exceeded`() {
        // φ = (±1): the mean's square is chi-squared with one degree of freedom.
        var stream = RandomStream(root: 3, path: ["rank-one"])
        func signs(_ count: Int) -> FeatureMean {
            let sum = (0..<count).reduce(0.0) { sum, _ in sum + (stream.uniform() < 0.5 ? 1 : -1) }
            return FeatureMean(mean: [sum / Double(count)], count: count)
        }
        let alarms = (0..<10_000).count { _ in
            FeatureMeanAlarm(reference: signs(150), level: 0.05).isRaised(by: signs(100))
        }
        #expect(abs(alarms - 500) <= 5 * 22, "\(alarms)")
    }
}

@Suite struct DriftMonitorTests {
    private static func series(_ seed: Int, _ name: StreamComponent, step: Double = 0, at change: Int = 20) -> [Double]
    {
        var stream = RandomStream(root: UInt64(seed), path: ["monitor", name])
        return (0..<30).map { stream.gaussian() + ($0 >= change ? step : 0) }
    }

    private func alarms(_ series: [Double], _ monitor: DriftMonitor = DriftMonitor()) throws -> [Int] {
        var monitor = monitor
        return try series.indices.filter { try monitor.observe(loss: series[$0]) == .loss }
    }

    @Test func `Few stationary series of 30 rounds raise an alarm`() throws {
        let counts = try [200, 20_000].map { count in
            try (0..<count).count { !(try alarms(Self.series($0, "stationary")).isEmpty) }
        }
        print("monitor: \(counts) of 200 and 20,000 stationary series raised an alarm")
        #expect(counts[0] == 0 && counts[1] <= 40)
    }

    @Test func `A step of four standard deviations is seen within two rounds`() throws {
        let delays = try (0..<2000).map { try alarms(Self.series($0, "step", step: 4)).first.map { $0 - 20 } ?? 99 }
        let shares = (0..<10).map { limit in delays.count { (0...limit).contains($0) } }
        print("monitor: delays of at most 0, 1, … in \(shares) of 2,000 series")
        #expect(shares[2] >= 1540 && shares[9] >= 1970)
        // A large step is seen at once, a fall never.
        #expect(try alarms(Self.series(1, "step", step: 1e6)).first == 20)
        #expect(try alarms(Self.series(1, "step", step: -1e6)).isEmpty)
    }

    @Test(arguments: 0..<50) func `Neither units nor level of the losses move an alarm`(seed: Int) throws {
        let series = Self.series(seed, "scale", step: 3)
        let plain = try alarms(series)
        for scale in [1e-30, 1e-3, 7, 0x1p40, 1e200] {
            #expect(try alarms(series.map { scale * $0 }) == plain, "seed \(seed)")
        }
        #expect(try alarms(series.map { 1000 + $0 }) == plain, "seed \(seed)")
    }

    @Test func `Equal losses raise no alarm, and any increase of them does`() throws {
        for level in [0, 0.1, 3e10] {
            var series = [Double](repeating: level, count: 15)
            #expect(try alarms(series).isEmpty)
            series += [level + max(level, 1) * 0.01]
            #expect(try alarms(series) == [15])
        }
    }

    @Test func `It says which detector raised the alarm, and restarts`() throws {
        let features = RandomFeatures(dimension: 2, frequencyCount: 32, squaredBandwidth: 2, root: 1)
        var stream = RandomStream(root: 4, path: ["monitor", "both"])
        func round(_ shift: Float) -> FeatureMean {
            let values = (0..<200).map { _ in Float(stream.gaussian()) + shift }
            return FeatureMean(
                mean: features.mean(of: Matrix(rowCount: 100, columnCount: 2, values: values)), count: 100)
        }
        var monitor = DriftMonitor(warmUpCount: 4)
        let losses = [1, 1.2, 0.9, 1.1]
        for loss in losses { #expect(try monitor.observe(loss: loss, features: round(0)) == []) }
        #expect(try monitor.observe(loss: 1, features: round(0)) == [])
        #expect(try monitor.observe(loss: 1, features: round(2)) == .features)
        #expect(try monitor.observe(loss: 1e9, features: round(0)) == .loss)
        let both = try monitor.observe(loss: 1e9, features: round(2))
        #expect(both == [.loss, .features] && both.description == "loss, features")
        #expect(DriftAlarms.loss.description == "loss" && DriftAlarms([]).description == "none")
        #expect(throws: DriftError.notFinite(what: "the loss")) { try monitor.observe(loss: .nan) }
        #expect(throws: DriftError.featureCountMismatch(expected: 64, actual: 1)) {
            try monitor.observe(loss: 1, features: FeatureMean(mean: [1], count: 5))
        }
        #expect(throws: DriftError.notFinite(what: "a random feature")) {
            try monitor.observe(loss: 1, features: FeatureMean(mean: [.infinity], count: 5))
        }
        #expect(monitor.roundCount == 8)
        monitor.restart()
        #expect(monitor.roundCount == 0)
        // The new level is the reference now.
        for loss in losses { #expect(try monitor.observe(loss: 1e9 + loss, features: round(2)) == []) }
        #expect(try monitor.observe(loss: 1e9 + 1, features: round(2)) == [])
        #expect(try monitor.observe(loss: 1e9 + 1, features: round(0)) == .features)
    }
}

@Suite struct DriftReportTests {
    private let losses: [Double] = [1, 2, 1, 5, 6, 5, 4, 3, 3]

    @Test func `Delay, false alarms and recovery are those by hand`() {
        let report = DriftReport(losses: losses, alarms: [1, 4, 5], change: 3, recoveryRoundCount: 2)
        // Before: (2 + 1) / 2; (6 − 4) / (6 − 1.5).
        #expect(report.delay == 1 && report.falseAlarms == 1)
        #expect(report.recovery == 2 / 4.5)
        let later = DriftReport(losses: losses, alarms: [4], change: 3)
        #expect(later.recovery == 3 / (6 - 4.0 / 3))
    }

    @Test func `What cannot be said is nil`() {
        let missed = DriftReport(losses: losses, alarms: [1], change: 3)
        #expect(missed.delay == nil && missed.falseAlarms == 1 && missed.recovery == nil)
        let none = DriftReport(losses: losses, alarms: [1, 7], change: nil)
        #expect(none.delay == nil && none.falseAlarms == 2 && none.recovery == nil)
        let short = DriftReport(losses: losses, alarms: [7], change: 3)
        #expect(short.delay == 4 && short.falseAlarms == 0 && short.recovery == nil)
        // Nothing came before; nothing rose.
        #expect(DriftReport(losses: losses, alarms: [0], change: 0).recovery == nil)
        #expect(DriftReport(losses: [2, 2, 2, 2, 2, 2], alarms: [1], change: 1).recovery == nil)
        #expect(DriftReport(losses: [], alarms: [], change: nil).falseAlarms == 0)
    }
}
