"""What the model of detect/name_model.c looks at: the same whole numbers as detect/name_score.c, for many labels at once."""
import numpy as np

LABEL_MAX = 63
LETTERS = 38                       # a-z, 0-9 and the hyphen; 0 stands for what is before and behind the label
CLASSES = 29                       # the same with all digits as one
TRIGRAM_MAX = 15                   # surprise of a trigram, 4 bits
PAIR_MAX = 255
FEATURE_MAX = 254
HASHES = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
FEATURES = ("length", "trigram_mean", "trigram_sum", "pair_mean", "window_most", "window_least", "rare", "rarest", "digits",
            "vowels", "hex", "hyphens", "consonant_run", "digit_run", "changes", "kind_changes", "distinct", "most_frequent",
            "squares", "four_share", "four_run", "four_uncovered", "five_share", "five_uncovered", "six_window")

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-"
CODE = np.zeros(256, np.uint8)
for _at, _letter in enumerate(ALPHABET):
    CODE[ord(_letter)] = _at + 1
CLASS = np.array([0] + list(range(1, 27)) + [27] * 10 + [28], np.int64)
VOWELS = [ALPHABET.index(letter) + 1 for letter in "aeiouy"]


def encode(labels):
    """Codes with a 0 before and two behind, and the lengths."""
    octets = np.array([label.encode() for label in labels], "S%d" % LABEL_MAX)
    codes = CODE[octets.view(np.uint8).reshape(len(labels), LABEL_MAX)]
    padded = np.zeros((len(labels), LABEL_MAX + 3), np.uint8)
    padded[:, 1:1 + LABEL_MAX] = codes
    return padded, (codes > 0).sum(1).astype(np.int64)


def grams(codes, lengths, size):
    """Keys of all runs of `size` codes, the borders included; -1 behind the end."""
    width = codes.shape[1] - size + 1
    keys = np.zeros((len(codes), width), np.int64)
    for offset in range(size):
        keys = keys * LETTERS + codes[:, offset:offset + width]
    keys[np.arange(width)[None, :] + size > lengths[:, None] + 2] = -1
    return keys


