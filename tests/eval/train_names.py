#!/usr/bin/python3
"""Learns the model of generated names and writes it as C tables: train_names.py [--measure] MODEL.c VECTOR.h

Reads files below VERDICT_DATA only, and writes the same bytes for the same data and seed. --measure prints the figures
of a cross-validation by families, too. Needs python3-sklearn, which nothing else of the project does."""
import os
import random
import sys

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier

import name_data
import name_features
from name_features import FEATURES, Language, features_of

SEED = 20260801
SET_OCTETS = {4: 20480, 5: 16384}
TREES, LEAVES = 200, 12
BENIGN_ROWS, FAMILY_ROWS, SYNTHETIC_ROWS = 145000, 800, 1250
FAMILY_WEIGHT, SYNTHETIC_WEIGHT = 600, 60
FOLDS = 3
SCORES = list(range(0, 900, 100)) + list(range(900, 990, 10)) + list(range(990, 1001))
LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"


# --- what there is to learn from

def drawn(rng, letters, shortest, longest):
    return "".join(rng.choice(letters) for _ in range(rng.randint(shortest, longest)))


def syllables(rng):
    return "".join(rng.choice("bcdfghjklmnpqrstvwxz") + rng.choice("aeiouy") for _ in range(rng.randint(4, 10)))


GENERATORS = {
    "uniform": lambda rng: drawn(rng, LETTERS, 7, 26),
    "alphanumeric": lambda rng: drawn(rng, LETTERS + DIGITS, 7, 26),
    "hex": lambda rng: drawn(rng, DIGITS + "abcdef", 8, 32),
    "base32": lambda rng: drawn(rng, LETTERS + "234567", 8, 32),
    "narrow": lambda rng: drawn(rng, rng.sample(LETTERS, rng.randint(10, 20)), 8, 20),
    "syllables": syllables,
}


def synthetic(seed, rows):
    rng = random.Random(seed)
    return {name: [make(rng) for _ in range(rows)] for name, make in GENERATORS.items()}


def sample(labels, rows, seed):
    return labels if len(labels) <= rows else sorted(random.Random(seed).sample(labels, rows))


class Data:
    def __init__(self):
        data = name_data.data_directory()
        suffixes = name_data.Suffixes(data)
        parts = {name: [] for name, _ in name_data.PARTS}
        for label in name_data.benign(data, suffixes):
            parts[name_data.part_of(label)].append(label)
        self.counts = {name: len(labels) for name, labels in parts.items()}
        self.language = Language(parts["language"], SET_OCTETS)
        parts["trees"] = sample(parts["trees"], BENIGN_ROWS, SEED)
        self.parts = {name: features_of(self.language, parts[name]) for name in ("trees", "thresholds", "test")}
        self.families = {family: (kind, features_of(self.language, sample(labels, 2000, SEED)))
                         for family, (kind, labels) in name_data.generated(data, suffixes).items()
                         if kind in name_data.RANDOM and len(labels) >= 20}
        self.synthetic = [features_of(self.language, labels) for labels in synthetic(SEED, SYNTHETIC_ROWS).values()]


# --- learning

