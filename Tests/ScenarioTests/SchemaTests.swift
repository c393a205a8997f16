import Foundation
import Scenario
import Testing

@Suite struct SchemaTests {
    private static let python = ProcessInfo.processInfo.environment["FERRY_PYTHON"]

    private func schema() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(ScenarioReference.jsonSchema.utf8))
        return try #require(object as? [String: Any])
    }

    /// The declaration of a path of the table.
    private func declaration(_ path: String, in schema: [String: Any]) throws -> [String: Any] {
        var place = schema
        for part in path.split(separator: ".") {
            let name = String(part).replacing("[]", with: "")
            let properties = try #require(place["properties"] as? [String: Any], "\(path)")
            place = try #require(properties[name] as? [String: Any], "\(path)")
            if part.hasSuffix("[]") { place = try #require(place["items"] as? [String: Any], "\(path)") }
        }
        return place
    }

    @Test func everyKeyIsInTheSchemaWithItsMeaningTypeAndDefault() throws {
        let schema = try schema()
        for key in ScenarioKey.all {
            let found = try declaration(key.path, in: schema)
            #expect(found["description"] as? String == key.meaning, "\(key.path)")
            #expect((found["default"] != nil) == !key.defaultText.isEmpty, "\(key.path)")
            switch key.kind {
            case .section, .grid:
                #expect(found["additionalProperties"] as? Bool == false, "\(key.path)")
                #expect(found["type"] as? String == "object", "\(key.path)")
            case .integer(let range):
                #expect(found["type"] as? String == "integer", "\(key.path)")
                #expect(found["minimum"] as? Int == range.lowerBound && found["maximum"] as? Int == range.upperBound)
                #expect(key.defaultText.isEmpty || found["default"] as? Int == Int(key.defaultText), "\(key.path)")
            case .choice(let words): #expect(found["enum"] as? [String] == words, "\(key.path)")
            case .words(let words):
                #expect((found["items"] as? [String: Any])?["enum"] as? [String] == words, "\(key.path)")
            case .numberOrNone(let range):
                let either = try #require(found["anyOf"] as? [[String: Any]], "\(key.path)")
                #expect(either[0]["minimum"] as? Double == range.lowerBound, "\(key.path)")
                #expect(either[0]["type"] as? String == "number" && either[1]["const"] as? String == "none")
            default: #expect(found["type"] != nil, "\(key.path)")
            }
        }
        #expect(schema["additionalProperties"] as? Bool == false)
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    }

    @Test func nothingButTheKeysIsInTheSchema() throws {
        func paths(_ place: [String: Any], _ path: String) -> [String] {
            (place["properties"] as? [String: Any] ?? [:]).flatMap { name, value -> [String] in
                let own = path.isEmpty ? name : "\(path).\(name)"
                guard let value = value as? [String: Any], own != "sweep" else { return [own] }
                return [own] + paths(value["items"] as? [String: Any] ?? [:], own + "[]") + paths(value, own)
            }
        }
        #expect(Set(paths(try schema(), "")) == Set(ScenarioKey.all.map(\.path)))
    }

    @Test func everyReferenceOfTheSweepLeadsToTheDeclarationOfItsKey() throws {
        let schema = try schema()
        let sweep = try declaration("sweep", in: schema)
        let properties = try #require(sweep["properties"] as? [String: Any])
        for (path, value) in properties {
            let items = try #require((value as? [String: Any])?["items"] as? [String: Any])
            let reference = try #require(items["$ref"] as? String)
            #expect(reference == "#/properties/" + path.replacing(".", with: "/properties/"))
            _ = try declaration(path, in: schema)
        }
        #expect(properties["name"] == nil && properties["seeds"] == nil && properties["model"] == nil)
        #expect(properties["model.factors"] != nil)
        #expect((sweep["patternProperties"] as? [String: Any])?.isEmpty == false)
    }

    /// A line a file: its name, then `valid` or `refused`.
    @Test(
        "bundled scenarios are valid in a reference validator, and wrong ones are not",
        .enabled(
            if: python.map { python in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: python)
                process.arguments = ["-c", "import jsonschema, yaml"]
                process.standardError = FileHandle.nullDevice
                guard (try? process.run()) != nil else { return false }
                process.waitUntilExit()
                return process.terminationStatus == 0
            } ?? false, "skipped: FERRY_PYTHON names no Python with the packages jsonschema and pyyaml"))
    func referenceValidator() throws {
        let script = """
            import json, sys, jsonschema, yaml
            schema = json.loads(sys.stdin.read())
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            def check(name, value): print(name, "refused" if list(validator.iter_errors(value)) else "valid")
            for path in sys.argv[1:]: check(path.split("/")[-1], yaml.safe_load(open(path)))
            base = yaml.safe_load(open(sys.argv[1]))
            good = {"model.factors": [16, 32], "clients.books.data.zeros": ["keep"], "evaluation.shots": [[0], [1]]}
            check("sweep", base | {"sweep": good})
            wrong = {"unknown": {"nope": 1}, "section": {"model": {"factor": 1}}, "range": {"model": {"factors": 0}},
                     "word": {"transport": {"kind": "udp"}}, "type": {"seeds": 1}, "twice": {"seeds": [1, 1]},
                     "path": {"sweep": {"model.factor": [1]}}, "value": {"sweep": {"model.factors": ["many"]}},
                     "time": {"federation": {"deadline": "1 day"}}, "client": {"clients": [{"id": "a"}]},
                     "list": {"sweep": {"model.factors": 1}}}
            for name, change in wrong.items(): check(name, base | change)
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(SchemaTests.python))
        process.arguments = ["-c", script] + BundledScenarioTests.files
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(ScenarioReference.jsonSchema.utf8))
        try input.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let expected =
            BundledScenarioTests.files.map { "\(URL(fileURLWithPath: $0).lastPathComponent) valid" } + ["sweep valid"]
            + ["unknown", "section", "range", "word", "type", "twice", "path", "value", "time", "client", "list"].map {
                "\($0) refused"
            }
        #expect(text.split(separator: "\n").map(String.init) == expected)
    }
}
