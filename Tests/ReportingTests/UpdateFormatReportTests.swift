import Foundation
import Record
import Reporting
import Testing

@Suite struct UpdateFormatReportTests {
    private static let records = [
        UpdateFormatRecord(format: "float32", bytesUp: 4_000_000, bytesUpInFloat32: 4_000_000, error: nil),
        UpdateFormatRecord(format: "int8", bytesUp: 1_100_000, bytesUpInFloat32: 4_000_000, error: 0.00625),
        UpdateFormatRecord(format: "top-k", share: 0.1, bytesUp: 900_000, bytesUpInFloat32: 4_000_000, error: 1.5),
    ]

    private static let sweep = SweepRecord(
        scenario: "formats", keys: ["federation.update-format"], notes: [],
        points: records.enumerated().map { index, updates in
            let point = ReportSamples.point(
                [SweepSetting(key: "federation.update-format", value: updates.format)],
                factor: 1.3 - 0.05 * Double(index), epsilon: nil)
            return SweepPoint(
                settings: point.settings, run: point.run, status: point.status, seeds: point.seeds,
                figures: point.figures, seedFigures: point.seedFigures, privacy: point.privacy, updates: updates)
        })

    @Test func aRunSaysWhatItsFormatSavesAndLeavesOver() {
        #expect(UpdateFormatWords.text(nil).isEmpty)
        #expect(
            UpdateFormatWords.text(Self.records[1])
                == "Updates of item factors cross as int8: 1.1 MB up, 27.5 % of the 4 MB of float32; the mean round leaves 0.625 % of its change, by norm, for later rounds.\n"
        )
        #expect(UpdateFormatWords.text(Self.records[2]).contains("as top-k of 10 %: 900 kB up, 22.5 % of the 4 MB"))
        #expect(UpdateFormatWords.text(Self.records[0]) == "Updates of item factors cross in float32: 4 MB up.\n")
    }

    @Test func aSweepOfFormatsDrawsAccuracyAgainstBytes() {
        let report = SweepReport(Self.sweep)
        let pictures = report.pictures().filter { $0.labels.contains { $0.text == "bytes of updates, a run" } }
        #expect(pictures.count == 2)
        for picture in pictures {
            for (index, label) in picture.labels.enumerated() {
                for other in picture.labels.dropFirst(index + 1) {
                    #expect(!label.overlaps(other), "\(label.text) lies on \(other.text)")
                }
            }
        }
        // Each point has its name in the legend and, for who does not see it, in the description.
        for name in ["float32", "int8", "top-k of 10 %"] {
            #expect(report.html().components(separatedBy: name).count > 4, "\(name)")
        }
        let table = report.tables().first { $0.name.hasSuffix("/updates.csv") }?.contents ?? ""
        let rows = table.split(whereSeparator: \.isNewline)
        #expect(rows.count == 4 && rows[2].hasPrefix("int8,1100000,27.5 %,0.00625,"), "\(table)")
        #expect(PageMarkup(report.html()).problems == [])
        let plain = SweepReport(ReportSamples.sweep("federation.strategy", ["fedavg", "krum"]))
        #expect(!plain.tables().contains { $0.name.hasSuffix("/updates.csv") })
    }

    @Test func theTextOfASweepHasATableOfBytes() {
        let text = SweepTable.text(Self.sweep, metric: "ndcg@10")
        #expect(
            text.contains(
                """
                updates: bytes up of a run, and what the mean round leaves over of its change, by norm
                federation.update-format  bytes up  of float32  left over
                float32                   4000000   100 %       –
                int8                      1100000   27.5 %      0.00625
                top-k                     900000    22.5 %      1.5

                """), "\(text)")
        #expect(!SweepTable.text(ReportSamples.sweep, metric: "ndcg@10").contains("bytes up"))
    }
}
