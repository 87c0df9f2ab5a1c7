/*
 * skeleton.h: what a label looks like, for comparing labels that a person would not tell apart.
 *
 * Letters of other scripts become the Latin ones they look like, accents go, `0` is `o` and `1` is `l`, `rn` is `m`
 * and `vv` is `w`. A label in Punycode (RFC 3492) is decoded first. The idea is that of UTS #39's skeleton, with a
 * table of our own that knows what Latin names are imitated with.
 *
 * Threads: pure functions.
 */
#ifndef DETECT_SKELETON_H
#define DETECT_SKELETON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SKELETON_MAX 63              /* octets: never more than the label has */

struct skeleton {
	uint8_t length;
	uint8_t octets[SKELETON_MAX];
};

/* `label` is in lower case and has at most 63 octets. What no Latin letter looks like is 0xff. */
void skeleton_make(struct skeleton *skeleton, const uint8_t *label, size_t length);

bool skeleton_equal(const struct skeleton *a, const struct skeleton *b);

/* Is it one letter more, less, other, or two neighbours changed over (Damerau, 1964)? */
bool label_is_near(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length);

#endif
