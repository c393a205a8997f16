import Numerics

/// Sums of updates that come in pieces, the same piece of every update before the next one: as exact as `ExactSum`, with
/// accumulators for one piece alone instead of twice the bytes of an update.
///
/// Every update has the same `float32` tensors, laid out as in safetensors and cut into pieces of equal length.
package struct PiecewiseSum: Sendable {
    /// Consecutive elements of a tensor that lie in one piece.
    private struct Stretch: Sendable {
        let tensor: Int
        let elements: Range<Int>
        /// Where their sums are.
        let sums: Range<Int>
    }

    /// The updates that are added in one pass.
    package static let batchCount = FloatKernels.batchLimit

    /// The number of pieces of an update.
    package let pieceCount: Int
    /// The piece that is being added.
    package private(set) var piece = 0
    private let specs: [TensorSpec]
    private let exponents: [Int]
    private let prefixByteCount: Int
    private let byteCount: Int
    private let pieceByteCount: Int
    private var sums: [Int64]
    private var isEmpty = true
    private var totals: [[Float]]
    private var problem: ParameterError?

    /// An empty sum.
    ///
    /// - Parameters:
    ///   - clientCount: how many updates there may be.
    ///   - pieceByteCount: the bytes of every piece but the last, a multiple of four.
    package init(specs: [TensorSpec], clientCount: Int, pieceByteCount: Int) {
        precondition(specs.allSatisfy { $0.format == .float32 }, "a sum in pieces of another format than float32")
        precondition(
            clientCount > 0 && pieceByteCount > 0 && pieceByteCount % 4 == 0, "pieces of \(pieceByteCount) bytes")
        let specs = specs.sorted { $0.name < $1.name }
        let byteCount = Safetensors.byteCount(specs)
        self.specs = specs
        self.byteCount = byteCount
        self.pieceByteCount = pieceByteCount
        prefixByteCount = byteCount - specs.reduce(0) { $0 + $1.byteCount }
        pieceCount = (byteCount + pieceByteCount - 1) / pieceByteCount
        exponents = specs.map { ExactSum.scaleExponent(bound: $0.bound, clientCount: clientCount) }
        sums = [Int64](repeating: 0, count: min(pieceByteCount, byteCount) / 4)
        totals = []
    }

    /// The bytes that a piece of an update must have.
    package func byteCount(ofPiece piece: Int) -> Int {
        max(0, min(pieceByteCount, byteCount - piece * pieceByteCount))
    }

    /// The elements of each tensor that the present piece has some of.
    private var stretches: [Stretch] {
        let bytes = piece * pieceByteCount..<(piece + 1) * pieceByteCount
        var start = prefixByteCount
        var place = 0
        var stretches: [Stretch] = []
        for (tensor, spec) in specs.enumerated() {
            let part = bytes.clamped(to: start..<start + spec.byteCount)
            if !part.isEmpty {
                let elements = (part.lowerBound - start) / 4..<(part.upperBound - start) / 4
                stretches.append(Stretch(tensor: tensor, elements: elements, sums: place..<place + elements.count))
                place += elements.count
            }
            start += spec.byteCount
        }
        return stretches
    }

    /// Adds the present piece of several updates: of each what it has of the tensors, in their order.
    /// *Complexity*: O(elements of the pieces).
    package mutating func add(_ parts: [[TensorStorage]]) {
        let stretches = stretches
        precondition(
            parts.allSatisfy { $0.map(\.count) == stretches.map(\.elements.count) }, "a part of another piece")
        for start in stride(from: 0, to: parts.count, by: PiecewiseSum.batchCount) {
            let batch = parts[start..<min(start + PiecewiseSum.batchCount, parts.count)]
            for (index, stretch) in stretches.enumerated() {
                let (exponent, isFirst) = (exponents[stretch.tensor], isEmpty)
                sums.withUnsafeMutableBufferPointer { sums in
                    TensorStorage.add(
                        batch.map { $0[index] }, exponent: exponent,
                        to: UnsafeMutableBufferPointer(rebasing: sums[stretch.sums]), isFirst: isFirst)
                }
            }
            isEmpty = false
        }
    }

    /// Ends the present piece, of which every update has been added: its sums times a factor are what the total has there.
    ///
    /// - Parameter spare: arrays that may be overwritten; those that fit are taken out for the first piece.
    package mutating func finishPiece(times factor: Double, spare: inout SpareArrays) {
        precondition(!isEmpty && piece < pieceCount, "piece \(piece) has no sum")
        if totals.isEmpty { totals = specs.map { spare.take($0.elementCount) } }
        for stretch in stretches {
            let spec = specs[stretch.tensor]
            let isWithin = totals[stretch.tensor].withUnsafeMutableBufferPointer { floats in
                let target = UnsafeMutableBufferPointer(rebasing: floats[stretch.elements])
                sums.withUnsafeBufferPointer { sums in
                    FloatKernels.write(
                        UnsafeBufferPointer(rebasing: sums[stretch.sums]), exponent: exponents[stretch.tensor],
                        times: factor, to: target)
                }
                return FloatKernels.isWithin(UnsafeBufferPointer(target), bound: spec.bound)
            }
            if !isWithin, problem == nil { problem = .valueOutOfBound(name: spec.name, bound: spec.bound) }
        }
        piece += 1
        isEmpty = true
    }

    /// Begins again with the first piece, as if nothing had been added.
    package mutating func restart() {
        piece = 0
        isEmpty = true
        problem = nil
    }

    /// The sums, once every piece has been ended.
    ///
    /// - Throws: `valueOutOfBound` when one exceeds the declared bound of its tensor.
    package consuming func total() throws(ParameterError) -> ParameterSet {
        precondition(piece == pieceCount, "\(piece) of \(pieceCount) pieces")
        if let problem { throw problem }
        var out = ParameterSet()
        for (spec, values) in zip(specs, totals) { out.set(ParameterSet.Tensor(checked: values, spec)) }
        return out
    }
}
