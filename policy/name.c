/* name.c: domain names between the wire, text and their canonical form. */
#include "policy/name.h"
#include "policy/hot.h"

#include <string.h>

#define LABEL_OCTETS_MAX 63

static uint8_t lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

/* Eight octets at once: bit 7 of an octet of `upper` tells a capital letter, and 0x20 makes it a small one. */
static uint64_t lower_word(uint64_t word)
{
	const uint64_t seven = word & EACH(0x7f);
	const uint64_t upper = (seven + EACH(0x80 - 'A')) & ~(seven + EACH(0x7f - 'Z')) & ~word & EACH(0x80);

	return word | upper >> 2;
}

static void copy_word(uint8_t *to, const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	word = lower_word(word);
	memcpy(to, &word, sizeof(word));
}

/* Sixteen at once, where the machine can. */
typedef uint8_t block __attribute__((vector_size(16)));

static void copy_block(uint8_t *to, const uint8_t *from)
{
	block octets;

	memcpy(&octets, from, sizeof(octets));
	octets |= (block)(octets - 'A' < 'Z' - 'A' + 1) & 0x20;
	memcpy(to, &octets, sizeof(octets));
}

/* Every question goes through here. What is lowered twice stays as it is, so the last piece may overlap. */
static void copy_lower(uint8_t *to, const uint8_t *from, size_t octets)
{
	size_t i;

	if (octets >= sizeof(block)) {
		for (i = 0; i < octets - sizeof(block); i += sizeof(block))
			copy_block(to + i, from + i);
		copy_block(to + octets - sizeof(block), from + octets - sizeof(block));
	} else if (octets >= sizeof(uint64_t)) {
		copy_word(to, from);
		copy_word(to + octets - sizeof(uint64_t), from + octets - sizeof(uint64_t));
	} else {
		for (i = 0; i < octets; i++)
			to[i] = lower(from[i]);
	}
}

HOT bool name_from_wire(struct name *name, const uint8_t *wire, size_t octets)
{
	size_t length = 0;
	unsigned labels = 0;

	if (octets > NAME_OCTETS_MAX)
		octets = NAME_OCTETS_MAX;
	for (;;) {
		if (length >= octets || wire[length] > LABEL_OCTETS_MAX)
			return false;
		if (wire[length] == 0)
			break;
		length += 1 + (size_t)wire[length];
		labels++;
	}
	length++;
	/* A length octet is at most 63, below 'A', so everything may be lowered. */
	copy_lower(name->octets, wire, length);
	name->length = (uint8_t)length;
	name->labels = (uint8_t)labels;
	return true;
}

