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
        for round in 1...6 {
            if round == 3, let lost { federation.handle(.lost(client: lost, how: "was killed")) }
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

    @Test func `A domain client is never sent a tensor of another domain`() throws {
        let federation = try completed()
        for (id, domain) in [("movies", "movies"), ("music", "music"), ("books", "books")] {
            #expect(federation.plans(to: id).map(\.round) == [1, 4])
            for spec in federation.plans(to: id).flatMap(\.parameters.specs) {
                #expect(spec.scope == .global || spec.scope == .domain(domain), "\(spec.name) to \(id)")
            }
            for spec in federation.plan.schema.specs {
                guard case .domain(let other) = spec.scope, other != domain else { continue }
                #expect(!federation.plan.isVisible(spec, to: id), "\(spec.name) to \(id)")
            }
        }
    }

    @Test func `A plan carries what changed since the client's last plan, and nothing twice`() throws {
        let federation = try completed()
        for id in ["all-1", "all-2", "some"] {
            let plans = federation.plans(to: id)
            #expect(plans.map(\.round) == [2, 3, 5, 6])
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

    @Test func `Round by round the devices get encoders, bridge, selection with new encoders, and the new bridge`()
        throws
    {
        let federation = try completed()
        let releases = federation.plans(to: "some").map { plan in Set(plan.parameters.specs.map(\.release)).sorted() }
        let encoders = [
            "books.item-counts", "books.item-factors", "books.moments", "movies.item-factors", "movies.moments",
        ]
        #expect(
            releases == [
                encoders, ["bridge", "shuffled-bridge"], (encoders + ["selection"]).sorted(),
                ["bridge", "shuffled-bridge"],
            ])
    }

    @Test func `A source that is lost after its first release keeps the factors it released`() throws {
        let federation = try completed(lost: "music")
        #expect(federation.outcomes == [.completed])
        let first = try #require(federation.closed.first?.shared.values("music.item-factors"))
        #expect(federation.closed.last?.shared.values("music.item-factors") == first)
        let sent = federation.plans(to: "all-1").filter { $0.parameters.values("music.item-factors") != nil }
        #expect(sent.map(\.round) == [2])
    }

    @Test func `Clients that need the same parameters share one message`() throws {
        let federation = try completed()
        let groups = federation.actions.compactMap { action -> [String]? in
            if case .send(.plan(let plan), let receivers) = action, plan.round == 2 { receivers } else { nil }
        }
        #expect(groups == [["all-1", "all-2"], ["some"]])
    }
}
