#!/usr/bin/python3
"""Learns the model of generated names and writes it as C tables: train_names.py [--measure] MODEL.c VECTOR.h

Reads files below VERDICT_DATA only, and writes the same bytes for the same data and seed. --measure prints what is found of
the families that choices may be made by, too. Needs python3-sklearn, which nothing else of the project does."""
import os
import random
import sys

for _library in ("OMP", "OPENBLAS"):       # sums in one order
    os.environ[_library + "_NUM_THREADS"] = "1"

import numpy as np
import scipy.optimize
import scipy.sparse
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier

import name_data
from name_features import CLASSES, FEATURES, FOURS, LENGTHS, VALUES, WEIGHT_MAX, WEIGHT_ZERO, encode, features_of, places

SEED = 20260801
TREES, LEAVES, RATE = 800, 8, 0.03
BENIGN_ROWS = 145000
# Generators made up, and labels of each; of the sums' together as many benign labels weigh as much.
RUN_GENERATORS, RUN_ROWS = 1500, 200
SUM_GENERATORS, SUM_ROWS, SUM_WEIGHT = 600, 60, 3600
PENALTY, STEPS = 5e-6, 60          # of the weights of runs, and until these are found
WHOLE = 0.999                      # share of the weights that 4 bits hold
SCORES = list(range(0, 900, 100)) + list(range(900, 990, 10)) + list(range(990, 1001))
LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"


# --- what there is to learn from

def spoken(rng, length):
    """Vowels and consonants, mostly in turns."""
    out, vowel = "", rng.random() < 0.5
    for _ in range(length):
        out += rng.choice("aeiouy" if vowel else "bcdfghjklmnpqrstvwxz")
        vowel = vowel != (rng.random() < 0.9)
    return out


# How often a generator is of a kind, and the letters that one of it draws from.
KINDS = (
    (0.40, lambda rng: LETTERS),
    (0.08, lambda rng: LETTERS[:rng.randint(15, 25)]),
    (0.14, lambda rng: "".join(rng.sample(LETTERS, rng.randint(8, 20)))),
    (0.15, lambda rng: LETTERS + DIGITS),
    (0.08, lambda rng: LETTERS * rng.randint(2, 6) + DIGITS),
    (0.05, lambda rng: DIGITS + "abcdef"),
    (0.05, lambda rng: LETTERS + "234567"),
    (0.03, lambda rng: "".join(letter * rng.randint(1, 8) for letter in LETTERS)),
    (0.02, lambda rng: None),
)


def made_up(seed, generators, rows):
    """Labels of generators that are made up: each with letters and lengths of its own."""
    rng, labels = random.Random(seed), []
    for _ in range(generators):
        shortest = rng.randint(6, 20)
        longest = min(shortest + rng.choice((0, 0, 1, 3, 5, 9, 13)), 32)
        letters = rng.choices([kind[1] for kind in KINDS], [kind[0] for kind in KINDS])[0](rng)
        for _ in range(rows):
            length = rng.randint(shortest, longest)
            labels.append("".join(rng.choices(letters, k=length)) if letters else spoken(rng, length))
    return labels


def sample(labels, rows, seed):
    return labels if len(labels) <= rows else sorted(random.Random(seed).sample(labels, rows))


class Data:
    def __init__(self):
        data = name_data.data_directory()
        suffixes = name_data.Suffixes(data)
        parts = {name: [] for name, _ in name_data.PARTS}
        for label in name_data.benign(data, suffixes)[0]:
            parts[name_data.part_of(label)].append(label)
        self.counts = {name: len(labels) for name, labels in parts.items()}
        self.weights = weights_of_runs(parts["language"], made_up(SEED, RUN_GENERATORS, RUN_ROWS))
        parts["sums"] = sample(parts["sums"], BENIGN_ROWS, SEED)
        self.parts = {name: features_of(self.weights, parts[name]) for name in ("sums", "thresholds", "test")}
        self.made = features_of(self.weights, made_up(SEED + 2, SUM_GENERATORS, SUM_ROWS))
        self.families = {family: (kind, features_of(self.weights, sample(labels, 2000, SEED)))
                         for family, (kind, labels, _) in name_data.generated(data, suffixes).items()
                         if kind in name_data.RANDOM and len(labels) >= 20}


# --- learning

def counts_of_runs(labels):
    """A row a label, a column a run of three, then of four."""
    threes, fours = places(*encode(labels))
    keys = np.concatenate([threes, np.where(fours >= 0, fours + CLASSES ** 3, -1)], 1)
    rows, columns = np.nonzero(keys >= 0)
    return scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, keys[rows, columns])),
                                   shape=(len(labels), CLASSES ** 3 + FOURS))


