/// What options of protection need that most scenarios leave out.
extension ScenarioDecoder {
    /// Whether noise protects what persons' devices release.
    var isNoised: Bool {
        text("privacy.mode") != "none"
            && ["privacy.epsilon", "privacy.noise-multiplier"].contains { number($0) != nil }
    }

    /// How persons are sampled, clipped and capped.
    mutating func checkProtection() {
        guard text("privacy.mode") != "none" else {
            if text("privacy.unit") == "rating" {
                report("privacy.unit", "nothing is protected in mode none; set privacy.mode, such as silo")
            }
            for path in [
                "privacy.sampling", "privacy.clipping", "privacy.ratings-per-person", "privacy.gate",
                "privacy.rating-means", "privacy.item-factors",
            ] where values[path] != nil {
                report(path, "nothing is protected in mode none; set privacy.mode, such as silo")
            }
            return
        }
        checkSampling()
        checkClipping()
        checkUnit()
        checkChoices()
        checkMeans()
        checkItemFactors()
    }

    /// Where gradients of item factors can have noise.
    private mutating func checkItemFactors() {
        guard text("privacy.item-factors") == "protected" else {
            for path in ["privacy.factor-bound", "privacy.factor-persons"] {
                guard let value = number(path) ?? integer(path).map(Double.init), value != 1 else { continue }
                report(path, "only privacy.item-factors: protected has it")
            }
            return
        }
        let mode = text("privacy.mode") ?? ""
        if !["silo", "distributed"].contains(mode) {
            report(
                "privacy.item-factors",
                "\(mode) adds noise elsewhere than in the clients of a domain; protected needs mode silo or distributed"
            )
        }
        let shared = clientGroups.filter(\.isShared)
        if shared.isEmpty || text("federation.strategy") != "gradient" {
            report(
                "privacy.item-factors",
                "only a gradient is a sum of what each person adds, to be clipped one by one; protected needs federation.strategy: gradient and a domain that several clients share (count)"
            )
        }
        if mode == "distributed", let group = shared.first(where: { $0.count < 3 }) {
            report(
                "privacy.item-factors",
                "of the \(group.count) clients of \(group.domain) each knows nearly all of the noise; distributed needs at least 3"
            )
        }
        if values["privacy.factor-persons"] == nil {
            report("privacy.factor-persons", "this key is required for item-factors: protected, such as 1000")
        }
        if text("privacy.unit") == "rating" {
            report(
                "privacy.unit",
                "one rating moves a gradient of all item factors as far as its person does; leave item-factors unprotected"
            )
        }
    }

    /// What a sample of a fixed size needs.
    private mutating func checkSampling() {
        guard text("privacy.sampling") == "fixed-size" else { return }
        if text("transfer.method") != "meta" {
            report("privacy.sampling", "only meta samples persons, in each of its rounds; set transfer.method: meta")
        }
        if text("privacy.neighbouring") != "replace-one" {
            report(
                "privacy.sampling",
                "a sample of a fixed size is drawn from a number of persons that is public, so that nobody can be added or removed; fixed-size needs privacy.neighbouring: replace-one"
            )
        }
        if text("privacy.mode") == "local" {
            report(
                "privacy.sampling",
                "each device adds noise of its own, so that the noise shows who is in the sample; fixed-size needs another mode than local"
            )
        }
        let persons = clientGroups.filter(\.isPersons).reduce(0) { $0 + $1.count }
        if persons > 1 {
            report(
                "privacy.sampling",
                "the sample is drawn by one client from all persons; of \(persons) persons clients each knows its own: use poisson"
            )
        }
    }

    /// What a bound that follows the norms needs.
    private mutating func checkClipping() {
        guard text("privacy.clipping") == "adaptive" else {
            for name in ["quantile", "rate", "noise"] where number("privacy.clipping-\(name)") != nil {
                report("privacy.clipping-\(name)", "only privacy.clipping: adaptive has it")
            }
            return
        }
        if text("transfer.method") != "meta" {
            report(
                "privacy.clipping",
                "a bound follows the norms from round to round, and only meta has several; set transfer.method: meta")
        }
        // The noise multiplier is not known here where ε is asked for; then the plan refuses.
        if let multiplier = number("privacy.noise-multiplier"), let noise = number("privacy.clipping-noise"),
            2 * noise <= multiplier * (text("privacy.neighbouring") == "replace-one" ? 2 : 1)
        {
            report(
                "privacy.clipping-noise",
                "\(noise) would cost more than the noise multiplier \(multiplier) allows for bits and gradients together; give more"
            )
        }
    }

