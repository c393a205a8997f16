import Scenario
import Testing

@Suite struct ScenarioRuleTests {
    /// One edit of the valid scenario that makes it impossible.
    struct Case: Sendable, CustomTestStringConvertible {
        let old: String
        let new: String
        let keyPath: String
        /// Text of the line that is to be reported; `nil` when the problem is of the whole file.
        let marker: String?
        let message: String

        init(_ old: String, _ new: String, _ keyPath: String, at marker: String?, _ message: String) {
            self.old = old
            self.new = new
            self.keyPath = keyPath
            self.marker = marker
            self.message = message
        }

        var testDescription: String { "\(keyPath): \(message)" }
    }

    static let movies = """
          - id: movies
            domain: movies
            data:
              format: recbole
              ratings: movies.inter
              items: movies.item

        """
    static let persons = "  - id: persons\n    domain: persons\n    links: [movies, books]\n"
    static let games = "  - {id: games, domain: games, data: {format: synthetic}}\n"
    static let long = String(repeating: "p", count: 63)

    static let cases: [Case] = [
        Case("name: two-domains\n", "", "name", at: nil, "this key is required"),
        Case("target: books\n", "", "target", at: nil, "this key is required"),
        Case(
            "  - id: books\n    domain: books\n", "  - domain: books\n", "clients[1].id", at: "- domain: books",
            "required"),
        Case("    domain: movies\n", "", "clients[0].domain", at: "- id: movies", "this key is required"),
        Case(
            persons, persons + "    data: {format: synthetic}\n", "clients[2].data",
            at: "    data: {format: synthetic}",
            "a persons client reads the data of the domains it links"),
        Case("    links: [movies, books]\n", "", "clients[2].links", at: "- id: persons", "links at least two domains"),
        Case("links: [movies, books]", "links: []", "clients[2].links", at: "links: []", "links at least two domains"),
        Case(
            "links: [movies, books]", "links: [books]", "clients[2].links", at: "links: [books]", "links at least two"),
        Case(
            "    domain: books\n", "    domain: books\n    links: [movies]\n", "clients[1].links",
            at: "links: [movies]",
            "only a persons client has links"),
        Case(
            "  rounds: 18\n", "  rounds: 18\n  strategy: krum\n", "federation.strategy", at: "strategy: krum",
            "krum needs a domain that several clients share"),
        Case(
            "  rounds: 18\n", "  rounds: 18\n  local-steps: 2\n", "federation.strategy", at: "federation:",
            "needs a domain that several clients share"),
        Case(
            "target: books\n", "target: books\nfaults: {byzantine-clients: 1}\n", "faults.byzantine-clients",
            at: "faults:", "only clients that share a domain"),
        Case(
            "    domain: books\n    data:\n      format: synthetic\n", "    domain: books\n", "clients[1].data",
            at: "- id: books", "this key is required for a domain client"),
        Case("      ratings: movies.inter\n", "", "clients[0].data.ratings", at: "    data:", "this key is required"),
        Case(
            "      format: synthetic\n", "      format: synthetic\n      ratings: b.inter\n", "clients[1].data.ratings",
            at: "ratings: b.inter", "the synthetic world has no files"),
        Case(
            "      format: synthetic\n", "      format: synthetic\n      items: b.item\n", "clients[1].data.items",
            at: "items: b.item", "the synthetic world has no files"),
        Case("id: books", "id: movies", "clients[1].id", at: nil, "client id movies is taken by clients[0]"),
        Case(
            persons, persons.replacing("id: persons", with: "id: \(long)\n    count: 2"), "clients[2].id", at: long,
            "\(long)-1 is longer than 64 characters"),
        Case(
            persons,
            "  - {id: books-x, domain: persons, links: [movies, books]}\n"
                + "  - {id: books, domain: persons, links: [movies, books]}\n", "clients[3].id",
            at: "{id: books, ", "client id books is taken by clients[1]"),
        Case(
            persons,
            "  - {id: p-2, domain: persons, links: [movies, books]}\n"
                + "  - {id: p, domain: persons, count: 2, links: [movies, books]}\n", "clients[3].id",
            at: "{id: p, ", "client id p-2 is taken by clients[2]"),
        Case(
            persons, "  - {id: more, domain: movies, data: {format: synthetic}}\n" + persons, "clients[2].domain",
            at: "id: more", "domain movies is already served by clients[0]"),
        Case(
            "links: [movies, books]", "links: [movies, books, bokos]", "clients[2].links", at: "bokos",
            "no client serves domain bokos; did you mean books?"),
        Case(
            "target: books", "target: boks", "target", at: "target:",
            "no client serves domain boks; did you mean books?"),
        Case("target: books", "target: persons", "target", at: "target:", "no client serves domain persons"),
        Case(movies, "", "clients", at: "clients:", "transfer needs a source domain beside the target books"),
        Case(persons, "", "transfer.alignment", at: nil, "needs a client with domain: persons"),
        Case(
            persons, games + persons.replacing("movies, books", with: "movies, games"), "clients[3].links",
            at: "links: [movies, games]", "the target domain books must be linked"),
        Case(
            "  rounds: 18\n", "  rounds: 18\n  minimum-clients: 4\n", "federation.minimum-clients",
            at: "minimum-clients",
            "4 is more than the 3 clients"),
        Case("rounds: 18", "rounds: 17", "federation.rounds", at: "rounds: 17", "takes 18 rounds, 17 are allowed"),
        Case(
            "  rounds: 18\n", "  rounds: 18\n  participation: 0.5\n", "federation.participation", at: "participation",
            "only 1 is possible"),
        Case(
            "target: books\n", "target: books\ntransfer: {dimension: 17}\n", "transfer.dimension", at: "dimension: 17",
            "17 is more than model.factors, 16"),
        Case(
            "shots: [0, 1, 3]", "shots: [0, 9, 3]", "evaluation.minimum-interactions", at: "evaluation:",
            "8 leaves nothing to predict after 9 shots; at least 10 is needed"),
        Case(
            "shots: [0, 1, 3]", "shots: [3]\n  minimum-interactions: 3", "evaluation.minimum-interactions",
            at: "minimum-interactions: 3", "at least 4 is needed"),
        Case(
            "  kind: ipc\n", "  kind: ipc\n  endpoint: tcp://127.0.0.1:80\n", "transport.endpoint", at: "endpoint",
            "only transport.kind: tcp takes an endpoint"),
        Case(
            "  kind: ipc\n", "  kind: tcp\n  endpoint: tcp://10.0.0.1:80\n", "transport.endpoint", at: "endpoint",
            "only addresses of this machine are allowed"),
    ]

