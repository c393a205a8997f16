public import Numerics
import Ratings

extension MetaLearner {
    /// One person's gradient of the meta-parameters; the gradient of nobody for a person with nothing to predict.
    ///
    /// With the query's gradient v at the adapted vector, the adjoint a of each vector comes from that of the next by
    /// a − α(H + ℓI)a, with the Hessian H of the mean support loss; α receives −aᵀ∇ and the start αℓa at each step.
    /// `fomaml` leaves out the Hessians and what reaches the tower through the support.
    /// - Throws: `notFinite`, `notPositiveDefinite`. *Complexity*: O(steps · items · d) with `softmax`.
    public mutating func gradient(
        of task: MetaTask, at parameters: MetaParameters
    ) throws(NumericsError) -> MetaGradient {
        guard !task.query.isEmpty else { return MetaGradient(shape) }
        if configuration.variant == .reptile { return try reptileGradient(task, parameters) }
        try adapt(task, parameters)
        let loss = try queryLoss(task, parameters)
        var values = [Double](repeating: 0, count: shape.count)
        if shape.textDimension > 0 {
            switch configuration.loss {
            case .squared: addTowerTerm(query, query.products, adapted, scale: 2 / Double(query.count), &values)
            case .softmax: addLikelihoodTerm(query, probabilities[probabilities.count - 1], adapted, scale: 1, &values)
            }
        }
        if support.count > 0 {
            switch configuration.variant {
            case .ridge: try reverseRidge(&values)
            case .maml: reverseSteps(rate: parameters.rate, &values)
            case .fomaml, .reptile: values[shape.logRate] = rateGradientOfFirstOrder(rate: parameters.rate)
            }
        }
        return try finished(&values, task, loss: loss)
    }

    private mutating func reptileGradient(
        _ task: MetaTask, _ parameters: MetaParameters
    ) throws(NumericsError) -> MetaGradient {
        try adapt(task.merged, parameters)
        var squares = 0.0
        for index in 0..<stride {
            adjoint[index] = vectors[0][index] - adapted[index]
            squares += adjoint[index] * adjoint[index]
        }
        var values = [Double](repeating: 0, count: shape.count)
        return try finished(&values, task, loss: squares)
    }

    /// Writes the gradient of the start, which is in `adjoint`, to p₀ and M.
    private func finished(
        _ values: inout [Double], _ task: MetaTask, loss: Double
    ) throws(NumericsError) -> MetaGradient {
        let factorCount = shape.factorCount
        for index in 0..<factorCount { values[index] = adjoint[index] }
        for (row, feature) in task.feature.enumerated() {
            let offset = shape.featureMap.lowerBound + row * factorCount
            for index in 0..<factorCount { values[offset + index] = Double(feature) * adjoint[index] }
        }
        guard values.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a person's meta-gradient") }
        return MetaGradient(shape, values: values, lossSum: loss, personCount: 1)
    }

    /// Goes back through the inner steps; `adjoint` becomes the gradient of the start.
    private mutating func reverseSteps(rate: Double, _ values: inout [Double]) {
        let pull = configuration.regularization
        var rateGradient = 0.0
        // What each step's pull hands to the start.
        var start = [Double](repeating: 0, count: stride)
        for step in Swift.stride(from: configuration.innerSteps - 1, through: 0, by: -1) {
            for index in 0..<stride { rateGradient -= adjoint[index] * gradients[step][index] }
            setHessianProduct(step)
            if shape.textDimension > 0, configuration.loss == .softmax {
                // −α ∂(aᵀ∇)/∂G = −α[w aᵀ + s∘(Ga − sᵀGa) pᵀ] with w = s less the support's shares.
                addLikelihoodTerm(support, probabilities[step], adjoint, scale: -rate, &values)
                addCurvatureTerm(probabilities[step], means[step], vectors[step], scale: -rate, &values)
            } else if shape.textDimension > 0 {
                // −α ∂(aᵀ∇)/∂G = −(2α/n)[e aᵀ + (Ga)pᵀ]; the Hessian product left Ga in the support's products.
                let scale = -2 * rate / Double(support.count)
                addTowerTerm(support, residuals[step], adjoint, scale: scale, &values)
                addTowerTerm(support, support.products, vectors[step], scale: scale, &values)
            }
            for index in 0..<stride {
                start[index] += rate * pull * adjoint[index]
                adjoint[index] -= rate * (image[index] + pull * adjoint[index])
            }
        }
        for index in 0..<stride { adjoint[index] += start[index] }
        values[shape.logRate] = rate * rateGradient
    }

