import Foundation
import Supervision

/// The progress of a sweep on standard error: one line that renews itself on a terminal, else a line for each point and
/// each seed of it.
struct SweepDisplay {
    private let isTerminal = isatty(2) == 1
    private let start = ContinuousClock.now
    private let isQuiet: Bool
    private let count: Int
    /// Points that need no work any more, and those that needed none when the sweep began.
    private var doneCount = 0
    private var keptCount = 0
    /// The share of each running point that is done.
    private var shares: [Int: Double] = [:]

    init(count: Int, isQuiet: Bool) {
        self.count = count
        self.isQuiet = isQuiet
    }

    /// A point was finished before.
    mutating func kept(_ index: Int, _ label: String) {
        doneCount += 1
        keptCount += 1
        line("\(name(index, label)) is finished already")
    }

    /// A point has begun.
    mutating func began(_ index: Int, _ label: String) {
        shares[index] = 0
        line(name(index, label))
    }

    /// A round of a point has ended.
    mutating func round(_ index: Int, _ label: String, _ report: RoundProgress, seed: Int, _ place: Int, of seeds: Int)
    {
        shares[index] = (Double(place) + Double(report.round) / Double(report.roundCount)) / Double(seeds)
        let text =
            "\(name(index, label)) · seed \(seed) (\(place + 1)/\(seeds)) · round \(report.round)/\(report.roundCount)"
        if isTerminal {
            renew(text + left)
        } else if report.round == 1 || report.round == report.roundCount {
            line(text)
        }
    }

    /// A seed of a point was finished before.
    mutating func kept(_ index: Int, _ label: String, seed: Int, _ place: Int, of seeds: Int) {
        shares[index] = Double(place + 1) / Double(seeds)
        line("\(name(index, label)) · seed \(seed) (\(place + 1)/\(seeds)) is finished already")
    }

    /// A point has ended.
    mutating func ended(_ index: Int, _ label: String, _ how: String) {
        shares[index] = nil
        doneCount += 1
        line("\(name(index, label)) \(how); \(doneCount) of \(count)\(left)")
    }

    /// The user has stopped a point.
    mutating func stopped(_ index: Int, _ label: String) {
        shares[index] = nil
        line("\(name(index, label)) was stopped")
    }

    /// A warning of a point; also when quiet.
    func warn(_ index: Int, _ text: String) { write("\(clear)warning: point \(index + 1): \(text)\n") }

    private func name(_ index: Int, _ label: String) -> String { "point \(index + 1)/\(count) \(label)" }

    private var left: String {
        let work = Double(count - keptCount)
        let done = Double(doneCount - keptCount) + shares.values.reduce(0, +)
        guard done > 0.05, done < work else { return "" }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        return String(format: " · %.0f s left", elapsed * (work - done) / done)
    }

    private var clear: String { isTerminal ? "\r\u{1B}[K" : "" }

    private func renew(_ text: String) { if !isQuiet { write(clear + text) } }

    private func line(_ text: String) { if !isQuiet { write("\(clear)\(text)\n") } }

    private func write(_ text: String) { writeAll(Array(text.utf8), to: 2) }
}
