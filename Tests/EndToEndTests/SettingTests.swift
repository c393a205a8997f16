import Foundation
import TestSupport
import Testing

/// Runs on machines that are not kind to them.
@Suite(.serialized) struct SettingTests {
    /// Beside the tools of the toolchain that built the tests.
    private static let compiler: String? = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let found = path.split(separator: ":").map { "\($0)/clang" }.first(where: FileManager.default.isExecutableFile)
        if found == nil { print("skipped: a clock that jumps needs clang") }
        return found
    }()

    private func command(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func record(_ folder: TemporaryFolder, _ output: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder.seedFolder("\(output)/small", seed: 1))/run.json"))
    }

    @Test("a wall clock that jumps by a day at every look ends no wait early or late", .enabled(if: compiler != nil))
    func jumpingClock() throws {
        let folder = try TemporaryFolder()
        // Every function of the C library that tells the time of day, in every process of the run.
        let source = try folder.write(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <sys/time.h>
            #include <time.h>
            static long jump(void) { static long looks; return __sync_add_and_fetch(&looks, 1) % 2 ? 86400 : -86400; }
            int clock_gettime(clockid_t clock, struct timespec *out) {
                static int (*real)(clockid_t, struct timespec *);
                if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
                const int result = real(clock, out);
                if (clock == CLOCK_REALTIME && result == 0) out->tv_sec += jump();
                return result;
            }
            int gettimeofday(struct timeval *restrict out, void *restrict zone) {
                struct timespec now;
                (void)zone;
                const int result = clock_gettime(CLOCK_REALTIME, &now);
                if (out) *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
                return result;
            }
            time_t time(time_t *out) {
                struct timespec now;
                clock_gettime(CLOCK_REALTIME, &now);
                if (out) *out = now.tv_sec;
                return now.tv_sec;
            }
            """, to: "jump.c")
        let library = "\(folder.path)/jump.so"
        let compiler = try command([
            try #require(SettingTests.compiler), "-shared", "-fPIC", "-o", library, source, "-ldl",
        ])
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        let preloaded = ["env", "LD_PRELOAD=\(library)"]
        // The shim does what it should.
        let clock = Process()
        let output = Pipe()
        clock.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        clock.arguments = preloaded.dropFirst() + ["date", "+%s"]
        clock.standardOutput = output
        try clock.run()
        clock.waitUntilExit()
        let told = try #require(
            Double(
                String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(abs(told - Date().timeIntervalSince1970) > 80_000)

        let scenario = try folder.write(
            Fixture.scenario(persons: 600) + "\nfederation: {deadline: 30s}\n", to: "small.yaml")
        let arguments = ["run", scenario, "--quiet", "--output"]
        let direct = try FerryProcess.run(arguments + ["\(folder.path)/direct"])
        let jumping = try FerryProcess(arguments + ["\(folder.path)/jumping"], under: preloaded).finish()
        #expect(direct.exitCode == 0 && jumping.exitCode == 0, "\(jumping.standardError)")
        #expect(try record(folder, "direct") == record(folder, "jumping"))
    }

    @Test("a run under nice on a loaded machine is slow, and taken for dead by nobody")
    func loadedMachine() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(
            Fixture.scenario(persons: 600) + "\nfederation: {deadline: 60s}\n", to: "small.yaml")
        let count = 2 * ProcessInfo.processInfo.activeProcessorCount
        let load = try (0..<count).map { _ in try command(["sh", "-c", "while :; do :; done"]) }
        // They may have inherited that other signals are blocked.
        defer {
            for process in load {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
        }
        let output = try FerryProcess(
            ["run", scenario, "--quiet", "--output", folder.path], under: ["nice", "-n", "5"]
        ).finish(minutes: 5)
        #expect(output.exitCode == 0 && load.allSatisfy(\.isRunning), "\(output.standardError)")
        let record = try JSONSerialization.jsonObject(with: try record(folder, ".")) as? [String: Any]
        #expect(try #require(record?["missing"] as? [String]).isEmpty)
    }
}