class Language:
    """How surprising pairs and trigrams are, and which longer runs are frequent, learned from benign labels."""

    def __init__(self, labels, octets):
        codes, lengths = encode(labels)
        self.pairs, self.trigrams = self.surprise(codes, lengths)
        self.sets = {size: self.frequent(codes, lengths, size, octets[size]) for size in octets}

    @staticmethod
    def surprise(codes, lengths):
        pairs = np.zeros((LETTERS, LETTERS))
        classes = np.zeros((CLASSES, CLASSES, CLASSES))
        inside = np.arange(codes.shape[1])[None, :] <= lengths[:, None] + 1
        wide = codes.astype(np.int64)
        small = CLASS[wide]
        both = inside[:, 1:]
        np.add.at(pairs.reshape(-1), (wide[:, :-1] * LETTERS + wide[:, 1:])[both], 1)
        three = inside[:, 2:]
        keys = (small[:, :-2] * CLASSES + small[:, 1:-1]) * CLASSES + small[:, 2:]
        classes += np.bincount(keys[three], minlength=CLASSES ** 3).reshape(classes.shape)
        two = np.bincount((small[:, :-1] * CLASSES + small[:, 1:])[both], minlength=CLASSES ** 2).reshape(CLASSES, CLASSES)
        single = (two.sum(0) + 1) / (two.sum() + CLASSES)
        second = (two + 5 * single[None, :]) / (two.sum(1, keepdims=True) + 5)
        third = (classes + 5 * second[None, :, :]) / (classes.sum(2, keepdims=True) + 5)
        alone = (pairs.sum(0) + 1) / (pairs.sum() + LETTERS)
        after = (pairs + 5 * alone[None, :]) / (pairs.sum(1, keepdims=True) + 5)
        return (np.clip(np.rint(-np.log2(after) * PAIR_MAX / 14), 0, PAIR_MAX).astype(np.int64),
                np.clip(np.rint(-np.log2(third) * TRIGRAM_MAX / 12), 0, TRIGRAM_MAX).astype(np.int64))

    @staticmethod
    def frequent(codes, lengths, size, octets):
        keys = np.concatenate([part[part >= 0] for part in (
            grams(codes[at:at + 50000], lengths[at:at + 50000], size) for at in range(0, len(codes), 50000))])
        keys, counts = np.unique(keys, return_counts=True)
        bits = np.zeros(octets * 8, bool)
        best = keys[np.lexsort((keys, -counts))][:octets * 8 // 6]
        for where in places(best, octets):
            bits[where] = True
        return bits


def places(keys, octets):
    for factor in HASHES:
        yield ((keys.astype(np.uint64) * np.uint64(factor) & np.uint64(0xFFFFFFFF)) * np.uint64(octets * 8)
               >> np.uint64(32)).astype(np.int64)


def has(bits, keys):
    found = keys >= 0
    for where in places(np.maximum(keys, 0), len(bits) // 8):
        found &= bits[where]
    return found


def longest(flags):
    best = run = np.zeros(len(flags), np.int64)
    for at in range(flags.shape[1]):
        run = (run + 1) * flags[:, at]
        best = np.maximum(best, run)
    return best


def uncovered(found, lengths, size):
    """Characters of the label in no frequent run."""
    covered = np.zeros((len(found), found.shape[1] + size - 1), bool)
    for offset in range(size):
        covered[:, offset:offset + found.shape[1]] |= found
    inside = np.arange(1, covered.shape[1])[None, :] <= lengths[:, None]
    return (inside & ~covered[:, 1:]).sum(1)


def windows(values, valid, size):
    """Highest and lowest sum of `size` neighbours; of all where there are fewer."""
    sums = np.cumsum(np.concatenate([np.zeros((len(values), 1), np.int64), values], 1), 1)
    runs = sums[:, size:] - sums[:, :-size]
    whole = valid[:, size - 1:]
    most = np.where(whole, runs, -1).max(1)
    least = np.where(whole, runs, 1 << 20).min(1)
    short = ~whole.any(1)
    return np.where(short, sums[:, -1], most), np.where(short, sums[:, -1], least)


def features(language, codes, lengths):
    wide = codes.astype(np.int64)
    small = CLASS[wide]
    width = codes.shape[1]
    n = np.maximum(lengths, 1)
    threes = np.arange(width - 2)[None, :] < lengths[:, None]
    twos = np.arange(width - 1)[None, :] <= lengths[:, None]
    s3 = language.trigrams[small[:, :-2], small[:, 1:-1], small[:, 2:]] * threes
    s2 = language.pairs[wide[:, :-1], wide[:, 1:]] * twos
    inner = wide[:, 1:]
    here = inner > 0
    digit = (inner >= 27) & (inner <= 36)
    hyphen = inner == 37
    vowel = np.isin(inner, VOWELS)
    consonant = here & ~digit & ~hyphen & ~vowel
    kind = np.where(digit, 1, np.where(vowel, 2, np.where(consonant, 3, 0)))
    sort = np.minimum(kind, 2)
    follows = here[:, 1:] & here[:, :-1]
    counts = np.stack([(inner == code).sum(1) for code in range(1, LETTERS)], 1)
    most4, least4 = windows(s3, threes, 4)
    most6, _ = windows(s3, threes, 6)
    four, five = grams(codes, lengths, 4), grams(codes, lengths, 5)
    found4, found5 = has(language.sets[4], four), has(language.sets[5], five)
    columns = [
        lengths, s3.sum(1) * 16 // n, s3.sum(1) // 3, s2.sum(1) // (n + 1), most4 * 4, least4 * 4,
        (s3 >= 11).sum(1) * 8, (s3 >= 13).sum(1) * 8,
        digit.sum(1) * FEATURE_MAX // n, vowel.sum(1) * FEATURE_MAX // n,
        ((inner >= 1) & (inner <= 6) | digit).sum(1) * FEATURE_MAX // n, hyphen.sum(1) * FEATURE_MAX // n,
        longest(consonant), longest(digit),
        ((kind[:, 1:] != kind[:, :-1]) & follows).sum(1) * FEATURE_MAX // n, ((sort[:, 1:] != sort[:, :-1]) & follows).sum(1),
        (counts > 0).sum(1) * FEATURE_MAX // n, counts.max(1) * FEATURE_MAX // n,
        (counts ** 2).sum(1) * FEATURE_MAX // (n * n),
        found4.sum(1) * FEATURE_MAX // np.maximum(n - 1, 1), longest(found4), uncovered(found4, lengths, 4),
        found5.sum(1) * FEATURE_MAX // np.maximum(n - 2, 1), uncovered(found5, lengths, 5), most6 * 2,
    ]
    return np.clip(np.stack(columns, 1), 0, FEATURE_MAX).astype(np.uint8)


def features_of(language, labels, step=20000):
    if not labels:
        return np.zeros((0, len(FEATURES)), np.uint8)
    codes, lengths = encode(labels)
    return np.concatenate([features(language, codes[at:at + step], lengths[at:at + step])
                           for at in range(0, len(labels), step)])
