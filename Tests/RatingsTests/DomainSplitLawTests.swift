import Numerics
import Ratings
import Testing

/// Laws of the split over many persons, seeds and ways to split.
@Suite struct DomainSplitLawTests {
    private let persons = (0..<4_000).map { "person-\($0)" }

    private func split(
        seed: Int = 4, cold: Double = 0.3, validation: Double = 0.3, warm: Double = 0.5, isTarget: Bool = true,
        times: SplitTimes? = nil, support: DomainSplit.Support = .random, candidates: Int = 5, minimum: Int = 8,
        coldItems: [Bool] = []
    ) -> DomainSplit {
        DomainSplit(
            persons: PersonSplit(seed: seed, coldShare: cold, validationShare: validation, warmShare: warm),
            isTarget: isTarget, times: times, support: support, candidateCount: candidates,
            minimumInteractions: minimum, isColdItem: coldItems)
    }

    private func history(_ count: Int, times: [Int64] = []) -> PersonHistory {
        PersonHistory(
            items: (0..<count).map { UInt32(3 * $0 + 1) }, ratings: (0..<count).map { Float(1 + $0 % 5) }, times: times)
    }

    /// Whether a count of binomial draws is within five standard deviations of its mean.
    private func isNear(_ count: Int, share: Double, of total: Int) -> Bool {
        abs(Double(count) - share * Double(total)) <= 5 * (share * (1 - share) * Double(total)).squareRoot()
    }

    @Test func everyItemIsDrawnForSupportEquallyOften() throws {
        let everybody = split(seed: 8, cold: 1)
        var counts = [Int](repeating: 0, count: 20)
        var firsts = counts
        for person in persons {
            let known = try #require(everybody.coldTask(of: person, history(20))).known.items
            for item in known { counts[Int(item) / 3] += 1 }
            firsts[Int(known[0]) / 3] += 1
        }
        #expect(counts.allSatisfy { isNear($0, share: 0.25, of: 4_000) }, "\(counts)")
        #expect(firsts.allSatisfy { isNear($0, share: 0.05, of: 4_000) }, "\(firsts)")
    }

    @Test func fewerCandidatesAreAPrefixOfMore() throws {
        let five = try #require(split(cold: 1).coldTask(of: "p", history(40)))
        let three = try #require(split(cold: 1, candidates: 3).coldTask(of: "p", history(40)))
        #expect(three.known == five.known.prefix(3))
        #expect(Set(five.query.items).isSubset(of: three.query.items))
        let none = try #require(split(cold: 1, candidates: 0).coldTask(of: "p", history(40)))
        #expect(none.known.isEmpty && none.query == history(40))
    }

    @Test func everybodyIsOfOneKindAndTheTaskIsOfThatKind() {
        let parts = PersonSplit(seed: 4, coldShare: 0.3, validationShare: 0.3, warmShare: 0.5)
        let split = split(coldItems: (0..<121).map { $0 % 9 == 1 })
        var counts: [String: Int] = [:]
        for person in persons {
            let part = parts.part(of: person)
            let isWarm = part == .training && parts.isWarmScored(person)
            #expect((split.coldTask(of: person, history(40)) != nil) == (part != .training))
            #expect((split.warmTask(of: person, history(40)) != nil) == isWarm)
            #expect((split.coldItemsTask(of: person, history(40)) != nil) == isWarm)
            #expect(split.isValidation(person) == (part == .validation))
            counts["\(part) \(isWarm)", default: 0] += 1
        }
        #expect(counts.count == 4 && counts.values.allSatisfy { $0 > 500 }, "\(counts)")
        let source = self.split(isTarget: false)
        #expect(persons.allSatisfy { !source.isValidation($0) && source.warmTask(of: $0, history(40)) == nil })
        #expect(persons.allSatisfy { source.coldTask(of: $0, history(40)) == nil })
    }

