import Foundation
import Synchronization
import Yams

/// Hands the decoder from its thread to the caller.
private final class DecoderBox: Sendable {
    private let value = Mutex<ScenarioDecoder?>(nil)
    func set(_ decoder: ScenarioDecoder) { value.withLock { $0 = decoder } }
    func get() -> ScenarioDecoder? { value.withLock { $0 } }
}

/// Walks a YAML tree against the key table and collects values, lines and every problem.
struct ScenarioDecoder {
    /// The largest scenario file that is read.
    static let byteLimit = 1 << 20
    /// The most nodes of the tree that are walked, aliases expanded: bounds what nested aliases can cost.
    static let nodeLimit = 100_000
    /// The stack of the thread that parses: libyaml allows 1,000 levels of nesting, which Yams walks recursively.
    private static let stackByteCount = 64 << 20

    private(set) var values: [String: ScenarioValue] = [:]
    private(set) var lines: [String: Int] = [:]
    /// The paths that the file or an override gives, with or without a line.
    private(set) var present: Set<String> = []
    private(set) var problems: [ScenarioProblem] = []
    /// How many entries each list of sections has, by its path.
    private(set) var sectionCounts: [String: Int] = [:]
    /// The paths that `--set` has replaced; their marks are those of the override's text, not of the file.
    var overrides: [String] = []
    /// The swept keys, in the order of the file.
    var sweep: [SweptKey] = []
    /// The ids in `clients:`, of which a path of the sweep may name one.
    private(set) var clientIDs: [String] = []
    let file: String
    private var nodeCount = 0

    init(file: String) { self.file = file }

