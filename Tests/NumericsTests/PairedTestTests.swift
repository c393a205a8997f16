import Foundation
import Numerics
import Testing

@Suite struct PairedTestTests {
    /// Two-sided p-values from scipy 1.17.1: 2 * scipy.stats.t.sf(t, df).
    @Test(arguments: [
        (0.5, 1, 0.7048327646991335), (12.706204736432095, 1, 0.0499999999989913), (1.0, 2, 0.4226497308103742),
        (3.0, 4, 0.03994196807171883), (2.776445105197793, 4, 0.05000000000000008), (8.61, 4, 0.001000134123827867),
        (25.0, 4, 1.5197525763315734e-05), (0.001, 9, 0.9992239303259733), (2.262, 9, 0.05001284550245463),
        (5.5, 29, 6.326920528273323e-06), (1.96, 1000, 0.050273184955748736),
    ])
    func theTwoSidedPValueIsThatOfTables(_ t: Double, _ freedom: Int, _ expected: Double) {
        let found = studentTwoSidedPValue(t, degreesOfFreedom: freedom)
        #expect(abs(found - expected) < 1e-10 * expected + 1e-300, "\(found)")
        #expect(studentTwoSidedPValue(-t, degreesOfFreedom: freedom) == found)
    }

    @Test func oneAndTwoDegreesOfFreedomHaveClosedForms() {
        for t in stride(from: 0.01, through: 60, by: 0.37) {
            // Abramowitz & Stegun 26.7.3 and 26.7.4.
            let one = 1 - 2 / Double.pi * atan(t)
            let two = 1 - t / (2 + t * t).squareRoot()
            #expect(abs(studentTwoSidedPValue(t, degreesOfFreedom: 1) - one) < 1e-12)
            #expect(abs(studentTwoSidedPValue(t, degreesOfFreedom: 2) - two) < 1e-12)
        }
    }

    @Test func theDistributionIsTheInverseOfTheQuantile() {
        for freedom in [1, 2, 4, 9, 30, 1_000] {
            for probability in [0.5, 0.6, 0.9, 0.975, 0.999] {
                let t = studentQuantile(probability, degreesOfFreedom: freedom)
                #expect(abs(studentDistribution(t, degreesOfFreedom: freedom) - probability) < 1e-10)
                #expect(abs(studentDistribution(-t, degreesOfFreedom: freedom) - (1 - probability)) < 1e-10)
            }
        }
        #expect(studentTwoSidedPValue(0, degreesOfFreedom: 3) == 1)
        #expect(studentTwoSidedPValue(.infinity, degreesOfFreedom: 3) == 0)
    }

    /// From scipy.stats.ttest_rel.
    @Test(arguments: [
        (
            [0.393, 0.411, 0.402, 0.388, 0.42], [0.38, 0.405, 0.377, 0.381, 0.416], 2.8887415229138904,
            0.044619278091380554
        ), ([1.0, 2.0, 4.0], [2.0, 2.5, 3.0], -0.2773500981126145, 0.8075499102701248),
    ])
    func thePairedTestIsThatOfScipy(_ first: [Double], _ second: [Double], _ t: Double, _ p: Double) throws {
        let test = try #require(PairedTest(first, second))
        #expect(test.degreesOfFreedom == first.count - 1)
        #expect(abs(try #require(test.statistic) - t) < 1e-9 * abs(t))
        #expect(abs(try #require(test.pValue) - p) < 1e-9 * p)
        let interval = try #require(test.interval)
        // The interval leaves out 0 exactly where p is below 5 %.
        #expect((interval.lower > 0 || interval.upper < 0) == (p < 0.05))
    }

    @Test func aTestNeedsSpread() throws {
        #expect(PairedTest([], []) == nil)
        let single = try #require(PairedTest([2], [0.5]))
        #expect(single.difference == 1.5 && single.interval == nil && single.pValue == nil)
        let equal = try #require(PairedTest([1, 2, 3], [1, 2, 3]))
        #expect(equal.difference == 0 && equal.statistic == nil && equal.pValue == nil)
    }
}
