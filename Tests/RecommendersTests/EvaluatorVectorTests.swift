import Foundation
import Numerics
import Recommenders
import Testing

/// Cases of `Vectors/ranking-metrics.json`, written by the script beside it.
struct EvaluatorVectors: Decodable {
    enum Score: Decodable {
        case value(Float)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let name = try? container.decode(String.self) else {
                self = .value(try container.decode(Float.self))
                return
            }
            switch name {
            case "inf": self = .value(.infinity)
            case "-inf": self = .value(-.infinity)
            case "-0": self = .value(-0.0)
            default: throw DecodingError.dataCorruptedError(in: container, debugDescription: "the score \(name)")
            }
        }

        var float: Float {
            switch self {
            case .value(let value): value
            }
        }
    }

    struct Person: Decodable {
        let scores: [Score]
        let excluded: [UInt32]
        let relevant: [UInt32]
        let ranking: [UInt32]
        let expected: [String: Double?]
    }

    struct Errors: Decodable {
        let predictions: [[Float]]
        let ratings: [[Float]]
        let rmse: Double
        let mae: Double
    }

    struct Case: Decodable {
        let k: Int
        let personCount: Int
        let interactionCounts: [Int]
        let vectors: [[Float]]
        let persons: [Person]
        let expected: [String: Double?]
        let excludedPersonCount: Int
        let ratingErrors: Errors
    }

    let cases: [Case]

    static func load() throws -> EvaluatorVectors {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Vectors/ranking-metrics.json")
        return try JSONDecoder().decode(EvaluatorVectors.self, from: Data(contentsOf: file))
    }
}

@Suite("Metrics against independent evaluators")
struct EvaluatorVectorTests {
    private static func expect(
        _ value: Double?, _ expected: Double?, _ what: @autoclosure () -> String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        switch (value, expected) {
        case (nil, nil): break
        case (let value?, let expected?):
            #expect(
                abs(value - expected) <= 1e-12, "\(what()): \(value), not \(expected)", sourceLocation: sourceLocation)
        default:
            Issue.record(
                "\(what()): \(String(describing: value)), not \(String(describing: expected))",
                sourceLocation: sourceLocation)
        }
    }

    @Test("Every metric of 200 cases equals ranx, RecTools, pytrec_eval or the definition to 1e-12")
    func vectors() throws {
        let cases = try EvaluatorVectors.load().cases
        #expect(cases.count == 200)
        var compared: [Metric: Int] = [:]
        for (number, one) in cases.enumerated() {
            var cohort = CohortMetrics(
                topN: one.k,
                catalogue: CatalogueStatistics(interactionCounts: one.interactionCounts, personCount: one.personCount))
            let directions = try ItemDirections(
                Matrix(rowCount: one.vectors.count, columnCount: 2, values: one.vectors.flatMap { $0 }))
            for (index, person) in one.persons.enumerated() {
                let ranking = try RankingMetrics.top(
                    one.k, scores: person.scores.map(\.float), excluded: person.excluded)
                #expect(ranking == person.ranking, "case \(number), person \(index)")
                cohort.add(ranking: ranking, relevant: person.relevant, directions: directions)
                if person.relevant.isEmpty { continue }
                try MetricInvariants.check(ranking: ranking, relevant: person.relevant, count: one.k)
                let values = try #require(cohort.persons.last)
                for (name, expected) in person.expected {
                    let metric = try #require(Metric(rawValue: name))
                    Self.expect(values.value(of: metric), expected, "case \(number), person \(index), \(name)")
                    compared[metric, default: 0] += 1
                }
            }
            #expect(cohort.excludedPersonCount == one.excludedPersonCount)
            for (name, expected) in one.expected {
                let metric = try #require(Metric(rawValue: name))
                Self.expect(cohort.value(of: metric), expected, "case \(number), cohort, \(name)")
                compared[metric, default: 0] += 1
            }
            try Self.compareErrors(one.ratingErrors, number)
        }
        for metric in Metric.allCases where !metric.isRatingError {
            #expect(compared[metric, default: 0] >= 190, "\(metric)")
        }
    }

    private static func compareErrors(_ errors: EvaluatorVectors.Errors, _ number: Int) throws {
        var sums = RatingErrors()
        for (predictions, ratings) in zip(errors.predictions, errors.ratings) {
            sums += try RatingErrors(predictions: predictions, ratings: ratings, scale: 1...5)
        }
        expect(sums.rmse, errors.rmse, "case \(number), rmse")
        expect(sums.mae, errors.mae, "case \(number), mae")
    }
}
