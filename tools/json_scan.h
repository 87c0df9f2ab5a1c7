/*
 * json_scan.h: the members of a JSON object where they lie.
 *
 * Checks the whole text as RFC 8259 has it (UTF-8, numbers, escapes, pairs of surrogates, at most JSON_DEPTH_MAX
 * levels) and notes where the outermost members are; nothing is copied. As with libjansson, a NUL inside a string
 * is refused. Of a key that comes twice the last counts.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_JSON_SCAN_H
#define TOOLS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MEMBERS_MAX 32   /* those after them are checked and not noted */
#define JSON_DEPTH_MAX 16

struct json_value {
	const char *at;           /* NULL: not there; a string with its quotes */
	size_t octets;
};

struct json_members {
	unsigned count;
	struct {
		const char *key;      /* without quotes, escapes as they are */
		size_t key_octets;
		struct json_value value;
	} rows[JSON_MEMBERS_MAX];
};

/* False: not one object and nothing else. *members is written to in any case. */
bool json_scan(const void *text, size_t octets, struct json_members *members);

struct json_value json_find(const struct json_members *members, const char *key);

/* The elements of an array of a text that json_scan has checked: *at is 0 first. False: no more, or no array. */
bool json_next(const struct json_value *array, size_t *at, struct json_value *element);

/* A string's text; cut at `cap`. Returns its octets, and terminates it; 0 also for what is no string. */
size_t json_text_of(const struct json_value *value, char *to, size_t cap);

/* Is it this string? */
bool json_is_text(const struct json_value *value, const char *text);

/* A whole number from 0; false for anything else. */
bool json_number_of(const struct json_value *value, uint64_t *number);

#endif
