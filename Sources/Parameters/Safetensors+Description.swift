import Foundation

extension Safetensors {
    /// One tensor of a safetensors file, by its header.
    public struct Entry: Sendable, Equatable {
        /// The name.
        public let name: String
        /// The element type, such as `F32`.
        public let dtype: String
        /// The shape.
        public let shape: [Int]
        /// The bytes of its data.
        public let byteCount: Int
    }

    private struct HeaderField: Decodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    /// What a safetensors file holds, sorted by name, for display; `nil` when the bytes are not one.
    ///
    /// The protocol does not use this: it compares headers with the schema instead of parsing them.
    public static func describe(_ bytes: ArraySlice<UInt8>) -> [Entry]? {
        guard bytes.count >= prefixByteCount else { return nil }
        let length = bytes.prefix(prefixByteCount).enumerated().reduce(UInt64(0)) {
            $0 | UInt64($1.element) << UInt64(8 * $1.offset)
        }
        guard length <= UInt64(bytes.count - prefixByteCount) else { return nil }
        let header = bytes.dropFirst(prefixByteCount).prefix(Int(length))
        guard let fields = try? JSONDecoder().decode([String: HeaderField].self, from: Data(header)) else { return nil }
        return fields.sorted { $0.key < $1.key }.compactMap { name, field in
            guard field.offsets.count == 2, field.offsets[0] >= 0, field.offsets[0] <= field.offsets[1],
                field.offsets[1] <= bytes.count - prefixByteCount - Int(length)
            else {
                return nil
            }
            return Entry(
                name: name, dtype: field.dtype, shape: field.shape,
                byteCount: field.offsets[1] - field.offsets[0])
        }
    }
}
