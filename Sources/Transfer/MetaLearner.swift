public import Numerics
import Ratings

/// Adapts persons to their supports and takes their gradients of the meta-parameters, in a workspace that is reused
/// from person to person.
///
/// A person's vector starts at `p₀ + Mᵀf` and takes gradient steps of rate α on its support, or is the ridge regression
/// around its start. With `softmax` one step costs O(items · d), and a gradient through all steps about twice the steps.
/// *Determinism*: a person's result depends on that person alone, to the last bit.
public struct MetaLearner: Sendable {
    /// The settings.
    public let configuration: MetaConfiguration
    /// The catalogue.
    public let items: MetaItems
    /// The sizes of the parameters.
    public let shape: MetaShape
    /// Doubles of a person's vector in memory.
    let stride: Int

    // One person's work; vectors hold `stride` elements and zeros behind the first d.
    /// The start, then the vector after each step.
    var vectors: [[Double]]
    /// The inner gradient at each step's vector.
    var gradients: [[Double]]
    /// Softmax at each step's vector and at the last, and the mean rows.
    var probabilities: [[Double]]
    var means: [[Double]]
    /// The residuals of the support at each step's vector.
    var residuals: [[Double]]
    /// The last vector.
    var adapted: [Double]
    /// The item factors of the support and of the query, `stride` Doubles a row.
    var support = MetaRows()
    var query = MetaRows()
    var adjoint: [Double]
    var image: [Double]
    /// (GGᵀ + ℓI) of the ridge variant.
    var kernel: [Double] = []
    /// XW for the tower that it was made with, where the softmax runs over texts; one row an item, as `items.values`.
    private var imageOfTexts: (tower: [Double], rows: [Double])?
    /// One number an item.
    var weights: [Double]

    /// Prepares the workspace. *Complexity*: O(steps · (items + d)) memory with `softmax`.
    ///
    /// - Parameters:
    ///   - items: factors or text.
    ///   - factorCount: d where the items are text; fixed factors tell it themselves.
    ///   - featureCount: the source features of a person; 0 without a source.
    public init(
        _ configuration: MetaConfiguration, items: MetaItems, factorCount: Int? = nil, featureCount: Int = 0
    ) {
        precondition(items.count > 0, "meta-learning on an empty catalogue")
        precondition(items.isText || factorCount.map { $0 == items.dimension } != false, "factors of another width")
        self.configuration = configuration
        self.items = items
        shape = MetaShape(
            factorCount: factorCount ?? items.dimension, featureCount: featureCount,
            textDimension: items.isText ? items.dimension : 0)
        stride = MetaKernels.padded(shape.factorCount)
        let steps = configuration.variant == .ridge ? 0 : configuration.innerSteps
        let zeros = [Double](repeating: 0, count: stride)
        vectors = Array(repeating: zeros, count: steps + 1)
        gradients = Array(repeating: zeros, count: steps)
        let isSoftmax = configuration.loss == .softmax
        let logits = [Double](repeating: 0, count: isSoftmax ? MetaKernels.padded(items.count) : 0)
        probabilities = Array(repeating: logits, count: steps + 1)
        means = Array(repeating: zeros, count: steps + 1)
        residuals = Array(repeating: [], count: steps)
        weights = logits
        adapted = zeros
        adjoint = zeros
        image = zeros
    }

    /// The person's vector after the inner steps on the support of a task; the start where the support is empty.
    ///
    /// - Throws: `notFinite` where the steps diverge. *Complexity*: O(steps · items · d) with `softmax`.
    public mutating func adapted(
        _ task: MetaTask, at parameters: MetaParameters
    ) throws(NumericsError) -> [Float] {
        try exactlyAdapted(task, at: parameters).map { Float($0) }
    }

    /// The same vector before it is rounded.
    package mutating func exactlyAdapted(
        _ task: MetaTask, at parameters: MetaParameters
    ) throws(NumericsError) -> [Double] {
        try adapt(task, parameters)
        return Array(adapted.prefix(shape.factorCount))
    }

