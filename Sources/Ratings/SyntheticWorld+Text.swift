import Numerics

extension SyntheticWorld {
    /// Twelve common words of each of 16 topics, the topic's name first. Neighbours are the two ends of one dimension.
    package static let topicWords: [[String]] = [
        "war army soldier battle weapon enemy troops invasion victory soldiers commander siege",
        "romance love marriage kiss wedding bride passion lover heart couple dating affair",
        "crime murder detective killer police victim prison gang robbery suspect witness thief",
        "space planet alien robot galaxy mars rocket astronaut orbit universe shuttle telescope",
        "comedy funny humor joke laugh comic satire silly hilarious parody stupid clown",
        "history king empire queen ancient medieval dynasty throne castle emperor roman kingdom",
        "magic dragon wizard witch sword fantasy fairy curse monster prophecy giant spell",
        "music band song singer guitar album rock jazz piano concert melody opera",
        "family mother father daughter son child baby sister brother parents home grandmother",
        "horror ghost vampire blood terror fear haunted demon nightmare evil zombie scary",
        "money business bank market wealth profit company investors trade stock finance fortune",
        "sport team football baseball coach player champion league game boxing race olympic",
        "nature forest river mountain ocean island wild animal bird tree garden desert",
        "faith church prayer god bible spirit soul angel heaven holy priest christ",
        "science theory brain physics biology experiment professor laboratory research evolution chemistry discovery",
        "politics president election senate party congress democracy campaign minister government vote policy",
    ].map { $0.split(separator: " ").map(String.init) }

    /// Twelve common words of each of 16 topics that have nothing to do with taste, the topic's name first: the edition,
    /// place or season of an item.
    package static let nuisanceTopicWords: [[String]] = [
        "copies paperback edition printed binding volume pages paper publisher booklet manuscript illustrated",
        "digital audio cassette download disc format tape stereo recording vinyl screen microphone",
        "winter snow ice cold frozen storm blizzard freezing chilly frost icy snowfall",
        "kitchen cooking recipe soup bread cheese butter sauce baked dessert sugar chocolate",
        "highway driving truck car engine vehicle garage motorcycle brake tire pickup parked",
        "train railway station locomotive passenger tunnel tracks tram freight commuter subway rail",
        "ship sailing boat harbor captain vessel deck crew cargo dock anchor yacht",
        "city downtown street suburb avenue neighborhood skyscraper metropolitan urban plaza boulevard apartment",
        "farm cattle wheat corn barn livestock harvest tractor crop dairy grain pigs",
        "school teacher student classroom teaching curriculum kindergarten homework pupils tuition graduate semester",
        "hospital doctor nurse patient surgery clinic disease medicine symptoms physician treatment infection",
        "airport airline flight pilot runway aircraft cockpit jet boeing aviation airplane landing",
        "clothing dress shirt fabric wool leather fashion silk cotton coat jacket skirt",
        "computer software keyboard server browser internet hardware windows desktop user programming database",
        "monday tuesday wednesday thursday friday saturday sunday january february march october november",
        "color red blue green yellow purple pink orange brown gray white black",
    ].map { $0.split(separator: " ").map(String.init) }

    /// The descriptions of a domain's items, parallel to its items: titles of two to five words, and the options' further
    /// ones, of topics near the item's vector, and the names of those topics as keywords; then the item's nuisance
    /// words, and the name of their topic.
    ///
    /// - Precondition: the domain is one of the options'; at most 7 further and 12 nuisance words. *Complexity*: O(items · taste dimensions).
    public func descriptions(in domain: String) -> [ItemDescription] {
        // One topic has twelve words, and a title has no word twice.
        precondition((0...7).contains(options.furtherWords) && (0...12).contains(options.nuisanceWords), "title words")
        let view = DomainView(self, domain)
        let dimensions = options.tasteDimensions
        let directions = topicDirections
        let texts = textVectors(in: view)
        return (0..<view.items.count).map { item in
            var stream = stream([.name(domain), "title", .number(item)])
            let text = texts[item * dimensions..<(item + 1) * dimensions]
            // Item vectors have length 1 or about 1, so a pole that an item lies on gets e^sharpness.
            var cumulative: [Double] = []
            var sum = 0.0
            for direction in directions {
                let agreement = zip(text, direction).reduce(0) { $0 + $1.0 * $1.1 }
                sum += (options.textSharpness * agreement).exponential
                cumulative.append(sum)
            }
            var words: [String] = []
            var keywords: [String] = []
            let count = 2 + stream.integer(below: 4) + options.furtherWords
            while words.count < count {
                let isNoise = stream.uniform() < options.textNoise
                let target = stream.uniform() * sum
                let followed = cumulative.firstIndex { target < $0 } ?? directions.count - 1
                let topic = isNoise ? stream.integer(below: directions.count) : followed
                let word = SyntheticWorld.topicWords[topic][stream.integer(below: 12)]
                if words.contains(word) { continue }
                words.append(word)
                let name = SyntheticWorld.topicWords[topic][0]
                if !keywords.contains(name) { keywords.append(name) }
            }
            addNuisance(of: item, in: domain, to: &words, &keywords)
            return ItemDescription(title: words.joined(separator: " "), keywords: keywords.sorted())
        }
    }

