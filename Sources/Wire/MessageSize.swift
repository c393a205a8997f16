import Cryptography
public import Parameters

/// How many bytes messages take with their envelopes, without making them.
public enum MessageSize {
    /// The bytes and ZeroMQ frames of a payload that is cut into pieces.
    static func framed(_ payload: Int) -> Int {
        let pieces = max(1, (payload + Envelope.pieceByteLimit - 1) / Envelope.pieceByteLimit)
        return payload + pieces * Envelope.byteCount
    }

    /// A client's first message.
    public static func join(_ join: Join) -> Int {
        var writer = FieldWriter()
        writer.text(join.clientID)
        writer.raw(join.token.bytes)
        writer.catalogues(join.catalogues)
        return framed(writer.bytes.count)
    }

    /// The coordinator's answer.
    public static func welcome(_ welcome: Welcome) -> Int {
        var writer = FieldWriter()
        writer.raw(welcome.schemaDigest.bytes)
        writer.catalogues(welcome.catalogues)
        return framed(writer.bytes.count)
    }

    /// A plan that carries tensors: their number, an index each, then the tensors.
    public static func plan(_ specs: [TensorSpec]) -> Int {
        framed(4 + 4 * specs.count + Safetensors.byteCount(specs))
    }

    /// An update of tensors.
    public static func update(_ specs: [TensorSpec]) -> Int { framed(Safetensors.byteCount(specs)) }

    /// A goodbye.
    public static var goodbye: Int { framed(0) }
}
