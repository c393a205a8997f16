import Glibc

/// The processor features that this build's kernels assume.
public enum Processor {
    /// The features of x86-64-v3 that the kernels use, as the kernel names them in `/proc/cpuinfo`.
    static let required: Set<String> = ["avx2", "fma", "bmi2", "f16c"]

    /// What the processor lacks for this build, sorted; empty when the build can run.
    ///
    /// Call before any kernel: an older processor stops at the first AVX2 instruction with SIGILL.
    public static func missingFeatures() -> [String] {
        #if FERRY_X86_64_V3
            guard let file = fopen("/proc/cpuinfo", "r") else { return [] }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 16_384)
            while fgets(&line, Int32(line.count), file) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if text.hasPrefix("flags") { return missingFeatures(inFlags: text) }
            }
            return []
        #else
            return []
        #endif
    }

    /// The required features that a `flags` line of `/proc/cpuinfo` does not list, sorted.
    package static func missingFeatures(inFlags line: String) -> [String] {
        let flags = Set(line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }).map(String.init))
        return required.subtracting(flags).sorted()
    }
}
