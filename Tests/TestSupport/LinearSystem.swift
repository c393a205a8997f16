/// Solves a square system by Gaussian elimination with partial pivoting: the slow twin of the library's solvers.
package func solveNaively(_ matrix: [[Double]], _ rightHandSide: [Double]) -> [Double] {
    let order = rightHandSide.count
    var rows = (0..<order).map { matrix[$0] + [rightHandSide[$0]] }
    for column in 0..<order {
        let pivot = (column..<order).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
        rows.swapAt(column, pivot)
        for row in (column + 1)..<max(order, column + 1) {
            let factor = rows[row][column] / rows[column][column]
            for index in column...order { rows[row][index] -= factor * rows[column][index] }
        }
    }
    var solution = [Double](repeating: 0, count: order)
    for row in (0..<order).reversed() {
        var sum = rows[row][order]
        for column in (row + 1)..<max(order, row + 1) { sum -= rows[row][column] * solution[column] }
        solution[row] = sum / rows[row][row]
    }
    return solution
}