    @Test(arguments: cases)
    func anImpossibleCombinationIsRefusedAtItsLine(_ example: Case) throws {
        let text = scenario(replacing: example.old, with: example.new)
        let found = problems(text)
        let problem = try #require(found.first { $0.keyPath == example.keyPath }, "\(found)")
        #expect(problem.message.contains(example.message))
        if example.keyPath == "clients[1].id" && example.marker == nil {
            #expect(problem.line == 10)
        } else {
            let expected = try example.marker.map { try #require(line(of: $0, in: text), "no line with \($0)") }
            #expect(problem.line == expected)
        }
    }

    @Test(arguments: [
        (
            "strategy: krum", "federation.strategy",
            "krum against 1 byzantine clients needs 5 clients in a domain, not 4"
        ),
        ("strategy: median\n  byzantine-clients: 2", "federation.strategy", "needs 5 clients in a domain, not 4"),
        ("strategy: gradient\n  local-steps: 1", "federation.local-steps", "leave local-steps out"),
        ("strategy: fedprox\n  local-steps: 0", "federation.local-steps", "at least 1 is needed"),
        (
            "strategy: fedavg\nfaults:\n  byzantine-clients: 4", "faults.byzantine-clients",
            "leaves no honest client of 4"
        ),
    ])
    func aStrategyThatClientsCannotFollowIsRefused(_ lines: String, _ keyPath: String, _ message: String) throws {
        let text = scenario(replacing: "    domain: books\n", with: "    domain: books\n    count: 4\n")
            .replacing("  rounds: 18", with: "  \(lines)").replacing("shots: [0, 1, 3]", with: "shots: [0, 1, 3]")
        let found = problems(text)
        #expect(found.map(\.keyPath) == [keyPath])
        #expect(found.first?.message.contains(message) == true, "\(found)")
    }

    @Test(arguments: [
        ("transfer: {alignment: text}", "clients[2].domain", "alignment text has no persons client"),
        (
            "transfer: {method: adversarial, alignment: text}", "transfer.alignment",
            "only feature-map, meta and article"
        ),
        (
            "transfer: {method: meta, alignment: text, text: {space: procrustes}}", "transfer.text.space",
            "meta has one tower for all domains' texts, which must share a space"
        ),
        ("transfer: {method: article}", "transfer.method", "article needs alignment: text"),
        (
            "transfer: {text: {space: procrustez}}", "transfer.text.space",
            "is not one of shared, procrustes, anchors, network, optimal-transport; did you mean procrustes?"
        ),
        ("world: {word-rotation: 1}", "world.word-rotation", "only alignment text knows word vectors"),
        (
            "transfer: {method: adversarial, adversarial: {decoder: own}}", "transfer.adversarial.decoder",
            "only a game of persons has decoders; set transfer.adversarial.input to persons"
        ),
        (
            "transfer: {method: adversarial, adversarial: {input: persons, bins: 2}}", "transfer.adversarial.bins",
            "with input persons only 1 is possible"
        ),
        (
            "transfer: {method: adversarial, adversarial: {input: persons, target-preferences: true}}",
            "transfer.adversarial.target-preferences", "decoders take the place of preferences"
        ),
        (
            "transfer: {method: adversarial, source-dimension: 4}", "transfer.source-dimension",
            "only feature-map, meta and adversarial of persons"
        ),
        ("transfer: {text: {lengths: []}}", "transfer.text.lengths", "the list is empty"),
        ("world: {item-vectors: dense}", "text.dimension", "dense vectors of this world have dimension 8, not 50"),
        ("world: {shortcut: {length: 1}}", "world.shortcut.length", "name the domain of the shortcut"),
        ("world: {shortcut: {length: 1, domain: music}}", "world.shortcut.domain", "no client serves domain music"),
    ])
    func aTransferThatTheClientsCannotMakeIsRefused(_ line: String, _ keyPath: String, _ message: String) throws {
        let found = problems(scenario(replacing: "target: books\n", with: "target: books\n\(line)\n"))
        let problem = try #require(found.first { $0.keyPath == keyPath }, "\(found)")
        #expect(problem.message.contains(message))
    }

    @Test func wordVectorsOfADomainsOwnNeedASpaceThatBringsThemTogether() throws {
        func found(_ space: String, movies: String = "", books: String = "", isByText: Bool = true) -> [ScenarioProblem]
        {
            problems(
                """
                name: apart
                clients:
                  - {id: movies, domain: movies, data: {ratings: m.csv, items: m.item\(movies)}}
                  - {id: books, domain: books, data: {ratings: b.csv, items: b.item\(books)}}
                \(isByText ? "" : "  - {id: persons, domain: persons, links: [movies, books]}")
                target: books
                transfer: {alignment: \(isByText ? "text" : "persons"), text: {space: \(space)}}
                """)
        }
        let own = ", word-vectors: own.txt"
        #expect(found("shared").isEmpty && found("shared", movies: own, books: own).isEmpty)
        let apart = found("shared", movies: own)
        #expect(apart.map(\.keyPath) == ["clients[0].data.word-vectors"])
        #expect(apart.first?.message.contains("choose procrustes, anchors, network, optimal-transport") == true)
        for space in ["procrustes", "anchors", "network", "optimal-transport"] {
            #expect(found(space, movies: own).isEmpty && found(space).isEmpty, "\(space)")
            let dense = found(space, books: ", item-vectors: b.txt")
            #expect(dense.map(\.keyPath) == (space == "optimal-transport" ? [] : ["transfer.text.space"]), "\(space)")
        }
        #expect(found("shared", movies: own, books: own, isByText: false).isEmpty)
        let persons = found("procrustes", movies: own, isByText: false)
        #expect(persons.map(\.keyPath) == ["clients[0].data.word-vectors"])
    }

    @Test func aGameHasOneSourceAndTextsEverywhere() {
        let three = scenario(
            replacing: ScenarioRuleTests.persons, with: ScenarioRuleTests.games + ScenarioRuleTests.persons
        )
        .replacing("target: books", with: "target: books\ntransfer: {method: adversarial}")
        #expect(problems(three).contains { $0.message.contains("adversarial has one source domain") })
        let bare = scenario(replacing: "      items: movies.item\n", with: "")
            .replacing("target: books", with: "target: books\ntransfer: {method: adversarial}")
        #expect(problems(bare).contains { $0.message.contains("adversarial needs text or vectors") })
        let persons = "{method: adversarial, source-dimension: 4, adversarial: {input: persons, decoder: own}}"
        #expect(
            problems(
                bare.replacing("{method: adversarial}", with: persons).replacing("rounds: 18", with: "rounds: 9000")
            ).isEmpty)
    }

