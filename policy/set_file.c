/* set_file.c: the tables of a set as octets, and whether such octets can be searched. */
#include "policy/set_file.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "policy/set_parts.h"

_Static_assert(SET_FORM_FIRSTS == SET_PARTS + 1, "a form has room for every part");

uint64_t set_form_lines(const struct set_form *form)
{
	return (uint64_t)form->first[SET_PARTS] * sizeof(struct line);
}

uint64_t set_form_filter(const struct set_form *form)
{
	return form->blocks * BLOCK_WORDS * sizeof(uint64_t);
}

void set_form_of(const struct set *set, struct set_form *form)
{
	*form = (struct set_form){ .entries = set->entries, .blocks = set->blocks };
	memcpy(form->depths, set->depths.bits, sizeof(form->depths));
	memcpy(form->first, set->first, sizeof(form->first));
}

const void *set_lines(const struct set *set)
{
	return set->lines;
}

const void *set_filter(const struct set *set)
{
	return set->filter;
}

const char *set_form_wrong(const struct set_form *form)
{
	unsigned i;

	if (form->blocks == 0 || form->blocks > UINT32_MAX)
		return "a filter of that size cannot be";
	if (form->first[0] != 0)
		return "the first part does not begin at the first line";
	for (i = 0; i < SET_PARTS; i++)
		if (form->first[i + 1] < form->first[i])
			return "parts are not in order";
	if (form->entries > (uint64_t)form->first[SET_PARTS] * SET_SLOTS)
		return "more entries than there is room for";
	return NULL;
}

struct set *set_create(const struct set_form *form)
{
	struct set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->entries = (size_t)form->entries;
	set->blocks = (size_t)form->blocks;
	memcpy(set->depths.bits, form->depths, sizeof(form->depths));
	memcpy(set->first, form->first, sizeof(form->first));
	/* One line more, as set_build has it: the first line of an empty part behind the last one is prefetched. */
	set->mapped = memory_pages((size_t)set_form_lines(form) + sizeof(struct line));
	set->lines = memory_map_whole(set->mapped);
	set->filter = memory_map_whole(set_filter_octets(set));
	if (set->lines == NULL || set->filter == NULL)
		set_destroy(&set);
	return set;
}

void *set_lines_room(struct set *set)
{
	return set->lines;
}

void *set_filter_room(struct set *set)
{
	return set->filter;
}

/* All seven at once: the tag before the first class is masked out. */
static inline bool has_class_over(const struct line *line, uint16_t most)
{
	typedef uint16_t classes __attribute__((vector_size(16)));
	typedef uint64_t words __attribute__((vector_size(16)));
	const classes mask = { 0, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff };
	classes have;
	words over;

	memcpy(&have, (const uint8_t *)line + offsetof(struct line, classes) - sizeof(uint16_t), sizeof(have));
	over = (words)((have & mask) > (classes){ most, most, most, most, most, most, most, most });
	return (over[0] | over[1]) != 0;
}

/* Steps over the parts that end here. False: no line of one of them ends a search. */
static bool end_parts(struct set_check *check, const struct set *set)
{
	while (check->part < SET_PARTS && check->line == set->first[check->part + 1]) {
		if (set->first[check->part] != check->line && check->passed != 0)
			return false;
		check->part++;
		check->passed = 0xff;
	}
	return true;
}

bool set_check_lines(struct set_check *check, const struct set *set, uint32_t end, uint32_t classes)
{
	const uint16_t most = (uint16_t)(classes - 1);

	while (end_parts(check, set) && check->line < end) {
		const struct line *line = &set->lines[check->line];

		if (has_class_over(line, most))
			return false;
		check->passed &= line->passed;
		check->line++;
	}
	return check->line == end && end_parts(check, set);
}

void set_seal(struct set *set)
{
	(void)mprotect(set->lines, set->mapped, PROT_READ);
	(void)mprotect(set->filter, set_filter_octets(set), PROT_READ);
}
