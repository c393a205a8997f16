import Federation
import Parameters
import Privacy
import Scenario
import Testing

/// Means of ratings that are made of noised sums.
@Suite struct ProtectedMeansTests {
    private func federation(_ privacy: String...) throws -> Federation {
        try Federation(
            Scenarios.narrow(
                [
                    "privacy.mode=silo", "privacy.noise-multiplier=2", "privacy.rating-means=protected",
                    "evaluation.rating-scale=[1, 5]", "evaluation.baselines=[bias-carry]",
                ] + privacy))
    }

    private func protection(_ federation: Federation, _ domain: String) throws -> ReleaseProtection {
        let protections = try PrivacyPlan(federation.scenario, schema: federation.plan.schema).protections
        return try #require(protections[ReleaseName.model(domain, method: MethodName.ratingMeans)])
    }

    @Test("counts and sums take the place of means in both domains, each a release of the domain's client")
    func schema() throws {
        let federation = try federation()
        for domain in ["movies", "books"] {
            let release = ReleaseName.model(domain, method: MethodName.ratingMeans)
            let specs = federation.plan.schema.specs.filter { $0.release == release }
            #expect(specs.map(\.name) == [TensorName.ratingSums(domain)])
            #expect(federation.plan.uploads(.encoders, client: domain).contains { $0.release == release })
            #expect(federation.plan.isVisible(specs[0], to: "persons"))
            let protection = try protection(federation, domain)
            #expect(protection.policy == .silo && protection.clientCount == 1 && protection.sampling == .everyone)
            #expect(protection.grid.clippingBound == 5 && protection.grid.dimension == specs[0].elementCount)
        }
    }

    @Test("a person is charged the bound, one rating 2 or twice the bound, whichever is less")
    func units() throws {
        func sensitivity(_ privacy: String...) throws -> Double {
            let scenario = try Scenarios.narrow(
                [
                    "privacy.mode=central", "privacy.noise-multiplier=2", "privacy.rating-means=protected",
                    "evaluation.rating-scale=[1, 5]", "evaluation.baselines=[bias-carry]",
                ] + privacy)
            let grid = try protection(Federation(scenario), "books").grid
            return grid.sensitivity / grid.scale
        }
        let rating = ["privacy.unit=rating", "privacy.rating-blocks=4"]
        #expect(try abs(sensitivity("privacy.means-bound=5") / 5 - 1) < 0.02)
        #expect(try abs(sensitivity("privacy.means-bound=5", rating[0], rating[1]) / 2 - 1) < 0.03)
        #expect(try abs(sensitivity("privacy.means-bound=0.5", rating[0], rating[1]) - 1) < 0.03)
    }
}
