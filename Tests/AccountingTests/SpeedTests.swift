import Accounting
import Foundation
import Testing

/// CPU time beside dp_accounting's, in the same run; without `FERRY_PYTHON` naming a Python that has dp_accounting, the
/// test is skipped.
@Suite("Speed", .serialized)
struct SpeedTests {
    private static let script = """
        import time
        import dp_accounting
        from dp_accounting.pld import PLDAccountant
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            accountant = PLDAccountant()
            accountant.compose(dp_accounting.SelfComposedDpEvent(
                dp_accounting.PoissonSampledDpEvent(0.01, dp_accounting.GaussianDpEvent(1.0)), 10000))
            epsilon = accountant.get_epsilon(1e-5)
            best = min(best, time.process_time() - start)
        print(best, epsilon)
        """

    private static func python(_ code: String) -> String? {
        guard let path = ProcessInfo.processInfo.environment["FERRY_PYTHON"] else { return nil }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-c", code]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    @Test(
        "10,000 rounds at q = 0.01, σ = 1 take at most 0.65 of dp_accounting's CPU time and give its ε",
        .enabled(if: python("import dp_accounting") != nil, "no dp_accounting"))
    func composition() throws {
        let output = try #require(SpeedTests.python(SpeedTests.script))
        let numbers = output.split(separator: " ").compactMap {
            Double($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        try #require(numbers.count == 2)
        let event = PrivacyEvent.repeated(
            event: .poissonSampled(rate: 0.01, event: .gaussian(noiseMultiplier: 1)), count: 10_000)
        var best = Double.infinity
        var epsilon = 0.0
        for _ in 0..<3 {
            let start = SpeedTests.threadSeconds()
            epsilon = try PLDAccountant().epsilon(of: event, delta: 1e-5).epsilon
            best = min(best, SpeedTests.threadSeconds() - start)
        }
        #expect(best <= 0.65 * numbers[0], "\(best) s, dp_accounting \(numbers[0]) s")
        #expect(abs(epsilon - numbers[1]) <= 1e-4)
        print("PLD, 10,000 rounds: \(best) CPU-s, dp_accounting \(numbers[0]) CPU-s, ratio \(best / numbers[0])")
    }
}