    @Test(arguments: [8, 9, 10, 14, 15, 40])
    func aFifthOfAWarmPersonsHistoryIsHeldOutInBothStages(_ count: Int) throws {
        let split = split(cold: 0, validation: 0, warm: 1)
        for person in persons.prefix(200) {
            let task = try #require(split.warmTask(of: person, history(count)))
            #expect(task.query.count == max(1, count / 5))
            #expect(task.known.count == count - task.query.count)
            let training = split.training(of: person, history(count), stage: .selection)
            #expect(training == split.training(of: person, history(count), stage: .final))
            #expect(training.map { history(count).items[$0] } == task.known.items)
        }
    }

    @Test func personsWithTooFewInteractionsAreNoTaskAndKeepTheirTraining() {
        for count in 0..<8 {
            for person in persons.prefix(100) {
                #expect(split(cold: 1).coldTask(of: person, history(count)) == nil)
                let warm = split(cold: 0, validation: 0, warm: 1)
                #expect(warm.warmTask(of: person, history(count)) == nil)
                #expect(warm.coldItemsTask(of: person, history(count)) == nil)
                #expect(warm.training(of: person, history(count), stage: .selection) == Array(0..<count))
            }
        }
        #expect(split(cold: 1).coldTask(of: "p", history(8)) != nil)
        #expect(split(cold: 0, validation: 0, warm: 1).warmTask(of: "p", history(8)) != nil)
    }

    @Test func theEarliestSupportIsInOrderOfTimeAndThenOfItem() throws {
        let earliest = split(cold: 1, support: .earliest)
        let times: [Int64] = [9, 3, 3, -5, 9, 3, 20, 21, 22, 23]
        let task = try #require(earliest.coldTask(of: "p", history(10, times: times)))
        #expect(task.known.times == [-5, 3, 3, 3, 9])
        #expect(task.known.items == [10, 4, 7, 16, 1])
        #expect(task.query.items == [13, 19, 22, 25, 28])
        // Without times the order is that of the items.
        #expect(earliest.coldTask(of: "p", history(10))?.known.items == [1, 4, 7, 10, 13])
    }

    @Test func byTimeNothingAtOrAfterACutTrainsAndQueriesLieBetweenTheCuts() {
        var stream = RandomStream(root: 6, path: ["by-time"])
        let cuts = SplitTimes(validation: 50, test: 75)
        let parts = PersonSplit(seed: 4, coldShare: 0.3, validationShare: 0.3, warmShare: 0.5)
        var tasks: [String: Int] = [:]
        for person in persons.prefix(1_500) {
            // A coarse clock puts many interactions exactly on a cut.
            let times = (0..<40).map { _ in Int64(5 * stream.integer(below: 21)) }
            let history = history(40, times: times)
            for (isTarget, support) in [(true, .random), (true, .earliest), (false, .random)]
                as [(Bool, DomainSplit.Support)]
            {
                let split = split(isTarget: isTarget, times: cuts, support: support, minimum: 6)
                let part = isTarget ? parts.part(of: person) : .training
                let selection = split.training(of: person, history, stage: .selection)
                let final = split.training(of: person, history, stage: .final)
                func before(_ cut: Int64) -> [Int] { times.indices.filter { times[$0] < cut } }
                #expect(selection == (part == .training ? before(50) : []))
                #expect(final == (part == .cold ? [] : before(75)))
                if let task = split.coldTask(of: person, history) {
                    tasks["\(part)", default: 0] += 1
                    let all = task.known.times + task.query.times
                    let range: Range<Int64> = part == .cold ? 75..<101 : 50..<75
                    #expect(all.allSatisfy { range.contains($0) } && all.count == times.count { range.contains($0) })
                    #expect(Set(task.known.items).isDisjoint(with: task.query.items))
                }
                if let task = split.warmTask(of: person, history) {
                    tasks["warm", default: 0] += 1
                    #expect(task.known == history.subset(final))
                    #expect(task.query.times.allSatisfy { $0 >= 75 } && !task.query.isEmpty)
                }
            }
        }
        #expect(tasks.count == 3 && tasks.values.allSatisfy { $0 > 100 }, "\(tasks)")
    }

