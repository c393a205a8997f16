import ArgumentParser
import Foundation
import Ratings

/// `ferry-benchmark load`.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load a file of ratings and print its speed and memory.")

    @Argument(help: ArgumentHelp("A file or folder of ratings; mb_per_s counts bytes on the disk.", valueName: "file"))
    var file: String

    @Option(help: "The layout; detected when absent.")
    var format: String?

    @Option(help: "A file of items.")
    var items: String?

    func run() throws {
        var layout: RatingsFormat?
        if let format {
            guard let known = RatingsFormat(rawValue: format) else {
                let names = RatingsFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("the formats are \(names)")
            }
            layout = known
        }
        let start = ContinuousClock.now
        let cpuStart = clock()
        let data = try LoadedData.read(DataSource(format: layout, ratings: file, items: items))
        let cpu = Double(clock() - cpuStart) / Double(CLOCKS_PER_SEC)
        let wall = (ContinuousClock.now - start) / .seconds(1)
        let byteCount = data.report.files.reduce(0.0) { $0 + LoadCommand.byteCount($1) }
        let read = data.interactions
        let matrixByteCount =
            4 * read.rows.columns.count + 4 * read.ratings.count + 8 * read.times.count + 8 * read.rows.starts.count
        let line: [String: Double] = [
            "rows": Double(data.report.rowCount), "rows_per_s": Double(data.report.rowCount) / wall,
            "mb_per_s": byteCount / 1e6 / wall, "wall_s": wall, "cpu_s": cpu,
            "peak_mb": peakByteCount() / 1e6, "matrix_mb": Double(matrixByteCount) / 1e6,
            "users": Double(read.persons.count), "items": Double(read.items.count),
            "cells": Double(read.rows.columns.count),
        ]
        let text = try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys])
        print(String(decoding: text, as: UTF8.self))
    }

    /// The bytes of a file on the disk.
    private static func byteCount(_ path: String) -> Double {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.doubleValue ?? 0
    }

}

/// The largest memory that this process has held, in bytes, as Linux counts it.
func peakByteCount() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0) * 1_024
}
