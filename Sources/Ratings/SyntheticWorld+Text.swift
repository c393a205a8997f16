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

    /// The descriptions of a domain's items, parallel to its items: titles of two to five words of topics near the
    /// item's vector, and the names of those topics as keywords.
    ///
    /// - Precondition: the domain is one of the options'. *Complexity*: O(items · taste dimensions).
    public func descriptions(in domain: String) -> [ItemDescription] {
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
            let count = 2 + stream.integer(below: 4)
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
            return ItemDescription(title: words.joined(separator: " "), keywords: keywords.sorted())
        }
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

    private static func direction(_ dimensions: Int, _ stream: inout RandomStream) -> [Double] {
        let vector = (0..<dimensions).map { _ in stream.gaussian() }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length == 0 ? vector : vector.map { $0 / length }
    }
}