/* Reads the escape behind a backslash. How many octets of `text` it took; 0: it is none. */
static size_t read_escape(const char *text, size_t octets, uint8_t *value)
{
	unsigned number = 0;
	size_t i;

	if (octets == 0)
		return 0;
	if (text[0] < '0' || text[0] > '9') {
		*value = (uint8_t)text[0];
		return 1;
	}
	if (octets < 3)
		return 0;
	for (i = 0; i < 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	if (number > 255)
		return 0;
	*value = (uint8_t)number;
	return 3;
}

/* A name while it is read from text: `start` is where the length octet of the open label lies. */
struct reading {
	uint8_t octets[NAME_OCTETS_MAX];
	size_t used;
	size_t start;
	unsigned labels;
};

static const char *add_octet(struct reading *to, uint8_t octet)
{
	if (to->used - to->start > LABEL_OCTETS_MAX)
		return "label over 63 octets";
	/* One octet is kept for the root. */
	if (to->used >= NAME_OCTETS_MAX - 1)
		return "name over 255 octets";
	to->octets[to->used++] = lower(octet);
	return NULL;
}

static const char *end_label(struct reading *to)
{
	size_t octets = to->used - to->start - 1;

	if (octets == 0)
		return "empty label";
	to->octets[to->start] = (uint8_t)octets;
	to->start = to->used;
	to->labels++;
	return NULL;
}

static const char *read_labels(struct reading *to, const char *text, size_t octets)
{
	const char *wrong;
	size_t i = 0;

	while (i < octets) {
		uint8_t octet = (uint8_t)text[i++];

		if (octet == '.') {
			wrong = end_label(to);
			if (wrong != NULL)
				return wrong;
			if (i == octets)
				return NULL;
			if (to->used >= NAME_OCTETS_MAX - 1)
				return "name over 255 octets";
			to->used++;
			continue;
		}
		if (octet == '\\') {
			size_t taken = read_escape(text + i, octets - i, &octet);

			if (taken == 0)
				return "escape that is neither \\X nor \\DDD up to 255";
			i += taken;
		} else if (octet <= 0x20 || octet >= 0x7f) {
			return "octet outside printable ASCII that is not written as \\DDD";
		}
		wrong = add_octet(to, octet);
		if (wrong != NULL)
			return wrong;
	}
	return end_label(to);
}

const char *name_from_text(struct name *name, const char *text, size_t octets)
{
	struct reading reading = { .used = 1 };
	const char *wrong = NULL;

	if (octets == 0)
		return "empty name";
	if (octets == 1 && text[0] == '.')
		reading.used = 0;
	else
		wrong = read_labels(&reading, text, octets);
	if (wrong != NULL)
		return wrong;
	memcpy(name->octets, reading.octets, reading.used);
	name->octets[reading.used] = 0;
	name->length = (uint8_t)(reading.used + 1);
	name->labels = (uint8_t)reading.labels;
	return NULL;
}

static const bool plain[UINT8_MAX + 1] = {
	['a' ... 'z'] = true,
	['A' ... 'Z'] = true,
	['0' ... '9'] = true,
	['-'] = true,
	['_'] = true,
	['*'] = true,
};

static char *put_escaped(char *to, uint8_t octet)
{
	*to++ = '\\';
	*to++ = (char)('0' + octet / 100);
	*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

static char *put_label(char *to, const uint8_t *label, const uint8_t *end)
{
	while (label < end) {
		while (plain[*label]) {
			*to++ = (char)*label++;
			if (label == end)
				return to;
		}
		to = put_escaped(to, *label++);
	}
	return to;
}

char *name_wire_to_text(const uint8_t *wire, size_t length, char *to)
{
	const uint8_t *end = wire + (length < NAME_OCTETS_MAX ? length : NAME_OCTETS_MAX);
	char *at = to;

	while (wire < end && *wire != 0 && *wire < end - wire) {
		if (at != to)
			*at++ = '.';
		at = put_label(at, wire + 1, wire + 1 + *wire);
		wire += 1 + *wire;
	}
	if (at == to)
		*at++ = '.';
	*at = '\0';
	return to;
}

static bool is_plain(block octets)
{
	const block small = octets | 0x20;
	const block good = (block)((small - 'a' < 26) | (octets - '0' < 10) | (octets == '-') | (octets == '_') |
		(octets == '*'));
	uint64_t words[2];

	memcpy(words, &good, sizeof(words));
	return (words[0] & words[1]) == UINT64_MAX;
}

/* Puts `mark` between the labels of a name's text. */
static void mark_labels(const struct name *name, char *to, char mark)
{
	for (size_t at = 1 + (size_t)name->octets[0]; name->octets[at] != 0; at += 1 + (size_t)name->octets[at])
		to[at - 1] = mark;
}

/* A name without anything to escape is its wire form with other separators. False: it is none, or too long. */
static bool put_plain(const struct name *name, char *to)
{
	const size_t octets = name->length - 2u;
	block piece;

	if (name->length < 3 || octets + sizeof(block) > NAME_OCTETS_MAX - 1)
		return false;
	for (size_t i = 0; i < octets; i += sizeof(block))
		memcpy(to + i, name->octets + 1 + i, sizeof(block));
	/* Behind the end, and between labels, for the time of the look. */
	memset(to + octets, '-', sizeof(block));
	mark_labels(name, to, '-');
	for (size_t i = 0; i < octets; i += sizeof(block)) {
		memcpy(&piece, to + i, sizeof(block));
		if (!is_plain(piece))
			return false;
	}
	mark_labels(name, to, '.');
	to[octets] = '\0';
	return true;
}

HOT char *name_to_text(const struct name *name, char *to)
{
	/* For every denial, in what the client is told. */
	if (put_plain(name, to))
		return to;
	return name_wire_to_text(name->octets, name->length, to);
}

bool name_equal(const struct name *a, const struct name *b)
{
	return a->length == b->length && memcmp(a->octets, b->octets, a->length) == 0;
}

HOT const uint8_t *name_suffix(const struct name *name, unsigned count)
{
	const uint8_t *at = name->octets;

	while (count-- > 0)
		at += 1 + (size_t)*at;
	return at;
}

bool name_is_below(const struct name *name, const struct name *parent)
{
	const uint8_t *suffix;

	if (parent->labels > name->labels)
		return false;
	suffix = name_suffix(name, (unsigned)name->labels - parent->labels);
	return (size_t)(name->octets + name->length - suffix) == parent->length &&
	       memcmp(suffix, parent->octets, parent->length) == 0;
}

/* As strings of octets: a label that begins another comes before it. */
static int compare_labels(const uint8_t *a, const uint8_t *b)
{
	int order = memcmp(a + 1, b + 1, *a < *b ? *a : *b);

	return order != 0 ? order : (int)*a - (int)*b;
}

int name_compare(const struct name *a, const struct name *b)
{
	unsigned i;

	for (i = 1; i <= a->labels && i <= b->labels; i++) {
		int order = compare_labels(name_suffix(a, a->labels - i), name_suffix(b, b->labels - i));

		if (order != 0)
			return order;
	}
	return (int)a->labels - (int)b->labels;
}
