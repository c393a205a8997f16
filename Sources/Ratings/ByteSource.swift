import CZlib
import Glibc

/// The bytes of a file, decompressed when they begin with the mark of gzip.
struct ByteSource: ~Copyable {
    private static let inputByteCount = 1 << 16
    /// A gzip header and trailer around any window size.
    private static let gzipWindowBits: Int32 = 15 + 16

    private let path: String
    private let descriptor: Int32
    /// Bytes as they are in the file: the beginning of a plain file, or what is to be decompressed next.
    private var input: [UInt8]
    private var inputPosition = 0
    private var inputEnd = 0
    /// zlib keeps a pointer to this structure, so that it may not move; `nil` for a plain file.
    private var stream: UnsafeMutablePointer<z_stream>?
    private var isBetweenMembers = false

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
        input = [UInt8](repeating: 0, count: ByteSource.inputByteCount)
    }

    /// Opens a file and looks at its first two bytes.
    static func open(_ path: String) throws(DataError) -> ByteSource {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .notReadable(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .notReadable(path: path, reason: "it is a folder") }
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .notReadable(path: path, reason: String(cString: strerror(errno))) }
        var source = ByteSource(path: path, descriptor: descriptor)
        try source.begin()
        return source
    }

    private mutating func begin() throws(DataError) {
        while inputEnd < 2, try refill() > 0 {}
        guard inputEnd >= 2, input[0] == 0x1F, input[1] == 0x8B else { return }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = inflateInit2_(
            stream, ByteSource.gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            stream.deallocate()
            throw .notReadable(path: path, reason: "inflateInit2 returned \(code)")
        }
        self.stream = stream
    }

    deinit {
        if let stream {
            inflateEnd(stream)
            stream.deallocate()
        }
        close(descriptor)
    }

    /// Whether the file is compressed.
    var isCompressed: Bool { stream != nil }

    /// Fills the beginning of `buffer`; returns 0 at the end of the file only.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        guard stream == nil else { return try inflate(into: buffer) }
        let count = min(inputEnd - inputPosition, buffer.count)
        guard count == 0 else {
            input.withUnsafeBytes {
                buffer.copyMemory(from: .init(rebasing: $0[inputPosition..<inputPosition + count]))
            }
            inputPosition += count
            return count
        }
        return try readFile(into: buffer)
    }

    private func readFile(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        let (count, code) = ByteSource.readOnce(descriptor, buffer)
        guard count >= 0 else { throw .notReadable(path: path, reason: String(cString: strerror(code))) }
        return count
    }

    /// What `read` returned, and `errno`; interruptions are not reported.
    private static func readOnce(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> (Int, Int32) {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            let code = errno
            if count >= 0 || code != EINTR { return (count, code) }
        }
    }

    /// Appends to `input` what one read gives.
    private mutating func refill() throws(DataError) -> Int {
        if inputPosition == inputEnd { (inputPosition, inputEnd) = (0, 0) }
        let (end, descriptor) = (inputEnd, descriptor)
        let (count, code) = input.withUnsafeMutableBytes { bytes in
            ByteSource.readOnce(descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes[end...]))
        }
        guard count >= 0 else { throw .notReadable(path: path, reason: String(cString: strerror(code))) }
        inputEnd += count
        return count
    }

    private mutating func inflate(into buffer: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        guard let stream, buffer.count > 0 else { return 0 }
        while true {
            if inputPosition == inputEnd, try refill() == 0 {
                guard isBetweenMembers else { throw .notReadable(path: path, reason: "its gzip data end too early") }
                return 0
            }
            if isBetweenMembers {
                // Zeros after a member are padding; anything else has to be another member.
                while inputPosition < inputEnd, input[inputPosition] == 0 { inputPosition += 1 }
                if inputPosition == inputEnd { continue }
                isBetweenMembers = false
                inflateReset(stream)
            }
            let (position, end) = (inputPosition, inputEnd)
            let (code, left, produced) = input.withUnsafeMutableBufferPointer { bytes in
                stream.pointee.next_in = bytes.baseAddress.map { $0 + position }
                stream.pointee.avail_in = UInt32(end - position)
                stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(clamping: buffer.count)
                let room = Int(stream.pointee.avail_out)
                let code = CZlib.inflate(stream, Z_NO_FLUSH)
                return (code, Int(stream.pointee.avail_in), room - Int(stream.pointee.avail_out))
            }
            inputPosition = end - left
            switch code {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isBetweenMembers = true
            default: throw .notReadable(path: path, reason: "its gzip data are damaged")
            }
            if produced > 0 { return produced }
        }
    }
}
