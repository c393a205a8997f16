/// What options of the transfer need that most scenarios leave out.
extension ScenarioDecoder {
    /// Only sources that a target puts side by side have weights.
    mutating func checkSimilarity() {
        guard number("transfer.text.similarity-temperature") != nil else { return }
        let sources = clientGroups.filter { !$0.isPersons && $0.domain != text("target") }
        if text("transfer.alignment") != "text" || text("transfer.method") != "feature-map" || sources.count < 2 {
            report(
                "transfer.text.similarity-temperature",
                "only several source domains of method feature-map with alignment text have weights by similarity")
        }
    }
}
