import Yams

/// Walks a YAML tree against the key table and collects values, lines and every problem.
struct ScenarioDecoder {
    /// The largest scenario file that is read.
    static let byteLimit = 1 << 20
    /// The most nodes of the tree that are walked, aliases expanded: bounds what nested aliases can cost.
    static let nodeLimit = 100_000
    /// The deepest nesting that is handed to the parser, which recurses.
    static let depthLimit = 64

    private(set) var values: [String: ScenarioValue] = [:]
    private(set) var lines: [String: Int] = [:]
    private(set) var problems: [ScenarioProblem] = []
    private(set) var clientCount = 0
    private let file: String
    private var nodeCount = 0

    init(file: String) { self.file = file }

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

    private mutating func report(_ keyPath: String, at node: Node, _ message: String) {
        problems.append(ScenarioProblem(file: file, line: node.mark?.line, keyPath: keyPath, message: message))
    }

    /// The tree of a text, or `nil` with a problem reported.
    mutating func parse(_ text: String) -> Node? {
        guard text.utf8.count <= ScenarioDecoder.byteLimit else {
            report("", "a scenario of more than \(ScenarioDecoder.byteLimit) bytes is refused")
            return nil
        }
        guard let depth = ScenarioDecoder.nestingBound(text), depth <= ScenarioDecoder.depthLimit else {
            report("", "more than \(ScenarioDecoder.depthLimit) levels of nesting are refused")
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

    /// An upper bound of the nesting of a YAML text: flow brackets, and columns of indentation or `- ` markers.
    static func nestingBound(_ text: String) -> Int? {
        var flow = 0
        var deepest = 0
        var column = 0
        var isLeading = true
        for character in text.utf8 {
            switch character {
            case UInt8(ascii: "\n"):
                column = 0
                isLeading = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                flow += 1
                isLeading = false
            case UInt8(ascii: "]"), UInt8(ascii: "}"): flow = max(0, flow - 1)
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "?"):
                if isLeading { column += 1 }
            default: isLeading = false
            }
            deepest = max(deepest, flow + column / 2)
        }
        return deepest
    }

    /// Walks a section.
    mutating func walk(_ node: Node, path: String, tablePath: String) {
        guard let mapping = count(node)?.mapping else {
            report(path, at: node, "expected a section of keys")
            return
        }
        lines[path] = lines[path] ?? node.mark?.line
        let children = ScenarioKey.children(of: tablePath)
        for (keyNode, valueNode) in mapping {
            guard let name = keyNode.string else {
                report(path, at: keyNode, "a key must be text")
                continue
            }
            let keyPath = path.isEmpty ? name : "\(path).\(name)"
            guard let key = children.first(where: { $0.name.replacing("[]", with: "") == name }) else {
                report(keyPath, at: keyNode, "unknown key" + suggestion(name, children, tablePath))
                continue
            }
            lines[keyPath] = keyNode.mark?.line
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
            clientCount = sequence.count
            for (index, element) in sequence.enumerated() {
                walk(element, path: "\(path)[\(index)]", tablePath: "\(key.path)[]")
            }
        default:
            if key.kind.isList {
                guard let sequence = count(node)?.sequence else {
                    report(path, at: node, "expected a list, as in [\(example(key))]")
                    return
                }
                var list: [ScenarioValue] = []
                for element in sequence {
                    guard let value = scalar(element, key: key, path: path) else { return }
                    guard !list.contains(value) else {
                        report(path, at: element, "\(value.yaml) is listed twice")
                        return
                    }
                    list.append(value)
                }
                guard !list.isEmpty || key.defaultText == "[]" else {
                    report(path, at: node, "the list is empty")
                    return
                }
                values[path] = .list(list)
            } else if let value = scalar(node, key: key, path: path) {
                values[path] = value
            }
        }
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
    private mutating func count(_ node: Node) -> Node? {
        nodeCount += 1
        if nodeCount == ScenarioDecoder.nodeLimit + 1 {
            report("", at: node, "more than \(ScenarioDecoder.nodeLimit) values are refused")
        }
        return nodeCount > ScenarioDecoder.nodeLimit ? nil : node
    }

    private func suggestion(_ name: String, _ siblings: [ScenarioKey], _ tablePath: String) -> String {
        if let elsewhere = ScenarioKey.all.first(where: { $0.name == name && $0.parent != tablePath }) {
            let near = nearest(name, siblings.map(\.name))
            if near.map({ editDistance(name, $0) > 2 }) ?? true { return "; did you mean \(elsewhere.path)?" }
        }
        guard let near = nearest(name, siblings.map(\.name)) else { return "" }
        return "; did you mean \(near)?"
    }
}
