/// The names of `federation.strategy`, and what they ask of a scenario.
public enum StrategyNames {
    /// Every name: the exact gradient and the strategies of `Federation`.
    public static let all = [
        "fedavg", "gradient", "fedavgm", "fedadam", "fedyogi", "fedadagrad", "fedprox", "scaffold", "median",
        "trimmed-mean", "krum", "multi-krum",
    ]

    /// Those whose steps have the size of the server's rate.
    static let adaptive: Set = ["gradient", "fedadam", "fedyogi", "fedadagrad"]

    /// The fewest clients that can guard against some byzantine ones; `nil` for strategies that count none.
    ///
    /// Source: Blanchard et al. (NeurIPS 2017) for krum, 2f + 3; Yin et al. (ICML 2018) for the others, 2f + 1.
    public static func leastClients(_ strategy: String, byzantine count: Int) -> Int? {
        switch strategy {
        case "krum", "multi-krum": 2 * count + 3
        case "median", "trimmed-mean": 2 * count + 1
        default: nil
        }
    }
}