    /// The loss of the query after the inner steps on the support; 0 for an empty query.
    ///
    /// - Throws: `notFinite`.
    public mutating func loss(_ task: MetaTask, at parameters: MetaParameters) throws(NumericsError) -> Double {
        guard !task.query.isEmpty else { return 0 }
        try adapt(task, parameters)
        return try queryLoss(task, parameters)
    }

    /// Leaves the start in the first vector, the trace of the steps in the workspace, and the result in `adapted`.
    mutating func adapt(_ task: MetaTask, _ parameters: MetaParameters) throws(NumericsError) {
        precondition(parameters.shape == shape, "meta-parameters of another shape")
        prepare(parameters)
        for (index, value) in parameters.start(feature: task.feature).enumerated() { vectors[0][index] = value }
        for index in 0..<stride { adapted[index] = vectors[0][index] }
        gather(task.support.items, task.support.ratings, parameters, into: \.support)
        guard support.count > 0 else { return }
        if configuration.variant == .ridge {
            try solveRidge()
        } else {
            let rate = parameters.rate
            for step in 0..<configuration.innerSteps {
                setInnerGradient(step)
                for index in 0..<stride {
                    adapted[index] = vectors[step][index] - rate * gradients[step][index]
                    vectors[step + 1][index] = adapted[index]
                }
            }
        }
        guard adapted.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a person's adapted vector") }
    }

    /// Makes the item factors XW of a tower, if these are not there already; needed by the softmax over texts alone.
    ///
    /// Called before the learner is copied to several threads, it spares each of them the same work.
    /// *Complexity*: O(items · m · d) for a new tower, else O(m · d).
    public mutating func prepare(_ parameters: MetaParameters) {
        precondition(parameters.shape == shape, "meta-parameters of another shape")
        guard items.isText, configuration.loss == .softmax else { return }
        let tower = parameters.values[shape.tower]
        if let imageOfTexts, imageOfTexts.tower.elementsEqual(tower) { return }
        var rows = [Double](repeating: 0, count: MetaKernels.padded(items.count) * stride)
        for item in 0..<items.count { setImage(item, parameters, into: &rows, at: item * stride) }
        imageOfTexts = (Array(tower), rows)
    }

    /// The item factors of the whole catalogue, as the softmax takes them.
    var catalogue: [Double] { imageOfTexts?.rows ?? items.values }

    /// The item factors XW that a tower makes of the texts; fixed factors as they are. *Complexity*: O(items · m · d).
    public mutating func itemFactors(at parameters: MetaParameters) -> Matrix {
        var rows = [Double](repeating: 0, count: stride)
        var out: [Float] = []
        out.reserveCapacity(items.count * shape.factorCount)
        for item in 0..<items.count {
            setImage(item, parameters, into: &rows, at: 0)
            out += rows.prefix(shape.factorCount).map { Float($0) }
        }
        return Matrix(rowCount: items.count, columnCount: shape.factorCount, values: out)
    }

    /// Writes an item's factors: its row of Q, or of XW.
    private func setImage(_ item: Int, _ parameters: MetaParameters, into rows: inout [Double], at place: Int) {
        let from = item * items.stride
        guard items.isText else {
            for index in 0..<stride { rows[place + index] = items.values[from + index] }
            return
        }
        let factorCount = shape.factorCount
        for index in 0..<factorCount { rows[place + index] = 0 }
        for word in 0..<items.dimension {
            let value = items.values[from + word]
            let offset = shape.tower.lowerBound + word * factorCount
            for index in 0..<factorCount { rows[place + index] += value * parameters.values[offset + index] }
        }
    }

    /// The gradient of the inner objective at a step's vector, with what its Hessian needs.
    private mutating func setInnerGradient(_ step: Int) {
        switch configuration.loss {
        case .softmax:
            _ = MetaKernels.softmax(
                rows: catalogue, rowCount: items.count, stride: stride, vector: vectors[step], offsets: items.offsets,
                probabilities: &probabilities[step], mean: &means[step])
            for index in 0..<stride { gradients[step][index] = means[step][index] - support.mean[index] }
        case .squared:
            support.setResiduals(&residuals[step], vector: vectors[step], stride: stride)
            support.setGradient(&gradients[step], weights: residuals[step], stride: stride)
        }
        let pull = configuration.regularization
        if pull > 0 {
            for index in 0..<stride { gradients[step][index] += pull * (vectors[step][index] - vectors[0][index]) }
        }
    }

