/* name_score.c: features of a label, and what the trees make of them. Held equal to tests/eval/name_features.py. */
#include "detect/name_score.h"

#include <stdbool.h>
#include <string.h>

#include "detect/name_model.h"

#define LABEL_MAX 63u
#define FEATURE_MAX 254u
#define RARE 11u                     /* of a trigram's 15 */
#define RAREST 13u
#define SCORE_MAX 1000

/* In the order of FEATURES of tests/eval/name_features.py. */
enum feature_of_name {
	LENGTH, TRIGRAM_MEAN, TRIGRAM_SUM, PAIR_MEAN, WINDOW_MOST, WINDOW_LEAST, TRIGRAMS_RARE, TRIGRAMS_RAREST, DIGITS, VOWELS,
	HEX, HYPHENS, CONSONANT_RUN, DIGIT_RUN, CHANGES, KIND_CHANGES, DISTINCT, MOST_FREQUENT, SQUARES, FOUR_SHARE, FOUR_RUN,
	FOUR_UNCOVERED, FIVE_SHARE, FIVE_UNCOVERED, SIX_WINDOW, FEATURES
};

_Static_assert(FEATURES == NAME_FEATURES, "the tables are of other features");

enum kind { KIND_HYPHEN, KIND_DIGIT, KIND_VOWEL, KIND_CONSONANT };

struct letters {
	uint8_t codes[LABEL_MAX + 3];        /* one 0 before, and two behind */
	unsigned length;
};

static unsigned code_of(uint8_t octet)
{
	if (octet >= 'a' && octet <= 'z')
		return octet - 'a' + 1u;
	if (octet >= '0' && octet <= '9')
		return octet - '0' + 27u;
	return octet == '-' ? 37 : 0;
}

static bool take(struct letters *letters, const uint8_t *label, size_t octets)
{
	if (octets == 0 || octets > LABEL_MAX || (octets >= 4 && memcmp(label, "xn--", 4) == 0))
		return false;
	memset(letters, 0, sizeof(*letters));
	letters->length = (unsigned)octets;
	for (size_t i = 0; i < octets; i++)
		if ((letters->codes[i + 1] = (uint8_t)code_of(label[i])) == 0)
			return false;
	return true;
}

static enum kind kind_of(unsigned code)
{
	static const uint32_t vowels = 1u << 1 | 1u << 5 | 1u << 9 | 1u << 15 | 1u << 21 | 1u << 25;

	if (code >= 27)
		return code == 37 ? KIND_HYPHEN : KIND_DIGIT;
	return (vowels >> code & 1) != 0 ? KIND_VOWEL : KIND_CONSONANT;
}

