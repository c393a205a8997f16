import Foundation

/// The folders of seeds in that of a run.
enum SeedFolders {
    /// A folder itself, where it holds a file, or those of its seeds that do, in order of seed: a seed that was stopped may
    /// lack some.
    static func holding(_ file: String, in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard !names.contains(file) else { return [folder] }
        return names.filter { $0.hasPrefix("seed-") }.sorted { ($0.count, $0) < ($1.count, $1) }
            .map { "\(folder)/\($0)" }.filter { FileManager.default.fileExists(atPath: "\($0)/\(file)") }
    }
}
