// swift-tools-version: 6.2
import Foundation
import PackageDescription

// What each dependency replaces:
// - swift-argument-parser: hand-written option parsing, help and completions.
// - Yams: a YAML parser; it keeps the line of every node, which the scenario errors print.
// - swift-log: a logging façade of our own.
// - libzmq3-dev: the transport. libsodium-dev: every cryptographic primitive (libzmq already depends on it).
// - libopenblas-dev: matrix products, Cholesky and eigenvalue routines.
// - zlib1g-dev: reading .gz.
// Processes are spawned with posix_spawn from the launcher's main thread: a parent-death signal follows the spawning
// thread, and Foundation's Process and swift-subprocess spawn from pool threads that may end before the launcher does.

/// Kernels are built for x86-64-v3 (AVX2, FMA): without it each lane of a fused multiply-add is a library call.
/// `FERRY_BASELINE=1 swift build …` builds for any x86-64 processor.
let isBaseline = ProcessInfo.processInfo.environment["FERRY_BASELINE"] == "1"
#if arch(x86_64)
    let kernelSettings: [SwiftSetting] =
        isBaseline ? [] : [.unsafeFlags(["-Xcc", "-march=x86-64-v3"]), .define("FERRY_X86_64_V3")]
#else
    let kernelSettings: [SwiftSetting] = []
#endif

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "Ferry",
    products: [
        .executable(name: "ferry", targets: ["ferry"]),
        .executable(name: "ferry-benchmark", targets: ["ferry-benchmark"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // Layer 0: the C names, each imported by one target.
        .systemLibrary(name: "CZeroMQ"),
        .systemLibrary(name: "CSodium"),
        .systemLibrary(name: "COpenBLAS"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CKernels"),
        .systemLibrary(name: "CZlib"),
        // Layer 1
        .target(name: "Cryptography", dependencies: ["CSodium"]),
        .target(name: "Scenario", dependencies: ["Yams"]),
        .target(name: "Record"),
        // Layer 2
        .target(
            name: "Numerics", dependencies: ["CKernels", "COpenBLAS", "Cryptography"], swiftSettings: kernelSettings),
        .target(name: "Supervision", dependencies: ["CLinux", "Cryptography"]),
        .target(name: "Accounting", swiftSettings: kernelSettings),
        // Layer 3: the two branches part here. Nothing below `Ratings` reaches `Wire`, nothing below `Wire` `Ratings`.
        // As Numerics: the optimizer copies some of its kernels into the modules that call them.
        .target(name: "Parameters", dependencies: ["Cryptography", "Numerics"], swiftSettings: kernelSettings),
        .target(
            name: "Ratings", dependencies: ["CZlib", "Cryptography", "Numerics"],
            exclude: ["Text/make-embedded-vectors.py"]),
        // Layer 4
        .target(name: "Privacy", dependencies: ["Cryptography", "Numerics", "Parameters"]),
        .target(name: "Recommenders", dependencies: ["Numerics", "Ratings"]),
        // Layer 5
        .target(
            name: "Wire", dependencies: ["Cryptography", "Numerics", "Parameters", "Privacy"],
            swiftSettings: kernelSettings),
        .target(name: "Transfer", dependencies: ["Numerics", "Ratings", "Recommenders"]),
        // Layer 6
        .target(name: "Transport", dependencies: ["CZeroMQ", "Cryptography", "Parameters", "Wire"]),
        .target(
            name: "Federation",
            dependencies: ["Accounting", "Cryptography", "Numerics", "Parameters", "Privacy", "Scenario", "Wire"]),
        // Layer 7
        .target(
            name: "DomainClient",
            dependencies: [
                "Cryptography", "Federation", "Numerics", "Parameters", "Privacy", "Ratings", "Recommenders", "Record",
                "Scenario", "Supervision", "Transfer", "Transport", "Wire",
            ]),
        .target(
            name: "Simulation",
            dependencies: [
                "Accounting", "Cryptography", "Federation", "Numerics", "Parameters", "Privacy", "Record", "Scenario",
                "Supervision", "Transport", "Wire", logging,
            ]),
        // Layer 8
        .target(name: "Reporting", dependencies: ["Numerics", "Record"]),
        // Layer 9
        .executableTarget(
            name: "ferry",
            dependencies: [
                "Accounting", "Cryptography", "DomainClient", "Numerics", "Ratings", "Record", "Reporting", "Scenario",
                "Simulation", "Supervision",
                argumentParser,
                logging,
            ]),
        .executableTarget(
            name: "ferry-benchmark",
            dependencies: [
                "Cryptography", "Numerics", "Parameters", "Privacy", "Ratings", "Recommenders", "Supervision",
                "Transport", "Wire", argumentParser,
            ]),
        // Tests
        .target(name: "TestSupport", dependencies: ["Numerics", "Parameters"], path: "Tests/TestSupport"),
        .testTarget(name: "ParametersTests", dependencies: ["Numerics", "TestSupport", "Parameters"]),
        .testTarget(
            name: "PrivacyTests",
            dependencies: ["Cryptography", "Numerics", "TestSupport", "Parameters", "Privacy"]),
        .testTarget(
            name: "WireTests",
            dependencies: [
                "CZeroMQ", "Cryptography", "Numerics", "TestSupport", "Parameters", "Privacy", "Transport", "Wire",
            ]),
        .testTarget(
            name: "TransportTests",
            dependencies: [
                "Cryptography", "Numerics", "TestSupport", "Parameters", "Privacy", "Transport", "Wire",
            ]),
        .testTarget(
            name: "FederationTests",
            dependencies: [
                "Cryptography", "Federation", "Numerics", "TestSupport", "Parameters", "Privacy", "Scenario",
                "Wire",
            ]),
        .testTarget(
            name: "DomainClientTests",
            dependencies: [
                "Cryptography", "DomainClient", "Federation", "Numerics", "Privacy", "Ratings", "Scenario", "Transfer",
                "Wire",
            ]),
        .testTarget(name: "AccountingTests", dependencies: ["Accounting", "Numerics"], exclude: ["Vectors"]),
        .testTarget(name: "ScenarioTests", dependencies: ["Numerics", "Scenario"]),
        .testTarget(name: "RatingsTests", dependencies: ["Numerics", "Ratings", "TestSupport"]),
        .testTarget(name: "RecordTests", dependencies: ["Record", "TestSupport"]),
        .testTarget(name: "ReportingTests", dependencies: ["Record", "Reporting"], exclude: ["Goldens"]),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Cryptography", "Federation", "Parameters", "Privacy", "Record", "Scenario", "Simulation",
                "Supervision",
                "TestSupport",
            ]),
        .testTarget(
            name: "CryptographyTests", dependencies: ["Cryptography"], exclude: ["make-key-stream-vector.py"]),
        .testTarget(name: "NumericsTests", dependencies: ["Numerics", "TestSupport"]),
        .testTarget(
            name: "RecommendersTests", dependencies: ["Numerics", "Ratings", "Recommenders", "TestSupport"],
            exclude: ["Vectors"]),
        .testTarget(
            name: "TransferTests", dependencies: ["Numerics", "Ratings", "Recommenders", "Transfer", "TestSupport"]),
        .testTarget(
            name: "EndToEndTests", dependencies: ["TestSupport", "ferry"], exclude: ["Goldens"]),
    ]
)

for target in package.targets where target.type != .system {
    var settings = target.swiftSettings ?? []
    settings += [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
    ]
    if ProcessInfo.processInfo.environment["FERRY_STRICT"] == "1" {
        settings.append(.treatAllWarnings(as: .error))
    }
    target.swiftSettings = settings
}