static void put(uint8_t *features, enum feature_of_name feature, unsigned value)
{
	features[feature] = (uint8_t)(value < FEATURE_MAX ? value : FEATURE_MAX);
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* --- how surprising it is ----------------------------------------------------------------------------------------- */

static unsigned class_of(unsigned code)
{
	return code < 27 ? code : code < 37 ? 27 : 28;
}

static unsigned trigram(unsigned at)
{
	return name_trigrams[at / 2] >> (at % 2 * 4) & 15;
}

struct window {
	unsigned most, least;
};

/* Sums of so many neighbours; of all, where there are fewer. */
static struct window window_of(const uint8_t *surprise, unsigned length, unsigned size)
{
	struct window window = { 0, UINT32_MAX };
	unsigned sum = 0;

	for (unsigned i = 0; i < length; i++) {
		sum += surprise[i] - (i >= size ? surprise[i - size] : 0u);
		if (i + 1 < size && i + 1 < length)
			continue;
		window.most = larger(window.most, sum);
		window.least = sum < window.least ? sum : window.least;
	}
	return window;
}

static void weigh_surprise(const struct letters *letters, uint8_t *features)
{
	const unsigned length = letters->length;
	unsigned sum = 0, rare = 0, rarest = 0, pairs = 0;
	unsigned first = class_of(letters->codes[0]), second = class_of(letters->codes[1]);
	uint8_t surprise[LABEL_MAX];
	struct window window;

	for (unsigned i = 0; i < length; i++) {
		const unsigned class = class_of(letters->codes[i + 2]);

		surprise[i] = (uint8_t)trigram((first * NAME_CLASSES + second) * NAME_CLASSES + class);
		first = second;
		second = class;
		sum += surprise[i];
		rare += surprise[i] >= RARE;
		rarest += surprise[i] >= RAREST;
	}
	for (unsigned i = 0; i <= length; i++)
		pairs += name_pairs[letters->codes[i] * NAME_LETTERS + letters->codes[i + 1]];
	window = window_of(surprise, length, 4);
	put(features, LENGTH, length);
	put(features, TRIGRAM_MEAN, sum * 16 / length);
	put(features, TRIGRAM_SUM, sum / 3);
	put(features, PAIR_MEAN, pairs / (length + 1));
	put(features, WINDOW_MOST, window.most * 4);
	put(features, WINDOW_LEAST, window.least * 4);
	put(features, TRIGRAMS_RARE, rare * 8);
	put(features, TRIGRAMS_RAREST, rarest * 8);
	put(features, SIX_WINDOW, window_of(surprise, length, 6).most * 2);
}

/* --- what it is made of ------------------------------------------------------------------------------------------- */

static void weigh_letters(const struct letters *letters, uint8_t *features)
{
	unsigned counts[NAME_LETTERS] = { 0 }, distinct = 0, most = 0, squares = 0, hex = 0;
	const unsigned length = letters->length;

	for (unsigned i = 1; i <= length; i++) {
		const unsigned code = letters->codes[i];

		distinct += counts[code]++ == 0;
		most = larger(most, counts[code]);
		squares += 2 * counts[code] - 1;
		hex += code <= 6 || kind_of(code) == KIND_DIGIT;
	}
	put(features, DISTINCT, distinct * FEATURE_MAX / length);
	put(features, MOST_FREQUENT, most * FEATURE_MAX / length);
	put(features, SQUARES, squares * FEATURE_MAX / (length * length));
	put(features, HEX, hex * FEATURE_MAX / length);
}

static bool is_letter(enum kind kind)
{
	return kind == KIND_VOWEL || kind == KIND_CONSONANT;
}

static void weigh_kinds(const struct letters *letters, uint8_t *features)
{
	unsigned counts[4] = { 0 }, runs[4] = { 0 }, run = 0, changes = 0, kind_changes = 0;
	const unsigned length = letters->length;
	enum kind before = kind_of(letters->codes[1]);

	for (unsigned i = 1; i <= length; i++) {
		const enum kind kind = kind_of(letters->codes[i]);

		run = kind == before ? run + 1 : 1;
		changes += kind != before;
		kind_changes += kind != before && !(is_letter(kind) && is_letter(before));
		counts[kind]++;
		runs[kind] = larger(runs[kind], run);
		before = kind;
	}
	put(features, DIGITS, counts[KIND_DIGIT] * FEATURE_MAX / length);
	put(features, VOWELS, counts[KIND_VOWEL] * FEATURE_MAX / length);
	put(features, HYPHENS, counts[KIND_HYPHEN] * FEATURE_MAX / length);
	put(features, CONSONANT_RUN, runs[KIND_CONSONANT]);
	put(features, DIGIT_RUN, runs[KIND_DIGIT]);
	put(features, CHANGES, changes * FEATURE_MAX / length);
	put(features, KIND_CHANGES, kind_changes);
}

/* --- which runs are frequent -------------------------------------------------------------------------------------- */

static bool set_has(const uint8_t *set, unsigned octets, uint32_t key)
{
	static const uint32_t factors[] = { 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d };

	for (unsigned i = 0; i < 3; i++) {
		const uint64_t bit = (uint64_t)(key * factors[i]) * (octets * 8) >> 32;

		if (!(set[bit / 8] >> (bit % 8) & 1))
			return false;
	}
	return true;
}

struct frequent {
	unsigned count, run;         /* of frequent runs, and of such in a row */
	unsigned uncovered;          /* letters in none */
};

static struct frequent find_frequent(const struct letters *letters, unsigned size, const uint8_t *set, unsigned octets)
{
	const unsigned end = letters->length + 2 >= size ? letters->length + 3 - size : 0;
	struct frequent frequent = { 0, 0, letters->length };
	unsigned run = 0, covered = 1;       /* up to there letters are counted */
	uint32_t key = 0, highest = 1;       /* of a run, and what its first letter counts */

	for (unsigned i = 0; i + 1 < size; i++) {
		key = key * NAME_LETTERS + letters->codes[i];
		highest *= NAME_LETTERS;
	}
	for (unsigned i = 0; i < end; i++) {
		const unsigned last = i + size <= letters->length + 1 ? i + size : letters->length + 1;
		const unsigned first = larger(i, covered);

		key = (key - (i > 0 ? letters->codes[i - 1] * highest : 0)) * NAME_LETTERS + letters->codes[i + size - 1];
		if (!set_has(set, octets, key)) {
			run = 0;
			continue;
		}
		frequent.count++;
		frequent.run = larger(frequent.run, ++run);
		frequent.uncovered -= last > first ? last - first : 0;
		covered = larger(covered, last);
	}
	return frequent;
}

static void weigh_runs(const struct letters *letters, uint8_t *features)
{
	const struct frequent fours = find_frequent(letters, 4, name_fours, NAME_FOURS_OCTETS);
	const struct frequent fives = find_frequent(letters, 5, name_fives, NAME_FIVES_OCTETS);
	const unsigned length = letters->length;

	put(features, FOUR_SHARE, fours.count * FEATURE_MAX / (length > 1 ? length - 1 : 1));
	put(features, FOUR_RUN, fours.run);
	put(features, FOUR_UNCOVERED, fours.uncovered);
	put(features, FIVE_SHARE, fives.count * FEATURE_MAX / (length > 2 ? length - 2 : 1));
	put(features, FIVE_UNCOVERED, fives.uncovered);
}

/* --- the trees ---------------------------------------------------------------------------------------------------- */

/* Strikes the leaves that a value rules out, of all trees at once: from what is usual outwards, so that of a usual label
 * few are (name_model.h). */
static void strike(uint16_t *left, unsigned feature, unsigned value)
{
	const struct name_node *node = name_nodes + name_starts[2 * feature];
	const struct name_node *end = name_nodes + name_starts[2 * feature + 1];

	for (; node < end && value > node->most; node++)
		left[node->tree] &= node->keep;
	node = end;
	end = name_nodes + name_starts[2 * feature + 2];
	for (; node < end && value <= node->most; node++)
		left[node->tree] &= node->keep;
}

static int margin_of(const uint8_t *features)
{
	const int16_t *leaves = name_leaves;
	uint16_t left[NAME_TREES];
	int margin = 0;

	memset(left, 0xff, sizeof(left));
	for (unsigned i = 0; i < FEATURES; i++)
		strike(left, i, features[i]);
	for (unsigned i = 0; i < NAME_TREES; i++, leaves += NAME_TREE_LEAVES)
		margin += leaves[__builtin_ctz(left[i])];
	return margin;
}

static int score_of(int margin)
{
	unsigned at = 0;
	int span;

	while (at < name_knot_count && name_knots[at].margin <= margin)
		at++;
	if (at == 0)
		return 0;
	if (at == name_knot_count)
		return SCORE_MAX;
	span = name_knots[at].margin - name_knots[at - 1].margin;
	return name_knots[at - 1].score +
		(margin - name_knots[at - 1].margin) * (name_knots[at].score - name_knots[at - 1].score) / span;
}

int name_score(const uint8_t *label, size_t octets)
{
	uint8_t features[FEATURES];
	struct letters letters;

	if (!take(&letters, label, octets))
		return NAME_SCORE_NONE;
	weigh_surprise(&letters, features);
	weigh_letters(&letters, features);
	weigh_kinds(&letters, features);
	weigh_runs(&letters, features);
	return score_of(margin_of(features));
}
