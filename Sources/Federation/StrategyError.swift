/// Why an update or a round was refused.
public enum StrategyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The round has no update.
    case emptyRound
    /// The round has fewer updates than the strategy needs.
    case tooFewClients(AggregationStrategy, minimum: Int, actual: Int)
    /// More clients than the sums were laid out for.
    case tooManyClients(client: String, limit: Int)
    /// A second update of one client in one round.
    case duplicateClient(String)
    /// The number of values, or of those of the control variate, is not that of the parameters.
    case elementCountMismatch(client: String, expected: Int, actual: Int)
    /// A value is NaN or infinite.
    case notFinite(client: String)
    /// A value is larger than the declared bound.
    case valueOutOfBound(client: String, bound: Float)
    /// A weight is not a positive number, is larger than the declared bound or less than the sums can hold.
    case weightOutOfRange(client: String, largest: Double)
    /// An update for scaffold without a control variate.
    case missingControlVariate(client: String)
    /// A control variate for a strategy that has none.
    case unexpectedControlVariate(client: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .emptyRound: "no client sent an update in this round"
        case .tooFewClients(let strategy, let minimum, let actual):
            "\(strategy.rawValue) needs \(minimum) updates a round and has \(actual); add clients, lower the number of "
                + "Byzantine clients or choose another strategy"
        case .tooManyClients(let client, let limit): "the update of \(client) is beyond the \(limit) clients of the run"
        case .duplicateClient(let client): "\(client) sent two updates in one round"
        case .elementCountMismatch(let client, let expected, let actual):
            "the update of \(client) has \(actual) values instead of \(expected)"
        case .notFinite(let client):
            "the update of \(client) is not finite; lower its learning rate or raise its regularisation"
        case .valueOutOfBound(let client, let bound): "the update of \(client) has a value above the bound \(bound)"
        case .weightOutOfRange(let client, let largest):
            "the weight of \(client) is not a positive number up to \(largest)"
        case .missingControlVariate(let client): "the update of \(client) lacks the control variate of scaffold"
        case .unexpectedControlVariate(let client):
            "the update of \(client) has a control variate, which only scaffold uses"
        }
    }
}
