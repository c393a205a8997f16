import ArgumentParser
import Cryptography
import Foundation
import Parameters
import Privacy
import Supervision
import Transport
import Wire

/// `ferry-benchmark round`: federated averaging of one vector through Ferry's own transport.
struct RoundCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "round", abstract: "Time rounds of federated averaging between processes.",
        discussion: """
            One coordinator and N clients, each in a process of its own or several in one, average a vector of floats. A
            client adds 0.001 to what it receives.
            Everything that a run checks is checked: run token, sequence, checksum, sizes, schema, bounds, round; updates
            leave through the release gate and are added up exactly. The median leaves out the first round.
            """)

    enum TransportName: String, ExpressibleByArgument, CaseIterable { case ipc, tcp }

    @Option(help: "ipc or tcp.")
    var transport = TransportName.ipc

    @Option(help: ArgumentHelp("Clients.", valueName: "n"))
    var clients = 10

    @Option(
        help: ArgumentHelp("Clients that one process holds, as clients[].per-process of a scenario.", valueName: "n"))
    var perProcess = 1

    @Option(help: ArgumentHelp("Floats of the vector.", valueName: "n"))
    var dimension = 1_000_000

    @Option(help: ArgumentHelp("Rounds.", valueName: "n"))
    var rounds = 100

    @Flag(help: "Encrypt and authenticate with CURVE, over tcp.")
    var curve = false

    func validate() throws {
        guard (1...1_000).contains(clients), (1...100_000_000).contains(dimension), (1...10_000_000).contains(rounds)
        else {
            throw ValidationError("clients must be 1 to 1000, dimension 1 to 10^8, rounds 1 to 10^7")
        }
        guard (1...1_000).contains(perProcess) else { throw ValidationError("--per-process must be 1 to 1000") }
        guard !curve || transport == .tcp else { throw ValidationError("--curve needs --transport tcp") }
    }

    func run() throws {
        var benchmark = try RoundBenchmark(self)
        print(try benchmark.run())
    }
}

/// `ferry-benchmark round-client`, started by `round`.
struct RoundClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "round-client", abstract: "A client of ferry-benchmark round.", shouldDisplay: false)

    @Argument(help: "The number of the first client.")
    var first: Int

    @Argument(help: "How many clients.")
    var count: Int

    @Argument(help: "Floats of the vector.")
    var dimension: Int

    /// One of the clients of this process.
    private final class Client {
        var socket: ClientSocket
        var gate: ReleaseGate

        init(_ id: String, _ socket: consuming ClientSocket) {
            self.socket = socket
            gate = ReleaseGate(client: id, ledger: Ledger(client: id) { _ in })
        }
    }

    func run() throws {
        let brief = try RoleProcess.begin()
        let schema = try RoundBenchmark.schema(dimension: dimension)
        guard let runID = brief.runNumber, let token = bytes(hexadecimal: brief.token).flatMap({ RunToken(bytes: $0) })
        else { throw ValidationError("the brief is damaged") }
        try DescriptorLimit.require(2 * count)
        let context = try SocketContext(socketCount: count)
        var clients: [Int: Client] = [:]
        for number in first..<first + count {
            let id = RoundBenchmark.name(number)
            var socket = try ClientSocket(
                endpoint: brief.endpoint, runID: runID,
                curve: try brief.curves[id].map { try CurveClient(keys: $0.keys, serverKey: $0.coordinatorKey) },
                context: context)
            try socket.send(.join(Join(clientID: id, token: token, catalogues: [])))
            socket.adopt(schema)
            clients[socket.id] = Client(id, socket)
        }
        // The memory of one plan does for the plans of all, one after the other.
        var spare = SpareArrays(elementLimit: dimension)
        while !clients.isEmpty {
            let ready = try context.wait(timeout: .seconds(60))
            guard !ready.isEmpty else { throw ValidationError("the coordinator was silent for 60 s") }
            for id in ready {
                guard let client = clients[id] else { continue }
                swap(&client.socket.spare, &spare)
                while let message = try client.socket.take() {
                    // Who holds the message no longer lets its vector be changed in place.
                    switch consume message {
                    case .welcome, .credit: continue
                    case .plan(var plan):
                        client.gate.open(round: plan.round, specs: schema.specs)
                        try client.gate.publish(
                            try RoundClientCommand.trained(plan.takeParameters(), schema.specs[0]))
                        try client.socket.send(.update(try client.gate.seal()))
                    case .goodbye:
                        try client.socket.send(.goodbye(.completed))
                        clients[id] = nil
                    }
                }
                swap(&client.socket.spare, &spare)
            }
        }
    }
}

