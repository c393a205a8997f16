import Yams

/// What a text is decoded for.
enum DecodingPurpose: Equatable {
    /// One scenario; a sweep beside it is checked by itself and is no part of it.
    case scenario
    /// The sweep alone: types are checked, combinations of keys are not.
    case grid
    /// One point of the sweep.
    case point([ScenarioSweep.Setting])
}

/// One key of `sweep:` and its values.
struct SweptKey {
    let path: String
    let values: [ScenarioValue]
}

extension ScenarioDecoder {
    /// Keys that every point has in common, and why.
    private static let common = [
        "name": "all points of a sweep have the scenario's name; give it beside sweep",
        "seeds": "all points of a sweep run the same seeds, so that they are paired; give them beside sweep",
    ]

    /// Collects the swept keys.
    mutating func walkGrid(_ node: Node, path: String) {
        guard let mapping = count(node)?.mapping else {
            report(path, at: node, "expected key paths with lists of values, as in {model.factors: [16, 32]}")
            return
        }
        for (keyNode, valueNode) in mapping {
            guard let name = keyNode.string else {
                report(path, at: keyNode, "a key must be text")
                continue
            }
            let keyPath = "\(path).\(shortened(name))"
            if let reason = ScenarioDecoder.common[name] {
                report(keyPath, at: keyNode, reason)
                continue
            }
            guard let key = ScenarioKey.key(tablePath(of: name)) else {
                report(keyPath, at: keyNode, "unknown key path" + suggestion(forPath: name))
                continue
            }
            guard ![.section, .sections, .grid].contains(key.kind) else {
                let member = ScenarioKey.children(of: key.path).first.map { ", such as \(name).\($0.name)" } ?? ""
                report(keyPath, at: keyNode, "\(name) has no values of its own; sweep one of its keys\(member)")
                continue
            }
            guard let sequence = count(valueNode)?.sequence, !sequence.isEmpty else {
                report(keyPath, at: valueNode, "expected a list of values, each \(key.kind.description)")
                continue
            }
            var values: [ScenarioValue] = []
            for element in sequence {
                guard let value = value(element, key: key, path: keyPath) else { continue }
                if values.contains(value) {
                    report(keyPath, at: element, "\(value.yaml) is listed twice")
                } else {
                    values.append(value)
                }
            }
            sweep.append(SweptKey(path: name, values: values))
        }
        if combinationCount > ScenarioSweep.pointLimit {
            report(path, at: node, "more than \(ScenarioSweep.pointLimit) combinations are refused")
        }
    }

    /// Says of a base that is no scenario by itself that the points of its sweep may still be some.
    mutating func explainSweep() {
        guard !sweep.isEmpty, problems.contains(where: { !$0.keyPath.hasPrefix("sweep") }) else { return }
        report("sweep", "this is the base of a sweep; `ferry sweep` runs its points alone")
    }

    /// How many combinations the swept keys have, exact up to the limit; 0 without a sweep.
    var combinationCount: Int {
        sweep.isEmpty ? 0 : sweep.reduce(1) { min($0, ScenarioSweep.pointLimit) * $1.values.count }
    }

    /// Gives the swept keys their values of one point.
    mutating func settle(_ settings: [ScenarioSweep.Setting], in root: inout Node) {
        guard case .mapping(var mapping) = root else { return }
        mapping["sweep"] = nil
        root = .mapping(mapping)
        for setting in settings { apply("\(setting.key)=\(setting.value)", to: &root) }
    }

    /// The path in the table of a path that may name a client, as `clients.books.count` does.
    private func tablePath(of name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, parts[0] == "clients", clientIDs.contains(String(parts[1])) else {
            // The paths of the table itself are no places in a scenario.
            return name.contains("[") ? "" : name
        }
        return "clients[]." + parts.dropFirst(2).joined(separator: ".")
    }

    private func suggestion(forPath name: String) -> String {
        // Edit distances to many paths would cost more than they help.
        guard name.utf8.count <= 64, clientIDs.count <= 50 else { return "" }
        let candidates = ScenarioKey.all.filter {
            ![.section, .sections, .grid].contains($0.kind) && !$0.path.hasPrefix("faults.events[].")
        }.flatMap { key in
            key.path.hasPrefix("clients[].")
                ? clientIDs.map { "clients.\($0)\(key.path.dropFirst("clients[]".count))" } : [key.path]
        }
        // A last component that only one key has says more than the distance of the whole path.
        let namesakes = candidates.filter { $0.hasSuffix(".\(name)") }
        guard let near = namesakes.first ?? nearest(name, candidates),
            !namesakes.isEmpty || editDistance(name, near) <= max(2, name.utf8.count / 2)
        else { return "; `ferry scenario reference` lists them" }
        return "; did you mean \(near)?"
    }
}
