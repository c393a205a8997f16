/// Which two data sets a guarantee compares.
public enum NeighbouringRelation: String, Codable, Sendable, CaseIterable, CustomStringConvertible {
    /// One data set is the other with one person's data added or removed.
    case addRemove = "add-remove"
    /// One data set is the other with one person's data replaced; the number of persons is public.
    case replaceOne = "replace-one"

    /// The name of the relation, as in the command line.
    public var description: String { rawValue }
}