    /// Every problem, in order of line.
    var error: ScenarioError {
        ScenarioError(
            problems: problems.enumerated().sorted {
                ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset)
            }.map(\.element))
    }

    /// The number of entries of a list of sections; 0 where it is not given.
    func sectionCount(_ path: String) -> Int { sectionCounts[path] ?? 0 }

    /// The number of entries of `clients:`.
    var clientCount: Int { sectionCount("clients") }

    /// Whether the file or an override gives a key.
    func isGiven(_ path: String) -> Bool { present.contains(path) }

    mutating func setValue(_ path: String, _ value: ScenarioValue) { values[path] = value }

    /// Adds a problem that has no place in the file.
    mutating func addProblem(_ message: String) {
        problems.append(ScenarioProblem(file: file, line: nil, keyPath: "", message: message))
    }

    mutating func report(_ keyPath: String, _ message: String) {
        var path = keyPath
        var line = lines[path]
        // A key that was left out is reported at the nearest section that exists.
        while line == nil, let dot = path.lastIndex(of: ".") {
            path = String(path[..<dot])
            line = lines[path]
        }
        problems.append(ScenarioProblem(file: file, line: line, keyPath: keyPath, message: message))
    }

    mutating func report(_ keyPath: String, at node: Node, _ message: String) {
        let isOverride = overrides.contains {
            keyPath == $0 || keyPath.hasPrefix($0 + ".") || keyPath.hasPrefix($0 + "[")
        }
        problems.append(
            ScenarioProblem(
                file: isOverride ? "--set" : file, line: isOverride ? nil : node.mark?.line, keyPath: keyPath,
                message: message))
    }

    /// The tree of a text, or `nil` with a problem reported.
    mutating func parse(_ text: String) -> Node? {
        let text = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
        guard text.utf8.count <= ScenarioDecoder.byteLimit else {
            report("", "a scenario of more than \(ScenarioDecoder.byteLimit) bytes is refused")
            return nil
        }
        if let line = ScenarioDecoder.lineWithAnchor(text) {
            problems.append(
                ScenarioProblem(
                    file: file, line: line, keyPath: "", message: "anchors and aliases (&name, *name) are refused"))
            return nil
        }
        do {
            guard let node = try Yams.compose(yaml: text) else {
                report("", "the file is empty; `ferry scenario reference` lists the keys")
                return nil
            }
            return node
        } catch let error as YamlError {
            problems.append(problem(of: error))
        } catch {
            report("", "not YAML: \(error)")
        }
        return nil
    }

    private func problem(of error: YamlError) -> ScenarioProblem {
        func make(_ line: Int?, _ message: String) -> ScenarioProblem {
            ScenarioProblem(file: file, line: line, keyPath: "", message: message)
        }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return make(mark.line, "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\($0)" }.joined(separator: ", ")
            return make(context.mark.line, "a key is given twice: \(names)")
        default: return make(nil, "not YAML: \(error)")
        }
    }

    /// The first line with an anchor or alias, which could nest and repeat without bound: `&` or `*` before a name and
    /// behind what may end a token. Errs on the side of refusing, inside comments and quoted texts too.
    static func lineWithAnchor(_ text: String) -> Int? {
        var line = 1
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { line += 1 }
            guard byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*"), index + 1 < bytes.count else { continue }
            let next = bytes[index + 1]
            let isName =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(next | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) || "_-".utf8.contains(next) || next >= 0x80
            let isBehindToken = index == 0 || !ScenarioDecoder.isPlain(bytes[index - 1])
            if isName && isBehindToken { return line }
        }
        return nil
    }

    /// Whether a byte can stand before `&` or `*` within one plain word, as in `a&b`.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "/._".utf8.contains(byte)
    }

    /// Decodes a text on a thread whose stack is deep enough for any nesting that libyaml lets through.
    static func decode(
        _ text: String, file: String, overrides: [String], purpose: DecodingPurpose = .scenario
    ) -> ScenarioDecoder {
        let result = DecoderBox()
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            var decoder = ScenarioDecoder(file: file)
            if var node = decoder.parse(text) {
                for override in overrides { decoder.apply(override, to: &node) }
                if case .point(let settings) = purpose { decoder.settle(settings, in: &node) }
                decoder.clientIDs =
                    node.mapping?["clients"]?.sequence?.compactMap { $0.mapping?["id"]?.string } ?? []
                decoder.walk(node, path: "", tablePath: "")
            }
            if purpose != .grid {
                decoder.fillDefaults()
                decoder.checkRules()
            }
            if purpose == .scenario { decoder.explainSweep() }
            result.set(decoder)
            done.signal()
        }
        thread.stackSize = stackByteCount
        thread.start()
        done.wait()
        return result.get() ?? ScenarioDecoder(file: file)
    }

    /// Walks a section.
    mutating func walk(_ node: Node, path: String, tablePath: String) {
        guard let mapping = count(node)?.mapping else {
            report(path, at: node, "expected a section of keys")
            return
        }
        lines[path] = lines[path] ?? node.mark?.line
        present.insert(path)
        let children = ScenarioKey.children(of: tablePath)
        for (keyNode, valueNode) in mapping {
            guard let name = keyNode.string else {
                report(path, at: keyNode, "a key must be text")
                continue
            }
            let keyPath = (path.isEmpty ? "" : path + ".") + shortened(name)
            guard let key = children.first(where: { $0.name.replacing("[]", with: "") == name }) else {
                report(keyPath, at: keyNode, "unknown key" + suggestion(name, children, tablePath))
                continue
            }
            lines[keyPath] = keyNode.mark?.line
            present.insert(keyPath)
            walk(valueNode, key: key, path: keyPath)
        }
    }

    private mutating func walk(_ node: Node, key: ScenarioKey, path: String) {
        switch key.kind {
        case .section: walk(node, path: path, tablePath: key.path)
        case .sections:
            guard let sequence = count(node)?.sequence, !sequence.isEmpty else {
                report(path, at: node, "expected a list of sections, each starting with \"- \"")
                return
            }
            guard sequence.count <= 10_000 else {
                report(path, at: node, "more than 10,000 entries")
                return
            }
            sectionCounts[path] = sequence.count
            for (index, element) in sequence.enumerated() {
                walk(element, path: "\(path)[\(index)]", tablePath: "\(key.path)[]")
            }
        case .grid: walkGrid(node, path: path)
        default:
            if let value = value(node, key: key, path: path) { values[path] = value }
        }
    }

    /// The value of a key that is no section, or `nil` with a problem reported.
    mutating func value(_ node: Node, key: ScenarioKey, path: String) -> ScenarioValue? {
        guard key.kind.isList else { return scalar(node, key: key, path: path) }
        guard let sequence = count(node)?.sequence else {
            report(path, at: node, "expected a list, as in [\(example(key))]")
            return nil
        }
        var list: [ScenarioValue] = []
        var seen: Set<ScenarioValue> = []
        for element in sequence {
            guard let value = scalar(element, key: key, path: path) else { return nil }
            guard seen.insert(value).inserted else {
                report(path, at: element, "\(value.yaml) is listed twice")
                return nil
            }
            list.append(value)
        }
        guard !list.isEmpty || key.kind.mayBeEmpty else {
            report(path, at: node, "the list is empty")
            return nil
        }
        return .list(list)
    }

    private func example(_ key: ScenarioKey) -> String {
        key.defaultText.isEmpty || key.defaultText == "[]" ? "a, b" : String(key.defaultText.dropFirst().dropLast())
    }

    private mutating func scalar(_ node: Node, key: ScenarioKey, path: String) -> ScenarioValue? {
        guard let scalar = count(node)?.scalar else {
            report(path, at: node, "expected \(key.kind.description)")
            return nil
        }
        switch key.kind.parse(scalar.string, isQuoted: scalar.style != .plain) {
        case .success(let value): return value
        case .failure(let problem):
            report(path, at: node, problem.message)
            return nil
        }
    }

    /// The node, or `nil` once the tree is larger than any honest scenario.
    mutating func count(_ node: Node) -> Node? {
        nodeCount += 1
        if nodeCount == ScenarioDecoder.nodeLimit + 1 {
            report("", at: node, "more than \(ScenarioDecoder.nodeLimit) values are refused")
        }
        return nodeCount > ScenarioDecoder.nodeLimit ? nil : node
    }

    private func suggestion(_ name: String, _ siblings: [ScenarioKey], _ tablePath: String) -> String {
        guard name.utf8.count <= 64 else { return "" }
        if let elsewhere = ScenarioKey.all.first(where: { $0.name == name && $0.parent != tablePath }) {
            let near = nearest(name, siblings.map(\.name))
            if near.map({ editDistance(name, $0) > 2 }) ?? true { return "; did you mean \(elsewhere.path)?" }
        }
        guard let near = nearest(name, siblings.map(\.name)), editDistance(name, near) <= max(2, name.utf8.count / 2)
        else {
            return siblings.count <= 12 ? "; the keys here are \(siblings.map(\.name).joined(separator: ", "))" : ""
        }
        return "; did you mean \(near)?"
    }
}
