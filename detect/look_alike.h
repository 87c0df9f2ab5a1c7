/*
 * look_alike.h: names that want to be taken for one that is protected.
 *
 * Threads: immutable once made.
 */
#ifndef DETECT_LOOK_ALIKE_H
#define DETECT_LOOK_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detect/suffix.h"
#include "policy/name.h"

struct brands;

/* What is protected, by the zones that hold `names`. Owned; NULL: no memory. */
struct brands *brands_create(const struct suffix_set *suffixes, const struct name *names, size_t count);
void brands_destroy(struct brands **brands);

/* Does one of the names lie in that zone? */
bool brands_have(const struct brands *brands, uint64_t zone_hash);

/* In ascending order of what they say. */
enum likeness {
	LIKENESS_UNKNOWN,                    /* nobody has looked */
	LIKENESS_NONE,                       /* or it is a protected one itself */
	LIKENESS_SAME,                       /* the same below another public suffix */
	LIKENESS_TOKEN,                      /* it stands between hyphens */
	LIKENESS_NEAR,                       /* all but one letter */
	LIKENESS_SKELETON,                   /* it looks the same */
};

/* What the zone of `labels` labels that holds `name` is like. `near_min`: octets of a protected label for which one
 * letter counts. *length: octets of the label it is like. */
enum likeness brands_compare(const struct brands *brands, const struct name *name, unsigned labels,
	uint64_t zone_hash, size_t near_min, size_t *length);

#endif
