public import Scenario

/// How a person's first target interactions are combined with the mapped vector p̂.
public enum FoldInKind: String, Sendable, Equatable, CaseIterable {
    /// `(G + αQ_kᵀQ_k + λI)⁻¹((1 + α)Σq + λp̂)`: p̂ is the mean of a Gaussian prior.
    case prior
    /// `p̂ + (G + αQ_kᵀQ_k + λI)⁻¹(1 + α)Σq(1 − qᵀp̂)`: the fold-in corrects p̂.
    case residual
}

/// The methods that are compared, by their names in the record.
public enum MethodName {
    /// The transfer.
    public static let featureMap = "feature-map"
    /// The control: the same with links permuted in training.
    public static let shuffledSource = "shuffled-source"
    /// The target's own model, fold-in without transfer.
    public static let local = "local"
    /// The most popular items.
    public static let popularity = "popularity"
}

/// Everything that validation persons choose between, in a fixed order.
public struct SelectionGrid: Sendable, Equatable {
    /// One choice of one method at one number of shots.
    public struct Candidate: Sendable, Equatable {
        /// The method.
        public let method: String
        /// Known target interactions.
        public let shots: Int
        /// ρ, for methods with a map.
        public let ridge: Double?
        /// The kind of fold-in, for methods with a map and shots.
        public let foldIn: FoldInKind?
        /// λ of the fold-in, with shots.
        public let regularization: Double?
    }

    /// The candidates; the position is the index in `selection.scores`.
    public let candidates: [Candidate]

    /// The grid of a scenario.
    public init(_ scenario: ScenarioDefinition) {
        let ridges = scenario.numbers("transfer.ridge")
        let regularizations = scenario.numbers("transfer.fold-in-regularization")
        var out: [Candidate] = []
        for shots in scenario.integers("evaluation.shots") {
            for method in [MethodName.featureMap, MethodName.shuffledSource] {
                for ridge in ridges {
                    if shots == 0 {
                        out.append(
                            Candidate(method: method, shots: 0, ridge: ridge, foldIn: nil, regularization: nil))
                        continue
                    }
                    for kind in FoldInKind.allCases {
                        for value in regularizations {
                            out.append(
                                Candidate(
                                    method: method, shots: shots, ridge: ridge, foldIn: kind, regularization: value))
                        }
                    }
                }
            }
            if shots > 0 {
                for value in regularizations {
                    out.append(
                        Candidate(
                            method: MethodName.local, shots: shots, ridge: nil, foldIn: nil, regularization: value))
                }
            }
        }
        candidates = out
    }

    /// The candidate of a method and number of shots with the highest score, the first of equals; `nil` where the
    /// method has nothing to choose.
    public func best(method: String, shots: Int, scores: [Float]) -> Candidate? {
        precondition(scores.count == candidates.count, "\(scores.count) scores for \(candidates.count) candidates")
        var best: Int?
        for index in candidates.indices where candidates[index].method == method && candidates[index].shots == shots {
            if best.map({ scores[index] > scores[$0] }) ?? true { best = index }
        }
        return best.map { candidates[$0] }
    }
}