    @Test func roundsStepsAndRatesFollowTheStrategy() throws {
        func values(_ strategy: String) throws -> [Double] {
            let text = scenario(replacing: "    domain: books\n", with: "    domain: books\n    count: 9\n")
                .replacing("  rounds: 18", with: "  strategy: \(strategy)")
            let scenario = try ScenarioDefinition(yaml: text, file: "s.yaml")
            return [
                Double(scenario.factorRounds), Double(scenario.integer("federation.local-steps")),
                scenario.number("federation.server-rate"), Double(scenario.integer("federation.byzantine-clients")),
            ]
        }
        #expect(try values("fedavg") == [8, 0, 1, 0])
        #expect(try values("gradient") == [40, 0, 0.05, 0])
        #expect(try values("fedadam") == [40, 1, 0.05, 0])
        #expect(try values("krum") == [40, 1, 1, 1])
    }

    @Test func theValidScenarioBreaksNoRule() { #expect(problems(validScenario) == []) }

    @Test func aScenarioWithoutClientsIsRefused() {
        let found = printed("name: a\ntarget: b\n")
        #expect(found.contains("s.yaml: clients: this key is required"), "\(found)")
    }

    @Test(arguments: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:65535", "\"tcp://[::1]:5555\""])
    func anEndpointOfThisMachineIsLegal(_ endpoint: String) {
        #expect(problems(scenario(replacing: "kind: ipc", with: "kind: tcp\n  endpoint: \(endpoint)")) == [])
    }

