/// What transfer by text asks of a run.
extension ScenarioDefinition {
    /// Models of text that the target's client trains in a round, one a processor of the machines that runs are planned
    /// for, so that a round takes no longer than one model, whatever the number of settings.
    public static let textModelsPerRound = 2

    /// The settings that validation persons choose from for the transfer by text, its twin and its control together.
    public var textSettingCount: Int {
        if isArticle { return 3 }
        let grids = ["regularization", "item-regularization", "feature-ratio"]
        let base = grids.reduce(words("transfer.text.lengths").count) { $0 * numbers("transfer.text.\($1)").count }
        // The twin has no source whose scale could be chosen.
        return base * (2 * numbers("transfer.text.source-scale").count + 1)
    }

    /// Rounds in which the target's client trains before the choices: its baselines, then its models of text.
    public var textRounds: Int { isByText ? ScenarioDefinition.textRounds(ofModels: textSettingCount) : 0 }

    /// The same after the choices, with the setting that was chosen for each of the three.
    public var refitTextRounds: Int { isByText ? ScenarioDefinition.textRounds(ofModels: 3) : 0 }

    private static func textRounds(ofModels count: Int) -> Int {
        1 + (count + textModelsPerRound - 1) / textModelsPerRound
    }
}
