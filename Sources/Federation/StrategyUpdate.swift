/// What one client contributes to one round.
public struct ClientUpdate: Sendable, Equatable {
    /// The name of the client, unique in a round.
    public let client: String
    /// The number of its examples or persons.
    public let weight: Double
    /// New minus old parameters, flat.
    public let values: [Float]
    /// New minus old control variate, as long as `values`; for scaffold, and only there.
    public let controlDelta: [Float]?

    /// An update; `Aggregator.add` checks it.
    public init(client: String, weight: Double, values: [Float], controlDelta: [Float]? = nil) {
        self.client = client
        self.weight = weight
        self.values = values
        self.controlDelta = controlDelta
    }
}