    @Test(arguments: [
        "tcp://0.0.0.0:5555", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1",
        "tcp://*:5555", "ipc:///tmp/x", "tcp://127.0.0.1.example.org:80", "tcp://127.0.0.1:80:80", "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:+80", "tcp://127.0.0.1:-0", "127.0.0.1:5555",
    ])
    func anyOtherEndpointIsRefused(_ endpoint: String) {
        let found = problems(scenario(replacing: "kind: ipc", with: "kind: tcp\n  endpoint: \"\(endpoint)\""))
        #expect(found.map(\.keyPath) == ["transport.endpoint"])
    }

    @Test func everyProblemIsReportedInOrderOfLine() {
        let text =
            validScenario.replacing("rounds: 18", with: "round: 8").replacing("kind: ipc", with: "kind: udp")
            .replacing("seeds: [1, 2]", with: "seeds: []")
        let found = problems(text)
        #expect(found.map(\.keyPath) == ["seeds", "federation.round", "transport.kind"])
        #expect(found.map(\.line) == [2, 21, 25])
    }

    @Test func aKeyGivenTwiceIsRefusedAtOneOfItsLines() {
        let top = problems(validScenario + "name: other\n")
        #expect(top.count == 1 && [1, 26].contains(top[0].line), "\(top)")
        #expect(top.first?.message == "a key is given twice: name")
        let nested = problems(
            scenario(replacing: "  factors: 16\n", with: "  factors: 16\n  kind: implicit-als\n  factors: 8\n"))
        #expect(nested.count == 1 && [19, 21].contains(nested[0].line), "\(nested)")
        #expect(nested.first?.message == "a key is given twice: factors")
        let quoted = problems(validScenario + "\"target\": movies\n")
        #expect(quoted.first?.message == "a key is given twice: target")
    }
}
