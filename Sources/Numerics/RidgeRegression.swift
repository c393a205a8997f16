import COpenBLAS

private let rowMajor: Int32 = 101
private let transpose: Int32 = 112
private let upper: Int32 = 121

/// Ridge regressions in Double with few features, one after the other in the same workspace.
///
/// Minimises Σ (target − featuresᵀx)² + λ‖x − prior‖². Use: `begin`, then for each observation fill `features` and call
/// `add`, then `solve` once. The workspace only ever grows to the largest number of observations.
public struct RidgeRegression: Sendable {
    /// The number of features.
    public let featureCount: Int
    /// The features of the observation that `add` takes next; `featureCount` elements.
    public var features: [Double]
    /// The solution after `solve`; `featureCount` elements.
    public private(set) var solution: [Double]
    private var normal: [Double]
    private var gathered: [Double] = []
    private var observationCount = 0

    /// Allocates the workspace.
    public init(featureCount: Int) {
        self.featureCount = featureCount
        features = [Double](repeating: 0, count: featureCount)
        solution = features
        normal = [Double](repeating: 0, count: featureCount * featureCount)
    }

    /// Forgets all observations. *Complexity*: O(d).
    public mutating func begin() {
        observationCount = 0
        gathered.removeAll(keepingCapacity: true)
        for index in solution.indices { solution[index] = 0 }
    }

    /// Adds the observation whose features stand in `features`. *Complexity*: O(d).
    public mutating func add(target: Double) {
        precondition(features.count == featureCount, "\(features.count) features in a regression on \(featureCount)")
        observationCount += 1
        gathered.append(contentsOf: features)
        for index in solution.indices { solution[index] += target * features[index] }
    }

    /// Solves the regression; without observations the solution is the prior.
    ///
    /// - Parameters:
    ///   - regularization: λ.
    ///   - interceptRegularization: λ of the first feature, where it differs.
    ///   - prior: what the solution is drawn to; zero without one.
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(observations · d² + d³).
    public mutating func solve(
        regularization: Double, interceptRegularization: Double? = nil, prior: [Double]? = nil
    ) throws(NumericsError) {
        precondition(prior.map { $0.count == featureCount } ?? true, "a prior of another length")
        guard observationCount > 0 else {
            for index in solution.indices { solution[index] = prior?[index] ?? 0 }
            return
        }
        normal.withUnsafeMutableBufferPointer { target in
            cblas_dsyrk(
                rowMajor, upper, transpose, Int32(featureCount), Int32(observationCount), 1, gathered,
                Int32(featureCount), 0,
                target.baseAddress, Int32(featureCount))
        }
        for index in 0..<featureCount {
            let weight = index == 0 ? interceptRegularization ?? regularization : regularization
            normal[index * featureCount + index] += weight
            if let prior { solution[index] += weight * prior[index] }
        }
        var order = Int32(featureCount)
        var columns: Int32 = 1
        var info: Int32 = 0
        // The upper triangle in row-major order is the lower triangle in LAPACK's column-major order.
        dpotrf_("L", &order, &normal, &order, &info)
        precondition(info >= 0, "dpotrf was called with an illegal argument")
        guard info == 0 else { throw .notPositiveDefinite(order: featureCount, pivot: Int(info)) }
        dpotrs_("L", &order, &columns, normal, &order, &solution, &order, &info)
        guard solution.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "the solution of a regression") }
    }
}
