"""What the model of detect/name_model.c looks at: the same whole numbers as detect/name_score.c, for many labels at once."""
import numpy as np

LABEL_MAX = 63
LETTERS = 38                       # a-z, 0-9 and the hyphen; 0 stands for what is before and behind the label
CLASSES = 29                       # the same with all digits as one
LETTER_BITS = 6
FOURS = 1 << 16                    # places that runs of four letters are hashed to
HASH = 0x9E3779B1
WEIGHT_MAX = 7                     # of a run: 4 bits, and 8 stands for nothing
WEIGHT_ZERO = 8
LENGTHS, VALUES = 31, 32           # those that are told apart, the last one with all that is more
SUM_LEAST, SUM_STEP = 32, 4        # sums of weights: from so much below nothing on, in such steps
# 1 where more of it can only mean that the label looks more as if a machine had made it, -1 where less of it can.
FEATURES = {"digits": 0, "vowels": 0, "hex": 0, "hyphens": 0, "consonant_run": 0, "distinct": 0, "most_frequent": 0,
            "squares": 0, "sum": 1, "threes": 1, "unusual": -1, "least": 1}

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


def places(codes, lengths):
    """Where the weights of the runs that begin at each letter stand, of three classes and of four letters; -1 for none."""
    wide = codes.astype(np.int64)
    small = CLASS[wide]
    begins = np.arange(codes.shape[1] - 2)[None, :]
    threes = (small[:, :-2] * CLASSES + small[:, 1:-1]) * CLASSES + small[:, 2:]
    keys = np.zeros((len(codes), codes.shape[1] - 3), np.int64)
    for offset in range(4):
        keys = keys << LETTER_BITS | wide[:, offset:offset + keys.shape[1]]
    fours = (keys.astype(np.uint64) * np.uint64(HASH) & np.uint64(0xFFFFFFFF)) * np.uint64(FOURS) >> np.uint64(32)
    return (np.where(begins < lengths[:, None], threes, -1),
            np.where(begins[:, :-1] < lengths[:, None] - 1, fours.astype(np.int64), -1))


def longest(flags):
    best = run = np.zeros(len(flags), np.int64)
    for at in range(flags.shape[1]):
        run = (run + 1) * flags[:, at]
        best = np.maximum(best, run)
    return best


def kinds(codes):
    inner = codes.astype(np.int64)[:, 1:]
    digit = (inner >= 27) & (inner <= 36)
    hyphen = inner == 37
    vowel = np.isin(inner, VOWELS)
    consonant = (inner > 0) & ~digit & ~hyphen & ~vowel
    counts = np.stack([(inner == code).sum(1) for code in range(1, LETTERS)], 1)
    return [digit.sum(1), vowel.sum(1), ((inner >= 1) & (inner <= 6) | digit).sum(1), hyphen.sum(1), longest(consonant),
            (counts > 0).sum(1), counts.max(1), (counts ** 2).sum(1) // 2]


def runs(weights, codes, lengths):
    three_places, four_places = places(codes, lengths)
    valid = three_places >= 0
    threes = np.where(valid, weights[0][np.maximum(three_places, 0)], 0)
    fours = np.where(four_places >= 0, weights[1][np.maximum(four_places, 0)], 0)
    both = threes.copy()
    both[:, :-1] += fours
    return [(both.sum(1) + SUM_LEAST) // SUM_STEP, (threes.sum(1) + SUM_LEAST) // SUM_STEP, ((both < 0) & valid).sum(1),
            np.where(valid, both + 2 * WEIGHT_ZERO, VALUES).min(1)]


def features_of(weights, labels, step=20000):
    """Of each label its length and the FEATURES; `weights` of the runs of three and of four."""
    parts = [np.zeros((0, 1 + len(FEATURES)), np.uint8)]
    for at in range(0, len(labels), step):
        codes, lengths = encode(labels[at:at + step])
        columns = np.clip(np.stack(kinds(codes) + runs(weights, codes, lengths), 1), 0, VALUES - 1)
        parts.append(np.concatenate([np.minimum(lengths, LENGTHS)[:, None], columns], 1).astype(np.uint8))
    return np.concatenate(parts)
