public import Record

/// What is promised to persons as text, in the sentences of the page.
public enum PrivacyTable {
    /// The lines of a privacy section: each promise names against whom, per what unit and given what else is seen. All
    /// names of what is not protected are there.
    public static func text(_ privacy: PrivacyRecord?) -> String {
        guard let words = privacy.map(PrivacyWords.init) else { return "Privacy: no record, so no bound is stated.\n" }
        let phrases = words.promises + [words.open(limit: .max)].compactMap { $0 } + words.limits
        return "\(words.headline.plain)\n" + phrases.map { "  \($0.plain)\n" }.joined()
    }
}
