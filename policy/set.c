/* set.c: asks the filter, searches the table. */
#include "policy/set.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "policy/hot.h"
#include "policy/set_parts.h"

struct set_hint set_hint(const struct set *set, uint64_t low)
{
	return hint_of(set, low);
}

void set_prefetch(const struct set *set, uint64_t low)
{
	prefetch_line(set, low);
}

void set_prefetch_hint(const struct set *set, uint64_t low)
{
	prefetch_block(set, low);
}

/* The slots of the line that hold that name, among those with its short tag. The rest of the hash is made for them
 * alone. */
static size_t take(const struct line *line, unsigned found, const struct hash_half *half, uint16_t *classes,
		   size_t cap)
{
	uint64_t rest = hash_other_half(half) & REST_MASK;
	size_t count = 0;

	for (; found != 0; found &= found - 1) {
		unsigned slot = (unsigned)__builtin_ctz(found) / 2;

		if (line->classes[slot] != SET_NO_CLASS && rest_at(line, slot) == rest && count < cap)
			classes[count++] = line->classes[slot];
	}
	return count;
}

HOT size_t set_find(const struct set *set, const struct hash_half *half, uint16_t *classes, size_t cap)
{
	struct part part = part_of(set, place_of(half->low));
	uint16_t tag = tag_of(half->low);
	uint32_t index = home(&part, place_of(half->low));
	size_t count = 0;

	if (part.count == 0)
		return 0;
	for (;;) {
		const struct line *line = &part.lines[index];
		unsigned found = slots_with(line, tag);

		if (found != 0)
			count += take(line, found, half, classes + count, cap - count);
		/* Some line of every part has room and so was never passed: the search ends. */
		if ((line->passed & passed_bit(tag)) == 0)
			return count;
		index = next_line(&part, index);
	}
}

void set_destroy(struct set **set)
{
	if (*set == NULL)
		return;
	if ((*set)->lines != NULL)
		munmap((*set)->lines, (*set)->mapped);
	if ((*set)->filter != NULL)
		munmap((*set)->filter, set_filter_octets(*set));
	free(*set);
	*set = NULL;
}

const struct hash_depths *set_depths(const struct set *set)
{
	return &set->depths;
}

size_t set_entries(const struct set *set)
{
	return set->entries;
}

size_t set_octets(const struct set *set)
{
	return sizeof(*set) + set->mapped + set_filter_octets(set);
}
