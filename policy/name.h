/*
 * name.h: domain names in canonical wire form (RFC 1035 section 3.1, lower case as in RFC 4034 section 6.2).
 *
 * A `struct name` is a plain value that is always valid: at most 255 octets with the root label, labels of 1 to 63
 * octets, no compression, A to Z in lower case. Past the edge of the program every name is one of these.
 *
 * Threads: values only, no shared state.
 */
#ifndef POLICY_NAME_H
#define POLICY_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NAME_OCTETS_MAX 255
#define NAME_LABELS_MAX 127
/* Four characters for each octet (\DDD), a dot for each label, and the NUL. */
#define NAME_TEXT_MAX 1024

struct name {
	uint8_t length;  /* octets used, the root's 0 included: 1 to 255 */
	uint8_t labels;  /* without the root: 0 to 127 */
	uint8_t octets[NAME_OCTETS_MAX];
};

/* Takes an uncompressed name from the start of `wire`; `octets` is what may be read. False, and *name untouched, when
 * it is no valid name. Octets behind the name are ignored. */
bool name_from_wire(struct name *name, const uint8_t *wire, size_t octets);

/* Reads presentation format (RFC 1035 section 5.1: `\.` and `\DDD` escapes; a trailing dot is optional; always taken as
 * absolute). NULL on success, else a constant text that says what is wrong ("label over 63 octets"), *name untouched. */
const char *name_from_text(struct name *name, const char *text, size_t octets);

/* Writes presentation format without the trailing dot (the root is "."), everything outside letters, digits, '-', '_'
 * and '*' escaped, so that it is safe on a terminal. `to` holds NAME_TEXT_MAX. Returns `to`. */
char *name_to_text(const struct name *name, char *to);

/* The same for `length` octets of a wire-form suffix of some name. */
char *name_wire_to_text(const uint8_t *wire, size_t length, char *to);

/* Most names are short: these then take four moves each, and no call. */
#define NAME_SHORT_MAX 62

/* Copies what is used of it, at least. */
static inline void name_copy(struct name *to, const struct name *from)
{
	if (from->length <= NAME_SHORT_MAX)
		memcpy(to, from, offsetof(struct name, octets) + NAME_SHORT_MAX);
	else
		memcpy(to, from, sizeof(*to));
}

bool name_equal(const struct name *a, const struct name *b);

/* The canonical order of RFC 4034 section 6.1: below 0, 0 or above 0 as `a` comes before, equals or comes after `b`. */
int name_compare(const struct name *a, const struct name *b);

/* Is `name` at or below `parent`? */
bool name_is_below(const struct name *name, const struct name *parent);

/* Cuts the first `count` labels off: the suffix of `name` that starts at label `count` (0: itself). Needs
 * count <= name->labels. Points into *name; its length is name->length minus the offset. */
const uint8_t *name_suffix(const struct name *name, unsigned count);

#endif
