/* name_score.c: features of a label, and what the trees make of them. Held equal to tests/eval/name_features.py. */
#include "detect/name_score.h"

#include <stdbool.h>
#include <string.h>

#include "detect/name_model.h"
#include "policy/hot.h"

#define LABEL_MAX 63u
#define FEATURE_MAX 254u
#define LETTER_BITS 6u
#define FOUR_BITS 24u
#define HASH 0x9e3779b1u
#define SCORE_MAX 1000

/* In the order of FEATURES of tests/eval/name_features.py. */
enum feature_of_name {
	LENGTH, DIGITS, VOWELS, HEX, HYPHENS, CONSONANT_RUN, DIGIT_RUN, CHANGES, KIND_CHANGES, DISTINCT, MOST_FREQUENT, SQUARES,
	SUM, MEAN, SUM_OF_THREES, SUM_OF_FOURS, FOUR_MOST, FOUR_LEAST, EIGHT_MOST, EIGHT_LEAST, UNUSUAL, MOST, LEAST, FEATURES
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
	put(features, LENGTH, length);
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

/* --- which runs of letters it has --------------------------------------------------------------------------------- */

static unsigned class_of(unsigned code)
{
	return code < 27 ? code : code < 37 ? 27 : 28;
}

static unsigned weight_at(const uint8_t *weights, unsigned at)
{
	return weights[at / 2] >> (at % 2 * 4) & 15;
}

/* Of the runs that begin at each letter: what they weigh, lifted so that nothing is below 0. */
struct runs {
	uint8_t weights[LABEL_MAX];
	unsigned threes, fours;              /* sums */
};

static void weigh_threes(struct runs *runs, const struct letters *letters)
{
	unsigned first = class_of(letters->codes[0]), second = class_of(letters->codes[1]);

	runs->threes = 0;
	for (unsigned i = 0; i < letters->length; i++) {
		const unsigned third = class_of(letters->codes[i + 2]);
		const unsigned weight = weight_at(name_threes, (first * NAME_CLASSES + second) * NAME_CLASSES + third);

		first = second;
		second = third;
		runs->weights[i] = (uint8_t)(weight + NAME_WEIGHT_ZERO);
		runs->threes += weight;
	}
}

/* The last letter begins none. */
static void weigh_fours(struct runs *runs, const struct letters *letters)
{
	const uint8_t *codes = letters->codes;
	uint32_t key = ((uint32_t)codes[0] << LETTER_BITS | codes[1]) << LETTER_BITS | codes[2];

	runs->fours = 0;
	for (unsigned i = 0; i + 1 < letters->length; i++) {
		unsigned weight;

		key = (key << LETTER_BITS | codes[i + 3]) & ((1u << FOUR_BITS) - 1);
		weight = weight_at(name_fours, key * HASH >> (32 - NAME_FOUR_BITS));
		runs->weights[i] = (uint8_t)(runs->weights[i] + weight - NAME_WEIGHT_ZERO);
		runs->fours += weight;
	}
}

struct window {
	unsigned most, least;
};

/* Sums of so many neighbours; of all, where there are fewer. */
static struct window window_of(const uint8_t *weights, unsigned length, unsigned size)
{
	struct window window = { 0, UINT32_MAX };
	unsigned sum = 0;

	for (unsigned i = 0; i < length; i++) {
		sum += weights[i] - (i >= size ? weights[i - size] : 0u);
		if (i + 1 < size && i + 1 < length)
			continue;
		window.most = larger(window.most, sum);
		window.least = sum < window.least ? sum : window.least;
	}
	return window;
}

/* A sum that may be negative, `zero` of which stands for none, so that no value is. */
static void put_sum(uint8_t *features, enum feature_of_name feature, unsigned sum, unsigned zero, unsigned divisor)
{
	put(features, feature, sum > zero ? (sum - zero) / divisor : 0);
}

static void weigh_runs(const struct letters *letters, uint8_t *features)
{
	const unsigned length = letters->length;
	struct window one, four, eight;
	unsigned unusual = LABEL_MAX;
	struct runs runs;

	weigh_threes(&runs, letters);
	weigh_fours(&runs, letters);
	for (unsigned i = 0; i < length; i++)
		unusual -= runs.weights[i] < 2 * NAME_WEIGHT_ZERO;
	one = window_of(runs.weights, length, 1);
	four = window_of(runs.weights, length, 4);
	eight = window_of(runs.weights, length, 8);
	put_sum(features, SUM, runs.threes + runs.fours + FEATURE_MAX, (2 * length - 1) * NAME_WEIGHT_ZERO, 2);
	put(features, MEAN, (runs.threes + runs.fours + NAME_WEIGHT_ZERO) * 8 / length);
	put_sum(features, SUM_OF_THREES, runs.threes + FEATURE_MAX / 2, length * NAME_WEIGHT_ZERO, 1);
	put_sum(features, SUM_OF_FOURS, runs.fours + FEATURE_MAX / 2, (length - 1) * NAME_WEIGHT_ZERO, 1);
	put(features, FOUR_MOST, four.most * 2);
	put(features, FOUR_LEAST, four.least * 2);
	put(features, EIGHT_MOST, eight.most);
	put(features, EIGHT_LEAST, eight.least);
	put(features, UNUSUAL, unusual);
	put(features, MOST, one.most * 8);
	put(features, LEAST, one.least * 8);
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
#pragma GCC unroll 4
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

HOT int name_score(const uint8_t *label, size_t octets)
{
	uint8_t features[FEATURES];
	struct letters letters;

	if (!take(&letters, label, octets))
		return NAME_SCORE_NONE;
	weigh_letters(&letters, features);
	weigh_kinds(&letters, features);
	weigh_runs(&letters, features);
	return score_of(margin_of(features));
}
