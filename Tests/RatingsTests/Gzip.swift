/// Writes gzip files with stored blocks (RFC 1951, 3.2.4; RFC 1952), which every reader has to understand.
enum Gzip {
    private static let table: [UInt32] = (0..<256).map { start in
        (0..<8).reduce(UInt32(start)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    static func member(_ bytes: [UInt8], blockByteCount: Int = 1_000) -> [UInt8] {
        var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var start = 0
        repeat {
            let end = min(start + blockByteCount, bytes.count)
            let count = UInt16(end - start)
            out.append(end == bytes.count ? 1 : 0)
            out += [UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
            out += bytes[start..<end]
            start = end
        } while start < bytes.count
        var check = ~UInt32(0)
        for byte in bytes { check = table[Int((check ^ UInt32(byte)) & 255)] ^ check >> 8 }
        for word in [~check, UInt32(bytes.count)] {
            for shift: UInt32 in [0, 8, 16, 24] { out.append(UInt8(word >> shift & 255)) }
        }
        return out
    }
}
