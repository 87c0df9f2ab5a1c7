/* skeleton.c: decodes Punycode, then folds what looks alike. */
#include "detect/skeleton.h"

#include <string.h>

#define UNLIKE 0xff                  /* no label of ASCII has it in lower case */

/* Ranges in ascending order. */
static const struct { uint16_t first, last; char letter; } alike[] = {
	{ 0xe0, 0xe6, 'a' }, { 0xe7, 0xe7, 'c' }, { 0xe8, 0xeb, 'e' }, { 0xec, 0xef, 'i' }, { 0xf0, 0xf0, 'd' },
	{ 0xf1, 0xf1, 'n' }, { 0xf2, 0xf6, 'o' }, { 0xf8, 0xf8, 'o' }, { 0xf9, 0xfc, 'u' }, { 0xfd, 0xfd, 'y' },
	{ 0xfe, 0xfe, 'p' }, { 0xff, 0xff, 'y' }, { 0x100, 0x105, 'a' }, { 0x106, 0x10d, 'c' }, { 0x10e, 0x111, 'd' },
	{ 0x112, 0x11b, 'e' }, { 0x11c, 0x123, 'g' }, { 0x124, 0x127, 'h' }, { 0x128, 0x133, 'i' },
	{ 0x134, 0x135, 'j' }, { 0x136, 0x138, 'k' }, { 0x139, 0x142, 'l' }, { 0x143, 0x14b, 'n' },
	{ 0x14c, 0x153, 'o' }, { 0x154, 0x159, 'r' }, { 0x15a, 0x161, 's' }, { 0x162, 0x167, 't' },
	{ 0x168, 0x173, 'u' }, { 0x174, 0x175, 'w' }, { 0x176, 0x178, 'y' }, { 0x179, 0x17e, 'z' },
	{ 0x17f, 0x17f, 's' }, { 0x185, 0x185, 'b' }, { 0x1a1, 0x1a1, 'o' }, { 0x1b0, 0x1b0, 'u' },
	{ 0x251, 0x251, 'a' }, { 0x261, 0x261, 'g' }, { 0x269, 0x26a, 'i' },
	/* Greek */
	{ 0x3b1, 0x3b1, 'a' }, { 0x3b2, 0x3b2, 'b' }, { 0x3b3, 0x3b3, 'y' }, { 0x3b5, 0x3b5, 'e' },
	{ 0x3b7, 0x3b7, 'n' }, { 0x3b9, 0x3b9, 'i' }, { 0x3ba, 0x3ba, 'k' }, { 0x3bd, 0x3bd, 'v' },
	{ 0x3bf, 0x3bf, 'o' }, { 0x3c1, 0x3c1, 'p' }, { 0x3c4, 0x3c4, 't' }, { 0x3c5, 0x3c5, 'u' },
	{ 0x3c7, 0x3c7, 'x' }, { 0x3c9, 0x3c9, 'w' }, { 0x3cc, 0x3cc, 'o' },
	/* Cyrillic */
	{ 0x430, 0x430, 'a' }, { 0x432, 0x432, 'b' }, { 0x433, 0x433, 'r' }, { 0x435, 0x435, 'e' },
	{ 0x438, 0x438, 'u' }, { 0x43a, 0x43a, 'k' }, { 0x43c, 0x43c, 'm' }, { 0x43d, 0x43d, 'h' },
	{ 0x43e, 0x43e, 'o' }, { 0x43f, 0x43f, 'n' }, { 0x440, 0x440, 'p' }, { 0x441, 0x441, 'c' },
	{ 0x442, 0x442, 't' }, { 0x443, 0x443, 'y' }, { 0x445, 0x445, 'x' }, { 0x44c, 0x44c, 'b' },
	{ 0x451, 0x451, 'e' }, { 0x455, 0x455, 's' }, { 0x456, 0x457, 'i' }, { 0x458, 0x458, 'j' },
	{ 0x475, 0x475, 'v' }, { 0x4bb, 0x4bb, 'h' }, { 0x4cf, 0x4cf, 'l' }, { 0x501, 0x501, 'd' },
	{ 0x51b, 0x51b, 'q' }, { 0x51d, 0x51d, 'w' },
	/* Armenian */
	{ 0x566, 0x566, 'q' }, { 0x570, 0x570, 'h' }, { 0x578, 0x578, 'n' }, { 0x57d, 0x57d, 'u' },
	{ 0x581, 0x581, 'g' }, { 0x585, 0x585, 'o' },
	/* Latin with more than one mark */
	{ 0x1e00, 0x1e01, 'a' }, { 0x1e02, 0x1e07, 'b' }, { 0x1e08, 0x1e09, 'c' }, { 0x1e0a, 0x1e13, 'd' },
	{ 0x1e14, 0x1e1d, 'e' }, { 0x1e1e, 0x1e1f, 'f' }, { 0x1e20, 0x1e21, 'g' }, { 0x1e22, 0x1e2b, 'h' },
	{ 0x1e2c, 0x1e2f, 'i' }, { 0x1e30, 0x1e35, 'k' }, { 0x1e36, 0x1e3d, 'l' }, { 0x1e3e, 0x1e43, 'm' },
	{ 0x1e44, 0x1e4b, 'n' }, { 0x1e4c, 0x1e53, 'o' }, { 0x1e54, 0x1e57, 'p' }, { 0x1e58, 0x1e5f, 'r' },
	{ 0x1e60, 0x1e69, 's' }, { 0x1e6a, 0x1e71, 't' }, { 0x1e72, 0x1e7b, 'u' }, { 0x1e7c, 0x1e7f, 'v' },
	{ 0x1e80, 0x1e89, 'w' }, { 0x1e8a, 0x1e8d, 'x' }, { 0x1e8e, 0x1e8f, 'y' }, { 0x1e90, 0x1e95, 'z' },
	{ 0x1ea0, 0x1eb7, 'a' }, { 0x1eb8, 0x1ec7, 'e' }, { 0x1ec8, 0x1ecb, 'i' }, { 0x1ecc, 0x1ee3, 'o' },
	{ 0x1ee4, 0x1ef1, 'u' }, { 0x1ef2, 0x1ef9, 'y' },
};