    @Test func aSourceWithoutTimesTrainsOnEverythingWhateverTheCuts() {
        let source = split(isTarget: false, times: SplitTimes(validation: 1, test: 2))
        for person in persons.prefix(50) {
            #expect(source.training(of: person, history(30), stage: .selection) == Array(0..<30))
        }
    }

    @Test func coldItemsBySeedAreAShareAndByTimeThoseFirstSeenAtOrAfterTheTest() {
        let split = PersonSplit(seed: 4, coldShare: 0.3, validationShare: 0.3)
        let items = (0..<5_000).map { "item-\(10_000 + $0)" }
        let target = Interactions(
            persons: ["p", "q"], items: items,
            rows: SparseRows(starts: [0, 3, 5], columns: [0, 1, 2, 0, 2], columnCount: 5_000),
            ratings: [1, 2, 3, 4, 5], times: [10, 20, 30, 25, 15])
        let seeded = DomainSplit.coldItems(of: target, share: 0.1, persons: split, times: nil)
        #expect(isNear(seeded.count { $0 }, share: 0.1, of: 5_000))
        #expect(seeded == DomainSplit.coldItems(of: target, share: 0.1, persons: split, times: nil))
        let other = PersonSplit(seed: 5, coldShare: 0.3, validationShare: 0.3)
        #expect(seeded != DomainSplit.coldItems(of: target, share: 0.1, persons: other, times: nil))
        // A larger share keeps every cold item cold.
        let more = DomainSplit.coldItems(of: target, share: 0.3, persons: split, times: nil)
        #expect(zip(seeded, more).allSatisfy { !$0 || $1 })
        let cuts = SplitTimes(validation: 12, test: 20)
        // Item 1 is first seen at the cut, item 2 before it by another person; what nobody has seen is not cold.
        let timed = DomainSplit.coldItems(of: target, share: 0.1, persons: split, times: cuts)
        #expect(timed.indices.filter { timed[$0] } == [1])
        #expect(DomainSplit.coldItems(of: target, share: 0, persons: split, times: cuts).isEmpty)
        #expect(DomainSplit.coldItems(of: target, share: 0, persons: split, times: nil).isEmpty)
    }

    @Test func bySeedAColdItemNeverTrainsAndIsInTheQueryOfColdItemsAlone() throws {
        let isCold = (0..<121).map { $0 % 9 == 1 }
        let split = split(cold: 0, validation: 0, warm: 1, coldItems: isCold)
        for person in persons.prefix(300) {
            let history = history(40)
            let warm = try #require(split.warmTask(of: person, history))
            let cold = try #require(split.coldItemsTask(of: person, history))
            #expect(cold.query.items == history.items.filter { isCold[Int($0)] })
            #expect(cold.known == warm.known)
            #expect((warm.known.items + warm.query.items).allSatisfy { !isCold[Int($0)] })
            // Every interaction is known, held out or cold: nothing is lost.
            #expect((warm.known.items + warm.query.items + cold.query.items).sorted() == history.items)
        }
    }

    @Test func byTimeAColdItemIsInNoTaskOfColdPersons() throws {
        let isCold = (0..<121).map { $0 % 9 == 1 }
        let times = SplitTimes(validation: 1, test: 2)
        let split = split(cold: 1, times: times, coldItems: isCold)
        for person in persons.prefix(100) {
            let history = history(40, times: [Int64](repeating: 5, count: 40))
            let task = try #require(split.coldTask(of: person, history))
            #expect((task.known.items + task.query.items).allSatisfy { !isCold[Int($0)] })
        }
    }

