import Cryptography
import Testing

@Suite struct CurveKeysTests {
    @Test func `Fresh keys differ, and a pair is made again from its secret half`() throws {
        let pair = CurveKeyPair()
        #expect(pair.publicKey != CurveKeyPair().publicKey)
        let text = pair.secretKey.z85
        let secret = try #require(CurveSecretKey(z85: text))
        let again = try #require(CurveKeyPair(secret))
        #expect(again.publicKey == pair.publicKey)
        #expect(CurvePublicKey(z85: pair.publicKey.description) == pair.publicKey)
    }

    @Test func `A secret key does not print itself`() {
        let pair = CurveKeyPair()
        #expect("\(pair.secretKey)" == "CurveSecretKey(redacted)")
        #expect(!"\(pair)".contains(pair.secretKey.z85))
    }

    @Test func `Z85 has the text of its specification`() throws {
        // rfc.zeromq.org/spec/32: 86 4F D2 6F B5 59 F7 5B is HelloWorld.
        let block: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]
        let key = try #require(CurvePublicKey(bytes: block + block + block + block))
        #expect(key.description == "HelloWorldHelloWorldHelloWorldHelloWorld")
    }

    @Test(arguments: [
        "", "short", String(repeating: "0", count: 39), String(repeating: "0", count: 41),
        String(repeating: "~", count: 40), String(repeating: "#", count: 40), String(repeating: "é", count: 20),
    ])
    func `What is not 40 characters of Z85 within range is no key`(text: String) {
        #expect(CurvePublicKey(z85: text) == nil)
        #expect(CurveSecretKey(z85: text) == nil)
    }
}
