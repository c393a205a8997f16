import Cryptography
import Testing

@Suite("Digest")
struct DigestTests {
    @Test(
        "SHA-256 gives the digests published with FIPS 180-4",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func sha256KnownAnswers(message: String, digest: String) {
        #expect(sha256(Array(message.utf8)).description == digest)
    }

    @Test("A field hash is SHA-256 over length-prefixed fields, the purpose first")
    func fieldHashKnownAnswers() {
        // Computed with Python's hashlib over struct.pack("<Q", length) + field.
        var hasher = FieldHasher(purpose: "ferry.test")
        #expect(hasher.finalize().description == "67811d7beaf76e41e85e37df1d79b956602ff783e1b64f0cbf0ac5e44cf4fde0")
        hasher.update("films")
        hasher.update(7)
        hasher.update([UInt8](arrayLiteral: 1, 2, 3))
        #expect(hasher.finalize().description == "6ffc4451babfabff0d12adfebf7a60d48ca1dc0110f0a9f8a0248e10b4c58062")
    }

    @Test("Field lists with the same concatenation have different digests")
    func fieldBoundaries() {
        func digest(_ purpose: String, _ fields: [String]) -> Digest {
            var hasher = FieldHasher(purpose: purpose)
            for field in fields { hasher.update(field) }
            return hasher.finalize()
        }
        let lists = [["abc"], ["ab", "c"], ["a", "bc"], ["", "abc"], ["abc", ""], []]
        var digests = Set(lists.map { digest("one", $0) })
        #expect(digests.count == lists.count)
        digests.formUnion(lists.map { digest("two", $0) })
        #expect(digests.count == 2 * lists.count)
    }

    @Test("Finishing a field hash does not end it")
    func finalizeIsRepeatable() {
        var hasher = FieldHasher(purpose: "ferry.test")
        hasher.update("a")
        let first = hasher.finalize()
        #expect(hasher.finalize() == first)
        hasher.update("b")
        #expect(hasher.finalize() != first)
    }

    @Test("Hexadecimal text and bytes are inverse to each other")
    func hexadecimalRoundTrip() {
        let all = (0...255).map { UInt8($0) }
        #expect(bytes(hexadecimal: hexadecimal(all)) == all)
        #expect(bytes(hexadecimal: hexadecimal(all).uppercased()) == all)
        #expect(hexadecimal([0x00, 0x0f, 0xa0, 0xff]) == "000fa0ff")
        #expect(bytes(hexadecimal: "")?.isEmpty == true)
    }

    @Test("Text that is not hexadecimal has no bytes", arguments: ["0", "abc", "0g", "g0", " 0", "0x00", "é", "-1"])
    func notHexadecimal(text: String) {
        #expect(bytes(hexadecimal: text) == nil)
    }

    @Test("A digest has exactly 32 bytes", arguments: [0, 31, 33, 64])
    func digestLength(count: Int) throws {
        #expect(Digest(bytes: [UInt8](repeating: 7, count: count)) == nil)
        let digest = try #require(Digest(bytes: [UInt8](repeating: 7, count: Digest.byteCount)))
        #expect(digest.description == String(repeating: "07", count: 32))
    }
}
