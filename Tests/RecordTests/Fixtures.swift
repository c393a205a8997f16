import Foundation
import Record

let client = ClientRecord(id: "books", domain: "books", users: 3, items: 5, interactions: 7, duplicates: 2)
let figure = EvaluationRecord(
    client: "books", method: "feature-map", cohort: "cold-users", shots: 1, metric: "ndcg@10", value: 0.1 + 0.2,
    interval: [0.1, 1.0 / 3], users: 12)
let figureWithoutInterval = EvaluationRecord(
    client: "books", method: "popularity", cohort: "cold-users", shots: 0, metric: "recall@10", value: 0, interval: [],
    users: 1)
let figureOfWarmUsers = EvaluationRecord(
    client: "persons", method: "ease", cohort: "warm-users", shots: nil, metric: "ndcg@10", value: 0.5,
    interval: [0.25, 0.75], users: 4)
let choiceOfDomain = ChoiceRecord(method: "ease", setting: 300)
let choiceOfBlend = ChoiceRecord(
    method: "local-ensemble", shots: 3, regularization: 20, model: "local+ease", weight: 0.75)
let choiceOfRatings = ChoiceRecord(method: "bias-carry", shots: 1, carry: 0.6, damping: 4)
let choice = ChoiceRecord(method: "feature-map", shots: 1, ridge: 0.03, foldIn: "prior", regularization: 40)
let choiceWithoutMap = ChoiceRecord(method: "local", shots: 0, ridge: nil, foldIn: nil, regularization: nil)
let release = ReleaseRecord(name: "bridge", epsilon: .noBound, conditionalOn: ["books.item-factors"])
let privacy = PrivacyRecord(
    mode: "none", unit: "person", neighbouring: "add-remove", delta: nil, epsilon: .noBound, releases: [release],
    unprotected: ["books.item-factors", "movies.whitening"], hasReproducibleNoise: true)
let run = RunRecord(
    version: "0.1.0", scenario: "a/b \"c\" é", seed: 7, rounds: 6, status: .completed, clients: [client],
    evaluation: [figure, figureWithoutInterval], choices: [choice, choiceWithoutMap], missing: ["p-2"],
    schemaDigest: "00ff", privacy: privacy, wire: WireTotals(bytesUp: 1, bytesDown: 2, messages: 3))
let runInTime = RunRecord(
    version: "0.1.0", scenario: "s", seed: 7, rounds: 4, status: .completed, clients: [client], evaluation: [figure],
    choices: [], missing: [], schemaDigest: "00ff", privacy: privacy,
    wire: WireTotals(bytesUp: 1, bytesDown: 2, messages: 3), simulatedTime: SimulatedTimeRecord.of(roundsInTime))
let updates = UpdateFormatRecord(format: "top-k", share: 0.1, bytesUp: 10, bytesUpInFloat32: 40, error: 1.5)
/// Two versions of the movies' item factors before the choices and one after them, with rounds of other steps between.
let roundsInTime = [
    roundInTime(
        1, "factors", VersionRecord(domain: "movies", time: 0.5, staleness: [0, 3], dropped: ["m-1"], held: 2)),
    roundInTime(2, "factors", VersionRecord(domain: "movies", time: 1.25, staleness: [1], dropped: [], held: 3)),
    roundInTime(3, "encoders", nil),
    roundInTime(
        4, "refit-factors",
        VersionRecord(domain: "movies", time: 0.75, staleness: [], dropped: ["m-1", "m-2"], held: 0)),
]

private func roundInTime(_ round: Int, _ step: String, _ version: VersionRecord?) -> RoundRecord {
    RoundRecord(
        round: round, step: step, participants: ["m-1"], answered: 1, missing: [], bytesUp: 1, bytesDown: 2,
        versions: version.map { [$0] })
}

let wire = WireRecord(
    transport: "ipc",
    rounds: [
        RoundRecord(
            round: 1, step: "moments", participants: ["books", "movies"], answered: 1, missing: ["movies"], bytesUp: 10,
            bytesDown: 20)
    ] + roundsInTime,
    traffic: [
        WireKindRecord(kind: "plan", direction: "down", messages: 2, frames: 6, bytes: 100),
        WireKindRecord(kind: "update", direction: "up", messages: 3, frames: 9, bytes: 1_000),
        WireKindRecord(kind: "join", direction: "up", messages: 5, frames: 5, bytes: 50),
        WireKindRecord(kind: "finish", direction: "down", messages: 7, frames: 7, bytes: 70),
    ],
    refused: 4, tensors: [TensorRecord(name: "map", shape: [2, 3], scope: "shared", release: "bridge")],
    missing: ["movies"], schemaDigest: "00ff")
let summary = SummaryRecord(
    scenario: "s", status: .peerLost, seeds: [1, 2],
    figures: [
        SummaryFigure(
            client: "books", method: "local", cohort: "cold-users", shots: 3, metric: "ndcg@10", mean: 0.25,
            interval: [0.2, 0.3], kind: "student-t over seeds", seeds: 2),
        SummaryFigure(
            client: "books", method: "local", cohort: "warm-users", shots: nil, metric: "ndcg@10", mean: 0.5,
            interval: [], kind: "bootstrap over persons", seeds: 1),
    ])
