#!/usr/bin/env python3
"""Makes ranking-metrics.json: random rankings with the values of independent evaluators.

    python3 -m venv /tmp/evaluators
    /tmp/evaluators/bin/pip install ranx==0.3.21 RecTools==0.19.0 pytrec_eval-terrier==0.5.11 mpmath
    /tmp/evaluators/bin/python make-ranking-metrics.py

Each expected value comes from the definition in exact fractions or 50 digits ("definition" below). Every evaluator whose
definition agrees is then asked too, and the script stops where one differs by more than 1e-12. The evaluators get the
lists already in order, as scores that strictly fall, because each breaks ties in its own way.
"""

import json
import os
import random
from fractions import Fraction

import mpmath
import numpy as np
import pandas as pd
import pytrec_eval
import ranx
from rectools import Columns
from rectools.metrics import MAP, MRR, NDCG, CatalogCoverage, HitRate, IntraListDiversity, MeanInvUserFreq
from rectools.metrics import Precision, Recall, Serendipity
from rectools.metrics.distances import PairwiseDistanceCalculator

mpmath.mp.dps = 50
SEED = 20240611
CASES = 200
TOLERANCE = 1e-12
HERE = os.path.dirname(os.path.abspath(__file__))

SOURCES = {
    "ndcg": "definition (mpmath); agrees with ranx, RecTools (divide_by_achievable=True), pytrec_eval",
    "recall": "definition (fractions); agrees with ranx, RecTools, pytrec_eval",
    "precision": "definition (fractions); agrees with ranx, RecTools, pytrec_eval: all divide by k for short lists too",
    "map": "definition (fractions); ranx, RecTools and pytrec_eval (map_cut) divide by the relevant items where Ferry "
    "divides by min(relevant, k): compared after multiplication by relevant / min(relevant, k)",
    "mrr": "definition (fractions); agrees with ranx, RecTools, pytrec_eval (recip_rank of the list cut at k)",
    "hit": "definition; agrees with ranx, RecTools, pytrec_eval (success)",
    "coverage": "definition (fractions); agrees with RecTools (CatalogCoverage, normalize=True)",
    "novelty": "definition (mpmath); per person agrees with RecTools (MeanInvUserFreq). The cohort's value is the mean "
    "over all recommended items, RecTools' the mean over persons",
    "diversity": "definition (mpmath); agrees with RecTools (IntraListDiversity, cosine distance) for lists of at least "
    "two items that all have a direction; RecTools says 0 for shorter lists where Ferry says undefined",
    "gini": "mean absolute difference over twice the mean (fractions); no evaluator has it",
    "serendipity": "definition (fractions); agrees with RecTools (Serendipity) after multiplication by list length / k: "
    "RecTools divides by the length of the list where Ferry divides by k",
    "rmse": "definition (mpmath)",
    "mae": "definition (fractions)",
}


def order(scores, excluded, k):
    values = {"inf": float("inf"), "-inf": float("-inf"), "-0": 0.0}
    numbers = [values[s] if isinstance(s, str) else s for s in scores]
    left = [i for i in range(len(scores)) if i not in excluded]
    return sorted(left, key=lambda i: (-numbers[i], i))[:k]


def definition(ranking, relevant, k):
    hits = [i in relevant for i in ranking]
    found, precisions = 0, Fraction(0)
    for rank, is_hit in enumerate(hits, start=1):
        found += is_hit
        precisions += Fraction(found, rank) if is_hit else 0
    achievable = min(len(relevant), k)
    gain = mpmath.fsum(1 / mpmath.log(rank + 1, 2) for rank, h in enumerate(hits, start=1) if h)
    ideal = mpmath.fsum(1 / mpmath.log(rank + 1, 2) for rank in range(1, achievable + 1))
    return {
        "ndcg": float(gain / ideal),
        "recall": float(Fraction(found, len(relevant))),
        "precision": float(Fraction(found, k)),
        "map": float(precisions / achievable),
        "mrr": float(Fraction(1, 1 + hits.index(True))) if found else 0.0,
        "hit": 1.0 if found else 0.0,
    }


