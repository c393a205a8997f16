import Numerics
import Ratings
import Testing

@Suite("What trains and what is predicted")
struct DomainSplitTests {
    static let itemCount = 60
    static let persons = (0..<200).map { "person-\($0)" }

    static func history(_ seed: Int, hasTimes: Bool = false) -> PersonHistory {
        var stream = RandomStream(root: UInt64(seed), path: ["history"])
        let items = stream.permutation(count: itemCount).prefix(8 + stream.integer(below: 20)).map { UInt32($0) }
            .sorted()
        return PersonHistory(
            items: items, ratings: items.map { _ in Float(1 + stream.integer(below: 5)) },
            times: hasTimes ? items.map { _ in Int64(stream.integer(below: 100)) } : [])
    }

    static func split(
        isTarget: Bool = true, times: SplitTimes? = nil, support: DomainSplit.Support = .random, seed: Int = 3,
        minimum: Int = 8, coldItems: [Bool] = [], warm: Double = 0.5
    ) -> DomainSplit {
        DomainSplit(
            persons: PersonSplit(seed: seed, coldShare: 0.3, validationShare: 0.3, warmShare: warm),
            isTarget: isTarget, times: times, support: support, candidateCount: 5, minimumInteractions: minimum,
            isColdItem: coldItems)
    }

    @Test("A cold person never trains, a validation person in the final stage alone, everybody in a source")
    func stages() {
        let split = Self.split(warm: 0)
        let parts = PersonSplit(seed: 3, coldShare: 0.3, validationShare: 0.3)
        for (index, person) in Self.persons.enumerated() {
            let history = Self.history(index)
            let all = Array(history.items.indices)
            let selection = split.training(of: person, history, stage: .selection)
            let final = split.training(of: person, history, stage: .final)
            switch parts.part(of: person) {
            case .cold: #expect(selection.isEmpty && final.isEmpty)
            case .validation: #expect(selection.isEmpty && final == all)
            case .training: #expect(selection == all && final == all)
            }
            #expect(Self.split(isTarget: false).training(of: person, history, stage: .selection) == all)
        }
    }