extension RoundClientCommand {
    /// What stands for training.
    private static func trained(_ parameters: consuming ParameterSet, _ spec: TensorSpec) throws -> ParameterSet.Tensor
    {
        try ParameterSet.Tensor(spec, changing: try parameters.take(spec.name)) { block in
            for index in block.indices { block[index] += 0.001 }
        }
    }
}

/// The coordinator's side of `ferry-benchmark round`.
struct RoundBenchmark: ~Copyable {
    static let tensorName = "global.vector"

    static func name(_ number: Int) -> String { "client-\(number)" }

    static func schema(dimension: Int) throws -> ParameterSchema {
        try ParameterSchema([
            TensorSpec(name: tensorName, shape: [dimension], scope: .global, bound: 1e6, release: "vector")
        ])
    }

    private let options: RoundCommand
    private let schema: ParameterSchema
    private let start = ContinuousClock.now
    private var processes: [ChildProcess] = []
    private var clientPeakBytes = 0

    init(_ options: RoundCommand) throws {
        self.options = options
        schema = try RoundBenchmark.schema(dimension: options.dimension)
    }

    deinit {
        for process in processes {
            process.signal(SIGKILL)
            process.closePipes()
        }
    }

    mutating func run() throws -> String {
        let names = (0..<options.clients).map(RoundBenchmark.name)
        let firsts = Array(stride(from: 0, to: options.clients, by: options.perProcess))
        try DescriptorLimit.require(options.clients + 2 * firsts.count)
        for first in firsts {
            let count = min(options.perProcess, options.clients - first)
            processes.append(
                try ChildProcess.spawn(arguments: ["round-client", "\(first)", "\(count)", "\(options.dimension)"]))
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-round-\(getpid())").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let runID = secureRandomBytes(count: 8)
        let secret = secureRandomBytes(count: RunToken.byteCount)
        guard let token = RunToken(bytes: secret) else { throw ValidationError("no token") }
        let serverKeys = CurveKeyPair()
        let clientKeys = Dictionary(uniqueKeysWithValues: names.map { ($0, CurveKeyPair()) })
        let curve =
            options.curve ? try CurveServer(keys: serverKeys, clients: clientKeys.map { ($0, $1.publicKey) }) : nil
        let brief = { (endpoint: String, keys: [String: CurveKeyPair]) in
            RoleBrief(
                scenario: "", seed: 0, dataDirectory: "", outputDirectory: folder, endpoint: endpoint,
                runID: hexadecimal(runID), token: hexadecimal(secret), recordsWire: false, hasSecureRandomness: false,
                launcherProcessID: getpid(), logLevel: "error",
                curves: keys.mapValues { CurveBrief($0, serverKey: serverKeys.publicKey) })
        }
        guard let runNumber = brief("", [:]).runNumber else { throw ValidationError("no run id") }
        var socket = try CoordinatorSocket(
            endpoint: options.transport == .ipc ? "ipc://\(folder)/socket" : "tcp://127.0.0.1:*", runID: runNumber,
            clientCount: names.count, recording: nil, token: token, curve: curve)
        for (first, process) in zip(firsts, processes) {
            let own = Set(names[first..<min(first + options.perProcess, names.count)])
            let keys = options.curve ? clientKeys.filter { own.contains($0.key) } : [:]
            process.write(try ControlLine.encode(brief(socket.endpoint, keys)))
        }

        var peers: [PeerID] = []
        while peers.count < names.count {
            guard case .message(let peer, .join(let join)) = try RoundBenchmark.next(&socket), join.token == token
            else { continue }
            socket.bind(peer, client: join.clientID)
            peers.append(peer)
        }
        _ = try socket.send(
            .welcome(Welcome(schemaDigest: schema.digest, catalogues: [])), to: peers, schema: schema)
        let secondsToFirstRound = (ContinuousClock.now - start) / .seconds(1)

        let spec = try schema.spec(RoundBenchmark.tensorName)
        var shared = try ParameterSet([
            ParameterSet.Tensor(spec, values: [Float](repeating: 0, count: options.dimension))
        ])
        var sum = ExactSum(clientCount: names.count)
        socket.gathersMeans = true
        var seconds: [Double] = []
        for round in 1...options.rounds {
            let begin = ContinuousClock.now
            for peer in peers { socket.expect(peer, round: round, specs: schema.specs, isSummed: true) }
            _ = try socket.send(
                .plan(RoundPlan(round: round, step: 0, deadline: .seconds(60), parameters: shared)), to: peers,
                schema: schema)
            // The next vector replaces this one whole, in its memory once it is out.
            socket.spare.put(shared)
            shared = ParameterSet()
            sum.reset()
            var answered = 0
            while answered < names.count {
                switch try RoundBenchmark.next(&socket) {
                case .message(_, .update(let update)):
                    sum.add(update.parameters)
                    socket.spare.put(update.parameters)
                    answered += 1
                    if answered == names.count {
                        shared = try sum.total(times: 1 / Double(names.count), spare: &socket.spare)
                    }
                case .gathered(let peers, _, let mean):
                    answered += peers.count
                    shared = try mean.get()
                default: continue
                }
            }
            seconds.append((ContinuousClock.now - begin) / .seconds(1))
        }
        _ = try socket.send(.goodbye(.completed), to: peers, schema: schema)
        for process in processes { clientPeakBytes = max(clientPeakBytes, process.waitForEnd()?.peakBytes ?? 0) }
        let result = try shared.require(RoundBenchmark.tensorName)
        let expected = 0.001 * Float(options.rounds)
        guard result.allSatisfy({ abs($0 - expected) <= 1e-3 * expected }) else {
            throw ValidationError("the average is \(result.first ?? .nan), not \(expected)")
        }
        return try report(seconds, secondsToFirstRound: secondsToFirstRound)
    }

    private static func next(_ socket: inout CoordinatorSocket) throws -> CoordinatorEvent {
        while true {
            let event = try socket.next(timeout: .seconds(60), control: -1)
            switch event {
            case .message, .gathered: return event
            case .refused(_, let error): throw error
            case .refusedKey(let key): throw ValidationError("the key \(key) was refused")
            case .control: continue
            case .timedOut: throw ValidationError("a client did not answer within 60 s")
            }
        }
    }

    private func report(_ seconds: [Double], secondsToFirstRound: Double) throws -> String {
        let sorted = (seconds.count > 1 ? Array(seconds.dropFirst()) : seconds).sorted()
        let line: [String: Any] = [
            "transport": options.transport.rawValue, "curve": options.curve, "clients": options.clients,
            "per_process": options.perProcess, "processes": processes.count, "dimension": options.dimension,
            "rounds": options.rounds, "round_s_median": sorted[sorted.count / 2], "round_s_min": sorted[0],
            "round_s_p90": sorted[sorted.count * 9 / 10], "start_s": secondsToFirstRound,
            "coordinator_peak_mb": peakByteCount() / 1e6, "process_peak_mb": Double(clientPeakBytes) / 1e6,
        ]
        return String(
            decoding: try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys]), as: UTF8.self)
    }
}