COMPARISONS = {}


def agree(name, evaluator, ours, theirs):
    COMPARISONS[name, evaluator] = COMPARISONS.get((name, evaluator), 0) + 1
    if not abs(ours - theirs) <= TOLERANCE:
        raise SystemExit(f"{evaluator} says {theirs} for {name}, the definition {ours}")


class Cosine(PairwiseDistanceCalculator):
    def __init__(self, vectors):
        self.vectors = np.array(vectors, dtype=np.float64)

    def _get_distances_for_item_pairs(self, items_0, items_1):
        a, b = self.vectors[np.asarray(items_0, dtype=int)], self.vectors[np.asarray(items_1, dtype=int)]
        return 1 - (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))


def compare_relevance(persons, k):
    """Asks ranx, RecTools and pytrec_eval about all persons with relevant items."""
    judged = [(str(n), p) for n, p in enumerate(persons) if p["relevant"]]
    achievable = {n: Fraction(len(p["relevant"]), min(len(p["relevant"]), k)) for n, p in judged}
    # An empty list cannot be handed to ranx and RecTools: it has no rows there. pytrec_eval takes it.
    listed = [(n, p) for n, p in judged if p["ranking"]]
    qrels = {n: {str(i): 1 for i in p["relevant"]} for n, p in judged}
    runs = {n: {str(i): float(len(p["ranking"]) - r) for r, i in enumerate(p["ranking"])} for n, p in judged}
    trec = pytrec_eval.RelevanceEvaluator(
        qrels, {f"ndcg_cut.{k}", f"recall.{k}", f"P.{k}", f"map_cut.{k}", "recip_rank", f"success.{k}"}
    ).evaluate(runs)
    names = {"ndcg": f"ndcg_cut_{k}", "recall": f"recall_{k}", "precision": f"P_{k}", "map": f"map_cut_{k}"}
    names |= {"mrr": "recip_rank", "hit": f"success_{k}"}
    for n, p in judged:
        if n not in trec:
            continue
        for name, theirs in names.items():
            factor = achievable[n] if name == "map" else 1
            agree(name, "pytrec_eval", p["expected"][name], trec[n][theirs] * float(factor))
    if not listed:
        return
    ranx_run = ranx.Run({n: runs[n] for n, _ in listed})
    ranx_qrels = ranx.Qrels({n: qrels[n] for n, _ in listed})
    names = {"ndcg": "ndcg", "recall": "recall", "precision": "precision", "map": "map", "mrr": "mrr", "hit": "hit_rate"}
    for name, theirs in names.items():
        ranx.evaluate(ranx_qrels, ranx_run, f"{theirs}@{k}")
        for n, p in listed:
            factor = float(achievable[n]) if name == "map" else 1.0
            agree(name, "ranx", p["expected"][name], float(ranx_run.scores[f"{theirs}@{k}"][n]) * factor)
    reco = pd.DataFrame(
        [(int(n), i, r) for n, p in listed for r, i in enumerate(p["ranking"], start=1)],
        columns=[Columns.User, Columns.Item, Columns.Rank],
    )
    seen = pd.DataFrame([(int(n), i) for n, p in listed for i in p["relevant"]], columns=[Columns.User, Columns.Item])
    metrics = {
        "ndcg": NDCG(k=k, divide_by_achievable=True), "recall": Recall(k=k), "precision": Precision(k=k),
        "map": MAP(k=k), "mrr": MRR(k=k), "hit": HitRate(k=k),
    }  # fmt: skip
    for name, metric in metrics.items():
        values = metric.calc_per_user(reco, seen)
        for n, p in listed:
            factor = float(achievable[n]) if name == "map" else 1.0
            agree(name, "RecTools", p["expected"][name], float(values[int(n)]) * factor)


