/// What transfer by text asks of a run.
extension ScenarioDefinition {
    /// Models of text that the target's client trains in a round, one a processor of the machines that runs are planned
    /// for, so that a round takes no longer than one model, whatever the number of settings.
    public static let textModelsPerRound = 2

    /// The settings that validation persons choose from for the transfer by text, its twin and its control together.
    public var textSettingCount: Int {
        if isArticle { return 3 }
        // Its rounds are those of the transfer.
        if isMeta { return 0 }
        let grids = ["regularization", "item-regularization", "feature-ratio"]
        let base = grids.reduce(words("transfer.text.lengths").count) { $0 * numbers("transfer.text.\($1)").count }
        // The twin has no source whose scale could be chosen.
        return base * (2 * numbers("transfer.text.source-scale").count + 1)
    }

    /// Rounds in which the target's client trains before the choices: its baselines, then its models of text.
    public var textRounds: Int { isByText ? ScenarioDefinition.textRounds(ofModels: textSettingCount) : 0 }

    /// The same after the choices, with the setting that was chosen for each of the three.
    public var refitTextRounds: Int { isByText ? ScenarioDefinition.textRounds(ofModels: min(3, textSettingCount)) : 0 }

    private static func textRounds(ofModels count: Int) -> Int {
        1 + (count + textModelsPerRound - 1) / textModelsPerRound
    }

    /// Whether sources send their vectors of public words: where texts link the domains and all of them have words.
    public var hasPublicWords: Bool {
        isByText && !isMeta
            && domains.allSatisfy {
                data(of: $0)?.isOfWords(worldVectors: text("world.item-vectors")) == true
                    && vectorObstacle(of: $0) == nil
            }
    }

    /// Of how many public words sources send their vectors.
    public var publicWordCount: Int { optionalInteger("transfer.text.public-words") ?? 1_000 }

    /// The ridge of a regression of public words, for vectors whose numbers have variance 1.
    public var anchorRidge: Double { optionalNumber("transfer.text.anchor-ridge") ?? 1 }

    /// Passes of a linear network over the public words.
    public var networkEpochs: Int { optionalInteger("transfer.text.network-epochs") ?? 100 }

    /// The angle in radians by which the word vectors of synthetic sources are turned.
    public var wordRotation: Double { optionalNumber("world.word-rotation") ?? 0 }
}