    /// The product of the inner loss's Hessian at a step's vector with the adjoint, without ℓ; it stands in `image`.
    mutating func setHessianProduct(_ step: Int) {
        switch configuration.loss {
        case .softmax:
            MetaKernels.softmaxHessian(
                rows: catalogue, rowCount: MetaKernels.padded(items.count), stride: stride,
                probabilities: probabilities[step], mean: means[step], direction: adjoint, into: &image)
        case .squared:
            support.setProducts(adjoint, stride: stride)
            support.setGradient(&image, weights: support.products, stride: stride)
        }
    }

    /// `p = start + Gᵀ(GGᵀ + ℓI)⁻¹(r − G·start)`, the same as `(GᵀG + ℓI)⁻¹(Gᵀr + ℓ·start)` at the support's order.
    private mutating func solveRidge() throws(NumericsError) {
        let count = support.count
        kernel = [Double](repeating: 0, count: count * count)
        for row in 0..<count {
            for column in 0...row {
                var sum = 0.0
                for index in 0..<stride {
                    sum += support.rows[row * stride + index] * support.rows[column * stride + index]
                }
                kernel[row * count + column] = sum
                kernel[column * count + row] = sum
            }
            kernel[row * count + row] += configuration.regularization
        }
        support.setProducts(vectors[0], stride: stride)
        for row in 0..<count { support.products[row] = support.targets[row] - support.products[row] }
        try solveKernel()
        support.addRows(to: &adapted, stride: stride)
    }

    /// Replaces the support's products by their solution with GGᵀ + ℓI.
    mutating func solveKernel() throws(NumericsError) {
        let solution = try solvePositiveDefinite(
            kernel, order: support.count, rightHandSides: Array(support.products.prefix(support.count)), count: 1)
        for (row, value) in solution.enumerated() { support.products[row] = value }
    }

    /// The query's loss at the adapted vector, whose gradient v is left in `adjoint`.
    mutating func queryLoss(_ task: MetaTask, _ parameters: MetaParameters) throws(NumericsError) -> Double {
        gather(task.query.items, task.query.ratings, parameters, into: \.query)
        let loss: Double
        switch configuration.loss {
        case .softmax:
            let last = probabilities.count - 1
            let logSum = MetaKernels.softmax(
                rows: catalogue, rowCount: items.count, stride: stride, vector: adapted, offsets: items.offsets,
                probabilities: &probabilities[last], mean: &means[last])
            var fit = 0.0
            for index in 0..<stride {
                fit += query.mean[index] * adapted[index]
                adjoint[index] = means[last][index] - query.mean[index]
            }
            let ownOffset = task.query.items.reduce(0.0) { $0 + items.offsets[Int($1)] }
            loss = logSum - fit - ownOffset / Double(query.count)
        case .squared:
            query.setResiduals(vector: adapted, stride: stride)
            var sum = 0.0
            for row in 0..<query.count { sum += query.products[row] * query.products[row] }
            loss = sum / Double(query.count)
            query.setGradient(&adjoint, weights: query.products, stride: stride)
        }
        guard loss.isFinite else { throw .notFinite(what: "a person's query loss") }
        return loss
    }

    /// Gathers the factors of some items: rows of Q, or of XW.
    private mutating func gather(
        _ chosen: [UInt32], _ targets: [Float], _ parameters: MetaParameters, into part: WritableKeyPath<Self, MetaRows>
    ) {
        var rows = MetaRows()
        swap(&rows, &self[keyPath: part])
        rows.begin(chosen, targets, stride: stride)
        for (row, item) in chosen.enumerated() {
            precondition(Int(item) < items.count, "item \(item) of \(items.count)")
            setImage(Int(item), parameters, into: &rows.rows, at: row * stride)
        }
        rows.setMean(stride: stride)
        swap(&rows, &self[keyPath: part])
    }
}
