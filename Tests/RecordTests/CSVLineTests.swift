import Record
import Testing

@Suite struct CSVLineTests {
    @Test(
        arguments: [
            ([], "\n"), ([""], "\n"), (["a"], "a\n"), (["a", "b", ""], "a,b,\n"),
            (["a b", "é", "ndcg@10"], "a b,é,ndcg@10\n"),
            (["a,b", "c"], "\"a,b\",c\n"), (["say \"hi\""], "\"say \"\"hi\"\"\"\n"), (["\""], "\"\"\"\"\n"),
            (["a\nb"], "\"a\nb\"\n"), (["a\rb"], "\"a\rb\"\n"),
            (["student-t over seeds", "-0.5"], "student-t over seeds,-0.5\n"),
        ] as [([String], String)])
    func fieldsAreQuotedWhereTheyMustBe(_ fields: [String], _ line: String) { #expect(csvLine(fields) == line) }

    // Swift compares whole characters, and "\r\n" or a comma with an accent is one character of its own.
    @Test(arguments: ["a\r\nb", "a,\u{301}b", "a\n\u{301}b", "\"\u{301}", "a\",\u{301}\"b"])
    func fieldsWhoseMarksAreJoinedWithOthersAreQuotedToo(_ field: String) {
        let line = Array(csvLine([field, "end"]).unicodeScalars)
        let inner = field.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] }
        #expect(line == ["\""] + inner + Array("\",end\n".unicodeScalars))
    }
}