def weights_of_runs(people, machines):
    """Logistic regression: how much more a run of letters speaks for machines than for people, in 4 bits."""
    counts = counts_of_runs(people + machines)
    transposed = counts.T.tocsr()
    sign = np.repeat([-1.0, 1.0], [len(people), len(machines)])
    weight = np.repeat([0.5 / len(people), 0.5 / len(machines)], [len(people), len(machines)])

    def loss(at):
        margin = sign * (counts @ at[:-1].astype(np.float32) + at[-1])
        slope = -weight * sign / (1 + np.exp(margin))
        along = np.append(transposed @ slope.astype(np.float32) + PENALTY * at[:-1], slope.sum())
        return float(weight @ np.logaddexp(0, -margin) + PENALTY / 2 * at[:-1] @ at[:-1]), along

    found = scipy.optimize.minimize(loss, np.zeros(counts.shape[1] + 1), jac=True, method="L-BFGS-B",
                                    options={"maxiter": STEPS}).x[:-1]
    step = np.quantile(np.abs(found), WHOLE) / WEIGHT_MAX
    whole = np.clip(np.rint(found / step), -WEIGHT_ZERO, WEIGHT_MAX).astype(np.int64)
    return whole[:CLASSES ** 3], whole[CLASSES ** 3:]


class Sums:
    """What each value of a feature adds for a label of that length: boosted trees of which each asks for the length and for one
    feature, added up to a table of that feature. Whole numbers, as large as an octet holds them."""

    def __init__(self, data):
        rows = [data.parts["sums"], data.made]
        weights = [np.ones(len(rows[0])), np.full(len(rows[1]), SUM_WEIGHT / len(rows[1]))]
        model = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, l2_regularization=2, max_bins=255,
            min_samples_leaf=40, early_stopping=False, monotonic_cst=[0] + list(FEATURES.values()), random_state=SEED,
            interaction_cst=[{0, 1 + feature} for feature in range(len(FEATURES))])
        model.fit(np.concatenate(rows).astype(np.float32), np.repeat([False, True], [len(part) for part in rows]),
                  sample_weight=np.concatenate(weights))
        terms = np.zeros((LENGTHS, len(FEATURES), VALUES))
        for trees in model._predictors:
            self.add(terms, trees[0].nodes)
        self.terms = np.rint(terms * (127 / np.abs(terms).max())).astype(np.int64)

    @staticmethod
    def add(terms, nodes):
        """A tree, to the table of the feature that it asks for."""
        asked = {int(node["feature_idx"]) for node in nodes if not node["is_leaf"]} - {0}
        feature = asked.pop() if asked else 1
        assert not asked
        lengths, values = np.arange(LENGTHS)[:, None] + 1, np.arange(VALUES)[None, :]

        def walk(at, where):
            node = nodes[at]
            if node["is_leaf"]:
                terms[:, feature - 1, :] += where * node["value"]
                return
            left = (values if node["feature_idx"] else lengths) <= node["num_threshold"]
            walk(node["left"], where & left)
            walk(node["right"], where & ~left)

        walk(0, np.ones((LENGTHS, VALUES), bool))

    def margins(self, rows):
        lengths = rows[:, 0].astype(np.int64) - 1
        return sum(self.terms[lengths, feature, rows[:, 1 + feature]] for feature in range(len(FEATURES)))


def knots(margins):
    """The margin that each of SCORES begins at: score S is exceeded by one benign label in 10000 / (1000 - S)."""
    ordered = np.sort(margins)[::-1]
    found = [int(ordered[min(max(int(len(ordered) * (1000 - score) / 10000), 0), len(ordered) - 1)]) for score in SCORES]
    found[-1] = max(found[-1], found[-2] + 1)
    return [max(found[:at + 1]) for at in range(len(found))]


def scores(table, margins):
    """As name_score() of detect/name_score.c has it."""
    at = np.searchsorted(table, margins, side="right") - 1
    low = np.clip(at, 0, len(table) - 2)
    span = np.maximum(np.array(table)[low + 1] - np.array(table)[low], 1)
    steps = np.array(SCORES)[low + 1] - np.array(SCORES)[low]
    between = np.array(SCORES)[low] + (margins - np.array(table)[low]) * steps // span
    return np.where(at < 0, 0, np.where(at >= len(table) - 1, 1000, between))


class Figures:
    """Shares of families found at the scores that stand for 1e-2, 1e-3 and 1e-4."""
    AT = (900, 990, 999)

    def __init__(self):
        self.found, self.wrong = {}, None

    def take(self, data, sums, families):
        table = knots(sums.margins(data.parts["thresholds"]))
        tested = scores(table, sums.margins(data.parts["test"]))
        self.wrong = [int((tested >= at).sum()) for at in self.AT]
        for family in families:
            marks = scores(table, sums.margins(data.families[family][1]))
            self.found[family] = [float((marks >= at).mean()) for at in self.AT]

    def macro(self):
        return np.mean(list(self.found.values()), 0)


def show(data, figures):
    for family, found in sorted(figures.found.items()):
        print("%-16s %-8s %s" % (family, data.families[family][0], " ".join("%.3f" % one for one in found)))
    print("macro true positives at 900, 990, 999: %s" % " ".join("%.3f" % one for one in figures.macro()))


# --- writing

def rows_of(values):
    out, line = [], "\t"
    for value in values:
        text = "%s, " % value
        if len(line) + len(text) > 112:
            out.append(line.rstrip())
            line = "\t"
        line += text
    return "\n".join(out + [line.rstrip()]) + "\n"


