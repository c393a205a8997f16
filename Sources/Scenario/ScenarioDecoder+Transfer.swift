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

    /// What the release of one vector a person needs.
    mutating func checkRelease() {
        guard text("privacy.release") == "vectors" else {
            if values["privacy.slots"] != nil {
                report("privacy.slots", "only privacy.release: vectors has slots; a cross-moment is one sum")
            }
            return
        }
        let isNoised = ["privacy.epsilon", "privacy.noise-multiplier"].contains { number($0) != nil }
        if text("privacy.mode") != "local" || !isNoised {
            report(
                "privacy.release",
                "vectors of persons leave a device with noise of their own or not at all; set privacy.mode: local, neighbouring: replace-one and a privacy.epsilon"
            )
        }
        if text("transfer.method") != "feature-map" {
            report(
                "privacy.release", "vectors are pairs of features and coordinates; needs transfer.method feature-map")
        }
        if integer("privacy.slots") == nil {
            report("privacy.slots", "this key is required for release: vectors, such as slots: 1024")
        }
        if clientGroups.filter(\.isPersons).reduce(0, { $0 + $1.count }) > 1 {
            report(
                "privacy.release", "the slots of vectors belong to one persons client; several release cross-moments")
        }
    }

    /// What the transfer of ratings needs.
    mutating func checkRatings() {
        guard text("transfer.ratings") == "mapped-prior" else { return }
        if text("transfer.method") != "feature-map" || text("transfer.alignment") != "persons"
            || text("transfer.map") != "linear"
        {
            report(
                "transfer.ratings",
                "mapped-prior needs transfer.method feature-map with alignment persons and a linear map")
        }
        if !names("evaluation.baselines").contains("explicit-als") {
            report(
                "transfer.ratings",
                "mapped-prior draws the factors of explicit-als to those of the sources; name it in evaluation.baselines"
            )
        }
        if let index = clientGroups.firstIndex(where: \.isShared) {
            report(
                "clients[\(index)].count",
                "explicit factors are trained in one place: mapped-prior has one client a domain")
        }
        let given = ["privacy.epsilon", "privacy.noise-multiplier"].contains { number($0) != nil }
        if text("privacy.mode") != "none", given {
            report("transfer.ratings", "the bridge of ratings has no protection; mapped-prior needs privacy.mode none")
        }
    }
}
