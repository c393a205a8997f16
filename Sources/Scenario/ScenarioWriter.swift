/// Writes a resolved scenario, and the reference of all keys.
enum ScenarioWriter {
    /// The values as YAML in the order of the table.
    ///
    /// - Parameter counts: how many entries each list of sections has, by its path.
    static func yaml(_ values: [String: ScenarioValue], counts: [String: Int]) -> String {
        lines(of: "", instance: "", values, counts).joined(separator: "\n") + "\n"
    }

    private static func lines(
        of tablePath: String, instance: String, _ values: [String: ScenarioValue], _ counts: [String: Int]
    ) -> [String] {
        var out: [String] = []
        for key in ScenarioKey.children(of: tablePath) {
            let path = instance.isEmpty ? key.name : "\(instance).\(key.name)"
            switch key.kind {
            case .section:
                let inner = lines(of: key.path, instance: path, values, counts)
                if !inner.isEmpty {
                    out.append("\(key.name):")
                    out += inner.map { "  " + $0 }
                }
            case .sections:
                guard let count = counts[path], count > 0 else { continue }
                out.append("\(key.name):")
                for index in 0..<count {
                    let inner = lines(of: "\(key.path)[]", instance: "\(path)[\(index)]", values, counts)
                    for (position, line) in inner.enumerated() { out.append((position == 0 ? "  - " : "    ") + line) }
                }
            default:
                if let value = values[path] { out.append("\(key.name): \(value.yaml)") }
            }
        }
        return out
    }
}

/// The generated reference of every scenario key.
public enum ScenarioReference {
    /// The reference as plain text: each key with its type, default and meaning.
    public static var text: String {
        var out = "Keys of a Ferry scenario file (YAML). Unknown keys are refused.\n"
        for key in ScenarioKey.all {
            let fallback =
                switch key.kind {
                case .section, .sections, .grid: ""
                default: key.defaultText.isEmpty ? "  (no default)" : "  (default: \(key.defaultText))"
                }
            out += "\n\(key.path)\n    \(key.kind.description)\(fallback)\n    \(key.meaning)\n"
        }
        return out
    }
}
