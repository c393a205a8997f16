import Foundation
import Record
import Reporting
import Testing

@Suite struct SweepReportTests {
    @Test("a page is well formed for ε, for numbers and for names")
    func wellFormed() {
        let sweeps = [
            ReportSamples.sweep, ReportSamples.sweep("transfer.dimension", ["4", "8", "16"]),
            ReportSamples.sweep("federation.strategy", ["fedavg", "krum", "<b>&\"'"]),
            ReportSamples.sweep("transfer.dimension", ["4"]),
            SweepRecord(scenario: "none", keys: [], notes: [], points: []),
        ]
        for sweep in sweeps {
            let report = SweepReport(sweep)
            #expect(PageMarkup(report.html()).problems == [])
            #expect(report.html() == SweepReport(sweep).html())
            for picture in report.pictures() {
                for (index, label) in picture.labels.enumerated() {
                    #expect(label.left >= -1 && label.right <= Picture.width + 1, "\(label)")
                    for other in picture.labels.dropFirst(index + 1) {
                        #expect(!label.overlaps(other), "\(label.text) lies on \(other.text)")
                    }
                }
            }
        }
    }

    @Test("there is a trade-off picture for each number of shots, whose axis names release, condition and adversaries")
    func tradeOff() {
        let report = SweepReport(ReportSamples.sweep)
        let pictures = report.pictures()
        #expect(pictures.count == 2)
        for picture in pictures {
            let labels = picture.labels.map(\.text)
            #expect(labels.contains("ε of the bridge (conditional), against peer and model"))
            for line in ["best-local", "popularity", "unprotected"] { #expect(labels.contains(line), "\(line)") }
        }
    }

    @Test("a failed point is named, is in no mean and has a row of dashes")
    func failedPoint() {
        let text = words(SweepReport(ReportSamples.sweep).html())
        #expect(text.contains("1 of 5 points did not complete and is in no mean and no picture:"))
        #expect(text.contains("privacy.epsilon 2: client movies was lost."))
        #expect(text.contains("1 point that failed is left out"))
    }

    @Test("the ε at which the transfer failed and the smallest with a clear gain are said")
    func verdicts() {
        let text = words(SweepReport(ReportSamples.sweep).html())
        #expect(
            text.contains("The transfer failed at ε = 0.25 of the release bridge against another client (peer) and"))
        #expect(
            text.contains(
                "The smallest ε from which on every gain is clear at k = 0 and k = 3 is ε = 1 of the release bridge"))
        #expect(text.contains("transfer.dimension was tuned on these results"))
    }

    @Test("a run is linked beside the sweep's folder or below it, whatever its name says")
    func links() {
        let key = "privacy.epsilon"
        let runs = ["a/1", "../0123abcd", "../../etc", "/../etc", "javascript:alert(1)", "//host/x", "b c\"<"]
        let sweep = SweepRecord(
            scenario: "s", keys: [key], notes: [],
            points: runs.map {
                ReportSamples.point([SweepSetting(key: key, value: $0)], factor: 1.2, epsilon: 1, run: $0)
            })
        let page = SweepReport(sweep).html()
        for link in [
            "./a/1/report.html", "../0123abcd/report.html", "../etc/report.html", "./etc/report.html",
            "./javascript%3Aalert%281%29/report.html", "./host/x/report.html",
            "./b%20c%22%3C/report.html",
        ] {
            #expect(page.contains("href=\"\(link)\""), "\(link)")
        }
    }

    @Test("several lines share a picture only where their ε is of the same release and adversaries")
    func families() {
        func settings(_ mode: String, _ epsilon: String) -> [SweepSetting] {
            [SweepSetting(key: "privacy.mode", value: mode), SweepSetting(key: "privacy.epsilon", value: epsilon)]
        }
        let points = ["1", "4"].flatMap { value in
            [
                ReportSamples.point(settings("central", value), factor: 1.2, epsilon: Double(value)),
                ReportSamples.point(settings("silo", value), factor: 1.1, epsilon: Double(value), total: true),
            ]
        }
        let report = SweepReport(
            SweepRecord(scenario: "s", keys: ["privacy.mode", "privacy.epsilon"], notes: [], points: points))
        let axes = report.pictures().flatMap { $0.labels.map(\.text) }.filter { $0.hasPrefix("ε of") }
        #expect(Set(axes).count == 2 && axes.count == 4)
    }

    @Test("every figure of every point is in one file, with the settings before it")
    func figuresFile() throws {
        let files = SweepReport(ReportSamples.sweep).tables()
        let file = try #require(files.first { $0.name == "tables/figures.csv" })
        let lines = file.contents.split(separator: "\n")
        #expect(lines[0].hasPrefix("privacy.epsilon,run,client,method,cohort,shots,metric,mean"))
        #expect(lines.count == 1 + 4 * 12)
        #expect(Set(files.map(\.name)).count == files.count)
    }

    @Test("one lucky ε below others without a clear gain is no smallest one")
    func luckyPoint() {
        let key = "privacy.epsilon"
        let points = [("0.5", 1.2), ("1", 0.99), ("4", 1.2), ("8", 1.3)].map { value, factor in
            ReportSamples.point([SweepSetting(key: key, value: value)], factor: factor, epsilon: Double(value))
        }
        let text = words(SweepReport(SweepRecord(scenario: "s", keys: [key], notes: [], points: points)).html())
        #expect(text.contains("The smallest ε from which on every gain is clear at k = 0 and k = 3 is ε = 4 of"))
    }
}
