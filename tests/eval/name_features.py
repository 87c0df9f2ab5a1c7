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
FEATURE_MAX = 254
# True where more of it can only mean that the label looks more as if a machine had made it.
FEATURES = {"length": False, "digits": False, "vowels": False, "hex": False, "hyphens": False, "consonant_run": False,
            "digit_run": False, "changes": False, "kind_changes": False, "distinct": False, "most_frequent": False,
            "squares": False, "sum": True, "mean": True, "threes": True, "fours": True, "four_most": True,
            "four_least": True, "eight_most": True, "eight_least": True, "unusual": True, "most": True, "least": True}

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


def windows(values, valid, size):
    """Highest and lowest sum of `size` neighbours; of all where there are fewer."""
    sums = np.cumsum(np.concatenate([np.zeros((len(values), 1), np.int64), values], 1), 1)
    runs = sums[:, size:] - sums[:, :-size]
    whole = valid[:, size - 1:]
    most = np.where(whole, runs, -1).max(1)
    least = np.where(whole, runs, 1 << 20).min(1)
    short = ~whole.any(1)
    return np.where(short, sums[:, -1], most), np.where(short, sums[:, -1], least)


def kinds(codes, lengths):
    inner = codes.astype(np.int64)[:, 1:]
    n = np.maximum(lengths, 1)
    here = inner > 0
    digit = (inner >= 27) & (inner <= 36)
    hyphen = inner == 37
    vowel = np.isin(inner, VOWELS)
    consonant = here & ~digit & ~hyphen & ~vowel
    kind = np.where(digit, 1, np.where(vowel, 2, np.where(consonant, 3, 0)))
    sort = np.minimum(kind, 2)
    follows = here[:, 1:] & here[:, :-1]
    counts = np.stack([(inner == code).sum(1) for code in range(1, LETTERS)], 1)
    return [lengths, digit.sum(1) * FEATURE_MAX // n, vowel.sum(1) * FEATURE_MAX // n,
            ((inner >= 1) & (inner <= 6) | digit).sum(1) * FEATURE_MAX // n, hyphen.sum(1) * FEATURE_MAX // n,
            longest(consonant), longest(digit), ((kind[:, 1:] != kind[:, :-1]) & follows).sum(1) * FEATURE_MAX // n,
            ((sort[:, 1:] != sort[:, :-1]) & follows).sum(1), (counts > 0).sum(1) * FEATURE_MAX // n,
            counts.max(1) * FEATURE_MAX // n, (counts ** 2).sum(1) * FEATURE_MAX // (n * n)]


def runs(weights, codes, lengths):
    n = np.maximum(lengths, 1)
    three_places, four_places = places(codes, lengths)
    threes = np.where(three_places >= 0, weights[0][np.maximum(three_places, 0)], 0)
    fours = np.where(four_places >= 0, weights[1][np.maximum(four_places, 0)], 0)
    valid = three_places >= 0
    lifted = threes + 2 * WEIGHT_ZERO * valid
    lifted[:, :-1] += fours
    total = threes.sum(1) + fours.sum(1)
    four, eight = windows(lifted, valid, 4), windows(lifted, valid, 8)
    return [np.maximum(total + FEATURE_MAX, 0) // 2, lifted.sum(1) * 8 // n,
            np.maximum(threes.sum(1) + FEATURE_MAX // 2, 0), np.maximum(fours.sum(1) + FEATURE_MAX // 2, 0),
            four[0] * 2, four[1] * 2, eight[0], eight[1], LABEL_MAX - ((lifted < 2 * WEIGHT_ZERO) & valid).sum(1),
            np.where(valid, lifted, 0).max(1) * 8, np.where(valid, lifted, 255).min(1) * 8]


def features_of(weights, labels, step=20000):
    """Of each label the FEATURES; `weights` of the runs of three and of four."""
    parts = [np.zeros((0, len(FEATURES)), np.uint8)]
    for at in range(0, len(labels), step):
        codes, lengths = encode(labels[at:at + step])
        columns = kinds(codes, lengths) + runs(weights, codes, lengths)
        parts.append(np.clip(np.stack(columns, 1), 0, FEATURE_MAX).astype(np.uint8))
    return np.concatenate(parts)