def beyond_relevance(case):
    """Novelty, diversity and serendipity of each person, then the cohort's values."""
    k, counts, people = case["k"], case["interactionCounts"], case["personCount"]
    size, vectors = len(counts), case["vectors"]
    novelty = [mpmath.log(mpmath.mpf(people) / max(c, 1), 2) for c in counts]
    levels = sorted({c for c in counts if c > 0}, reverse=True)
    popularity = [Fraction(size - levels.index(c), size) if c > 0 else Fraction(0) for c in counts]
    judged = [p for p in case["persons"] if p["relevant"]]
    recommended = [0] * size
    for p in judged:
        items = p["ranking"]
        for i in items:
            recommended[i] += 1
        directed = [i for i in items if any(vectors[i])]
        distances = []
        for a in range(len(directed)):
            for b in range(a):
                x, y = vectors[directed[a]], vectors[directed[b]]
                dot, xx, yy = (sum(Fraction(s) * Fraction(t) for s, t in zip(u, v)) for u, v in ((x, y), (x, x), (y, y)))
                product = mpmath.mpf(xx.numerator) / xx.denominator * yy.numerator / yy.denominator
                distances.append(1 - mpmath.mpf(dot.numerator) / dot.denominator / mpmath.sqrt(product))
        serendipity = sum(
            (max(Fraction(size + 1 - r, size) - popularity[i], Fraction(0)) for r, i in enumerate(items, start=1)
             if i in p["relevant"]), Fraction(0)) / k  # fmt: skip
        p["expected"] |= {
            "novelty": float(mpmath.fsum(novelty[i] for i in items) / len(items)) if items else None,
            "diversity": float(mpmath.fsum(distances) / len(distances)) if distances and k > 1 else None,
            "serendipity": float(serendipity),
        }
    total = sum(recommended)
    mean = lambda values: float(mpmath.fsum(values) / len(values)) if values else None
    defined = lambda name: [p["expected"][name] for p in judged if p["expected"][name] is not None]
    differences = sum(abs(a - b) for a in recommended for b in recommended)
    case["expected"] = {name: mean(defined(name)) for name in list(judged[0]["expected"])} if judged else {}
    case["expected"] |= {
        "coverage": float(Fraction(sum(c > 0 for c in recommended), size)) if judged else None,
        "novelty": float(mpmath.fsum(c * v for c, v in zip(recommended, novelty)) / total) if total else None,
        "gini": float(Fraction(differences, 2 * size * total)) if total else None,
    }
    case["excludedPersonCount"] = len(case["persons"]) - len(judged)
    compare_beyond(case, judged)


def compare_beyond(case, judged):
    k, counts, people, size = case["k"], case["interactionCounts"], case["personCount"], len(case["interactionCounts"])
    listed = [(n, p) for n, p in enumerate(judged) if p["ranking"]]
    if not listed:
        return
    reco = pd.DataFrame(
        [(n, i, r) for n, p in listed for r, i in enumerate(p["ranking"], start=1)],
        columns=[Columns.User, Columns.Item, Columns.Rank],
    )
    seen = pd.DataFrame([(n, i) for n, p in listed for i in p["relevant"]], columns=[Columns.User, Columns.Item])
    # Item i is known by persons 0 ..< count. One item outside the catalogue makes everybody known to RecTools.
    before = pd.DataFrame(
        [(u, i) for i, c in enumerate(counts) for u in range(c)], columns=[Columns.User, Columns.Item])  # fmt: skip
    everybody = pd.concat([before, pd.DataFrame({Columns.User: range(people), Columns.Item: size})])
    if len(before):
        serendipity = Serendipity(k=k).calc_per_user(reco, seen, before, list(range(size)))
        for n, p in listed:
            agree("serendipity", "RecTools", p["expected"]["serendipity"], serendipity[n] * len(p["ranking"]) / k)
    novelty = MeanInvUserFreq(k=k).calc_per_user(reco, everybody)
    for n, p in listed:
        agree("novelty", "RecTools", p["expected"]["novelty"], novelty[n])
    coverage = CatalogCoverage(k=k, normalize=True).calc(reco, list(range(size)))
    agree("coverage", "RecTools", case["expected"]["coverage"], coverage)
    whole = [(n, p) for n, p in listed if len(p["ranking"]) > 1 and all(any(case["vectors"][i]) for i in p["ranking"])]
    if whole and k > 1:
        users = [n for n, _ in whole]
        diversity = IntraListDiversity(k=k, distance_calculator=Cosine(case["vectors"])).calc_per_user(
            reco[reco[Columns.User].isin(users)])  # fmt: skip
        for n, p in whole:
            agree("diversity", "RecTools", p["expected"]["diversity"], diversity[n])


