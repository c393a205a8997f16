import Cryptography
import Testing

/// One test case of RFC 4231, section 4.
struct AuthenticationVector: Sendable {
    let key: [UInt8]
    let message: [UInt8]
    let code: String

    init(_ key: [UInt8], _ message: [UInt8], _ code: String) {
        self.key = key
        self.message = message
        self.code = code
    }

    init(_ key: [UInt8], _ message: String, _ code: String) { self.init(key, Array(message.utf8), code) }

    /// Cases 1 to 4, 6 and 7 in full; case 5 publishes the first 16 bytes of its code.
    static let rfc4231 = [
        AuthenticationVector(
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        AuthenticationVector(
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        AuthenticationVector(
            [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        AuthenticationVector(
            (1...25).map { UInt8($0) }, [UInt8](repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        AuthenticationVector(
            [UInt8](repeating: 0x0c, count: 20), "Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
        AuthenticationVector(
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        AuthenticationVector(
            [UInt8](repeating: 0xaa, count: 131),
            "This is a test using a larger than block-size key and a larger than block-size data. "
                + "The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]
}

@Suite("Keyed hash")
struct KeyedHashTests {
    @Test("HMAC-SHA256 gives the codes of RFC 4231", arguments: AuthenticationVector.rfc4231)
    func knownAnswers(vector: AuthenticationVector) {
        let code = KeyedHash(key: vector.key).code(of: vector.message)
        #expect(code.count == 32)
        #expect(hexadecimal(code).hasPrefix(vector.code))
    }

    @Test("The integer is the code's first eight bytes, little-endian, and the fraction its upper 53 bits")
    func integerAndFraction() {
        // Computed with Python's hmac and struct.
        let hash = KeyedHash(key: Array("key".utf8))
        #expect(hash.integer(of: "person-1") == 0xd61c_7d27_9504_64c0)
        #expect(hash.fraction(of: "person-1") == 0.8363722058902723)
    }

    @Test("Fractions of many messages are uniform on [0, 1)")
    func fractionsAreUniform() {
        let hash = KeyedHash(key: [1, 2, 3])
        let count = 20_000
        let sorted = (0..<count).map { hash.fraction(of: "person-\($0)") }.sorted()
        #expect(sorted.allSatisfy { (0..<1).contains($0) })
        // Kolmogorov–Smirnov at level 1e-4: 2.23 / √n.
        let distance = sorted.enumerated().map { index, value in
            max(abs(value - Double(index) / Double(count)), abs(value - Double(index + 1) / Double(count)))
        }.max()
        #expect((distance ?? 1) < 2.23 / Double(count).squareRoot())
    }

    @Test("Another key gives another code, and an empty key is allowed")
    func keysMatter() {
        let codes = [[], [0], [1], [1, 0]].map { KeyedHash(key: $0).integer(of: "person") }
        // HMAC pads keys with zeros, so that the first two and the last two are the same key.
        #expect(codes[0] == codes[1])
        #expect(codes[2] == codes[3])
        #expect(codes[0] != codes[2])
    }

    @Test("A printed keyed hash does not show its key")
    func keyIsRedacted() {
        let hash = KeyedHash(key: [201, 202, 203])
        #expect(!"\(hash)".contains("202"))
        #expect(!String(reflecting: hash).contains("202"))
    }
}

@Suite("Run token")
struct RunTokenTests {
    @Test("A token has exactly 32 bytes", arguments: [0, 31, 33])
    func length(count: Int) throws {
        #expect(RunToken(bytes: [UInt8](repeating: 1, count: count)) == nil)
        let token = try #require(RunToken(bytes: [UInt8](repeating: 1, count: RunToken.byteCount)))
        #expect(token.bytes == [UInt8](repeating: 1, count: 32))
    }

    @Test("Tokens are equal when all bytes are")
    func equality() {
        let bytes = (0..<32).map { UInt8($0) }
        #expect(RunToken(bytes: bytes) == RunToken(bytes: bytes))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            #expect(RunToken(bytes: changed) != RunToken(bytes: bytes), "byte \(index)")
        }
    }

    @Test("Fresh tokens differ and have 32 bytes")
    func freshTokens() {
        let first = RunToken()
        #expect(first.bytes.count == RunToken.byteCount)
        #expect(first != RunToken())
    }

    @Test("A printed token does not show its bytes")
    func tokenIsRedacted() throws {
        let token = try #require(RunToken(bytes: [UInt8](repeating: 201, count: 32)))
        #expect("\(token)" == "RunToken(redacted)")
        #expect(!String(reflecting: token).contains("201"))
        #expect(!"\([token])".contains("201"))
    }

    @Test("Secure random bytes come in the number asked for and differ from draw to draw")
    func secureBytes() {
        #expect(secureRandomBytes(count: 0).isEmpty)
        #expect(secureRandomBytes(count: 1).count == 1)
        #expect(secureRandomBytes(count: 32) != secureRandomBytes(count: 32))
    }
}