static uint8_t letter_of(uint32_t point)
{
	if (point < 0x80)
		return point == '0' ? 'o' : point == '1' ? 'l' : (uint8_t)point;
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
		if (point <= alike[i].last)
			return point >= alike[i].first ? (uint8_t)alike[i].letter : UNLIKE;
	return UNLIKE;
}

/* --- Punycode: RFC 3492 section 6.2, with the parameters of section 5 ------------------------------------------- */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST_POINT = 0x80, POINT_MAX = 0x10ffff };

struct points {
	size_t count;
	uint32_t at[SKELETON_MAX];
};

static unsigned digit_of(uint8_t octet)
{
	if (octet >= 'a' && octet <= 'z')
		return octet - 'a';
	return octet >= '0' && octet <= '9' ? octet - '0' + 26u : BASE;
}

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* One number; *at moves behind it. False: there is none, or it is too large to be of a label. */
static bool read_delta(const uint8_t *octets, size_t length, size_t *at, uint32_t bias, uint32_t *value)
{
	uint64_t sum = 0, weight = 1;

	for (uint32_t k = BASE; *at < length; k += BASE) {
		const uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		const unsigned digit = digit_of(octets[(*at)++]);

		if (digit == BASE)
			return false;
		sum += digit * weight;
		if (sum > (uint64_t)POINT_MAX * (SKELETON_MAX + 1))
			return false;
		if (digit < t) {
			*value = (uint32_t)sum;
			return true;
		}
		weight *= BASE - t;
	}
	return false;
}

static bool insert(struct points *points, uint32_t point, uint32_t at)
{
	if (points->count == SKELETON_MAX || point > POINT_MAX)
		return false;
	memmove(points->at + at + 1, points->at + at, (points->count - at) * sizeof(points->at[0]));
	points->at[at] = point;
	points->count++;
	return true;
}

/* Without the `xn--`. */
static bool decode(struct points *points, const uint8_t *octets, size_t length)
{
	uint32_t point = FIRST_POINT, bias = BIAS, i = 0, before;
	size_t at = length;

	while (at > 0 && octets[at - 1] != '-')
		at--;
	points->count = 0;
	for (size_t basic = 0; basic + 1 < at; basic++)
		points->at[points->count++] = octets[basic];
	while (at < length) {
		uint32_t delta;

		if (!read_delta(octets, length, &at, bias, &delta))
			return false;
		before = i;
		i += delta;
		point += i / (uint32_t)(points->count + 1);
		i %= (uint32_t)(points->count + 1);
		bias = adapt(delta, (uint32_t)points->count + 1, before == 0);
		if (!insert(points, point, i++))
			return false;
	}
	return true;
}

/* --- looks ------------------------------------------------------------------------------------------------------ */

static bool read_points(struct points *points, const uint8_t *label, size_t length)
{
	if (length >= 4 && memcmp(label, "xn--", 4) == 0)
		return decode(points, label + 4, length - 4);
	points->count = length < SKELETON_MAX ? length : SKELETON_MAX;
	for (size_t i = 0; i < points->count; i++)
		points->at[i] = label[i];
	return true;
}

static bool append_pair(struct skeleton *skeleton, uint8_t letter)
{
	uint8_t *last = skeleton->length > 0 ? &skeleton->octets[skeleton->length - 1] : NULL;

	if (last == NULL || !((*last == 'r' && letter == 'n') || (*last == 'v' && letter == 'v')))
		return false;
	*last = letter == 'n' ? 'm' : 'w';
	return true;
}

void skeleton_make(struct skeleton *skeleton, const uint8_t *label, size_t length)
{
	struct points points;

	skeleton->length = 0;
	if (!read_points(&points, label, length))
		return;
	for (size_t i = 0; i < points.count; i++) {
		const uint8_t letter = letter_of(points.at[i]);

		if (!append_pair(skeleton, letter))
			skeleton->octets[skeleton->length++] = letter;
	}
}

bool skeleton_equal(const struct skeleton *a, const struct skeleton *b)
{
	return a->length == b->length && memcmp(a->octets, b->octets, a->length) == 0;
}

bool label_is_near(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
	const size_t shorter = a_length < b_length ? a_length : b_length, longer = a_length + b_length - shorter;
	size_t head = 0, tail = 0;

	if (longer - shorter > 1)
		return false;
	while (head < shorter && a[head] == b[head])
		head++;
	while (tail < shorter - head && a[a_length - 1 - tail] == b[b_length - 1 - tail])
		tail++;
	if (longer > shorter)
		return head + tail == shorter;
	if (head + tail + 2 == shorter)
		return a[head] == b[head + 1] && a[head + 1] == b[head];
	return head + tail + 1 == shorter;
}
