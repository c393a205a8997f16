/// Writes a resolved scenario, and the reference of all keys.
enum ScenarioWriter {
    /// The values as YAML in the order of the table.
    static func yaml(_ values: [String: ScenarioValue], clientCount: Int) -> String {
        lines(of: "", instance: "", values, clientCount).joined(separator: "\n") + "\n"
    }

    private static func lines(
        of tablePath: String, instance: String, _ values: [String: ScenarioValue], _ clientCount: Int
    ) -> [String] {
        var out: [String] = []
        for key in ScenarioKey.children(of: tablePath) {
            let path = instance.isEmpty ? key.name : "\(instance).\(key.name)"
            switch key.kind {
            case .section:
                let inner = lines(of: key.path, instance: path, values, clientCount)
                if !inner.isEmpty {
                    out.append("\(key.name):")
                    out += inner.map { "  " + $0 }
                }
            case .sections:
                out.append("\(key.name):")
                for index in 0..<clientCount {
                    let inner = lines(of: "\(key.path)[]", instance: "\(path)[\(index)]", values, clientCount)
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