def rating_errors(source):
    low, high = 1.0, 5.0
    rows = []
    for _ in range(source.randint(1, 3)):
        predictions = [source.randint(-16, 112) / 16 for _ in range(source.randint(1, 5))]
        rows.append((predictions, [source.randint(2, 10) / 2 for _ in predictions]))
    clamp = lambda v: Fraction(min(max(v, low), high))
    errors = [clamp(p) - Fraction(r) for ps, rs in rows for p, r in zip(ps, rs)]
    squares = sum(e * e for e in errors) / len(errors)
    return {
        "predictions": [p for p, _ in rows],
        "ratings": [r for _, r in rows],
        "rmse": float(mpmath.sqrt(mpmath.mpf(squares.numerator) / squares.denominator)),
        "mae": float(sum(abs(e) for e in errors) / len(errors)),
    }


def make_case(source):
    size, k = source.randint(1, 60), source.randint(1, 20)
    levels, people = source.randint(1, 12), source.randint(1, 40)
    case = {
        "k": k,
        "personCount": people,
        "interactionCounts": [source.choice([0, source.randint(0, people)]) for _ in range(size)],
        # One vector in eight is zero.
        "vectors": [[0, 0] if source.random() < 0.125 else [source.randint(-9, 9) for _ in range(2)]
                    for _ in range(size)],  # fmt: skip
        "persons": [],
    }
    for _ in range(source.randint(1, 4)):
        scores = [source.randint(0, levels) - levels // 2 for _ in range(size)]
        for special in ("inf", "-inf", "-0"):
            if source.random() < 0.25:
                scores[source.randrange(size)] = special
        items = source.sample(range(size), size)
        count = 0 if source.random() < 0.15 else source.randint(1, min(size, 12))
        relevant, rest = items[:count], items[count:]
        # Nothing, some or all of the rest is excluded; all of the catalogue makes an empty list.
        excluded = source.choice([[], rest[: source.randint(0, len(rest))], rest, rest + relevant])
        excluded = excluded if source.random() < 0.7 else rest[: len(rest) // 2]
        ranking = order(scores, set(excluded), k)
        person = {"scores": scores, "excluded": excluded, "relevant": relevant, "ranking": ranking, "expected": {}}
        if relevant:
            person["expected"] = definition(ranking, set(relevant), k)
        case["persons"].append(person)
    compare_relevance(case["persons"], k)
    beyond_relevance(case)
    case["ratingErrors"] = rating_errors(source)
    return case


def main():
    source = random.Random(SEED)
    cases = [make_case(source) for _ in range(CASES)]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    text = '{"seed":%d,"source":%s,"cases":[\n%s\n]}\n' % (SEED, json.dumps(SOURCES, indent=1), lines)
    with open(os.path.join(HERE, "ranking-metrics.json"), "w", encoding="utf-8") as file:
        file.write(text)
    persons = [p for c in cases for p in c["persons"]]
    print(len(text), "bytes;", len(persons), "persons;", sum(not p["relevant"] for p in persons), "without relevant;",
          sum(not p["ranking"] for p in persons), "empty lists;",
          sum(0 < len(p["ranking"]) < c["k"] for c in cases for p in c["persons"]), "short lists")  # fmt: skip
    for (name, evaluator), number in sorted(COMPARISONS.items()):
        print(f"{name}: {number} values of {evaluator}")


main()
