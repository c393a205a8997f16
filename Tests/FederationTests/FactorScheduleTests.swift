import Federation
import Numerics
import Scenario
import Testing

/// Simulated time: when clients are done, and what a version is made of.
@Suite struct FactorScheduleTests {
    private static func scenario(_ count: Int, _ overrides: [String]) throws -> ScenarioDefinition {
        try Scenarios.narrow(
            ["clients.movies.count=\(count)", "federation.local-steps=1", "federation.mode=async"] + overrides)
    }

    /// The schedule of the movie clients.
    private static func schedule(
        _ count: Int, _ overrides: [String], seed: Int = 1, step: RoundStep = .factors
    ) throws -> FactorSchedule {
        try #require(
            try FactorSchedule(scenario(count, overrides), domain: "movies", seed: seed, step: step))
    }

    private static let equal = ["federation.speed-spread=0", "federation.job-spread=0"]

    /// A version in words: time, then clients with their staleness, in brackets where it is too much.
    private func next(_ schedule: inout FactorSchedule) -> String {
        schedule.start(schedule.clients)
        let arrivals = schedule.advance().map {
            let text = "\($0.client.suffix(1)) \($0.staleness)"
            return $0.isDropped ? "(\(text))" : text
        }
        return "\(schedule.progress.time): " + arrivals.joined(separator: ", ")
    }

    @Test func `An update counts one over the root of one more than its staleness`() {
        #expect([0, 3, 8, 99].map { FactorSchedule.weight(staleness: $0) } == [1, 0.5, 1.0 / 3, 0.1])
    }

    @Test func `Without a mode no time is simulated`() throws {
        let scenario = try Scenarios.narrow(["clients.movies.count=3", "federation.local-steps=1"])
        #expect(FactorSchedule(scenario, domain: "movies", seed: 1, step: .factors) == nil)
    }

    @Test func `Equal clients with room for two of three take turns`() throws {
        var schedule = try Self.schedule(3, Self.equal + ["federation.buffer=2"])
        // The third is done with the others, and its update is one version old when it is taken; then it is the second's.
        let versions = (0..<4).map { _ in next(&schedule) }
        #expect(versions == ["1.0: 1 0, 2 0", "2.0: 3 1, 1 0", "3.0: 2 1, 1 0", "4.0: 3 1, 1 0"])
    }

    @Test func `An update that is too old makes no version, and its client starts again from the next`() throws {
        var schedule = try Self.schedule(3, Self.equal + ["federation.buffer=2", "federation.staleness=0"])
        let versions = (0..<4).map { _ in next(&schedule) }
        #expect(versions == ["1.0: 1 0, 2 0", "2.0: (3 1), 1 0, 2 0", "3.0: 1 0, 2 0", "4.0: (3 1), 1 0, 2 0"])
    }

    @Test func `With a buffer for all nobody goes ahead, and a version takes as long as its slowest client`() throws {
        var schedule = try Self.schedule(4, ["federation.buffer=4"])
        var end = 0.0
        for version in 0..<5 {
            end += schedule.clients.map { schedule.duration(of: $0, version: version) }.max() ?? 0
            schedule.start(schedule.clients)
            let arrivals = schedule.advance()
            #expect(Set(arrivals.map(\.client)) == Set(schedule.clients))
            #expect(arrivals.allSatisfy { $0.staleness == 0 && !$0.isDropped })
            #expect(abs(schedule.progress.time - end) < 1e-12)
        }
    }

    @Test func `Work that is given up does not arrive, and what is left makes the version`() throws {
        var schedule = try Self.schedule(3, Self.equal + ["federation.buffer=3"])
        schedule.start(schedule.clients)
        schedule.abandon("movies-2")
        #expect(schedule.advance().map(\.client) == ["movies-1", "movies-3"])
        #expect(schedule.isIdle("movies-2"))
        // Nothing at all arrives of nobody.
        #expect(schedule.advance().isEmpty && schedule.progress.time == 1)
    }

    @Test func `Learning ends with the last version that fits into the time`() throws {
        var schedule = try Self.schedule(3, Self.equal + ["federation.buffer=3", "federation.simulated-time=2.5"])
        #expect(next(&schedule) == "1.0: 1 0, 2 0, 3 0")
        schedule.endIfLate(schedule.clients)
        #expect(!schedule.progress.isOver)
        #expect(next(&schedule) == "2.0: 1 0, 2 0, 3 0")
        schedule.endIfLate(schedule.clients)
        #expect(schedule.progress.isOver && !schedule.isIdle("movies-1"))
        #expect(next(&schedule) == "2.0: ")
    }

    @Test(arguments: 0..<60) func `Versions are those of a server that takes one event after the other`(seed: Int)
        throws
    {
        var stream = RandomStream(root: UInt64(seed), path: ["schedule"])
        let count = 2 + stream.integer(below: 7)
        let buffer = 1 + stream.integer(below: count)
        let limit = stream.integer(below: 6)
        var schedule = try Self.schedule(
            count,
            [
                "federation.buffer=\(buffer)", "federation.staleness=\(limit)", "federation.speed-spread=1",
                "federation.job-spread=0.5",
            ], seed: seed)
        // Algorithm 1 with a queue of events; a client that was taken starts with the next version.
        var queue: [(time: Double, place: Int, version: Int)] = []
        var free = Array(0..<count)
        var time = 0.0
        for version in 0..<25 {
            for place in free {
                let name = schedule.clients[place]
                queue.append((time + schedule.duration(of: name, version: version), place, version))
            }
            free = []
            var expected: [String] = []
            var fill = 0
            while fill < buffer, !queue.isEmpty {
                var first = 0
                for index in queue.indices
                where (queue[index].time, queue[index].place) < (queue[first].time, queue[first].place) {
                    first = index
                }
                let event = queue.remove(at: first)
                if event.time > time { time = event.time }
                let isOld = version > event.version + limit
                if !isOld { fill += 1 }
                free.append(event.place)
                expected.append("\(schedule.clients[event.place]) \(version - event.version) \(isOld)")
            }
            schedule.start(schedule.clients)
            let arrivals = schedule.advance().map { "\($0.client) \($0.staleness) \($0.isDropped)" }
            #expect(arrivals == expected, "version \(version)")
            #expect(schedule.progress.time == time)
        }
    }

    @Test func `Times are log-normal with median 1, over clients and over pieces of work`() throws {
        func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (mean, (squares / Double(values.count)).squareRoot())
        }
        let many = try Self.schedule(
            1_000, ["federation.speed-spread=0.7", "federation.job-spread=0"])
        let speeds = moments(many.clients.map { many.duration(of: $0, version: 0).logarithm })
        // Five standard errors.
        #expect(abs(speeds.mean) < 5 * 0.7 / 1_000.0.squareRoot())
        #expect(abs(speeds.deviation - 0.7) < 5 * 0.7 / 2_000.0.squareRoot())
        #expect(many.duration(of: "movies-1", version: 0) == many.duration(of: "movies-1", version: 9))
        let few = try Self.schedule(2, ["federation.speed-spread=0", "federation.job-spread=0.3"])
        let work = moments((0..<2_000).map { few.duration(of: "movies-1", version: $0).logarithm })
        #expect(abs(work.mean) < 5 * 0.3 / 2_000.0.squareRoot())
        #expect(abs(work.deviation - 0.3) < 5 * 0.3 / 4_000.0.squareRoot())
        // A client is as fast after the choices as before them; what it does takes another time.
        let refit = try Self.schedule(
            2, ["federation.speed-spread=0.7", "federation.job-spread=0"], step: .refitFactors)
        let before = try Self.schedule(2, ["federation.speed-spread=0.7", "federation.job-spread=0"])
        #expect(refit.duration(of: "movies-2", version: 3) == before.duration(of: "movies-2", version: 3))
        let other = try Self.schedule(
            2, ["federation.speed-spread=0", "federation.job-spread=0.3"], step: .refitFactors)
        #expect(other.duration(of: "movies-1", version: 3) != few.duration(of: "movies-1", version: 3))
    }
}