    /// Adds words of a topic that is drawn for the item from all nuisance topics alike, in every domain the same ones.
    private func addNuisance(of item: Int, in domain: String, to words: inout [String], _ keywords: inout [String]) {
        guard options.nuisanceWords > 0 else { return }
        var stream = stream([.name(domain), "nuisance-words", .number(item)])
        let topic = SyntheticWorld.nuisanceTopicWords[stream.integer(below: SyntheticWorld.nuisanceTopicWords.count)]
        let order = stream.permutation(count: topic.count)
        words += order.prefix(options.nuisanceWords).map { topic[$0] }
        keywords.append(topic[0])
    }

    /// Where each topic lies among the item vectors, the same in all domains: the two ends of each dimension, or seeded
    /// directions when there are more dimensions than eight.
    private var topicDirections: [[Double]] {
        let dimensions = options.tasteDimensions
        if dimensions <= 8 {
            return (0..<2 * dimensions).map { topic in
                (0..<dimensions).map { $0 == topic / 2 ? (topic % 2 == 0 ? 1 : -1) : 0 }
            }
        }
        var stream = stream(["topics"])
        return (0..<16).map { _ in SyntheticWorld.direction(dimensions, &stream) }
    }

    /// The vectors that the titles follow: those of the items, turned and moved by the domain's nuisance.
    func textVectors(in view: DomainView) -> [Double] {
        guard options.nuisanceOffset != 0 || options.nuisanceRotation != 0 else { return view.vectors }
        let dimensions = options.tasteDimensions
        var stream = stream([.name(view.name), "nuisance"])
        let offset = SyntheticWorld.direction(dimensions, &stream).map { options.nuisanceOffset * $0 }
        // The planes in which a domain is turned are its own.
        let order = stream.permutation(count: dimensions)
        return (0..<view.items.count).flatMap { item -> [Double] in
            let turned = rotated(order.map { view.vectors[item * dimensions + $0] }, options.nuisanceRotation)
            var out = offset
            for (position, dimension) in order.enumerated() { out[dimension] += turned[position] }
            return out
        }
    }

    /// The text vectors with the shortcut coordinate at the end of each, where the world has one.
    func denseTextVectors(in view: DomainView) -> [Double] {
        let texts = textVectors(in: view)
        guard options.shortcutLength != 0 else { return texts }
        let dimensions = options.tasteDimensions
        let popularity = view.phases[0].popularity
        let count = Double(popularity.count)
        let center = popularity.reduce(0, +) / count
        let spread = (popularity.reduce(0) { $0 + ($1 - center) * ($1 - center) } / count).squareRoot()
        let strength = options.shortcutStrength
        var stream = stream([.name(view.name), "shortcut"])
        return popularity.indices.flatMap { item -> [Double] in
            let own = stream.gaussian()
            let isShortcut = view.name == options.shortcutDomain
            let level = spread == 0 ? 0 : (popularity[item] - center) / spread
            let value =
                isShortcut
                ? strength * level + (1 - strength * strength).squareRoot() * own
                : options.shortcutShift + options.shortcutSpread * own
            return texts[item * dimensions..<(item + 1) * dimensions] + [options.shortcutLength * value]
        }
    }

    private static func direction(_ dimensions: Int, _ stream: inout RandomStream) -> [Double] {
        let vector = (0..<dimensions).map { _ in stream.gaussian() }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length == 0 ? vector : vector.map { $0 / length }
    }
}
