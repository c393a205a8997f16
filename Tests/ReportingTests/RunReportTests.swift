import Foundation
import Record
import Reporting
import Testing

/// The words of a page, without tags and with references read back.
func words(_ page: String) -> String {
    PageMarkup(page).texts.joined().replacingOccurrences(of: "\u{A0}", with: " ")
        .replacingOccurrences(of: "&#39;", with: "'").replacingOccurrences(of: "&quot;", with: "\"")
        .replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
        .replacingOccurrences(of: "&amp;", with: "&")
}

@Suite struct RunReportTests {
    @Test("the page of a small record is the golden page")
    func golden() throws {
        try compare(ReportSamples.report(epsilon: 2).html(), "run-report.html")
    }

    @Test("a page is well formed, whatever the record holds", arguments: [nil, 0.5, 2] as [Double?])
    func wellFormed(_ epsilon: Double?) {
        let page = ReportSamples.report(epsilon: epsilon).html()
        #expect(PageMarkup(page).problems == [])
    }

    @Test(
        "what keeps people out of a page is found",
        arguments: [
            (" aria-label=\"ε by round and adversary\"", "", "a picture without words"),
            ("<html lang=\"en\" dir=\"ltr\">", "<html>", "a page without a language"),
            (" scope=\"col\"", "", "a head without a scope"),
            ("<h2 id=\"privacy-heading\">Privacy", "<h2>", "<h2> without a word"),
            ("<h2 id=\"privacy-heading\">", "<h5>", "h5 after h"),
            (" tabindex=\"0\"", "", "a box that no key scrolls"),
            ("</main>", "", "closes nothing"), ("<caption>", "<span>", "closes nothing"),
            ("<p class=\"kicker\">", "<p><p>", "<p> in a paragraph"),
        ])
    func checkerSees(_ text: String, _ other: String, _ problem: String) throws {
        let page = ReportSamples.report(epsilon: 2).html()
        let place = try #require(page.range(of: text), "\(text)")
        let broken = page.replacingCharacters(in: place, with: other)
        #expect(PageMarkup(broken).problems.contains { $0.contains(problem) }, "\(PageMarkup(broken).problems)")
    }

