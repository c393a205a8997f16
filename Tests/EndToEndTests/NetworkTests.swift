import Foundation
import TestSupport
import Testing

/// Hosts of their own, each a network namespace with an address, around one that all reach.
private final class Hosts {
    /// Whether this machine lets the test make them; it says why not.
    static let arePossible: Bool = {
        let name = "ferry-\(getpid())"
        guard run(["netns", "add", name]) else {
            print("skipped: network namespaces need the command ip and the right to make them")
            return false
        }
        return run(["netns", "del", name])
    }()

    private let names: [String]

    /// A host of the coordinator, connected to each of the others.
    init(_ others: [String]) throws {
        let names = (["hub"] + others).map { "ferry-\(getpid())-\($0)" }
        self.names = names
        for name in names { try Hosts.need(["netns", "add", name]) }
        for (index, name) in names.enumerated().dropFirst() {
            let near = "f\(getpid() % 100_000)h\(index)"
            let far = "f\(getpid() % 100_000)c\(index)"
            try Hosts.need(["link", "add", near, "netns", names[0], "type", "veth", "peer", "name", far, "netns", name])
            for (host, device, address) in [(names[0], near, address(of: index)), (name, far, "10.201.\(index).2")] {
                try Hosts.need(["-n", host, "addr", "add", "\(address)/24", "dev", device])
                try Hosts.need(["-n", host, "link", "set", device, "up"])
            }
        }
    }

    deinit { for name in names { Hosts.run(["netns", "del", name]) } }

    /// The coordinator's address as the n-th other host sees it, from 1.
    func address(of index: Int) -> String { "10.201.\(index).1" }

    /// What runs a command on a host; the coordinator's is 0.
    func on(_ index: Int) -> [String] { ["ip", "netns", "exec", names[index]] }

    /// Cuts the line of a host.
    func cut(_ index: Int) throws {
        try Hosts.need(["-n", names[index], "link", "set", "f\(getpid() % 100_000)c\(index)", "down"])
    }

    private static func need(_ arguments: [String]) throws {
        guard run(arguments) else { throw FerryProcess.Failure("ip \(arguments.joined(separator: " "))") }
    }

    @discardableResult private static func run(_ arguments: [String]) -> Bool {
        runs(["ip"] + arguments)
    }
}

/// Roles on several hosts.
@Suite(.serialized, .enabled(if: Hosts.arePossible)) struct NetworkTests {
    /// Starts each role of the small scenario on a host of its own.
    private func start(
        _ hosts: Hosts, _ folder: TemporaryFolder, _ scenario: String
    ) throws -> (coordinator: FerryProcess, clients: [String: FerryProcess]) {
        func number(_ role: String) -> Int { (HandStartTests.clients.firstIndex(of: role) ?? -1) + 1 }
        return try HandStartTests.start(
            folder, scenario, address: { number($0) == 0 ? "0.0.0.0" : hosts.address(of: number($0)) },
            under: { hosts.on(number($0)) })
    }

    @Test("roles on four hosts, merged, make the record of ferry run on one, byte for byte")
    func hosts() throws {
        let folder = try TemporaryFolder()
        let hosts = try Hosts(HandStartTests.clients)
        let scenario = try HandStartTests.prepare(folder)
        let (coordinator, clients) = try start(hosts, folder, scenario)
        let output = try coordinator.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        for client in clients.values { #expect(try client.finish().exitCode == 0) }
        try HandStartTests.expectMergedIsDirect(
            folder, scenario, files: ["seed-1/run.json", "seed-1/privacy.json", "seed-1/metrics.csv"])
        // Else they would go with their last use.
        withExtendedLifetime(hosts) {}
    }

    @Test("a host whose line is cut is noticed, and the coordinator says which client is missing")
    func cutLine() throws {
        let folder = try TemporaryFolder()
        let hosts = try Hosts(HandStartTests.clients)
        let (coordinator, clients) = try start(
            hosts, folder,
            try HandStartTests.prepare(folder, iterations: 60, extra: "federation: {deadline: 5s}\n"))
        _ = try coordinator.waitForLine(containing: "round 1/")
        try hosts.cut(3)
        let output = try coordinator.finish()
        #expect(output.exitCode == 69 && output.standardError.contains("persons"), "\(output.standardError)")
        // Each ends by itself, the one that hears nothing any more too.
        for client in clients.values { #expect(try client.finish().exitCode == 69) }
        withExtendedLifetime(hosts) {}
    }
}
