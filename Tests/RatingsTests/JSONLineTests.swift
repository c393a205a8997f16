import Ratings
import Testing

/// JSON lines of Amazon and Yelp, through the reader of ratings.
@Suite struct JSONLineTests {
    private func review(_ user: String, _ more: String = "") -> String {
        "{\"reviewerID\": \"\(user)\", \"asin\": \"i\", \"overall\": 5\(more)}"
    }

    private func persons(_ lines: String...) throws -> [String] {
        try load(lines.joined(separator: "\n"), name: "r.json", format: .amazonReviews).interactions.persons
    }

    private func problem(_ line: String) throws -> String? {
        try failure(Array(line.utf8), name: "r.json", format: .amazonReviews)?.replacing(
            "r.json:1: expected ", with: "")
    }

    @Test func escapesInIdsAreResolved() throws {
        #expect(try persons(review("a\\\"b\\\\c\\/d")) == ["a\"b\\c/d"])
        #expect(try persons(review("\\u00e9\\u65E5\\uD83D\\uDE00")) == ["é日😀"])
        #expect(try persons(review("\\b\\f\\n\\r\\t")) == ["\u{8}\u{C}\n\r\t"])
        // The same id with and without escapes is one person.
        #expect(try persons(review("\\u0061b"), review("ab")) == ["ab"])
    }

    @Test(arguments: ["\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\u0041", "\\u12", "\\u12g4", "\\x", "\\"])
    func brokenEscapesAreRefused(_ id: String) throws { #expect(try problem(review(id)) != nil) }

    @Test func keysMayHaveEscapesToo() throws {
        let line = "{\"reviewer\\u0049D\": \"u\", \"a\\u0073in\": \"i\", \"overall\": 5}"
        #expect(try persons(line) == ["u"])
    }

    @Test func nestedValuesAreSteppedOver() throws {
        let nested =
            ", \"x\": {\"reviewerID\": \"no\", \"y\": [[], {}, \"}]\\\"\", -1.5e3, null]}, \"z\": [true, false]"
        #expect(try persons(review("u", nested)) == ["u"])
    }

    @Test func ofARepeatedKeyTheLastCounts() throws {
        #expect(try persons(review("first", ", \"reviewerID\": \"last\"")) == ["last"])
    }

    @Test func nestingHasALimit() throws {
        func nested(_ depth: Int) -> String {
            review("u", ", \"x\": " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
        }
        #expect(try persons(nested(512)) == ["u"])
        #expect(try problem(nested(513)) == "JSON at most 512 levels deep")
        let endless = "{\"x\": " + String(repeating: "{\"x\":[", count: 1_000_000)
        #expect(try problem(endless) == "JSON at most 512 levels deep")
    }

    @Test func pythonsNotationIsNamed() throws {
        let line = "{'reviewerID': 'A1', 'asin': 'B', 'overall': 5.0}\n"
        let expected = "r.json:1: expected JSON with double quotes, not the single quotes of a Python dictionary"
        #expect(try failure(Array(line.utf8), name: "r.json") == expected)
    }

    @Test(arguments: [
        "", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\": 1", "{\"a\": 1,", "{\"a\": 1,}", "{\"a\" 1}", "{\"a\": x}",
        "{\"a\": 1} x",
        "{\"a\": [}", "{\"a\": [1}", "{\"a\": \"x}", "{\"a\": \"\t\"}", "{a: 1}", "{\"a\": tru}", "{\"a\": 01x}", "nul",
    ])
    func whatIsNotAnObjectOnOneLineIsRefused(_ text: String) throws {
        let line = text.isEmpty ? " " : text
        #expect(try problem(line) != nil)
    }

    @Test func fieldsOfTheWrongKindAreRefused() throws {
        #expect(
            try problem("{\"reviewerID\": 5, \"asin\": \"i\", \"overall\": 5}")
                == "a string in the field reviewerID or user_id")
        #expect(
            try problem("{\"reviewerID\": \"u\", \"asin\": [], \"overall\": 5}")
                == "a string in the field parent_asin or asin")
        #expect(
            try problem("{\"reviewerID\": \"u\", \"asin\": \"i\", \"overall\": \"5\"}")
                == "a number in the field overall or rating")
        #expect(try problem("{\"reviewerID\": \"u\", \"asin\": \"i\"}") == "a number in the field overall or rating")
        #expect(
            try problem("{\"reviewerID\": null, \"asin\": \"i\", \"overall\": 5}")
                == "a string in the field reviewerID or user_id")
        #expect(try problem("{\"reviewerID\": \"\", \"asin\": \"i\", \"overall\": 5}") == "a non-empty person and item")
    }

    @Test func whereOneOfTheFirstLinesHasATimeEveryLineNeedsOne() throws {
        let timed = review("u", ", \"unixReviewTime\": 5")
        let found = try failure(Array("\(timed)\n\(review("v"))\n".utf8), name: "r.json")
        #expect(found == "r.json:2: expected a number in the field unixReviewTime or timestamp")
        let first = try failure(Array("\(review("u"))\n\(timed)\n".utf8), name: "r.json")
        #expect(first == "r.json:1: expected a number in the field unixReviewTime or timestamp")
    }

    @Test func aDateOfYelpHasToBeOne() throws {
        let line = "{\"user_id\":\"u\",\"business_id\":\"b\",\"stars\":3,\"date\":\"soon\"}\n"
        #expect(
            try failure(Array(line.utf8), name: "r.json") == "r.json:1: expected a number or date in the field time")
    }
}
