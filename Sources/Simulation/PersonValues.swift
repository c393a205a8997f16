import Record
import Scenario

/// What single persons of one seed got, from the folders that the clients keep.
struct PersonValues {
    private struct Lists {
        var persons: [String] = []
        var values: [Double] = []
    }

    private var lists: [FigureKey: Lists] = [:]

    /// Reads the folder of a seed. The clients of one entry are taken together, in their order; what is not there, as in
    /// a record without client folders, is left out.
    init(_ folder: String, _ scenario: ScenarioDefinition) {
        for client in scenario.clients {
            let path = "\(folder)/clients/\(client.id)/\(PersonFigures.fileName)"
            for figure in (try? RecordFile.readLines(PersonFigures.self, from: path)) ?? [] {
                let key = FigureKey(figure, client: client.group.id)
                lists[key, default: Lists()].persons.append(figure.persons)
                lists[key, default: Lists()].values += figure.values
            }
        }
    }

    /// The values behind a figure, with digests of whose they are; `nil` where not all are there.
    func values(of figure: EvaluationRecord) -> (persons: [String], values: [Double])? {
        guard let list = lists[FigureKey(figure)], list.values.count == figure.users else { return nil }
        return (list.persons, list.values)
    }
}