class Trees:
    """Whole numbers only: a label's margin is the sum of one leaf of each tree."""
    SCALE = 256

    def __init__(self, data, families):
        made = [data.families[family][1][:FAMILY_ROWS] for family in families]
        rows = [data.parts["trees"]] + data.synthetic + made
        weights = [np.ones(len(rows[0]))] + [np.full(len(part), SYNTHETIC_WEIGHT / len(part)) for part in data.synthetic]
        weights += [np.full(len(part), FAMILY_WEIGHT / max(len(part), 100)) for part in made]
        kind = np.concatenate([np.full(len(part), index > 0) for index, part in enumerate(rows)])
        model = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=0.12, l2_regularization=2, max_bins=255,
            min_samples_leaf=40, early_stopping=False, random_state=SEED)
        model.fit(np.concatenate(rows).astype(np.float32), kind, sample_weight=np.concatenate(weights))
        self.trees = [self.whole(trees[0].nodes) for trees in model._predictors]

    @classmethod
    def whole(cls, nodes):
        """Inner nodes (feature, most, left, right) and leaves; a child of -1 - n is leaf n."""
        names, inner, leaves = {}, [], []
        for at, node in enumerate(nodes):
            names[at] = -1 - sum(bool(other["is_leaf"]) for other in nodes[:at]) if node["is_leaf"] else len(
                [other for other in nodes[:at] if not other["is_leaf"]])
        for node in nodes:
            if node["is_leaf"]:
                leaves.append(int(round(float(node["value"]) * cls.SCALE)))
            else:
                inner.append((int(node["feature_idx"]), int(np.floor(node["num_threshold"])), names[int(node["left"])],
                              names[int(node["right"])]))
        return inner, leaves

    def margins(self, rows):
        sums = np.zeros(len(rows), np.int64)
        every = np.arange(len(rows))
        for inner, leaves in self.trees:
            table = np.array(inner, np.int64).reshape(-1, 4)
            at = np.zeros(len(rows), np.int64)
            for _ in range(LEAVES):
                going = at >= 0
                if not going.any():
                    break
                node = table[np.maximum(at, 0)]
                right = rows[every, node[:, 0]] > node[:, 1]
                at = np.where(going, np.where(right, node[:, 3], node[:, 2]), at)
            sums += np.array(leaves, np.int64)[-1 - at]
        return sums


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
    """Of families that were not learned from: shares found at the scores that stand for 1e-2, 1e-3 and 1e-4."""
    AT = (900, 990, 999)

    def __init__(self):
        self.found, self.wrong = {}, []

    def take(self, data, trees, families):
        table = knots(trees.margins(data.parts["thresholds"]))
        tested = scores(table, trees.margins(data.parts["test"]))
        self.wrong.append([int((tested >= at).sum()) for at in self.AT])
        for family in families:
            marks = scores(table, trees.margins(data.families[family][1]))
            self.found[family] = [float((marks >= at).mean()) for at in self.AT]

    def macro(self):
        return np.mean(list(self.found.values()), 0)

    def wrong_share(self, negatives):
        return np.mean(self.wrong, 0) / negatives


def measure(data):
    """Each family by trees that never saw it."""
    figures = Figures()
    families = sorted(data.families)
    for fold in range(FOLDS):
        left_out = families[fold::FOLDS]
        figures.take(data, Trees(data, [family for family in families if family not in left_out]), left_out)
    for family in families:
        print("%-16s %-8s %s" % (family, data.families[family][0], " ".join("%.3f" % one for one in figures.found[family])))
    print("macro true positives at 900, 990, 999: %s" % " ".join("%.3f" % one for one in figures.macro()))
    print("false positives of %d: %s" % (len(data.parts["test"]),
                                         " ".join("%.6f" % one for one in figures.wrong_share(len(data.parts["test"])))))
    return figures


# --- writing

def rows_of(values, form="%d"):
    out, line = [], "\t"
    for value in values:
        text = form % value + ", "
        if len(line) + len(text) > 112:
            out.append(line.rstrip())
            line = "\t"
        line += text
    return "\n".join(out + [line.rstrip()]) + "\n"


def octets_of(bits):
    return np.packbits(bits, bitorder="little").tolist()


def nibbles(values):
    flat = list(values) + [0] * (len(values) % 2)
    return [low | high << 4 for low, high in zip(flat[::2], flat[1::2])]


def striking(tree, usual):
    """Nodes (feature, strikes over, most, bits of leaves kept), and the leaves in the order in which the first one that is
    not struck is the right one: at each node those come first to which a label of the usual features goes."""
    inner, values = tree
    nodes, leaves = [], []

    def walk(at):
        if at < 0:
            leaves.append(values[-1 - at])
            return 1 << len(leaves) - 1
        feature, most, left, right = inner[at]
        over = usual[feature] <= most
        first = walk(left if over else right)
        nodes.append((feature, over, most, 0xffff & ~first))
        return first | walk(right if over else left)

    walk(0)
    return nodes, leaves + [0] * (LEAVES - len(leaves))


def tree_octets(trees, usual):
    nodes, leaves, starts = [], [], [0]
    for number, tree in enumerate(trees.trees):
        struck, ends = striking(tree, usual)
        nodes.extend((feature, over, most, number, keep) for feature, over, most, keep in struck)
        leaves.extend(ends)
    ordered = []
    for feature in range(len(FEATURES)):
        for over in (True, False):
            part = sorted(node[2:] for node in nodes if node[:2] == (feature, over))
            ordered.extend(part if over else part[::-1])
            starts.append(len(ordered))
    return ordered, leaves, starts


