/// A path of a scenario or of the command line: absolute as it is, relative ones below a folder.
public func resolvedPath(_ path: String, in folder: String) -> String {
    if path.hasPrefix("/") { return path }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
}
