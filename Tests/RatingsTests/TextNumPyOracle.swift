/// What NumPy makes of twenty invented titles with the built-in word vectors, which it unpacks by itself.
///
/// Made at the package's root by this program, which prints `expected`:
/// ```python
/// import re, numpy as np
/// text = open("Sources/Ratings/Text/EmbeddedGloVe.swift").read()
/// words = re.search(r'words: StaticString = "(.*)"', text)[1].split(" ")
/// table = lambda name: np.array(eval(re.search(name + r": \[Float\] = (\[.*?\])", text, re.S)[1]))
/// digits = np.array([ord(c) - 35 - (c > "\\") for c in re.search(r'codes: StaticString = "(.*)"', text)[1]])
/// packed = digits.reshape(-1, 3) @ [8281, 91, 1]
/// codes = np.stack([packed // 29**p % 29 for p in (3, 2, 1, 0)], 1).reshape(-1)
/// V = table("levels")[codes].reshape(len(words), 50) * table("scales") + table("means")
/// p = 1 / (np.arange(1, len(words) + 1) * np.sum(1 / np.arange(1, len(words) + 1)))
/// rank = {w: i for i, w in enumerate(words)}
/// titles = """the lost city of gold|a winter journey|love and war in paris|the last train home|king of the mountain
/// river of dreams|the secret garden party|dark night rising|my brother the detective|queen of the north
/// space station seven|how to cook italian food|the silent witness|summer on the island|a short history of music
/// return to the old house|the great bank robbery|children of the sun|murder at the hotel|the house by the sea"""
/// V = V.astype(np.float32)
/// rows = []
/// for title in re.split(r"[|\n]", titles):
///     s = [rank[w] for w in title.split() if w in rank]
///     assert len(s) == len(title.split()), title
///     rows.append(np.mean([1e-3 / (1e-3 + p[i]) * V[i].astype(float) for i in s], axis=0))
/// X = np.array(rows)
/// u = np.linalg.svd(X, full_matrices=False)[2][0]
/// X -= np.outer(X @ u, u)
/// for row in X:
///     print("        [" + ", ".join(f"{v:.5f}" for v in [*row[::10], np.linalg.norm(row)]) + "],")
/// ```
enum NumPyOracle {
    static let titles = [
        "the lost city of gold", "a winter journey", "love and war in paris", "the last train home",
        "king of the mountain", "river of dreams", "the secret garden party", "dark night rising",
        "my brother the detective", "queen of the north", "space station seven", "how to cook italian food",
        "the silent witness", "summer on the island", "a short history of music", "return to the old house",
        "the great bank robbery", "children of the sun", "murder at the hotel", "the house by the sea",
    ]

    /// The columns 0, 10, 20, 30, 40 and the length of each vector.
    static let expected: [[Double]] = [
        [-0.53035, 0.20973, -0.02499, 0.03887, 0.04454, 1.20796],
        [0.05640, -0.03596, -0.10575, -0.16845, -0.38994, 1.73670],
        [-0.04343, 0.06017, 0.06408, -0.07539, 0.21053, 1.04824],
        [0.10111, 0.02524, 0.05166, 0.03021, -0.04297, 1.06856],
        [0.05837, -0.04031, -0.30644, -0.13870, 0.04254, 1.25126],
        [0.02200, 0.07823, -0.20388, -0.05126, -0.31484, 1.82406],
        [0.10237, -0.28368, 0.09365, 0.00671, 0.26403, 1.36754],
        [-0.30616, -0.11357, -0.20356, 0.09393, -0.23998, 1.87340],
        [-0.14082, 0.04142, -0.36139, -0.32058, 0.13708, 1.86061],
        [0.00549, 0.05199, 0.04530, -0.17133, 0.11008, 1.10092],
        [0.38346, 0.27569, 0.23905, 0.27998, 0.22536, 2.03072],
        [0.12847, 0.16989, 0.02071, 0.32460, 0.40697, 1.73750],
        [0.14450, -0.23440, 0.09211, -0.20087, 0.09867, 1.62921],
        [0.09782, 0.03548, -0.01262, -0.01864, -0.27127, 1.10897],
        [-0.44469, 0.05535, 0.01380, 0.26442, 0.07934, 1.22397],
        [-0.07646, -0.14695, -0.06969, 0.01201, -0.01565, 0.80471],
        [0.01472, -0.00029, 0.43635, -0.04309, -0.16715, 1.49595],
        [-0.14451, 0.11743, -0.18127, 0.08667, 0.01028, 1.10282],
        [0.28771, -0.31550, 0.33560, -0.34578, -0.12436, 1.44549],
        [0.18893, -0.12010, 0.02370, 0.01793, -0.02546, 0.73477],
    ]
}
