#!/usr/bin/env python3
"""What each part of the ranking is worth: every weight left out in turn, with a paired bootstrap over the questions.

    codelore eval ... --per-query semble.jsonl --candidates 400      (one file per collection)
    bench/ranking/ablation.py semble.jsonl cosqa.jsonl claude.jsonl [--jitter N] [--fit]

Repeats src/index/rank/score.cc over the features in those files; the first line must agree with what eval printed.
--jitter does so at N random sets of weights around ours, up to half as much again or a third less, and gives the mean: what a
part is worth and not which near ties it happens to break.
--fit also fits the weights to half of the first file's sets and scores the other half, both ways, four times: what is
left of a gain when the weights have not seen the questions. Needs numpy."""
import argparse
import json
import random

import numpy as np

WEIGHTS = dict(lexical=1.0, lexical_file=1.0, dense=1.0, dense_for_symbols=0.1, dense_next=0.15, dense_file=0.1, crowding=0.1,
               coverage=0.2, stem_rarity=0.3, stem_exact=0.3, folder_rarity=0.2, defines_name=0.1, defines_type=0.1,
               defines_compound=0.1, definitions_hit=0.02)
FACTORS = dict(secondary=0.5, prose=0.5, legacy=0.5, foreign_platform=0.5, declaration=0.8)


class Question:
    def __init__(self, line):
        entry = json.loads(line)
        candidates = entry.get("candidates", [])
        self.set = entry["set"]
        names = [name for name in candidates[0] if name not in ("id", "path")] if candidates else []
        self.features = {name: np.array([c[name] for c in candidates]) for name in names}
        gains = sorted(entry["relevant"].values(), reverse=True)[:10]
        self.ideal = sum(gain / np.log2(i + 2) for i, gain in enumerate(gains))
        self.gains = np.array([entry["relevant"].get(c["id"], 0) for c in candidates], float)

    def ndcg(self, weights):
        if not len(self.gains):
            return 0.0
        best = np.argsort(-self.score(weights), kind="stable")[:10]
        return float((self.gains[best] / np.log2(np.arange(2, len(best) + 2))).sum() / self.ideal)

    def score(self, w):
        f = self.features
        symbol = f["q_symbol_like"][0] > 0
        trust = f["q_lexical_separation"][0] ** 3 if w.get("separation", 1) else 1
        trust = trust if symbol or not w.get("most_trust", 1) else min(trust, 0.5)
        share = lambda name: trust * f[name] / max(f[f"q_best_{name}"][0], 1e-9)
        above = (f["q_best_dense"][0] - f["q_dense_mean"][0]) / f["q_dense_deviation"][0]
        words = min(1, 3.5 / above) ** 3 if above > 0 and w.get("word_trust", 1) else 1
        standard = lambda x: np.maximum(0, (x - f["q_dense_mean"]) / f["q_dense_deviation"]) / 4
        score = w["lexical"] * share("lexical") + w["lexical_file"] * share("lexical_file")
        score = score + words * w["coverage"] * f["coverage"]
        score = score + (w["dense_for_symbols"] if symbol else w["dense"]) * standard(f["dense"])
        score = score + w["dense_next"] * f["dense_next"] + w["dense_file"] * standard(f["dense_file"])
        score = score - w["crowding"] * (w["dense_for_symbols"] if symbol else w["dense"]) * f["crowding"] / f["q_dense_deviation"] / 4
        score = score + w["stem_rarity"] * f["stem_rarity"] + w["folder_rarity"] * f["folder_rarity"]
        score = score + w["stem_exact"] * np.maximum(f["stem_exact"], f["stem_compound"])
        definitions = (w["defines_name"] * f["defines_exact"] if symbol else 0) + w["defines_type"] * f["defines_type"]
        definitions = definitions + w["defines_compound"] * f["defines_compound"]
        score = score + words * (definitions + w["definitions_hit"] * f["definitions_hit"])
        for name in FACTORS:
            score = score * np.where(f[name] > 0, w[name], 1)
        return score


def mean(questions, weights):
    """Mean over sets of the mean over their questions."""
    sets = {}
    for question in questions:
        sets.setdefault(question.set, []).append(question.ndcg(weights))
    return float(np.mean([np.mean(values) for values in sets.values()]))


def bootstrap(questions, one, other, rounds=2000):
    """95 % interval of the mean difference over questions."""
    differences = np.array([q.ndcg(one) - q.ndcg(other) for q in questions])
    picks = np.random.default_rng(1).integers(0, len(differences), (rounds, len(differences)))
    return np.percentile(differences[picks].mean(axis=1), [2.5, 97.5])


def fit(questions, start, rounds=2, least_gain=8e-4):
    """Coordinate ascent; a step that gains less is not taken."""
    best, value = dict(start), mean(questions, start)
    for _ in range(rounds):
        for name in start:
            for factor in (0, 0.5, 0.7, 1.4, 2):
                weight = round(best[name] * factor, 4)
                if name in FACTORS and not 0 < weight <= 1:
                    continue
                trial = {**best, name: weight}
                if (trial_value := mean(questions, trial)) > value + least_gain:
                    best, value = trial, trial_value
    return best


def jitter(collections, weights, draws):
    """What each part is worth, the mean over sets of weights around ours: per collection."""
    random_weights, worth = np.random.default_rng(3), {name: [] for name in weights}
    for _ in range(draws):
        around = {n: min(1.0, w * 2 ** random_weights.uniform(-0.6, 0.6)) if n in FACTORS else w * 2 ** random_weights.uniform(-0.6, 0.6)
                  for n, w in weights.items()}
        values = [mean(c, around) for c in collections]
        for name in weights:
            without = {**around, name: 1 if name in FACTORS else 0}
            worth[name].append([value - mean(c, without) for value, c in zip(values, collections)])
    for name, each in worth.items():
        print(f"| {name} | " + " | ".join(f"{value:+.4f}" for value in np.mean(each, axis=0)) + f" | {np.mean(each):+.4f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--jitter", type=int, metavar="N")
    options = parser.parse_args()
    collections = [[Question(line) for line in open(path, encoding="utf-8")] for path in options.files]
    weights = {**WEIGHTS, **FACTORS}
    if options.jitter:
        return jitter(collections, weights, options.jitter)
    print("| part left out | " + " | ".join(f"{path.rsplit('/', 1)[-1]} (95 % of what it is worth)" for path in options.files) + " |")
    print("|" + "---|" * (len(collections) + 1))
    print("| none | " + " | ".join(f"{mean(c, weights):.4f}" for c in collections) + " |")
    for name in list(weights) + ["separation", "most_trust", "word_trust"]:
        without = {**weights, name: 1 if name in FACTORS else 0}
        cells = []
        for questions in collections:
            low, high = bootstrap(questions, weights, without)
            cells.append(f"{mean(questions, without):.4f} ({low:+.4f} to {high:+.4f})")
        print(f"| {name} | " + " | ".join(cells) + " |")
    if not options.fit:
        return
    names = sorted({q.set for q in collections[0]})
    held_out = []
    for seed in range(4):
        shuffled = names[:]
        random.Random(seed).shuffle(shuffled)
        one = set(shuffled[: len(names) // 2])
        halves = [[q for q in collections[0] if (q.set in one) == side] for side in (True, False)]
        held_out.append(np.mean([mean(halves[1 - i], fit(halves[i], weights)) for i in (0, 1)]))
    print(f"\nFitted on one half, scored on the other: {np.mean(held_out):.4f} ({', '.join(f'{v:.4f}' for v in held_out)})")


if __name__ == "__main__":
    main()
