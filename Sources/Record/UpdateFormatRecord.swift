/// In which format updates of shared item factors crossed, and what that saves and costs.
public struct UpdateFormatRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case format, error
        case share = "top-share"
        case bytesUp = "bytes-up"
        case bytesUpInFloat32 = "bytes-up-float32"
    }

    /// The format.
    public let format: String
    /// The share of the values that a round sends; absent where all are sent.
    public let share: Double?
    /// Bytes of all updates of the run.
    public let bytesUp: Int
    /// What the same updates would have taken in float32.
    public let bytesUpInFloat32: Int
    /// The mean of the clients' `format-error`; absent where everything is sent.
    public let error: Double?

    /// Makes a record.
    public init(format: String, share: Double? = nil, bytesUp: Int, bytesUpInFloat32: Int, error: Double?) {
        self.format = format
        self.share = share
        self.bytesUp = bytesUp
        self.bytesUpInFloat32 = bytesUpInFloat32
        self.error = error
    }
}
