import Numerics
import Ratings
import Testing

@Suite("Transfer through text")
struct TextTransferTests {
    init() { NumericsBackEnd.useOneThread() }

    @Test("Nuisance words come after the title that is there without them, and move nothing else")
    func nuisanceWords() {
        var options = SyntheticWorld.Options.plain(seed: 3)
        (options.personCount, options.itemCount) = (20, 60)
        let plain = SyntheticWorld(options)
        options.nuisanceWords = 3
        let world = SyntheticWorld(options)
        #expect(world.interactions(in: "books") == plain.interactions(in: "books"))
        var topics: Set<Int> = []
        for (with, without) in zip(world.descriptions(in: "books"), plain.descriptions(in: "books")) {
            #expect(with.title.hasPrefix(without.title + " "))
            let added = with.title.dropFirst(without.title.count).split(separator: " ").map(String.init)
            let topic = SyntheticWorld.nuisanceTopicWords.firstIndex { Set($0).isSuperset(of: added) }
            #expect(topic != nil && added.count == 3 && Set(added).count == 3)
            if let topic {
                topics.insert(topic)
                let name = SyntheticWorld.nuisanceTopicWords[topic][0]
                #expect(with.keywords == (without.keywords + [name]).sorted())
            }
        }
        #expect(topics.count > 10)
    }

    @Test("Nuisance words have vectors and are of no topic of taste")
    func nuisanceVocabulary() {
        let words = SyntheticWorld.nuisanceTopicWords.flatMap { $0 }
        #expect(SyntheticWorld.nuisanceTopicWords.allSatisfy { $0.count == 12 })
        #expect(Set(words).count == words.count)
        #expect(Set(words).isDisjoint(with: SyntheticWorld.topicWords.flatMap { $0 }))
        #expect(words.allSatisfy { WordVectors.embedded.index(of: $0) != nil })
    }

    @Test("Further words make titles longer by their number")
    func furtherWords() {
        var options = SyntheticWorld.Options.plain(seed: 3)
        options.itemCount = 60
        options.furtherWords = 7
        options.textSharpness = 50
        for description in SyntheticWorld(options).descriptions(in: "books") {
            let words = description.title.split(separator: " ")
            #expect((9...12).contains(words.count) && Set(words).count == words.count)
        }
    }

    @Test(
        "What movies tell of texts helps new readers with one known book by a tenth, and a wrong order of texts does not"
    )
    func transfer() throws {
        var (transfer, twin, shuffled, plain, neighbours, popularity) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for seed in 11...15 {
            let experiment = TextTransferExperiment(TextTransferExperiment.world(seed: seed))
            transfer += try #require(try experiment.transfer(isShuffled: false)).cold
            shuffled += try #require(try experiment.transfer(isShuffled: true)).cold
            twin += try #require(try experiment.twin()).cold
            plain += try #require(try experiment.plain()).cold
            neighbours += try experiment.textNeighbours()
            popularity += try experiment.popularity()
        }
        #expect(transfer >= 1.1 * twin, "\(transfer / 5) and \(twin / 5)")
        #expect(transfer >= 1.1 * max(plain, neighbours, popularity))
        #expect(shuffled < 1.05 * twin, "\(shuffled / 5) and \(twin / 5)")
    }
}
