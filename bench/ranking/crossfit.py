#!/usr/bin/env python3
"""How well weights do that have not seen the questions: fitted to half of the sets, scored on the other half.

    codelore eval ... --per-query semble.jsonl --candidates 400
    bench/ranking/crossfit.py semble.jsonl [--splits 8] [--level 0.05]

Not our weights are the start but those of the plain reference that came before; a leg it did not have starts at 1, any other
part at .1, a factor at .5. A weight may be halved or doubled, a part left out. A step is taken only if a one-sided paired
bootstrap over the questions of that half believes in its gain: greedy ascent without such a test takes every step that noise
offers. Some forty steps are tried in a round, so at level .05 two of them pass by chance. The shape of the score (which
parts there are, the powers, the limits) is as in score.cc and was chosen on all sets. Needs numpy."""
import argparse
import random

import numpy as np

from ablation import FACTORS, WEIGHTS, Question

REFERENCE = dict(lexical=1.0, lexical_file=1.0, dense=1.0, dense_for_symbols=0.1, dense_next=0.2, stem_rarity=0.5, stem_exact=0.3,
                 defines_name=0.2, defines_type=0.3, defines_compound=0.3, secondary=0.5)
START = {**{name: 0.1 for name in WEIGHTS}, **{name: 0.5 for name in FACTORS}, **REFERENCE}


def steps(name, weight):
    if name in FACTORS:
        return [w for w in (weight / 2, weight * 2) if 0.2 < w <= 1]
    return [weight / 2, weight * 2, 0] if weight else []


class Half:
    """Questions of some sets; every set weighs the same."""

    def __init__(self, questions, names):
        self.questions = [q for q in questions if q.set in names]
        sizes = {name: sum(q.set == name for q in self.questions) for name in names}
        self.shares = np.array([1 / sizes[q.set] / len(names) for q in self.questions])

    def ndcg(self, weights):
        return np.array([q.ndcg(weights) for q in self.questions])

    def mean(self, weights):
        return float(self.shares @ self.ndcg(weights))

    def doubt(self, gains, rounds=1000):
        """Share of the bootstrap's rounds in which there is no gain."""
        picks = np.random.default_rng(1).integers(0, len(gains), (rounds, len(gains)))
        return float(((gains * self.shares)[picks].sum(axis=1) <= 0).mean())


def fit(half, level, rounds=3):
    best, values = dict(START), half.ndcg(START)
    for _ in range(rounds):
        before = dict(best)
        for name in START:
            for weight in steps(name, best[name]):
                trial = {**best, name: weight}
                gains = half.ndcg(trial) - values
                if half.shares @ gains > 0 and half.doubt(gains) < level:
                    best, values = trial, values + gains
                    break
        if best == before:
            break
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--splits", type=int, default=8)
    parser.add_argument("--level", type=float, default=0.05)
    options = parser.parse_args()
    questions = [Question(line) for line in open(options.file, encoding="utf-8")]
    names = sorted({q.set for q in questions})
    ours = {**WEIGHTS, **FACTORS}
    print(f"our weights {Half(questions, names).mean(ours):.4f}, the start {Half(questions, names).mean(START):.4f}")
    results = []
    for seed in range(options.splits):
        shuffled = names[:]
        random.Random(seed).shuffle(shuffled)
        halves = [Half(questions, shuffled[: len(names) // 2]), Half(questions, shuffled[len(names) // 2 :])]
        fitted = [fit(half, options.level) for half in halves]
        results.append(np.mean([halves[1].mean(fitted[0]), halves[0].mean(fitted[1])]))
        for weights in fitted:
            print(seed, " ".join(f"{n} {w:.3g}" for n, w in weights.items() if w != START[n]), flush=True)
    print(f"fitted to one half, scored on the other: {np.mean(results):.4f} ({', '.join(f'{r:.4f}' for r in results)})")


if __name__ == "__main__":
    main()
