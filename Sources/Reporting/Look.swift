/// How a method or an adversary is drawn: never by colour alone.
struct Look: Sendable, Equatable {
    /// A colour of the style sheet, one in each theme.
    enum Color: String, Sendable, CaseIterable {
        case blue, red, green, violet, ochre, gray
    }

    /// The shape of a point.
    enum Mark: Sendable, CaseIterable {
        case circle, square, diamond, triangle, cross, wedge

        /// The outline around a point.
        func path(_ text: (Double) -> String, _ x: Double, _ y: Double) -> String {
            func polygon(_ corners: [(Double, Double)]) -> String {
                corners.enumerated().map { "\($0 == 0 ? "M" : "L")\(text(x + $1.0)) \(text(y + $1.1))" }.joined() + "Z"
            }
            switch self {
            case .circle:
                return "M\(text(x - 4)) \(text(y))a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z"
            case .square: return polygon([(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)])
            case .diamond: return polygon([(0, -5), (5, 0), (0, 5), (-5, 0)])
            case .triangle: return polygon([(0, -4.8), (4.6, 3.6), (-4.6, 3.6)])
            case .wedge: return polygon([(0, 4.8), (4.6, -3.6), (-4.6, -3.6)])
            case .cross:
                return polygon([
                    (-1.6, -4.6), (1.6, -4.6), (1.6, -1.6), (4.6, -1.6), (4.6, 1.6), (1.6, 1.6), (1.6, 4.6),
                    (-1.6, 4.6), (-1.6, 1.6), (-4.6, 1.6), (-4.6, -1.6), (-1.6, -1.6),
                ])
            }
        }
    }

    let color: Color
    let mark: Mark
    /// The dashes of a line; `nil` for none.
    let dash: String?
    /// Whether a legend shows a line, a mark or both.
    var hasLine = true
    var hasMark = true

    /// The look of something at a position of a list.
    static func at(_ index: Int) -> Look {
        let dashes: [String?] = [nil, "7 4", "2 3", "9 3 2 3", "4 2", "12 4"]
        let turn = index / Color.allCases.count
        return Look(
            color: Color.allCases[index % Color.allCases.count],
            mark: Mark.allCases[(index + turn) % Mark.allCases.count],
            dash: dashes[(index + 2 * turn) % dashes.count])
    }

    /// The look of one of several lines of the transfer: none is drawn like a level it is compared with.
    static func line(_ index: Int) -> Look {
        let looks: [Look] = [
            transfer, Look(color: .ochre, mark: .triangle, dash: "5 3"),
            Look(color: .violet, mark: .square, dash: "2 2"),
            Look(color: .green, mark: .cross, dash: "9 3 2 3"), Look(color: .gray, mark: .wedge, dash: "8 2"),
            Look(color: .red, mark: .diamond, dash: "1 2"),
        ]
        return index < looks.count ? looks[index] : at(index)
    }

    /// The transfer that is judged.
    static let transfer = Look(color: .blue, mark: .circle, dash: nil)
    /// The local model that validation picked.
    static let bestLocal = Look(color: .red, mark: .square, dash: "7 4")
    /// The most popular items.
    static let popularity = Look(color: .gray, mark: .diamond, dash: "2 3")
    /// The control.
    static let control = Look(color: .violet, mark: .wedge, dash: "9 3 2 3")
    /// All data in one place.
    static let pooled = Look(color: .green, mark: .triangle, dash: "12 4")
    /// Another local baseline.
    static let ensemble = Look(color: .ochre, mark: .cross, dash: "4 2")

    /// The look that a baseline has in every picture; `nil` for other methods.
    static func baseline(_ method: String) -> Look? {
        switch method {
        case "best-local": bestLocal
        case "popularity": popularity
        case "shuffled-source": control
        case "pooled-reference": pooled
        case "local-ensemble": ensemble
        default: nil
        }
    }
}