    @Test func whatIsKnownOrWasBeforeTheTaskIsLeftOutOfTheRankingAndNothingElse() throws {
        let isCold = (0..<121).map { $0 % 9 == 1 }
        var stream = RandomStream(root: 7, path: ["left-out"])
        var taskCount = 0
        for person in persons.prefix(1_000) {
            let history = history(40, times: (0..<40).map { _ in Int64(stream.integer(below: 100)) })
            for times in [nil, SplitTimes(validation: 30, test: 60)] {
                let split = split(times: times, coldItems: isCold)
                if let task = split.coldTask(of: person, history) {
                    taskCount += 1
                    let start = times.map { split.isValidation(person) ? $0.validation : $0.test }
                    let before = history.items.indices.filter { position in
                        start.map { history.times[position] < $0 } == true
                    }
                    #expect(
                        Set(task.excluded) == Set(task.known.items + before.map { history.items[$0] }))
                    #expect(task.excluded.count == Set(task.excluded).count)
                    #expect(Set(task.excluded).isDisjoint(with: task.query.items))
                }
                for task in [split.warmTask(of: person, history), split.coldItemsTask(of: person, history)] {
                    #expect(task.map { $0.excluded == $0.known.items } != false)
                }
            }
        }
        #expect(taskCount > 500)
    }

    @Test func theRuleForAPersonNeedsThatPersonAlone() {
        // Two splits that were asked about different persons before, and a third one in reverse order.
        let asked = split(warm: 0.5)
        for person in persons { _ = asked.coldTask(of: "other-\(person)", history(20)) }
        let fresh = split(warm: 0.5)
        func all(_ split: DomainSplit, _ persons: [String]) -> [String: PredictionTask?] {
            Dictionary(
                uniqueKeysWithValues: persons.map {
                    ($0, split.coldTask(of: $0, history(20)) ?? split.warmTask(of: $0, history(20)))
                })
        }
        let some = Array(persons.prefix(500))
        #expect(all(asked, some) == all(fresh, some.reversed()))
        #expect(all(fresh, some).values.count { $0 != nil } > 100)
        // Another person's history, and a catalogue with further items, changes nothing.
        let wide = split(warm: 0.5, coldItems: [Bool](repeating: false, count: 10_000))
        #expect(all(wide, some) == all(fresh, some))
    }

    @Test func anotherSeedIsAnotherSplit() {
        let (first, second) = (split(seed: 1, cold: 1), split(seed: 2, cold: 1))
        let differ = persons.prefix(200).count {
            first.coldTask(of: $0, history(40)) != second.coldTask(of: $0, history(40))
        }
        #expect(differ > 190)
    }

    @Test func aWindowTaskAsksForWhatIsNewAndKnowsWhatIsSinceTheChange() throws {
        let all = split(validation: 1)
        let person = try #require(persons.first { all.isValidation($0) })
        let history = history(20, times: (0..<20).map { Int64(10 * $0) })
        let task = try #require(all.windowTask(ofValidation: person, history, since: 60, window: 120..<150))
        #expect(task.query == history.subset(12..<15))
        #expect(task.known.count == 5 && task.known.times.allSatisfy { (60..<120).contains($0) })
        // What was before is left out of the ranking, what comes later is not known of.
        #expect(Set(task.excluded) == Set(history.items.prefix(12)))
        let early = split(validation: 1, support: .earliest)
        #expect(
            early.windowTask(ofValidation: person, history, since: 60, window: 120..<150)?.known
                == history.subset(6..<11))
        #expect(
            early.windowTask(ofValidation: person, history, since: 110, window: 120..<150)?.known
                == history.subset([11]))
        #expect(all.windowTask(ofValidation: person, history, since: 60, window: 200..<300) == nil)
        #expect(all.windowTask(ofValidation: person, self.history(20), since: 60, window: 120..<150) == nil)
        let stranger = try #require(persons.first { !all.isValidation($0) })
        #expect(all.windowTask(ofValidation: stranger, history, since: 60, window: 120..<150) == nil)
    }
}