    /// −αvᵀΣ∇: the inner gradients count as constants.
    private func rateGradientOfFirstOrder(rate: Double) -> Double {
        var sum = 0.0
        for gradient in gradients { for index in 0..<stride { sum -= adjoint[index] * gradient[index] } }
        return rate * sum
    }

    /// With a = A⁻¹v: ℓa for the start, and Xᵀ[(r − Gp)aᵀ − (Ga)pᵀ] for the tower.
    private mutating func reverseRidge(_ values: inout [Double]) throws(NumericsError) {
        let ridge = configuration.regularization
        // ℓa = v − Gᵀ(GGᵀ + ℓI)⁻¹Gv.
        support.setProducts(adjoint, stride: stride)
        try solveKernel()
        for row in 0..<support.count { support.products[row] = -support.products[row] }
        support.addRows(to: &adjoint, stride: stride)
        guard shape.textDimension > 0 else { return }
        var errors = [Double](repeating: 0, count: support.count)
        support.setResiduals(&errors, vector: adapted, stride: stride)
        addTowerTerm(support, errors, adjoint, scale: -1 / ridge, &values)
        support.setProducts(adjoint, stride: stride)
        addTowerTerm(support, support.products, adapted, scale: -1 / ridge, &values)
    }

    /// Adds scale · Xᵀ(weights · vectorᵀ) to the gradient of the tower, for the items of `rows`.
    private func addTowerTerm(
        _ rows: MetaRows, _ weights: [Double], _ vector: [Double], scale: Double, _ values: inout [Double]
    ) {
        // Xᵀ·weights first: the outer product with the vector is then taken once.
        var text = [Double](repeating: 0, count: items.stride)
        addTexts(rows, weights: weights, scale: scale, to: &text)
        addOuterProduct(text, vector, &values)
    }

    /// Adds scale · Xᵀ(s − c)vectorᵀ, with s over the catalogue and c an equal share for each item of `rows`: the
    /// derivative of the mean of −log softmax over those items by the tower, at a vector.
    private func addLikelihoodTerm(
        _ rows: MetaRows, _ probabilities: [Double], _ vector: [Double], scale: Double, _ values: inout [Double]
    ) {
        var text = catalogueTexts(weights: probabilities)
        let shares = [Double](repeating: 1, count: rows.count)
        addTexts(rows, weights: shares, scale: -1 / Double(rows.count), to: &text)
        addOuterProduct(text.map { $0 * scale }, vector, &values)
    }

    /// Adds scale · Xᵀ[s ∘ (Ga − sᵀGa)]vectorᵀ with the adjoint a: what a step's gradient owes to its softmax.
    private mutating func addCurvatureTerm(
        _ probabilities: [Double], _ mean: [Double], _ vector: [Double], scale: Double, _ values: inout [Double]
    ) {
        let paddedCount = MetaKernels.padded(items.count)
        MetaKernels.products(
            rows: catalogue, rowCount: paddedCount, stride: stride, vector: adjoint, into: &weights)
        var center = 0.0
        for index in 0..<stride { center += mean[index] * adjoint[index] }
        for row in 0..<paddedCount { weights[row] = scale * probabilities[row] * (weights[row] - center) }
        addOuterProduct(catalogueTexts(weights: weights), vector, &values)
    }

    /// Xᵀ·weights over the whole catalogue.
    private func catalogueTexts(weights: [Double]) -> [Double] {
        var text = [Double](repeating: 0, count: items.stride)
        MetaKernels.addRows(
            rows: items.values, rowCount: MetaKernels.padded(items.count), stride: items.stride, scales: weights,
            to: &text)
        return text
    }

    /// Adds scale · Xᵀ·weights for some items.
    private func addTexts(_ rows: MetaRows, weights: [Double], scale: Double, to text: inout [Double]) {
        for (row, item) in rows.items.enumerated() {
            let weight = scale * weights[row]
            let from = Int(item) * items.stride
            for word in 0..<items.dimension { text[word] += weight * items.values[from + word] }
        }
    }

    /// Adds text · vectorᵀ to the gradient of the tower.
    private func addOuterProduct(_ text: [Double], _ vector: [Double], _ values: inout [Double]) {
        let factorCount = shape.factorCount
        for word in 0..<items.dimension {
            let offset = shape.tower.lowerBound + word * factorCount
            for index in 0..<factorCount { values[offset + index] += text[word] * vector[index] }
        }
    }
}
