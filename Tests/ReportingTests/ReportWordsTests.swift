import Foundation
import Record
import Reporting
import Testing

/// What a page must and must not say.
@Suite struct ReportWordsTests {
    /// The paragraphs, list items and captions of a page as words.
    private func sentences(_ page: String) -> [String] {
        page.replacingOccurrences(of: "\n<p", with: "\u{1}<p").replacingOccurrences(of: "\n<li", with: "\u{1}<li")
            .replacingOccurrences(of: "\n<figure>", with: "\u{1}<b>").replacingOccurrences(
                of: "\n<tr>", with: "\u{1}<b>"
            )
            .split(separator: "\u{1}").map { words("<!DOCTYPE html>" + $0) }
    }

    @Test("no ε stands without those against whom it holds, its unit and what it is conditional on")
    func epsilonsAreWhole() {
        let pages = [ReportSamples.report(epsilon: 2).html(), SweepReport(ReportSamples.sweep).html()]
        for page in pages {
            let naming = sentences(page).filter { $0.contains("ε = ") }
            #expect(!naming.isEmpty)
            for sentence in naming {
                #expect(sentence.contains("against"), "\(sentence)")
                #expect(
                    sentence.contains("conditional on") || sentence.contains("(conditional)")
                        || sentence.contains("of everything seen"), "\(sentence)")
            }
            #expect(words(page).contains("per person, neighbouring relation add-remove, δ = 10⁻⁵"))
        }
    }

    @Test("an adversary who also sees something unprotected has no bound")
    func noBound() {
        let text = words(ReportSamples.report(epsilon: 2).html())
        #expect(
            text.contains(
                "no bound against the coordinator and the coordinator with other clients (colluders); per person, neighbouring"
            ))
        #expect(text.contains("Everything that each of them sees, taken together: no bound against any adversary."))
        #expect(text.contains("conditional on books.item-factors and movies.whitening, which are not protected"))
    }

    @Test("a total that is finite is named as one")
    func totals() {
        var runs = ReportSamples.runs(epsilon: 2)
        runs = runs.map { run in
            RunRecord(
                version: run.version, scenario: run.scenario, seed: run.seed, rounds: run.rounds, status: run.status,
                clients: run.clients, evaluation: run.evaluation, choices: [], missing: [], schemaDigest: "",
                privacy: ReportSamples.privacy(2, total: true), wire: run.wire)
        }
        let page = RunReport(summary: ReportSamples.summary(runs), runs: runs).html()
        #expect(words(page).contains("ε of everything seen, against peer and model"))
        #expect(words(page).contains("conditional on no other value"))
    }

    @Test("a run without protection says so in red and names no ε")
    func unprotected() {
        let page = ReportSamples.report().html()
        #expect(page.contains("<strong class=\"alarm\">Unprotected.</strong>"))
        #expect(!words(page).contains("ε = "))
    }

    @Test("of several seeds the largest ε counts, and one without a bound has none in the whole")
    func worstSeed() {
        var runs = ReportSamples.runs(epsilon: 2)
        runs[1] = ReportSamples.runs(epsilon: 3)[1]
        #expect(words(RunReport(summary: ReportSamples.summary(runs), runs: runs).html()).contains("ε = 3"))
        runs[2] = ReportSamples.runs()[2]
        let text = words(RunReport(summary: ReportSamples.summary(runs), runs: runs).html())
        #expect(!text.contains("ε = ") && text.contains("no bound"))
    }

    @Test("for someone on the network there are words and no ε")
    func observer() {
        let runs = ReportSamples.runs(epsilon: 2)
        func text(_ transport: String, _ isEncrypted: Bool) -> String {
            let wire = WireRecord(
                transport: transport, rounds: [], traffic: [], refused: 0, tensors: [], missing: [], schemaDigest: "")
            return words(
                RunReport(summary: ReportSamples.summary(runs), runs: runs, wire: wire, isEncrypted: isEncrypted).html()
            )
        }
        #expect(text("tcp", true).contains("sizes and timing, not bounded"))
        #expect(text("tcp", false).contains("without encryption the same as the coordinator"))
        #expect(text("ipc", false).contains("nothing left this machine"))
    }

    @Test("a protected transfer below the best local model is called a failure, with its ε")
    func failedTransfer() {
        let text = words(ReportSamples.report(factor: 0.9, epsilon: 0.5).html())
        #expect(
            text.contains("The transfer failed. At ε = 0.5 of the release bridge against another client (peer) and"))
        #expect(text.contains("feature-map ranks worse than the best local model at k = 0 and k = 3"))
        #expect(!words(ReportSamples.report(factor: 1.3, epsilon: 0.5).html()).contains("The transfer failed"))
        #expect(words(ReportSamples.report(factor: 0.9).html()).contains("Negative transfer:"))
    }

    @Test(
        "no gain is stated without the best local model and the control", arguments: ["best-local", "shuffled-source"])
    func noGainAlone(_ absent: String) {
        let page = ReportSamples.report(methods: ReportSamples.methods.filter { $0 != absent }).html()
        #expect(words(page).contains("No gain of feature-map is stated"))
        #expect(!words(page).contains("× best-local") && !words(page).contains("Gain by shots"))
    }

    @Test("a gain stands beside popularity, the control and the persons who got worse")
    func gainInFull() {
        let text = words(ReportSamples.report().html())
        #expect(
            text.contains(
                "k = 0: 1.31 [1.29, 1.32] × best-local, 1.33 [1.32, 1.35] × popularity; control with a shuffled source "
                    + "1.00 [1.00, 1.00] × best-local; 50 % [48 %, 52 %] of persons got a better ranking and 25 % [23 %, "
                    + "27 %] a worse one."))
        let older = ReportSamples.runs(knowsBetter: false)
        #expect(
            words(RunReport(summary: ReportSamples.summary(older), runs: older).html()).contains(
                "× best-local; 25 % [23 %, 27 %] of persons got a worse ranking."))
    }

    @Test("a control that gains is no control")
    func brokenControl() {
        let runs = ReportSamples.runs()
        let moved = runs.map { run in
            RunRecord(
                version: run.version, scenario: run.scenario, seed: run.seed, rounds: run.rounds, status: run.status,
                clients: run.clients,
                evaluation: run.evaluation.map {
                    EvaluationRecord(
                        client: $0.client, method: $0.method, cohort: $0.cohort, shots: $0.shots, metric: $0.metric,
                        value: $0.method == "shuffled-source" ? $0.value * 1.2 : $0.value, interval: [], users: 50)
                }, choices: [], missing: [], schemaDigest: "", privacy: run.privacy, wire: run.wire)
        }
        #expect(
            words(RunReport(summary: ReportSamples.summary(moved), runs: moved).html()).contains(
                "The control gains too"))
    }

    @Test("a run that did not complete and clients that were lost come first")
    func incomplete() throws {
        let runs = ReportSamples.runs(status: .peerLost, missing: ["movies"])
        let text = words(RunReport(summary: ReportSamples.summary(runs, status: .peerLost), runs: runs).html())
        let warning = try #require(text.range(of: "This run did not complete: a client that it needed was lost."))
        let first = try #require(text.range(of: "What was run."))
        #expect(warning.lowerBound < first.lowerBound)
        #expect(text.contains("In seeds 1, 2, 3 movies was lost on the way"))
    }

    @Test("several protected releases are charged together")
    func severalReleases() {
        let bounds = EpsilonRecord(coordinator: nil, peer: 1, colluders: nil, model: 1)
        let privacy = PrivacyRecord(
            mode: "silo", unit: "person", neighbouring: "add-remove", delta: 1e-5, epsilon: .noBound,
            releases: ["a.gradient", "b.gradient"].map {
                ReleaseRecord(name: $0, epsilon: bounds, conditionalOn: ["x"], mechanism: "discrete-gaussian")
            }, unprotected: ["x"], hasReproducibleNoise: false,
            protectedEpsilon: EpsilonRecord(coordinator: nil, peer: 1.5, colluders: nil, model: 1.5))
        let text = words(report(privacy: privacy).html())
        #expect(
            text.contains(
                "All protected releases together: ε = 1.5 against another client (peer) and whoever gets the released model "
                    + "(model); no bound against the coordinator and the coordinator with other clients (colluders)"))
        #expect(
            text.contains(
                "Column ε: ε of all protected releases together (conditional) against another client (peer) and"))
        #expect(text.contains("ε of protected releases (conditional), against peer and"))
        #expect(!text.contains("can be computed again"))
    }

    @Test("a terminal and the page say the same sentences", arguments: [nil, 2] as [Double?])
    func oneSource(_ epsilon: Double?) {
        let text = PrivacyTable.text(ReportSamples.privacy(epsilon))
        let page = words(ReportSamples.report(epsilon: epsilon).html())
        let lines = text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        #expect(lines.count == (epsilon == nil ? 2 : 6))
        for line in lines {
            #expect(page.contains(line.replacing("UNPROTECTED.", with: "Unprotected.")), "\(line)")
        }
    }

    @Test("who colludes with the coordinator stands in every table of adversaries")
    func colluders() throws {
        let report = ReportSamples.report(epsilon: 2)
        let table = try #require(report.tables().first { $0.name == "tables/adversaries.csv" })
        #expect(
            table.contents.contains("the coordinator with other clients (colluders),\"all that each of them sees, raw"))
        let releases = try #require(report.tables().first { $0.name == "tables/releases.csv" })
        #expect(releases.contents.contains("bridge,colluders,no bound,no bound,discrete-gaussian,2.35,"))
        #expect(releases.contents.contains("bridge,peer,2.0,2.2,discrete-gaussian,2.35,"))
    }

    @Test("ε by round names what each is of, and is a sentence where all is released at once")
    func spending() throws {
        let report = ReportSamples.report(epsilon: 2)
        let page = words(report.html())
        #expect(page.contains("the bridge (conditional), against peer and model"))
        #expect(
            page.contains(
                "No bound for the bridge (conditional), against coordinator and everything seen, against coordinator, peer "
                    + "and model."))
        #expect(report.html().contains("id=\"spending-"))
        var once = report
        once.spending = report.spending.filter { $0.round == 2 }
        #expect(words(once.html()).contains("released in round 2, once: ε does not grow from round to round"))
        #expect(!once.html().contains("id=\"spending-"))
        #expect(once.tables().contains { $0.name == "tables/epsilon-by-round.csv" })
    }

    @Test("each measure of learning has a picture and a table, and training after the choices its own curve")
    func learning() throws {
        let report = ReportSamples.report()
        let page = words(report.html())
        #expect(page.contains("How much a round changes what is learnt") && page.contains("tower, after the choices"))
        let table = try #require(report.tables().first { $0.name == "tables/learning-relative-change.csv" })
        #expect(table.contents.hasPrefix("round,step,of,value\n2,tower,tower,0.5\n"))
        #expect(table.contents.split(separator: "\n").count == 44)
        let runs = ReportSamples.runs()
        #expect(!RunReport(summary: ReportSamples.summary(runs), runs: runs).html().contains("Learning by round"))
    }

    @Test("a tensor with a row a person is told in red, and sums are not")
    func personSlots() {
        func page(_ slots: Int?) -> String {
            let bounds = EpsilonRecord(coordinator: 2, peer: 2, colluders: 2, model: 2)
            let privacy = PrivacyRecord(
                mode: "local", unit: "person", neighbouring: "replace-one", delta: 1e-5, epsilon: .noBound,
                releases: [
                    ReleaseRecord(
                        name: "person-vectors", epsilon: bounds, conditionalOn: ["x"],
                        mechanism: "discrete-gaussian", personSlots: slots)
                ], unprotected: ["x"], hasReproducibleNoise: false)
            return report(privacy: privacy).html()
        }
        #expect(page(1_024).contains("<strong class=\"alarm\">One tensor is indexed by persons.</strong>"))
        #expect(words(page(1_024)).contains("person-vectors has 1,024 slots, each of one person or of nobody"))
        #expect(!page(nil).contains("indexed by persons"))
    }

    @Test("how persons are sampled, clipped and capped, and that a rating is no person, is said where it is unusual")
    func manners() {
        func page(_ isUnusual: Bool) -> String {
            let bounds = EpsilonRecord(coordinator: 2, peer: 2, colluders: 2, model: 2)
            let privacy = PrivacyRecord(
                mode: "silo", unit: isUnusual ? "rating" : "person", neighbouring: "replace-one", delta: 1e-5,
                epsilon: .noBound,
                releases: [
                    ReleaseRecord(
                        name: "meta.gradient", epsilon: bounds, conditionalOn: ["x"], mechanism: "discrete-gaussian",
                        sampleSize: isUnusual ? 1_450 : nil, population: isUnusual ? 2_900 : nil,
                        clippingBounds: isUnusual ? [1, 0.7, 0.5] : nil)
                ], unprotected: ["x"], hasReproducibleNoise: false, ratingsPerPerson: isUnusual ? 50 : nil,
                covers: isUnusual ? PrivacyRecord.coverageOfRatings : nil)
            return words(report(privacy: privacy).html())
        }
        for sentence in [
            "Of the release meta.gradient: in each round 1,450 of 2,900 places, drawn without replacement, take part",
            "the clipping bound follows the persons’ norms (1 in the first round, 0.5 in the last), by bits",
            "At most 50 ratings of one person, over all domains, enter what is protected",
            "Each ε covers a rating, not a person: that one person rated one item, and with which value; not that the "
                + "person is there",
        ] {
            #expect(page(true).contains(sentence), "\(sentence)")
            #expect(!page(false).contains(sentence), "\(sentence)")
        }
    }

    @Test("cohorts of persons with different promises have one line each")
    func cohorts() {
        let privacy = PrivacyRecord(
            mode: "silo", unit: "person", neighbouring: "add-remove", delta: 1e-5, epsilon: .noBound,
            releases: ReportSamples.privacy(2).releases, unprotected: ["x"], hasReproducibleNoise: true,
            cohorts: [
                PrivacyCohortRecord(
                    name: "bridge", share: 0.25, epsilon: EpsilonRecord(coordinator: 2, peer: 2, colluders: 2, model: 2)
                ),
                PrivacyCohortRecord(name: "encoders", share: 0.75, epsilon: .noBound),
            ])
        let text = words(report(privacy: privacy).html())
        #expect(
            text.contains(
                "Persons of the cohort bridge (25 % of those who train), everything that depends on their data"))
        #expect(
            text.contains(
                "Persons of the cohort encoders (75 % of those who train), everything that depends on their data: no bound "
                    + "against any adversary."))
        let file = report(privacy: privacy).tables().first { $0.name == "tables/cohorts.csv" }
        #expect(
            file?.contents == """
                cohort,share of those who train,"ε, coordinator","ε, peer","ε, colluders","ε, model"
                bridge,0.25,2.0,2.0,2.0,2.0
                encoders,0.75,no bound,no bound,no bound,no bound

                """)
    }

    @Test("the attack and the other draws of the noise stand beside ε")
    func attackAndDraws() {
        var figures = ReportSamples.figures(ReportSamples.runs(factor: 1.3, epsilon: 2))
        func add(_ method: String, _ cohort: String, _ shots: Int?, _ metric: String, _ mean: Double) {
            figures.append(
                SummaryFigure(
                    client: "persons", method: method, cohort: cohort, shots: shots, metric: metric, mean: mean,
                    interval: [], kind: "student-t over seeds", seeds: 3))
        }
        add("item-factors", "membership", nil, "attack-auc", 0.688)
        for (kind, mean) in [("mean", 0.35), ("min", 0.2), ("max", 0.4)] {
            add("feature-map", "cold-users", 0, "ndcg@10-draws-\(kind)", mean)
        }
        let summary = SummaryRecord(
            scenario: "s", status: .completed, seeds: [1, 2, 3], figures: figures, privacy: ReportSamples.privacy(2))
        let text = words(RunReport(summary: summary, runs: []).html())
        #expect(text.contains("area under the curve of item-factors 0.69; 0.5 is guessing"))
        #expect(text.contains("k = 0: 0.3500, from 0.2000 (below the best local model) to 0.4000"))
    }

    private func report(privacy: PrivacyRecord) -> RunReport {
        let runs = ReportSamples.runs().map { run in
            RunRecord(
                version: run.version, scenario: run.scenario, seed: run.seed, rounds: run.rounds, status: run.status,
                clients: run.clients, evaluation: run.evaluation, choices: [], missing: [], schemaDigest: "",
                privacy: privacy, wire: run.wire)
        }
        return RunReport(summary: ReportSamples.summary(runs), runs: runs)
    }

    @Test("every colour of text stands out from its ground in both themes")
    func contrast() throws {
        let page = ReportSamples.report().html()
        func luminance(_ hex: String) -> Double {
            let full = hex.count == 3 ? hex.map { "\($0)\($0)" }.joined() : hex
            let channels = stride(from: 0, to: 6, by: 2).map { offset -> Double in
                let value = Double(Int(full.dropFirst(offset).prefix(2), radix: 16) ?? 0) / 255
                return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
            }
            return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
        }
        let themes = page.components(separatedBy: ":root{").dropFirst().map { $0.prefix { $0 != "}" } }
        #expect(themes.count == 2)
        for theme in themes {
            var colors: [String: String] = [:]
            for part in theme.split(separator: ";") {
                let pair = part.replacingOccurrences(of: "\n", with: "").split(separator: ":")
                if pair.count == 2 {
                    colors[pair[0].trimmingCharacters(in: .whitespaces)] = String(pair[1].dropFirst())
                }
            }
            func ratio(_ text: String, _ ground: String) throws -> Double {
                let pair = [try #require(colors[text]), try #require(colors[ground])].map(luminance).sorted()
                return (pair[1] + 0.05) / (pair[0] + 0.05)
            }
            for ground in ["--ground", "--card", "--alarm-ground"] {
                for text in ["--ink", "--quiet", "--link", "--alarm"] {
                    #expect(try ratio(text, ground) >= 4.5, "\(text) on \(ground)")
                }
            }
            for mark in ["--blue", "--red", "--green", "--violet", "--ochre", "--gray"] {
                #expect(try ratio(mark, "--card") >= 3, "\(mark)")
            }
        }
    }
}
