/* name_score.c: features of a label, and what each of them adds at its length. Held equal to tests/eval/name_features.py. */
#include "detect/name_score.h"

#include <stdbool.h>
#include <string.h>

#include "detect/name_model.h"
#include "policy/hot.h"

#define LABEL_MAX 63u
#define LETTER_BITS 6u
#define FOUR_BITS 24u
#define HASH 0x9e3779b1u
#define SCORE_MAX 1000

/* In the order of FEATURES of tests/eval/name_features.py. */
enum feature_of_name {
	DIGITS, VOWELS, HEX, HYPHENS, CONSONANT_RUN, DISTINCT, MOST_FREQUENT, SQUARES, SUM, SUM_OF_THREES, UNUSUAL, LEAST, FEATURES
};

_Static_assert(FEATURES == NAME_FEATURES, "the tables are of other features");

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
	letters->codes[0] = letters->codes[octets + 1] = letters->codes[octets + 2] = 0;
	letters->length = (unsigned)octets;
	for (size_t i = 0; i < octets; i++)
		if ((letters->codes[i + 1] = (uint8_t)code_of(label[i])) == 0)
			return false;
	return true;
}

static void put(uint8_t *features, enum feature_of_name feature, unsigned value)
{
	features[feature] = (uint8_t)(value < NAME_VALUES ? value : NAME_VALUES - 1);
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* --- what it is made of ------------------------------------------------------------------------------------------- */

/* A count in each octet of a word: no label has more letters than one holds. */
#define DIGIT 1u
#define VOWEL (1u << 8)
#define HEXADECIMAL (1u << 16)
#define HYPHEN (1u << 24)

static const uint32_t kinds[NAME_LETTERS] = {
	[1] = VOWEL | HEXADECIMAL, [2 ... 4] = HEXADECIMAL, [5] = VOWEL | HEXADECIMAL, [6] = HEXADECIMAL, [9] = VOWEL,
	[15] = VOWEL, [21] = VOWEL, [25] = VOWEL, [27 ... 36] = DIGIT | HEXADECIMAL, [37] = HYPHEN,
};

static void weigh_letters(const struct letters *letters, uint8_t *features)
{
	uint8_t counts[NAME_LETTERS] = { 0 };
	unsigned all = 0, run = 0, longest = 0, distinct = 0, most = 0, squares = 0;

	for (unsigned i = 1; i <= letters->length; i++) {
		const unsigned code = letters->codes[i], kind = kinds[code], count = ++counts[code];

		all += kind;
		run = (kind & (DIGIT | VOWEL | HYPHEN)) == 0 ? run + 1 : 0;
		longest = larger(longest, run);
		distinct += count == 1;
		most = larger(most, count);
		squares += 2 * count - 1;
	}
	put(features, DIGITS, all & 255);
	put(features, VOWELS, all >> 8 & 255);
	put(features, HEX, all >> 16 & 255);
	put(features, HYPHENS, all >> 24);
	put(features, CONSONANT_RUN, longest);
	put(features, DISTINCT, distinct);
	put(features, MOST_FREQUENT, most);
	put(features, SQUARES, squares / 2);
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

/* `zero` of a sum of weights stands for none. */
static void put_sum(uint8_t *features, enum feature_of_name feature, unsigned sum, unsigned zero)
{
	put(features, feature, sum + NAME_SUM_LEAST > zero ? (sum + NAME_SUM_LEAST - zero) / NAME_SUM_STEP : 0);
}

/* Of the runs that begin at each letter; the last one begins none of four. */
static void weigh_runs(const struct letters *letters, uint8_t *features)
{
	const uint8_t *codes = letters->codes;
	const unsigned length = letters->length;
	uint32_t key = ((uint32_t)codes[0] << LETTER_BITS | codes[1]) << LETTER_BITS | codes[2];
	unsigned first = class_of(codes[0]), second = class_of(codes[1]);
	unsigned threes = 0, fours = 0, unusual = 0, least = UINT32_MAX;

	for (unsigned i = 0; i < length; i++) {
		const unsigned third = class_of(codes[i + 2]);
		const unsigned three = weight_at(name_threes, (first * NAME_CLASSES + second) * NAME_CLASSES + third);
		unsigned four = NAME_WEIGHT_ZERO;

		if (i + 1 < length) {
			key = (key << LETTER_BITS | codes[i + 3]) & ((1u << FOUR_BITS) - 1);
			four = weight_at(name_fours, key * HASH >> (32 - NAME_FOUR_BITS));
		}
		first = second;
		second = third;
		threes += three;
		fours += four;
		unusual += three + four < 2 * NAME_WEIGHT_ZERO;
		least = three + four < least ? three + four : least;
	}
	put_sum(features, SUM, threes + fours, 2 * length * NAME_WEIGHT_ZERO);
	put_sum(features, SUM_OF_THREES, threes, length * NAME_WEIGHT_ZERO);
	put(features, UNUSUAL, unusual);
	put(features, LEAST, least);
}

/* --- what it comes to --------------------------------------------------------------------------------------------- */

static int margin_of(unsigned length, const uint8_t *features)
{
	const int8_t *terms = name_terms + (length < NAME_LENGTHS ? length - 1 : NAME_LENGTHS - 1) * FEATURES * NAME_VALUES;
	int margin = 0;

	for (unsigned i = 0; i < FEATURES; i++, terms += NAME_VALUES)
		margin += terms[features[i]];
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
	weigh_runs(&letters, features);
	return score_of(margin_of(letters.length, features));
}
