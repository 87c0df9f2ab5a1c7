/*
 * set_file.h: a set as it stands in the compiled file (policy/compiled.h), and back. For policy/ alone.
 *
 * Nothing in a set points anywhere, so its two tables are written and read as they lie in memory. Every index that a
 * search uses is bounded before the set is used: set_form_wrong judges the numbers, set_check_lines and
 * set_check_end the lines.
 *
 * Threads: belongs to one thread until it is checked.
 */
#ifndef POLICY_SET_FILE_H
#define POLICY_SET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/set.h"

#define SET_FORM_FIRSTS 257

struct set_form {
	uint64_t entries;
	uint64_t blocks;                   /* of the filter */
	uint64_t depths[2];
	uint32_t first[SET_FORM_FIRSTS];   /* line of each part, and how many lines there are */
	uint32_t pad;
};

/* Octets of the two tables. */
uint64_t set_form_lines(const struct set_form *form);
uint64_t set_form_filter(const struct set_form *form);

void set_form_of(const struct set *set, struct set_form *form);
const void *set_lines(const struct set *set);
const void *set_filter(const struct set *set);

/* What is wrong with the numbers; NULL: nothing. */
const char *set_form_wrong(const struct set_form *form);

/* A set with room for what the form says; the tables are to be filled before it is used. NULL: no memory. */
struct set *set_create(const struct set_form *form);
void *set_lines_room(struct set *set);
void *set_filter_room(struct set *set);

/* Goes through the lines as they come. */
struct set_check {
	uint32_t line;                     /* the next one */
	unsigned part;
	uint8_t passed;                    /* bits that every line of the part has so far */
};
#define SET_CHECK_INITIALIZER { .passed = 0xff }

/* Looks at the lines up to the one numbered `end`: every class below `classes`, and every search ends. False: not so,
 * and check->line is the line. */
bool set_check_lines(struct set_check *check, const struct set *set, uint32_t end, uint32_t classes);

/* No page of it can be written any more. */
void set_seal(struct set *set);

#endif
