import Numerics
import Ratings
import Testing

struct TextTokenizerTests {
    @Test(arguments: [
        ("Matrix, The (1999)", ["matrix", "the", "1999"]),
        ("Spider-Man 2", ["spider", "man", "2"]),
        ("Willy Wonka & Chocolate Factory [VHS]", ["willy", "wonka", "chocolate", "factory", "vhs"]),
        ("Willy Wonka &amp; Chocolate", ["willy", "wonka", "chocolate"]),
        ("Tom &amp;amp; Jerry", ["tom", "jerry"]),
        ("Schindler&#39;s List", ["schindler's", "list"]),
        ("Schindler&#x27;s List", ["schindler's", "list"]),
        ("Schindler\u{2019}s List", ["schindler's", "list"]),
        ("'Don't!' he said", ["don't", "he", "said"]),
        ("the wives' 'tale", ["the", "wives", "tale"]),
        ("Am&eacute;lie", ["amélie"]),
        ("Ame\u{301}lie", ["amélie"]),
        ("ÀÉÎ", ["àéî"]),
        ("AT&T; &unknown; &", ["at", "t", "unknown"]),
        ("&#xD800; &#99999999999; &#x110000;x", ["xd800", "99999999999", "x110000", "x"]),
        ("snake_case,comma.dot/slash", ["snake", "case", "comma", "dot", "slash"]),
        ("Война и мир", ["война", "и", "мир"]),
        ("七人の侍", ["七人の侍"]),
        ("…!?  ", []),
        ("", []),
    ])
    func aTextIsCutIntoItsWords(text: String, words: [String]) {
        #expect(Tokenizer.words(of: text) == words)
    }

    @Test func longRunsAreNoWordsAndLongTextsAreCut() {
        #expect(Tokenizer.words(of: "a " + String(repeating: "x", count: 101) + " b") == ["a", "b"])
        #expect(Tokenizer.words(of: String(repeating: "x", count: 100)).count == 1)
        #expect(Tokenizer.words(of: String(repeating: "a ", count: 1 << 17)).count == 1 << 15)
    }

    @Test func aDescriptionGivesItsTitleThenItsKeywords() {
        let description = ItemDescription(title: "Dial M", keywords: ["Film-Noir", "Alfred Hitchcock"])
        #expect(Tokenizer.words(of: description) == ["dial", "m", "film", "noir", "alfred", "hitchcock"])
    }

    @Test func everyFormThatIsLookedUpIsInTheVocabulary() throws {
        let titles = ["O'Brien's Café", "Don't", "Élise d'Été's", "Plain Words", "Łódź Straße", "'s n't"]
        let vocabulary = Tokenizer.vocabulary(of: titles.map { ItemDescription(title: $0) })
        #expect(vocabulary.isSuperset(of: ["o'brien's", "o'brien", "'s", "o", "brien", "café", "cafe", "do", "n't"]))
        #expect(vocabulary.isSuperset(of: ["élise", "elise", "d", "été", "ete", "plain", "words", "lodz", "strasse"]))
        // Each form alone must be found by every word that leads to it.
        for form in vocabulary {
            let known = WordVectors(words: [form], dimension: 1, values: [1])
            let found = titles.flatMap { Tokenizer.words(of: $0) }.flatMap { known.indices(of: $0) }
            #expect(!found.isEmpty, "\(form)")
        }
    }

    @Test func randomTextsGiveWordsThatAreTheirOwnOnlyWord() {
        var stream = RandomStream(root: 4, path: ["tokenizer"])
        let alphabet = Array("aZ9'’-&;#x amp é\u{301}İßﬁ中 .\u{0}\u{FFFD}🙂").flatMap(\.unicodeScalars)
        for trial in 0..<2_000 {
            var text = ""
            for _ in 0..<stream.integer(below: 40) {
                text.unicodeScalars.append(alphabet[stream.integer(below: alphabet.count)])
            }
            for word in Tokenizer.words(of: text) {
                #expect(Tokenizer.words(of: word) == [word], "root 4, trial \(trial): \(text.debugDescription)")
            }
        }
    }
}
