/// The gathered factors G of a person's items with their targets, in a workspace that only grows.
struct MetaRows: Sendable {
    /// The number of items.
    private(set) var count = 0
    private(set) var items: [UInt32] = []
    /// G, and rows of zeros up to a block of four.
    var rows: [Double] = []
    /// The targets; zeros in the padding.
    private(set) var targets: [Double] = []
    /// The mean row.
    private(set) var mean: [Double] = []
    /// One number a row.
    var products: [Double] = []

    private var paddedCount: Int { MetaKernels.padded(count) }

    /// Takes other items; their rows are zeros until they are filled.
    mutating func begin(_ items: [UInt32], _ targets: [Float], stride: Int) {
        precondition(items.count == targets.count, "\(items.count) items with \(targets.count) targets")
        count = items.count
        self.items = items
        if self.targets.count < paddedCount || mean.count != stride {
            self.targets = [Double](repeating: 0, count: paddedCount)
            products = self.targets
            rows = [Double](repeating: 0, count: paddedCount * stride)
            mean = [Double](repeating: 0, count: stride)
        }
        for index in 0..<paddedCount * stride { rows[index] = 0 }
        for index in 0..<paddedCount {
            self.targets[index] = index < count ? Double(targets[index]) : 0
            products[index] = 0
        }
    }

    /// Sets the mean row; zeros without items.
    mutating func setMean(stride: Int) {
        for index in 0..<stride { mean[index] = 0 }
        let scale = count == 0 ? 0 : 1 / Double(count)
        for row in 0..<count { for index in 0..<stride { mean[index] += rows[row * stride + index] } }
        for index in 0..<stride { mean[index] *= scale }
    }

    /// `products = G·vector`.
    mutating func setProducts(_ vector: [Double], stride: Int) {
        MetaKernels.products(rows: rows, rowCount: paddedCount, stride: stride, vector: vector, into: &products)
    }

    /// `products = G·vector − targets`.
    mutating func setResiduals(vector: [Double], stride: Int) {
        setProducts(vector, stride: stride)
        for row in 0..<count { products[row] -= targets[row] }
    }

    /// `out = G·vector − targets`.
    func setResiduals(_ out: inout [Double], vector: [Double], stride: Int) {
        if out.count < paddedCount { out = [Double](repeating: 0, count: paddedCount) }
        MetaKernels.products(rows: rows, rowCount: paddedCount, stride: stride, vector: vector, into: &out)
        for row in 0..<count { out[row] -= targets[row] }
    }

    /// `out = (2/n)Gᵀ·weights`.
    func setGradient(_ out: inout [Double], weights: [Double], stride: Int) {
        for index in 0..<stride { out[index] = 0 }
        MetaKernels.addRows(rows: rows, rowCount: paddedCount, stride: stride, scales: weights, to: &out)
        let scale = 2 / Double(count)
        for index in 0..<stride { out[index] *= scale }
    }

    /// Adds Gᵀ·products.
    func addRows(to out: inout [Double], stride: Int) {
        MetaKernels.addRows(rows: rows, rowCount: paddedCount, stride: stride, scales: products, to: &out)
    }
}