    @Test("a page needs no script, no network and no other file but its tables")
    func selfContained() {
        let report = ReportSamples.report(epsilon: 2)
        let page = report.html()
        #expect(
            !page.contains("<script") && !page.contains("http") && !page.contains("url(") && !page.contains("@import"))
        let links = page.ranges(of: "href=\"").map { page[$0.upperBound...].prefix { $0 != "\"" } }
        let files = report.tables().map(\.name)
        for link in links where !link.hasPrefix("#") { #expect(files.contains(String(link)), "\(link)") }
        for file in files { #expect(links.contains { $0 == file }, "\(file) has no link") }
        #expect(Set(files).count == files.count)
    }

    @Test("the same input gives the same bytes")
    func deterministic() {
        let (first, second) = (ReportSamples.report(epsilon: 2), ReportSamples.report(epsilon: 2))
        #expect(first.html() == second.html())
        #expect(first.tables().map(\.contents) == second.tables().map(\.contents))
    }

    @Test("names out of a scenario are text and never markup")
    func escaping() {
        let names = [
            "<script>alert(1)</script>", "\" onload=\"x", "a & b's", "</title></svg><b>", "\u{202E}live", "مرحبا",
            String(repeating: "long", count: 400), "\u{0}\u{7}", "]]>", "<!--", "",
        ]
        for name in names {
            let runs = ReportSamples.runs(methods: ReportSamples.methods + [name], client: name, missing: [name])
            let report = RunReport(
                summary: ReportSamples.summary(runs, scenario: name), runs: runs, wire: ReportSamples.wire,
                scenario: name, target: name,
                spending: [1, 2].map { SpendingRecord(round: $0, adversary: name, scope: .release(name), epsilon: 1) })
            let page = report.html()
            let markup = PageMarkup(page)
            #expect(markup.problems == [], "\(name.prefix(20))")
            #expect(!markup.names.contains { ["script", "b"].contains($0) })
            #expect(!page.contains("\u{202E}") && !page.contains("\u{0}"))
            let folder = report.tables().map(\.name)
            #expect(folder.allSatisfy { !$0.contains("..") && $0.count < 100 && $0.allSatisfy(\.isASCII) })
        }
        #expect(words(ReportSamples.report().html()).contains("privacy: {mode: none}"))
    }

    @Test("labels neither lie on each other nor leave their picture", arguments: [nil, 2] as [Double?])
    func labels(_ epsilon: Double?) {
        let pictures = ReportSamples.report(epsilon: epsilon).pictures()
        #expect(pictures.count >= 6)
        expectApart(pictures)
    }

    @Test("names of any length keep labels apart")
    func longLabels() {
        let long = (0..<12).map { "a-rather-long-name-of-a-method-\($0)-with-ΩWM漢字" }
        let runs = ReportSamples.runs(methods: ReportSamples.methods + long)
        expectApart(RunReport(summary: ReportSamples.summary(runs), runs: runs, wire: ReportSamples.wire).pictures())
    }

    @Test("degenerate figures are drawn at finite places or left out")
    func degenerate() {
        let cases: [[(method: String, shots: Int?, mean: Double, interval: [Double])]] = [
            [], [("feature-map", 0, 0.5, [])], [("feature-map", nil, 0.5, [0.5, 0.5])],
            [("feature-map", 0, 0, []), ("best-local", 0, 0, [0, 0]), ("shuffled-source", 0, 0, [])],
            [
                ("feature-map", 0, .nan, []), ("best-local", 0, .infinity, [.nan, 1]),
                ("popularity", 0, 0.1, [.nan, .nan]),
            ],
            [("feature-map", 0, -1, [-2, -0.5]), ("best-local", 0, -1, []), ("popularity", 1, -0.001, [])],
            [("feature-map", 0, 1e300, [-1e300, 1e300]), ("best-local", 0, 1e-300, [0, 1e-300])],
            [
                ("feature-map", 1_000_000, 0.5, [0.4]), ("feature-map", -3, 0.5, [0.6, 0.4]),
                ("best-local", 0, 0.5, []),
            ],
        ]
        for values in cases {
            let report = RunReport(summary: ReportSamples.summary(of: values), runs: [])
            #expect(PageMarkup(report.html()).problems == [], "\(values)")
            expectApart(report.pictures())
        }
    }

    @Test("losses and ε that are no numbers are left out")
    func refusedPoints() {
        let runs = ReportSamples.runs(epsilon: 2)
        let report = RunReport(
            summary: ReportSamples.summary(runs), runs: runs,
            wire: WireRecord(
                transport: "ipc",
                rounds: zip(1..., [Double.nan, -.infinity, -4]).map { round, value in
                    RoundRecord(
                        round: round, step: "tower", participants: [], answered: 1, missing: [], bytesUp: 0,
                        bytesDown: 0,
                        learning: [LearningRecord(subject: "a", measure: "b", value: value)])
                }, traffic: [], refused: 0, tensors: [], missing: [], schemaDigest: ""),
            spending: [
                SpendingRecord(round: 1, adversary: "peer", scope: .everything, epsilon: .nan),
                SpendingRecord(round: 2, adversary: "peer", scope: .everything, epsilon: .infinity),
            ])
        #expect(PageMarkup(report.html()).problems == [])
        #expect(!report.html().contains("id=\"spending-"))
        let spent = report.tables().first { $0.name == "tables/epsilon-by-round.csv" }
        #expect(
            spent?.contents == "round,of,against,ε\n1,everything seen,peer,no bound\n2,everything seen,peer,no bound\n")
    }

    @Test("versions in simulated time have a row a seed, domain and step, also where nothing else is learnt by round")
    func simulatedTime() {
        let rounds = [[0, 3], [1]].enumerated().map { index, staleness in
            RoundRecord(
                round: index + 1, step: "factors", participants: [], answered: 0, missing: [], bytesUp: 0, bytesDown: 0,
                versions: [
                    VersionRecord(
                        domain: "movies", time: 1.25 * Double(index + 1), staleness: staleness, dropped: ["m-1"],
                        held: 2)
                ])
        }
        let runs = ReportSamples.runs(simulatedTime: SimulatedTimeRecord.of(rounds))
        let report = RunReport(summary: ReportSamples.summary(runs), runs: runs)
        #expect(PageMarkup(report.html()).problems == [])
        let table = report.tables().first { $0.name == "tables/simulated-time.csv" }
        let lines = table?.contents.split(separator: "\n") ?? []
        #expect(lines.count == 4 && lines.dropFirst().first == "1,movies,factors,2.5,2,3,1.3333333333333333,3,2,2")
        #expect(!ReportSamples.report().html().contains("simulated time"))
    }

    @Test("data that are absent leave no empty frame")
    func absent() {
        let page = RunReport(summary: ReportSamples.summary(of: []), runs: []).html()
        #expect(!page.contains("<svg") && !page.contains("<figure"))
        #expect(words(page).contains("no bound"))
    }

    private func expectApart(_ pictures: [Picture]) {
        for picture in pictures {
            for (index, label) in picture.labels.enumerated() {
                #expect(
                    label.left >= -1 && label.right <= Picture.width + 1 && label.top >= -1
                        && label.bottom <= picture.height + 1,
                    "\(label) is outside")
                for other in picture.labels.dropFirst(index + 1) {
                    #expect(!label.overlaps(other), "\(label.text) lies on \(other.text)")
                }
            }
        }
    }

    private func compare(_ text: String, _ name: String) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Goldens/\(name)")
            .path
        if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == golden, "\(name) differs; UPDATE_GOLDENS=1 renews it")
    }
}
