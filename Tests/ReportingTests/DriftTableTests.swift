import Record
import Reporting
import Testing

@Suite struct DriftTableTests {
    private func domain(
        _ name: String, change: Int? = nil, delay: Int? = nil, falseAlarms: Int = 0, recovery: Double? = nil,
        frozen: Double? = nil, alarms: [String] = []
    ) -> DriftDomainRecord {
        DriftDomainRecord(
            domain: name, change: change, delay: delay, falseAlarms: falseAlarms, recovery: recovery,
            frozenRecovery: frozen,
            windows: (1...12).map {
                DriftWindowRecord(
                    window: $0, loss: 0.2, frozenLoss: 0.2, users: 9, alarms: $0 == 8 ? alarms : [], adapted: false)
            })
    }

    @Test func theSentencesAreKnown() {
        #expect(DriftTable.text([]).isEmpty)
        let records = [
            DriftRecord(
                seed: 1,
                domains: [
                    domain("books", change: 7, delay: 1, recovery: 0.9, frozen: 0.2), domain("movies", falseAlarms: 1),
                ]),
            DriftRecord(
                seed: 2,
                domains: [domain("books", change: 7, delay: 2, recovery: 1, frozen: 0.3), domain("movies")]),
        ]
        #expect(
            DriftTable.text(records) == """
                drift of books: changed in window 7 of 12; noticed in 2 of 2 runs, 1 to 2 windows later; no false alarms; 95 % of the loss regained within 3 windows of the alarm (a model that is never trained again: 25 %)
                drift of movies: no change is known; 1 alarm in 24 windows of 2 runs

                """)
        let missed = [DriftRecord(seed: 1, domains: [domain("books", change: 7, falseAlarms: 1)])]
        #expect(
            DriftTable.text(missed)
                == "drift of books: changed in window 7 of 12; not noticed in 1 run; 1 false alarm\n")
        let rated = [DriftRecord(seed: 1, domains: [domain("books", change: 7, delay: 1, alarms: ["ratings"])])]
        #expect(
            DriftTable.text(rated)
                == "drift of books: changed in window 7 of 12; noticed in 1 of 1 run, 1 window later; of ratings alone, to "
                + "which no model of choices adapts; no false alarms\n")
        let both = [DriftRecord(seed: 1, domains: [domain("books", change: 7, delay: 1, alarms: ["loss", "ratings"])])]
        #expect(!DriftTable.text(both).contains("of ratings"))
    }
}
