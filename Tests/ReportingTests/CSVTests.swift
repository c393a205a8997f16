import Reporting
import Testing

@Suite struct CSVTests {
    @Test(
        "a text that a spreadsheet would run gets an apostrophe before it",
        arguments: ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "\u{FEFF}=1"])
    func formulas(_ text: String) {
        #expect(CSV.guarded(text) == "'" + text)
        let expected = text.contains("\r") || text.contains("\n") ? "h\n\"'\(text)\"\n" : "h\n'\(text)\n"
        #expect(CSV.text(head: ["h"], rows: [[.text(text)]]) == expected)
    }

    @Test("other texts and all numbers stay as they are")
    func plain() {
        #expect(CSV.guarded("a=1") == "a=1" && CSV.guarded("") == "" && CSV.guarded("0") == "0")
        #expect(
            CSV.text(head: ["a", "b", "c", "d"], rows: [[.number(-0.5), .integer(-3), .empty, .number(.nan)]])
                == "a,b,c,d\n-0.5,-3,,\n")
    }

    @Test("commas, quotes and line ends are quoted")
    func quoting() {
        #expect(
            CSV.text(head: ["x"], rows: [[.text("a,b")], [.text("say \"a\"")], [.text("a\r\nb")]])
                == "x\n\"a,b\"\n\"say \"\"a\"\"\"\n\"a\r\nb\"\n")
    }
}
