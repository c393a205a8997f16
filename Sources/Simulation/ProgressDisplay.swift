import Foundation
import Supervision

/// The progress on standard error: one line that renews itself on a terminal, plain lines otherwise.
struct ProgressDisplay {
    private let isTerminal = isatty(2) == 1
    private let start = ContinuousClock.now
    private let isQuiet: Bool
    private let isPoint: Bool

    /// - Parameter isPoint: whether a sweep started this process; then it is told, and the display is the sweep's.
    init(isQuiet: Bool, isPoint: Bool = false) {
        self.isQuiet = isQuiet
        self.isPoint = isPoint
    }

    private var seconds: String {
        String(format: "%.1f s", (ContinuousClock.now - start) / .seconds(1))
    }

    /// A warning; also when quiet.
    func warn(_ text: String) {
        if isPoint { return RoleProcess.tell(.warning(text)) }
        write((isTerminal ? "\r\u{1B}[K" : "") + "warning: \(text)\n")
    }

    /// A seed was finished before.
    func kept(seed: Int, seedIndex: Int, seedCount: Int) {
        if isPoint { return RoleProcess.tell(.kept(seed: seed, seedIndex: seedIndex, seedCount: seedCount)) }
        guard !isQuiet else { return }
        write("seed \(seed) (\(seedIndex + 1)/\(seedCount)) is finished already\n")
    }

    /// A seed goes on where an earlier attempt was stopped.
    func resumed(seed: Int, seedIndex: Int, seedCount: Int, round: Int) {
        guard !isQuiet, !isPoint else { return }
        write("seed \(seed) (\(seedIndex + 1)/\(seedCount)) goes on after round \(round)\n")
    }

    /// The end of a round.
    func round(_ progress: RoundProgress, seed: Int, seedIndex: Int, seedCount: Int) {
        if isPoint {
            return RoleProcess.tell(
                .round(progress, seed: seed, seedIndex: seedIndex, seedCount: seedCount))
        }
        guard !isQuiet else { return }
        let share = (Double(seedIndex) + Double(progress.round) / Double(progress.roundCount)) / Double(seedCount)
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let remaining = String(format: "%.0f s left", elapsed * (1 - share) / max(share, 0.01))
        let bytes = String(format: "%.1f MB", Double(progress.bytes) / 1e6)
        let text =
            "seed \(seed) (\(seedIndex + 1)/\(seedCount)) · round \(progress.round)/\(progress.roundCount) \(progress.step)"
            + " · \(progress.answered)/\(progress.participants) clients · \(bytes) · \(seconds) · \(remaining)"
        guard isTerminal else { return write(text + "\n") }
        let width = 20
        let filled = Int((share * Double(width)).rounded())
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        write("\r\u{1B}[K\(bar) \(text)" + (share >= 1 ? "\n" : ""))
    }

    private func write(_ text: String) { writeAll(Array(text.utf8), to: 2) }
}
