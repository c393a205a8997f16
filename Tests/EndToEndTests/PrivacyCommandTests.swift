import Foundation
import Testing

/// `ferry privacy` as a user types it.
@Suite
struct PrivacyCommandTests {
    /// What `--json` prints.
    private struct Answer: Decodable {
        var epsilon: Double?
        var noiseMultiplier: Double?
        var accountant: String
        var order: Double?
        var mechanism: String
        var neighbouring: String
        var delta: Double
        var samplingRate: Double
        var rounds: Int
        var rdpEpsilon: Double?

        enum CodingKeys: String, CodingKey {
            case epsilon, accountant, order, mechanism, neighbouring, delta, rounds
            case noiseMultiplier = "noise-multiplier"
            case samplingRate = "sampling-rate"
            case rdpEpsilon = "rdp-epsilon"
        }
    }

    private func ferry(_ words: String) throws -> FerryProcess.Output {
        try FerryProcess.run(["privacy"] + words.split(separator: " ").map(String.init))
    }

    private func json(_ words: String) throws -> Answer {
        let output = try ferry(words + " --json")
        #expect(output.exitCode == 0, "\(words): \(output.standardError)")
        return try JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8))
    }

    @Test(
        "epsilon prints the reference value, by every accountant",
        arguments: [
            ("--noise-multiplier 1 --sampling-rate 0.01 --rounds 10000 --delta 1e-5", 6.187744975808358, "pld"),
            (
                "--noise-multiplier 1 --sampling-rate 0.01 --rounds 500 --delta 1e-5 --accountant rdp",
                1.65287621542, "rdp"
            ),
            ("--noise-multiplier 20 --rounds 1000 --delta 1e-6 --accountant exact", 8.30622504995, "exact"),
            (
                "--noise-multiplier 1 --sampling fixed-size --population 1000 --sample 10 --rounds 100 --delta 1e-5"
                    + " --neighbouring replace-one", 1.48252566911, "rdp"
            ),
            ("--noise-multiplier 0.5 --mechanism laplace --rounds 10 --delta 1e-5", 19.989962317, "pld"),
            ("--noise-multiplier 10 --mechanism discrete-gaussian --rounds 10 --delta 1e-5", 1.19931742231, "pld"),
            ("--noise-multiplier 5 --mechanism skellam --delta 1e-5", 0.6852603602, "pld"),
        ])
    func epsilon(words: String, expected: Double, accountant: String) throws {
        let answer = try json("epsilon " + words)
        let found = try #require(answer.epsilon)
        #expect(abs(found - expected) <= 1e-3 + 1e-3 * expected)
        #expect(answer.accountant == accountant)
        #expect((answer.order != nil) == (accountant == "rdp"))
        #expect(answer.delta == (words.contains("1e-6") ? 1e-6 : 1e-5))
        #expect(try #require(answer.rdpEpsilon) >= found - 1e-3)
    }

    @Test("the text names ε, the relation, the accountant and the cross-check in one line")
    func text() throws {
        let output = try ferry("epsilon --noise-multiplier 1 --sampling-rate 0.01 --rounds 1000 --delta 1e-5")
        #expect(
            output.standardOutput
                == "ε = 1.8283 at δ = 1e-05 against adding or removing one person (add-remove), by pld; "
                + "cross-check by rdp at order 7.8: ε = 2.1014\n")
        let response = try ferry(
            "epsilon --mechanism randomized-response --keep-probability 1 --delta 1e-5 --neighbouring replace-one")
        #expect(response.standardOutput.hasPrefix("no finite ε at δ = 1e-05 against replacing one person"))
        let none = try json("epsilon --mechanism randomized-response --keep-probability 1 --delta 1e-5")
        #expect(none.epsilon == nil && none.neighbouring == "replace-one")
    }

    @Test(
        "calibrate prints the least noise, which costs no more than was asked for",
        arguments: [
            ("--epsilon 8 --sampling-rate 0.1 --rounds 200 --delta 1e-5", 1.12973688),
            ("--epsilon 8 --sampling-rate 0.1 --rounds 200 --delta 1e-5 --accountant rdp", 1.19584589),
            ("--epsilon 0.1 --delta 1e-6 --accountant exact", 36.3046904262),
        ])
    func calibrate(words: String, expected: Double) throws {
        let answer = try json("calibrate " + words)
        let noise = try #require(answer.noiseMultiplier)
        #expect(abs(noise - expected) <= 1e-4 * expected)
        let target = try #require(Double(words.split(separator: " ")[1]))
        #expect(try #require(answer.epsilon) <= target)
        let rest = words.split(separator: " ").dropFirst(2).joined(separator: " ")
        let check = try json("epsilon --noise-multiplier \(noise) \(rest)")
        #expect(check.epsilon == answer.epsilon)
    }

    @Test(
        "what makes no sense is refused with exit code 64 and a sentence that names the option",
        arguments: [
            ("epsilon --noise-multiplier 1 --delta 1", "--delta"),
            ("epsilon --noise-multiplier 1 --delta 0", "--delta"),
            ("epsilon --noise-multiplier 1 --delta=-0.1", "--delta"),
            ("epsilon --noise-multiplier 1 --delta nan", "--delta"), ("epsilon --noise-multiplier 1", "--delta"),
            ("epsilon --noise-multiplier 1 --delta x", "--delta"),
            ("epsilon --noise-multiplier 0 --delta 1e-5", "--noise-multiplier"),
            ("epsilon --noise-multiplier=-1 --delta 1e-5", "--noise-multiplier"),
            ("epsilon --noise-multiplier nan --delta 1e-5", "--noise-multiplier"),
            ("epsilon --noise-multiplier inf --delta 1e-5", "--noise-multiplier"),
            ("epsilon --noise-multiplier 1e999 --delta 1e-5", "--noise-multiplier"),
            ("epsilon --delta 1e-5", "--noise-multiplier"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sampling-rate 1.1", "--sampling-rate"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sampling-rate 0", "--sampling-rate"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sampling-rate nan", "--sampling-rate"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sampling poisson", "--sampling-rate"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sampling none --sampling-rate 0.5", "--sampling-rate"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --rounds 0", "--rounds"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --rounds=-3", "--rounds"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --rounds 1.5", "--rounds"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --rounds 1e30", "--rounds"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --neighbouring both", "--neighbouring"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --accountant moments", "--accountant"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --mechanism cauchy", "--mechanism"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sampling fixed-size", "--population"),
            (
                "epsilon --noise-multiplier 1 --delta 1e-5 --sampling fixed-size --population 10 --sample 11"
                    + " --neighbouring replace-one", "--sample"
            ),
            (
                "epsilon --noise-multiplier 1 --delta 1e-5 --sampling fixed-size --population 10 --sample 2",
                "--neighbouring replace-one"
            ),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sample 3", "--sample"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --dimension 3", "--dimension"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --sensitivity 3", "--sensitivity"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --mechanism skellam --dimension 0", "--dimension"),
            ("epsilon --noise-multiplier 1 --delta 1e-5 --mechanism skellam --sensitivity 0", "--sensitivity"),
            ("epsilon --mechanism randomized-response --delta 1e-5", "--keep-probability"),
            (
                "epsilon --mechanism randomized-response --keep-probability 0.3 --delta 1e-5", "--keep-probability"
            ),
            (
                "epsilon --noise-multiplier 1 --delta 1e-5 --sampling-rate 0.1 --accountant exact",
                "the exact accountant has no bound for Poisson-sampled Gaussian noise"
            ),
            (
                "epsilon --noise-multiplier 1 --delta 1e-5 --sampling-rate 0.1 --accountant rdp --neighbouring"
                    + " replace-one", "the rdp accountant has no bound"
            ),
            ("calibrate --delta 1e-5", "--epsilon"), ("calibrate --epsilon 0 --delta 1e-5", "--epsilon"),
            ("calibrate --epsilon nan --delta 1e-5", "--epsilon"),
            ("calibrate --epsilon inf --delta 1e-5", "--epsilon"),
            ("calibrate --epsilon 1 --delta 1e-5 --mechanism randomized-response", "--mechanism"),
        ])
    func refusals(words: String, named: String) throws {
        let output = try ferry(words)
        #expect(output.exitCode == 64, "\(words)")
        #expect(output.standardOutput.isEmpty)
        #expect(
            output.standardError.split(separator: "\n").first?.contains(named) == true,
            "\(words): \(output.standardError)")
    }

    @Test("the help explains the noise multiplier and gives an example", arguments: ["", "epsilon", "calibrate"])
    func help(command: String) throws {
        let output = try ferry(command + " --help")
        #expect(output.exitCode == 0)
        #expect(output.standardOutput.contains(command.isEmpty ? "noise multiplier is" : "Example: ferry privacy"))
    }
}
