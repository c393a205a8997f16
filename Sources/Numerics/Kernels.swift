import CKernels

/// Conjugate gradients on the rows of a matrix factorisation, on raw floats; callers check every size.
///
/// Vectors are padded with zeros to a multiple of eight floats, and rows come in blocks of eight. The order of the sums
/// is part of the result: the same bits on every x86-64 build with the same fused-multiply setting.
enum Kernels {
    /// The next multiple of a block.
    @inline(__always)
    static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

    /// Conjugate gradients on `(G + λI + Σ (c − 1) q qᵀ) x = Σ c q`, never forming the matrix.
    ///
    /// - Parameters:
    ///   - rows: the gathered rows q, `rowCount` of them and zeros up to a block, `stride` floats each.
    ///   - confidences: c of each row; `weights` c − 1; zeros in the padding. `zeros`: as many zeros.
    ///   - matrix: G + λI, `stride × stride`.
    ///   - solution: the start, and then the solution; like the workspace `stride` floats.
    @inline(never)
    static func conjugateGradient(
        rows: UnsafePointer<Float>, rowCount: Int, stride: Int, confidences: UnsafePointer<Float>,
        weights: UnsafePointer<Float>, zeros: UnsafePointer<Float>, matrix: UnsafePointer<Float>, steps: Int,
        residual: UnsafeMutablePointer<Float>,
        direction: UnsafeMutablePointer<Float>, image: UnsafeMutablePointer<Float>,
        solution: UnsafeMutablePointer<Float>
    ) {
        // `image = (G + λI) vector`; the matrix is symmetric, so its rows can be added up.
        func multiply(_ vector: UnsafePointer<Float>) {
            for index in 0..<stride { image[index] = 0 }
            ferry_add_rows(matrix, stride, stride, vector, image)
        }
        // The first residual takes one pass over the rows, at −x: −(G + λI) x + Σ (c − (c − 1) qᵀx) q.
        for index in 0..<stride { direction[index] = -solution[index] }
        multiply(direction)
        for index in 0..<stride { residual[index] = image[index] }
        ferry_add_fitted_rows(rows, rowCount, stride, confidences, weights, direction, residual)
        for index in 0..<stride { direction[index] = residual[index] }
        var energy = ferry_dot(residual, residual, stride)
        for _ in 0..<steps where energy > 1e-20 {
            multiply(direction)
            ferry_add_fitted_rows(rows, rowCount, stride, zeros, weights, direction, image)
            let curvature = ferry_dot(direction, image, stride)
            guard curvature > 0 else { return }
            let step = energy / curvature
            for index in 0..<stride {
                solution[index] += step * direction[index]
                residual[index] -= step * image[index]
            }
            let next = ferry_dot(residual, residual, stride)
            let ratio = next / energy
            for index in 0..<stride { direction[index] = residual[index] + ratio * direction[index] }
            energy = next
        }
    }
}