    @Test("Support and query part a cold person's history, and the query is the same for all shots")
    func coldTasks() throws {
        let split = Self.split()
        var taskCount = 0
        for (index, person) in Self.persons.enumerated() {
            let history = Self.history(index)
            guard let task = split.coldTask(of: person, history) else { continue }
            taskCount += 1
            #expect(task.known.count == 5)
            #expect((task.known.items + task.query.items).sorted() == history.items)
            #expect(Set(task.known.items).isDisjoint(with: task.query.items))
            #expect(task.excluded == task.known.items)
            for (item, rating) in zip(task.query.items, task.query.ratings) {
                let position = try #require(history.items.firstIndex(of: item))
                #expect(history.ratings[position] == rating)
            }
            for shots in [0, 1, 3, 5] { #expect(task.known.prefix(shots).count == shots) }
            #expect(split.coldTask(of: person, history) == task)
            #expect(split.training(of: person, history, stage: .selection).isEmpty)
        }
        #expect((70...130).contains(taskCount), "\(taskCount) tasks of 200 persons")
    }

    @Test("Seeds and persons have their own support; too few interactions are no task")
    func support() throws {
        let history = Self.history(1)
        let everybody = PersonSplit(seed: 1, coldShare: 1, validationShare: 0)
        let other = PersonSplit(seed: 2, coldShare: 1, validationShare: 0)
        func items(_ persons: PersonSplit, _ person: String, minimum: Int = 8) -> [UInt32]? {
            DomainSplit(persons: persons, isTarget: true, times: nil, minimumInteractions: minimum)
                .coldTask(of: person, history)?.known.items
        }
        #expect(items(everybody, "a") != nil)
        #expect(items(everybody, "a") != items(everybody, "b"))
        #expect(items(everybody, "a") != items(other, "a"))
        #expect(items(everybody, "a", minimum: history.count + 1) == nil)
        #expect(DomainSplit(persons: everybody, isTarget: false, times: nil).coldTask(of: "a", history) == nil)
    }

    @Test("What is held out of a warm person is disjoint from training and not empty")
    func warmTasks() {
        let split = Self.split()
        var taskCount = 0
        for (index, person) in Self.persons.enumerated() {
            let history = Self.history(index)
            let training = split.training(of: person, history, stage: .final)
            guard let task = split.warmTask(of: person, history) else { continue }
            taskCount += 1
            #expect(!task.query.isEmpty)
            #expect(task.known == history.subset(training))
            #expect((task.known.items + task.query.items).sorted() == history.items)
            #expect(split.training(of: person, history, stage: .selection) == training)
            #expect(split.coldTask(of: person, history) == nil)
        }
        #expect(taskCount > 20)
        #expect(Self.persons.enumerated().allSatisfy { Self.split(warm: 0).warmTask(of: $1, Self.history($0)) == nil })
    }

    @Test("By time, training ends before validation begins and that before the test")
    func byTime() {
        let times = SplitTimes(validation: 40, test: 70)
        let parts = PersonSplit(seed: 3, coldShare: 0.3, validationShare: 0.3)
        var taskCount = 0
        for isTarget in [true, false] {
            let split = Self.split(isTarget: isTarget, times: times, minimum: 2)
            for (index, person) in Self.persons.enumerated() {
                let history = Self.history(index, hasTimes: true)
                for (stage, end) in [(SplitStage.selection, Int64(40)), (.final, 70)] {
                    let positions = split.training(of: person, history, stage: stage)
                    #expect(positions.allSatisfy { history.times[$0] < end })
                }
                if let task = split.coldTask(of: person, history) {
                    taskCount += 1
                    let all = task.known.times + task.query.times
                    if parts.part(of: person) == .cold {
                        #expect(all.allSatisfy { $0 >= 70 })
                    } else {
                        #expect(all.allSatisfy { $0 >= 40 && $0 < 70 })
                    }
                }
                if let task = split.warmTask(of: person, history) {
                    #expect(task.known.times.allSatisfy { $0 < 70 } && task.query.times.allSatisfy { $0 >= 70 })
                }
            }
        }
        #expect(taskCount > 20)
    }

    @Test("The earliest support is in order of time, and the query is not earlier")
    func earliest() {
        let split = Self.split(support: .earliest)
        for (index, person) in Self.persons.enumerated() {
            guard let task = split.coldTask(of: person, Self.history(index, hasTimes: true)) else { continue }
            #expect(task.known.times == task.known.times.sorted())
            #expect((task.known.times.max() ?? 0) <= (task.query.times.min() ?? .max))
        }
    }

    @Test("Cold items never train and are predicted in their own cohort alone")
    func coldItems() {
        let isCold = (0..<Self.itemCount).map { $0 % 7 == 0 }
        let split = Self.split(coldItems: isCold)
        var queryCount = 0
        for (index, person) in Self.persons.enumerated() {
            let history = Self.history(index)
            for stage in [SplitStage.selection, .final] {
                let positions = split.training(of: person, history, stage: stage)
                #expect(positions.allSatisfy { !isCold[Int(history.items[$0])] })
            }
            for task in [split.coldTask(of: person, history), split.warmTask(of: person, history)] {
                guard let task else { continue }
                #expect((task.known.items + task.query.items).allSatisfy { !isCold[Int($0)] })
            }
            if let task = split.coldItemsTask(of: person, history) {
                queryCount += 1
                #expect(task.query.items.allSatisfy { isCold[Int($0)] })
            }
        }
        #expect(queryCount > 20)
    }

    @Test("Times of the split are shares of all interactions; equal times leave nothing between")
    func splitTimes() throws {
        func interactions(_ times: [Int64]) -> Interactions {
            Interactions(
                persons: ["p"], items: times.indices.map { String(1_000 + $0) },
                rows: SparseRows(
                    starts: [0, times.count], columns: times.indices.map { UInt32($0) }, columnCount: times.count),
                ratings: times.map { _ in 3 }, times: times)
        }
        let times = try #require(
            SplitTimes(interactions((0..<100).map { 99 - $0 }), validationShare: 0.8, testShare: 0.9))
        #expect(times == SplitTimes(validation: 80, test: 90))
        #expect(SplitTimes(interactions([]), validationShare: 0.8, testShare: 0.9) == nil)
        let equal = [Int64](repeating: 5, count: 50)
        #expect(SplitTimes(interactions(equal), validationShare: 0.8, testShare: 0.9) == nil)
    }
}
