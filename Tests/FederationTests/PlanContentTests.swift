import Federation
import Numerics
import Parameters
import Scenario
import TestSupport
import Testing
import Wire

/// Who is sent which tensors.
@Suite struct PlanContentTests {
    private func completed(lost: String? = nil) throws -> Federation {
        var federation = try Federation(try Scenarios.wide())
        federation.joinAll()
        for round in federation.rounds {
            if federation.plan.steps[round - 1] == .selection, let lost {
                federation.handle(.lost(client: lost, how: "was killed"))
            }
            try federation.answerAll(round: round)
        }
        return federation
    }

    @Test func `Plans carry only tensors that the receiver may see`() throws {
        let federation = try completed()
        #expect(federation.outcomes == [.completed])
        var count = 0
        for id in federation.clients {
            for plan in federation.plans(to: id) {
                for spec in plan.parameters.specs {
                    #expect(federation.plan.isVisible(spec, to: id), "\(spec.name) to \(id)")
                    count += 1
                }
            }
        }
        #expect(count > 50)
        let linked = federation.plans(to: "all-1").flatMap { $0.parameters.specs.map(\.name) }
        let unlinked = federation.plans(to: "some").flatMap { $0.parameters.specs.map(\.name) }
        #expect(linked.contains { $0.hasPrefix("music.") })
        #expect(!unlinked.contains { $0.hasPrefix("music.") })
        #expect(unlinked.contains { $0.hasPrefix("movies.") })
    }

    @Test func `A domain client is sent the times and the common tower, and nothing else`() throws {
        let federation = try completed()
        let domainSteps: Set<RoundStep> = [.tower, .encoders, .refitTower, .refitEncoders]
        let rounds = federation.rounds.filter { domainSteps.contains(federation.plan.steps[$0 - 1]) }
        #expect(rounds == [2, 3, 4, 8, 9, 10])
        for id in ["movies", "music", "books"] {
            let plans = federation.plans(to: id)
            #expect(plans.map(\.round) == (id == "books" ? [1] : []) + rounds)
            for spec in federation.plan.schema.specs {
                let isShared = spec.release == "calendar" || spec.release == "tower"
                #expect(federation.plan.isVisible(spec, to: id) == isShared, "\(spec.name) to \(id)")
            }
            let releases = plans.map { Set($0.parameters.specs.map(\.release)).sorted() }
            // The tower comes with every plan after its first round, the times once.
            let expected = [["calendar"], ["tower"], ["tower"], [], ["tower"], ["tower"]]
            #expect(releases == (id == "books" ? [[]] : []) + expected)
        }
    }

    @Test func `A stranger may see nothing`() throws {
        let plan = try Federation(try Scenarios.wide()).plan
        for spec in plan.schema.specs { #expect(!plan.isVisible(spec, to: "nobody"), "\(spec.name)") }
    }

    @Test func `A plan carries what changed since the client's last plan, and nothing twice`() throws {
        let federation = try completed()
        for id in ["all-1", "all-2", "some"] {
            let plans = federation.plans(to: id)
            #expect(plans.map(\.round) == [5, 6, 7, 11, 12])
            var known = ParameterSet()
            for plan in plans {
                for tensor in plan.parameters.tensors {
                    #expect(known.values(tensor.spec.name) != tensor.values, "\(tensor.spec.name), round \(plan.round)")
                    known.set(tensor)
                }
                // What the client has been sent so far is all that is visible of what there was when the round opened.
                let shared = federation.closed[plan.round - 2].shared
                #expect(
                    known == shared.filter { federation.plan.isVisible($0, to: id) }, "round \(plan.round) to \(id)")
            }
        }
    }

    @Test
    func `Round by round the devices get encoders, bridge, selection, the gate with new encoders, and the new bridge`()
        throws
    {
        let federation = try completed()
        let releases = federation.plans(to: "some").map { plan in Set(plan.parameters.specs.map(\.release)).sorted() }
        let encoders = [
            "books.biased-mf", "books.ease", "books.explicit-als", "books.item-counts", "books.item-factors",
            "books.item-knn", "books.moments", "books.naive-fedavg", "books.rating-means", "books.text-knn",
            "movies.item-factors", "movies.moments", "movies.rating-means",
        ]
        #expect(
            releases == [
                (encoders + ["calendar", "tower"]).sorted(), ["bridge", "shuffled-bridge"], ["selection"],
                (encoders + ["gate", "tower"]).sorted(), ["bridge", "shuffled-bridge"],
            ])
    }

    @Test func `A source that is lost after its first release keeps the factors it released`() throws {
        let federation = try completed(lost: "music")
        #expect(federation.outcomes == [.completed])
        let first = try #require(
            federation.closed.first { $0.summary.step == .encoders }?.shared.values("music.item-factors"))
        #expect(federation.closed.last?.shared.values("music.item-factors") == first)
        let sent = federation.plans(to: "all-1").filter { $0.parameters.values("music.item-factors") != nil }
        #expect(sent.map(\.round) == [5])
    }

    @Test func `Clients that need the same parameters share one message`() throws {
        let federation = try completed()
        let groups = federation.actions.compactMap { action -> [String]? in
            if case .send(.plan(let plan), let receivers) = action, plan.round == 5 { receivers } else { nil }
        }
        #expect(groups == [["all-1", "all-2"], ["some"]])
    }
}