def nibbles(values):
    flat = list(values) + [0] * (len(values) % 2)
    return [low | high << 4 for low, high in zip(flat[::2], flat[1::2])]


HEAD = """/*
 * name_model.c: what generated names look like. Written by tests/eval/train_names.py; not to be edited.
 *
 * Learned from (below VERDICT_DATA): %(sources)s;
 *   without what lists/block_malware_big.txt.xz has, what leads to lists/sinkhole_addresses.tsv, and what is in the crawl
 *   alone and leads nowhere.
 * Seed %(seed)d, scikit-learn %(sklearn)s. Benign labels, by their hash: %(language)d for the weights of runs,
 * %(rows)d (of %(sums)d) for the sums, %(thresholds)d for the scores, %(test)d to measure. Generated labels: %(made)d for the
 * weights and %(sums_made)d for the sums, of generators that the script makes up. No family was learned from.
 * Held out, of %(test)d benign labels: %(wrong)s at the scores 900, 990, 999 or over. Families of
 * dga/dga_train.tsv.xz that nothing was chosen by, found at these scores:
%(held)s
 */
#include "detect/name_model.h"

"""


def wrapped(text, width=112):
    out, line = [], " *"
    for word in text.split():
        if len(line) + 1 + len(word) > width:
            out.append(line)
            line = " *"
        line += " " + word
    return "\n".join(out + [line])


def head(data, figures):
    held = ", ".join("%s %s" % (family, " ".join("%.2f" % one for one in found)) for family, found in sorted(
        figures.found.items())) + "; mean %s." % " ".join("%.2f" % one for one in figures.macro())
    return HEAD % dict(data.counts, sources="\n *   ".join(name_data.SOURCES), seed=SEED, sklearn=sklearn.__version__,
                       rows=len(data.parts["sums"]), made=RUN_GENERATORS * RUN_ROWS, sums_made=len(data.made),
                       held=wrapped(held), wrong=", ".join(str(one) for one in figures.wrong))


def write_model(path, data, sums, table, figures):
    threes, fours = (nibbles((weights + WEIGHT_ZERO).tolist()) for weights in data.weights)
    with open(path, "w") as file:
        file.write(head(data, figures))
        for name, kind, count, values in (
                ("name_threes", "uint8_t", "[NAME_THREES_OCTETS]", threes),
                ("name_fours", "uint8_t", "[NAME_FOURS_OCTETS]", fours),
                ("name_terms", "int8_t", "[NAME_LENGTHS * NAME_FEATURES * NAME_VALUES]", sums.terms.flatten().tolist()),
                ("name_knots", "struct name_knot", "[]", ["{ %d, %d }" % pair for pair in zip(table, SCORES)])):
            file.write("const %s %s%s = {\n%s};\n\n" % (kind, name, count, rows_of(values)))
        file.write("const unsigned name_knot_count = sizeof(name_knots) / sizeof(name_knots[0]);\n")
        file.write("\n_Static_assert(NAME_LENGTHS == %d && NAME_FEATURES == %d && NAME_VALUES == %d,\n\t\"the header is of "
                   "another model\");\n" % (LENGTHS, len(FEATURES), VALUES))
        file.write("_Static_assert(%s <= NAME_MODEL_OCTETS_MAX,\n\t\"the model is larger than it may be\");\n" % " + ".join(
            "sizeof(name_%s)" % table for table in ("threes", "fours", "terms", "knots")))


def vector_labels():
    rng = random.Random(SEED + 1)
    labels = made_up(SEED + 1, 60, 4)
    words = ("river", "green", "shop", "cloud", "my", "north", "data", "line", "blue", "24", "book", "lab", "-", "2020", "photo")
    labels += ["".join(rng.choice(words) for _ in range(rng.randint(1, 5))).strip("-") or "a" for _ in range(120)]
    labels += ["".join(rng.choices(LETTERS + DIGITS + "-", k=1 + at % 5)) for at in range(40)]
    return labels + ["a", "aa", "9", "-", "a" * 63, "0" * 63, "".join(rng.choices(LETTERS, k=63)), "-" * 20, "ab" * 31]


def write_vector(path, data, sums, table):
    labels = vector_labels()
    marks = scores(table, sums.margins(features_of(data.weights, labels)))
    with open(path, "w") as file:
        file.write("/* name_vector.h: what the script that learns makes of labels of its own. Written by "
                   "tests/eval/train_names.py. */\n")
        file.writelines('{ "%s", %d },\n' % pair for pair in zip(labels, marks))


def main(arguments):
    wanted = arguments[:1] == ["--measure"]
    data = Data()
    sums = Sums(data)
    for kept_back in [False, True] if wanted else [True]:
        figures = Figures()
        figures.take(data, sums, [family for family in sorted(data.families)
                                   if name_data.is_test_family(family) == kept_back])
        if not kept_back:
            show(data, figures)
    model, vector = arguments[wanted:]
    table = knots(sums.margins(data.parts["thresholds"]))
    write_model(model, data, sums, table, figures)
    write_vector(vector, data, sums, table)


if __name__ == "__main__":
    main(sys.argv[1:])
