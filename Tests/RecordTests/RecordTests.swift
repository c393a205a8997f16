import Foundation
import Record
import TestSupport
import Testing

@Suite struct RecordTests {
    private func text(_ value: some Encodable & Sendable) throws -> String {
        String(decoding: try RecordFile.json(value), as: UTF8.self)
    }

    private func expectRoundTrip<Value: Codable & Sendable & Equatable>(
        _ value: Value, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/value.json"
        try RecordFile.writeJSON(value, to: path)
        #expect(try RecordFile.readJSON(Value.self, from: path) == value, sourceLocation: sourceLocation)
        let first = try RecordFile.read(path)
        let again = try RecordFile.readJSON(Value.self, from: path)
        #expect(try RecordFile.json(again) == first, sourceLocation: sourceLocation)
        #expect(first.last == UInt8(ascii: "\n"), sourceLocation: sourceLocation)
    }

    @Test func everyRecordSurvivesItsFile() throws {
        try expectRoundTrip(client)
        try expectRoundTrip(figure)
        try expectRoundTrip(figureWithoutInterval)
        try expectRoundTrip(figureOfWarmUsers)
        try expectRoundTrip(choiceOfDomain)
        try expectRoundTrip(choiceOfBlend)
        try expectRoundTrip(choiceOfRatings)
        try expectRoundTrip(choice)
        try expectRoundTrip(choiceWithoutMap)
        try expectRoundTrip(ClientFolderRecord(client: client, evaluation: [figure], choices: [choice]))
        try expectRoundTrip(EpsilonRecord.noBound)
        try expectRoundTrip(release)
        try expectRoundTrip(privacy)
        try expectRoundTrip(run.wire)
        try expectRoundTrip(run)
        try expectRoundTrip(runInTime)
        try expectRoundTrip(wire)
        try expectRoundTrip(summary)
        try expectRoundTrip(updates)
        try expectRoundTrip(ClientFolderRecord(client: client, evaluation: [], choices: []).with(formatError: 0.25))
        for status in [RunStatus.completed, .peerLost, .interrupted, .failed] { try expectRoundTrip([status]) }
    }

    @Test func whatScenariosDoNotNameIsAbsent() throws {
        for record in [try text(run), try text(wire), try text(summary)] {
            for key in ["update-format", "format-error", "saved-bytes-up", "\"format\""] {
                #expect(!record.contains(key), "\(key)")
            }
        }
        let named = try text(updates)
        #expect(named.contains("\"bytes-up-float32\" : 40") && named.contains("\"top-share\" : 0.1"))
        let folder = ClientFolderRecord(client: client, evaluation: [figure], choices: [choice])
        #expect(folder.with(formatError: nil) == folder)
        #expect(try text(folder.with(formatError: 0.5)).contains("\"format-error\" : 0.5"))
    }

    @Test func aTimeIsThatOfItsLastVersionAndStalenessIsWeighedByUpdates() throws {
        let times = SimulatedTimeRecord.of(roundsInTime)
        #expect(times.map(\.step) == ["factors", "refit-factors"])
        let factors = try #require(times.first)
        #expect(factors.time == 1.25 && factors.versions == 2 && factors.updates == 3)
        #expect(factors.meanStaleness == 4.0 / 3 && factors.largestStaleness == 3)
        #expect(factors.dropped == 1 && factors.unused == 3)
        let refit = try #require(times.last)
        #expect(refit.updates == 0 && refit.meanStaleness == 0 && refit.largestStaleness == 0 && refit.dropped == 2)
        #expect(SimulatedTimeRecord.of([]).isEmpty)
        for key in ["\"simulated-time\"", "\"staleness-mean\"", "\"staleness-max\"", "\"unused\""] {
            #expect(try text(runInTime).contains(key) && !text(run).contains(key), "\(key)")
        }
    }

