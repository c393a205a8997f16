import Accounting
import Testing

/// Agreement with other implementations, row by row, within the tolerances that come with the rows.
@Suite("Reference values")
struct ReferenceTests {
    @Test("The file holds 449 rows, and all but six are of mechanisms that are accounted for")
    func rows() {
        #expect(ReferenceRow.all.count == 449)
        let left = ReferenceRow.all.filter { $0.event == nil && $0.group != "calibration" }
        #expect(Set(left.map(\.group)) == ReferenceRow.groupsWithoutMechanism)
        #expect(left.count == 6)
    }

    @Test("The analytic ε equals the exact one to 1e-6 and the analytic δ leads back to it")
    func analytic() throws {
        var compared = 0
        for row in ReferenceRow.all where row.mechanism == "gaussian" || row.q == 1 {
            guard let exact = row.epsExact, let event = row.event, row.group.hasPrefix("gaussian") else { continue }
            let accountant = AnalyticGaussianAccountant(relation: row.relation)
            let epsilon = try accountant.epsilon(of: event, delta: row.delta).epsilon
            #expect(abs(epsilon - exact) <= 1e-6, "\(row.id)")
            let delta = try accountant.delta(of: event, epsilon: epsilon).delta
            #expect(abs(delta - row.delta) <= 1e-9 * row.delta || epsilon == 0, "\(row.id)")
            compared += 1
        }
        #expect(compared == 104)
    }

    @Test("RDP gives the same ε to 1e-6, relative, at the same order")
    func rdp() throws {
        var compared = 0
        for row in ReferenceRow.all {
            guard let expected = row.epsRdp, let event = row.event else { continue }
            let found = try RDPAccountant(relation: row.relation, orders: row.orders)
                .epsilon(of: event, delta: row.delta)
            #expect(abs(found.epsilon - expected) <= 1e-6 * expected, "\(row.id): \(found.epsilon), not \(expected)")
            #expect(expected == 0 || found.order == row.rdpOrder, "\(row.id): order \(found.order ?? 0)")
            if let single = row.epsRdpSingleRun, case .repeatAndSelect(_, let run) = event {
                let epsilon = try RDPAccountant().epsilon(of: run, delta: row.delta).epsilon
                #expect(abs(epsilon - single) <= 1e-6 * single, "\(row.id)")
            }
            compared += 1
        }
        #expect(compared == 381)
    }

    @Test("The divergences of one step equal those of the rows to 1e-9, relative")
    func divergences() throws {
        var compared = 0
        for row in ReferenceRow.all {
            guard case .repeated(let step, _)? = row.event else { continue }
            var pairs: [([String: Double], PrivacyEvent)] = []
            if let values = row.rdpPerStep { pairs.append((values, step)) }
            if let values = row.rdpExactPerStep { pairs.append((values, step)) }
            if let values = row.rdpExact { pairs.append((values, step)) }
            if let values = row.rdpUpperBoundAgarwal2021, case .skellam(let variance, let l1, let l2, _) = step {
                // In more than one dimension there is only the bound.
                pairs.append(
                    (values, .skellam(variance: variance, l1Sensitivity: l1, l2Sensitivity: l2, dimension: 2)))
            }
            for (values, event) in pairs {
                for (order, expected) in values {
                    let accountant = try RDPAccountant(orders: row.orders.filter { "\(Int($0))" == order })
                    let found = try accountant.divergences(of: event)[0]
                    #expect(abs(found - expected) <= 2e-9 * expected, "\(row.id) order \(order): \(found)")
                    compared += 1
                }
            }
        }
        #expect(compared == 144)
    }

    @Test("The privacy-loss distribution is within 1e-3 + 1e-3·ε of dp_accounting's and below no exact or optimistic ε")
    func pld() throws {
        var compared = 0
        for row in ReferenceRow.all {
            guard let event = row.event, row.group != "hyperparameter_selection" else { continue }
            guard row.epsPld != nil || row.epsExact != nil || row.epsPldOptimistic != nil else { continue }
            let found = try PLDAccountant(relation: row.relation).epsilon(of: event, delta: row.delta).epsilon
            if let expected = row.epsPld {
                #expect(abs(found - expected) <= 1e-3 + 1e-3 * expected, "\(row.id): \(found), not \(expected)")
            }
            if let exact = row.epsExact {
                #expect(found >= exact - 1e-9 * max(1, exact), "\(row.id): \(found) is below \(exact)")
                #expect(found <= exact + 1e-3 + 1e-3 * exact, "\(row.id): \(found), not \(exact)")
            }
            if let optimistic = row.epsPldOptimistic { #expect(found >= optimistic, "\(row.id)") }
            if let interval = row.epsPrvLowerEstUpper {
                #expect(found >= interval[0] && found <= interval[2], "\(row.id)")
            }
            if let rdp = row.epsRdp { #expect(found <= rdp + 1e-3, "\(row.id)") }
            if let pure = row.epsPureComposed { #expect(found <= pure, "\(row.id)") }
            if let other = row.epsFromZcdp { #expect(found <= other, "\(row.id)") }
            compared += 1
        }
        #expect(compared == 346)
    }

    @Test("Calibrated noise equals the reference to 1e-4, relative, and costs no more than was asked for")
    func calibration() throws {
        var compared = 0
        for row in ReferenceRow.group("calibration") {
            let target = try #require(row.targetEpsilon)
            let sigma = try #require(row.sigma)
            let rate = try #require(row.q)
            let count = try #require(row.rounds)
            func event(_ noise: Double) -> PrivacyEvent {
                .repeated(event: ReferenceRow.sampled(rate, .gaussian(noiseMultiplier: noise)), count: count)
            }
            let accountant: any PrivacyAccountant =
                switch row.method {
                case "rdp": RDPAccountant()
                case "pld": PLDAccountant()
                default: AnalyticGaussianAccountant()
                }
            let found = try NoiseCalibration(
                epsilon: target, delta: row.delta, accountant: accountant, event: event)
            #expect(abs(found.noise - sigma) <= 1e-4 * sigma, "\(row.id): \(found.noise), not \(sigma)")
            #expect(found.guarantee.epsilon <= target, "\(row.id)")
            compared += 1
        }
        #expect(compared == 30)
    }
}
