/// What one method gave each person of a cohort: one line of `clients/<id>/persons.jsonl`, which stays with the client.
public struct PersonFigures: Codable, Sendable, Equatable {
    /// The name of the file in the client's folder.
    public static let fileName = "persons.jsonl"

    /// The method.
    public let method: String
    /// The cohort.
    public let cohort: String
    /// Known target interactions; `nil` for persons with all of their history.
    public let shots: Int?
    /// The metric, such as `ndcg@10`.
    public let metric: String
    /// A digest of the persons in their order: two lists are pairs only where it is the same.
    public let persons: String
    /// One value a person.
    public let values: [Double]

    /// Makes the values of a method.
    public init(method: String, cohort: String, shots: Int?, metric: String, persons: String, values: [Double]) {
        self.method = method
        self.cohort = cohort
        self.shots = shots
        self.metric = metric
        self.persons = persons
        self.values = values
    }
}