    @Test func anAbsentBoundIsWrittenAsNull() throws {
        let expected = """
            {
              "colluders" : null,
              "coordinator" : null,
              "model" : null,
              "peer" : null
            }

            """
        #expect(try text(EpsilonRecord.noBound) == expected)
        // A record that is older than an adversary states no bound against it.
        let older = Data(#"{"coordinator": 1, "peer": 2, "model": 3}"#.utf8)
        let read = try JSONDecoder().decode(EpsilonRecord.self, from: older)
        #expect(read == EpsilonRecord(coordinator: 1, peer: 2, colluders: nil, model: 3))
        let section = try text(privacy)
        #expect(section.contains("\"delta\" : null"))
        #expect(section.components(separatedBy: "\"coordinator\" : null").count == 3)
        #expect(section.components(separatedBy: "\"peer\" : null").count == 3)
        #expect(section.components(separatedBy: "\"colluders\" : null").count == 3)
        #expect(section.components(separatedBy: "\"model\" : null").count == 3)
    }

    @Test func aBoundIsReadAndWrittenAsItsNumber() throws {
        let json = #"{"coordinator": 0.5, "peer": 2, "model": null}"#
        let epsilon = try JSONDecoder().decode(EpsilonRecord.self, from: Data(json.utf8))
        #expect(epsilon.coordinator == 0.5 && epsilon.peer == 2 && epsilon.model == nil)
        #expect(try text(epsilon).contains("\"coordinator\" : 0.5,"))
    }

    @Test func theKeysOfARunRecordAreThoseOfItsFormat() throws {
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(try RecordFile.json(run))) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "choices", "clients", "discrepancy", "evaluation", "missing", "parameter-schema", "privacy", "rounds",
                "scenario",
                "schema",
                "seed", "status", "version", "wire",
            ])
        #expect(object["schema"] as? String == "ferry.run/1")
        let wire = try #require(object["wire"] as? [String: Any])
        #expect(wire.keys.sorted() == ["bytes-down", "bytes-up", "messages"])
        let evaluation = try #require((object["evaluation"] as? [[String: Any]])?.first)
        #expect(
            evaluation.keys.sorted() == ["ci95", "client", "cohort", "method", "metric", "shots", "users", "value"])
        let privacy = try #require(object["privacy"] as? [String: Any])
        #expect(privacy["reproducible-noise"] as? Bool == true)
        let releases = try #require(privacy["releases"] as? [[String: Any]])
        #expect(releases.first?.keys.sorted() == ["conditional-on", "epsilon", "name"])
    }

    @Test func theBytesOfARecordAreThoseOfItsValue() throws {
        let first = try RecordFile.json(run)
        for _ in 0..<20 { #expect(try RecordFile.json(run) == first) }
        let text = String(decoding: first, as: UTF8.self)
        let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { $0.prefix { $0 != ":" } }
        #expect(keys.count == 14 && keys == keys.sorted())
        #expect(text.contains(#""scenario" : "a/b \"c\" é""#))
        #expect(text.contains("\"value\" : 0.30000000000000004"))
        #expect(text.contains("0.3333333333333333"))
    }

    @Test func aNumberThatIsNotFiniteIsRefused() {
        for value in [Double.nan, .infinity] {
            let bad = EvaluationRecord(
                client: "a", method: "b", cohort: "c", shots: 0, metric: "d", value: value, interval: [], users: 1)
            #expect(throws: EncodingError.self) { try RecordFile.json(bad) }
        }
    }

    @Test func theTotalsCountPlansAndUpdatesAlone() {
        #expect(wire.totals == WireTotals(bytesUp: 1_000, bytesDown: 100, messages: 5))
    }

    @Test func aFigureWithoutANumberOfShotsSaysNullAndIsReadBack() throws {
        let text = try text(figureOfWarmUsers)
        #expect(text.contains("\"shots\" : null"))
        let withoutKey = text.split(separator: "\n").filter { !$0.contains("shots") }.joined(separator: "\n")
        #expect(!withoutKey.contains("shots"))
        for json in [text, withoutKey] {
            let read = try JSONDecoder().decode(EvaluationRecord.self, from: Data(json.utf8))
            #expect(read == figureOfWarmUsers)
        }
        #expect(try self.text(figure).contains("\"shots\" : 1"))
    }

    @Test func aFigureOfASummaryWithoutANumberOfShotsSaysNullToo() throws {
        let figure = SummaryFigure(
            client: "c", method: "ease", cohort: "warm-users", shots: nil, metric: "ndcg@10", mean: 0.5, interval: [],
            kind: "student-t over seeds", seeds: 2)
        let text = try text(figure)
        #expect(text.contains("\"shots\" : null"))
        #expect(try JSONDecoder().decode(SummaryFigure.self, from: Data(text.utf8)) == figure)
    }

    @Test func aChoiceIsWrittenWithTheSettingsThatItsMethodHas() throws {
        func keys(_ choice: ChoiceRecord) throws -> [String] {
            let object = try JSONSerialization.jsonObject(with: Data(try RecordFile.json(choice)))
            return (object as? [String: Any] ?? [:]).keys.sorted()
        }
        #expect(try keys(choice) == ["fold-in", "method", "regularization", "ridge", "shots"])
        #expect(try keys(choiceOfDomain) == ["method", "setting"])
        #expect(try keys(choiceOfBlend) == ["method", "model", "regularization", "shots", "weight"])
        #expect(try keys(choiceOfRatings) == ["carry", "damping", "method", "shots"])
    }

    @Test func figuresAreOrderedByClientCohortMethodMetricAndShotsWithoutShotsLast() {
        func make(_ client: String, _ cohort: String, _ method: String, _ metric: String, _ shots: Int?)
            -> EvaluationRecord
        {
            EvaluationRecord(
                client: client, method: method, cohort: cohort, shots: shots, metric: metric, value: 0, interval: [],
                users: 1)
        }
        let ordered = [
            make("a", "c", "m", "n", 0), make("a", "c", "m", "n", 3), make("a", "c", "m", "n", 10),
            make("a", "c", "m", "n", nil), make("a", "c", "m", "o", 1), make("a", "c", "n", "n", 0),
            make("a", "d", "m", "n", 0), make("b", "a", "a", "a", 0),
        ]
        #expect(Array(ordered.reversed()).sorted(by: EvaluationRecord.isOrdered) == ordered)
        for figure in ordered { #expect(!EvaluationRecord.isOrdered(figure, figure)) }
    }
}