    /// Where choices can be made of noised sums.
    private mutating func checkChoices() {
        guard text("privacy.gate") == "protected" else {
            for path in ["privacy.selection-bound", "privacy.gate-bound"] where number(path) != nil {
                report(path, "only privacy.gate: protected has it")
            }
            return
        }
        if text("privacy.mode") == "local" {
            report(
                "privacy.gate",
                "the noise of each validation person's device would bury the sums; protected needs mode silo, central or distributed"
            )
        }
        if number("evaluation.cold-items") != 0, text("evaluation.split") != "seeded" {
            report(
                "privacy.gate",
                "by time, which items are cold hangs on everybody's data, which no noise hides; protected needs evaluation.cold-items: 0 or split: seeded"
            )
        }
        let rating = ["global-mean", "item-mean", "user-mean", "bias-carry", "explicit-als", "biased-mf"]
        if values["evaluation.rating-scale"] == nil,
            let method = names("evaluation.baselines").first(where: rating.contains)
        {
            report(
                "evaluation.rating-scale",
                "the scale of everybody's ratings would be a statistic without noise: with privacy.gate: protected and \(method), give the scale, such as [1, 5]"
            )
        }
    }

    /// Where the mean ratings of items can be made of noised sums.
    private mutating func checkMeans() {
        guard text("privacy.rating-means") == "protected" else {
            if number("privacy.means-bound") != nil {
                report("privacy.means-bound", "only privacy.rating-means: protected has it")
            }
            return
        }
        if text("privacy.mode") == "local" {
            report(
                "privacy.rating-means",
                "a service knows its customers' ratings, and no device of theirs sends any; protected needs mode silo, central or distributed"
            )
        }
        let withMeans = ["global-mean", "item-mean", "user-mean", "bias-carry"]
        if !names("evaluation.baselines").contains(where: withMeans.contains) {
            report(
                "privacy.rating-means",
                "no baseline has means of ratings; name one in evaluation.baselines, such as bias-carry")
        }
        if values["evaluation.rating-scale"] == nil {
            report(
                "privacy.rating-means",
                "the scale of everybody's ratings would be a statistic without noise; give evaluation.rating-scale, such as [1, 5]"
            )
        }
    }

    /// Where hiding one rating alone is sound.
    private mutating func checkUnit() {
        guard text("privacy.unit") == "rating" else {
            if let blocks = integer("privacy.rating-blocks"), blocks > 1 {
                report("privacy.rating-blocks", "only privacy.unit: rating deals a person's ratings into blocks")
            }
            return
        }
        if integer("privacy.rating-blocks") == nil {
            report("privacy.rating-blocks", "this key is required for unit: rating, such as rating-blocks: 4")
        }
        if text("transfer.method") != "feature-map" {
            report(
                "privacy.unit",
                "one source rating enters all of a person's gradients, which it moves as far as the person does; rating needs transfer.method: feature-map"
            )
        }
        if text("privacy.mode") == "local" || text("privacy.release") == "vectors" {
            report(
                "privacy.unit",
                "which devices send anything can hang on a single rating, and each sends noise of its own; rating needs mode silo, central or distributed"
            )
        }
        if text("privacy.neighbouring") != "add-remove" {
            report(
                "privacy.unit",
                "to replace a rating is to remove one and add one; rating needs privacy.neighbouring: add-remove, whose ε also covers another value of the same rating"
            )
        }
        if values["privacy.ratings-per-person"] != nil {
            report(
                "privacy.ratings-per-person",
                "with a cap one rating can take the place of another, so that two would change; leave it out with unit: rating"
            )
        }
    }
}
