import Foundation
import Numerics
import Parameters
import TestSupport
import Testing

/// Agreement with numpy and the reference safetensors package.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["FERRY_PYTHON"] != nil,
        "skipped: FERRY_PYTHON names no Python with the packages numpy and safetensors"))
struct ReferenceFormatTests {
    private func python(_ script: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: try #require(ProcessInfo.processInfo.environment["FERRY_PYTHON"]))
        process.arguments = ["-c", script] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text
    }

    private func write(_ bytes: [UInt8], _ name: String, in folder: TemporaryFolder) throws -> String {
        let path = "\(folder.path)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func `All halves are read as numpy reads them, and floats are rounded as numpy rounds them`() throws {
        let folder = try TemporaryFolder()
        let all = (0...UInt16.max).map { $0 }
        let read = all.map { FormatKernels.float(halfBits: $0).bitPattern }
        // Around every half, between all of them, and floats of any bits.
        var floats: [UInt32] = []
        for half in all where (half >> 10) & 31 != 31 {
            let bits = FormatKernels.float(halfBits: half).bitPattern
            floats += [bits, bits &+ 1, bits &+ 0x0FFF, bits &+ 0x1000, bits &+ 0x1001]
        }
        var stream = RandomStream(root: 1, path: ["numpy"])
        floats += (0..<500_000).map { _ in UInt32(truncatingIfNeeded: stream.next()) }
        let written = floats.map { FormatKernels.halfBits(Float(bitPattern: $0)) }
        func bytes(_ words: [UInt32]) -> [UInt8] {
            words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
        }
        func bytes(_ halves: [UInt16]) -> [UInt8] {
            halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        }
        let script = """
            import sys, numpy as np
            np.seterr(all="ignore")
            load = lambda index, kind: np.fromfile(sys.argv[index], kind)
            same = lambda a, b, unsigned: int(((a.view(unsigned) == b.view(unsigned)) | (np.isnan(a) & np.isnan(b))).sum())
            halves = np.arange(65536, dtype=np.uint16).view(np.float16)
            floats = load(2, np.float32)
            print(same(halves.astype(np.float32), load(1, np.float32), np.uint32),
                  same(floats.astype(np.float16), load(3, np.float16), np.uint16), len(floats))
            """
        let text = try python(
            script,
            [
                try write(bytes(read), "read", in: folder), try write(bytes(floats), "floats", in: folder),
                try write(bytes(written), "written", in: folder),
            ])
        #expect(text == "65536 \(floats.count) \(floats.count)\n")
    }

    @Test func `The reference safetensors package reads an update in every format`() throws {
        let folder = try TemporaryFolder()
        var stream = RandomStream(root: 2, path: ["safetensors", "formats"])
        let values = (0..<105).map { _ in Float(stream.gaussian()) }
        let formats: [(String, ElementFormat)] = [
            ("b", .int8(blockLength: 7)), ("f", .float32), ("h", .float16), ("p", .topK(count: 9)),
        ]
        let set = try ParameterSet(
            formats.map { name, format in
                let spec = TensorSpec(
                    name: name, shape: [15, 7], scope: .global, bound: 8, release: "r", format: format)
                return try ParameterSet.Tensor(spec, values: spec.arriving(values))
            })
        let file = try write(Safetensors.encode(set), "set.safetensors", in: folder)
        let expected = try set.tensors.map { tensor in
            try write(
                tensor.values.flatMap { value in
                    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
                }, tensor.spec.name, in: folder)
        }
        let script = """
            import sys, numpy as np
            from safetensors.numpy import load_file
            t = load_file(sys.argv[1])
            b, f, h, p = [np.fromfile(path, np.float32).reshape(15, 7) for path in sys.argv[2:]]
            dense = np.zeros(105, np.float32)
            dense[t["p.indices"]] = t["p.values"]
            print(sorted((name, str(value.dtype), value.shape) for name, value in t.items()))
            print(np.array_equal(t["b"] * t["b.scales"][:, None], b), np.array_equal(t["f"], f),
                  np.array_equal(t["h"].astype(np.float32), h), np.array_equal(dense.reshape(15, 7), p))
            """
        let text = try python(script, [file] + expected)
        let expectedText = """
            [('b', 'int8', (15, 7)), ('b.scales', 'float32', (15,)), ('f', 'float32', (15, 7)), \
            ('h', 'float16', (15, 7)), ('p.indices', 'uint32', (9,)), ('p.values', 'float32', (9,))]
            True True True True

            """
        #expect(text == expectedText)
    }
}