HEAD = """/*
 * name_model.c: what generated names look like. Written by tests/eval/train_names.py; not to be edited.
 *
 * Learned from (below VERDICT_DATA): %(sources)s.
 * Seed %(seed)d, scikit-learn %(sklearn)s. Benign labels, by their hash: %(language)d for the language tables, %(rows)d (of
 * %(trees)d) for the trees, %(thresholds)d for the scores, %(test)d to measure. Families learned from:
%(learned)s
 * and six generators of the script's own.
 * Held out, of %(test)d benign labels: %(wrong)s at the scores 900, 990, 999 or over. Of families
 * that were never learned from, found at these scores:
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


def head(data, learned, figures):
    held = ", ".join("%s %s" % (family, " ".join("%.2f" % one for one in found)) for family, found in sorted(
        figures.found.items())) + "; mean %s." % " ".join("%.2f" % one for one in figures.macro())
    sources = ", ".join(name_data.SOURCES) + ", dga/dga_train.tsv.xz; without what lists/block_malware_big.txt.xz has"
    return HEAD % dict(data.counts, sources="\n *   ".join(sources.split(", ")), seed=SEED, sklearn=sklearn.__version__,
                       rows=len(data.parts["trees"]), learned=wrapped(", ".join(learned)), held=wrapped(held),
                       wrong=", ".join(str(one) for one in figures.wrong[0]))


def write_model(path, data, trees, table, learned, figures):
    language = data.language
    nodes, leaves, starts = tree_octets(trees, np.median(data.parts["trees"], axis=0))
    with open(path, "w") as file:
        file.write(head(data, learned, figures))
        for name, kind, count, values in (
                ("name_pairs", "uint8_t", "NAME_LETTERS * NAME_LETTERS", language.pairs.reshape(-1).tolist()),
                ("name_trigrams", "uint8_t", "NAME_TRIGRAM_OCTETS", nibbles(language.trigrams.reshape(-1).tolist())),
                ("name_fours", "uint8_t", "NAME_FOURS_OCTETS", octets_of(language.sets[4])),
                ("name_fives", "uint8_t", "NAME_FIVES_OCTETS", octets_of(language.sets[5])),
                ("name_leaves", "int16_t", "NAME_TREES * NAME_TREE_LEAVES", leaves),
                ("name_starts", "uint16_t", "2 * NAME_FEATURES + 1", starts),
                ("name_nodes", "struct name_node", "", ["{ %d, %d, 0x%x }" % node for node in nodes]),
                ("name_knots", "struct name_knot", "", ["{ %d, %d }" % pair for pair in zip(table, SCORES)])):
            file.write("const %s %s[%s] = {\n%s};\n\n" % (kind, name, count, rows_of(values, "%s")))
        file.write("const unsigned name_knot_count = sizeof(name_knots) / sizeof(name_knots[0]);\n")
        file.write("\n_Static_assert(NAME_TREES == %d && NAME_TREE_LEAVES == %d && NAME_FEATURES == %d,\n\t\"the header is of "
                   "another model\");\n" % (TREES, LEAVES, len(FEATURES)))
        file.write("_Static_assert(%s <= NAME_MODEL_OCTETS_MAX,\n\t\"the model is larger than it may be\");\n" % " + ".join(
            "sizeof(name_%s)" % table for table in ("pairs", "trigrams", "fours", "fives", "leaves", "starts", "nodes", "knots")))


def vector_labels():
    rng = random.Random(SEED + 1)
    labels = [label for made in synthetic(SEED + 1, 40).values() for label in made]
    words = ("river", "green", "shop", "cloud", "my", "north", "data", "line", "blue", "24", "book", "lab", "-", "2020", "photo")
    labels += ["".join(rng.choice(words) for _ in range(rng.randint(1, 5))).strip("-") or "a" for _ in range(120)]
    labels += [drawn(rng, LETTERS + DIGITS + "-", 1, 5) for _ in range(40)]
    return labels + ["a", "aa", "9", "-", "a" * 63, "0" * 63, drawn(rng, LETTERS, 63, 63), "-" * 20, "ab" * 31]


def write_vector(path, data, trees, table):
    labels = vector_labels()
    marks = scores(table, trees.margins(features_of(data.language, labels)))
    with open(path, "w") as file:
        file.write("/* name_vector.h: what the script that learns makes of labels of its own. Written by "
                   "tests/eval/train_names.py. */\n")
        file.writelines('{ "%s", %d },\n' % pair for pair in zip(labels, marks))


def main(arguments):
    wanted = arguments[:1] == ["--measure"]
    data = Data()
    if wanted:
        measure(data)
    learned = [family for family in sorted(data.families) if not name_data.is_test_family(family)]
    held = [family for family in sorted(data.families) if name_data.is_test_family(family)]
    trees = Trees(data, learned)
    figures = Figures()
    figures.take(data, trees, held)
    table = knots(trees.margins(data.parts["thresholds"]))
    model, vector = arguments[wanted:]
    write_model(model, data, trees, table, learned, figures)
    write_vector(vector, data, trees, table)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
