/*
 * override_file.h: the form in which overrides are kept: one JSON object,
 * {"version": 1, "next": ID, "overrides": [{"id", "name", "action", "client", "made", "until", "why", "who"}, ...]}.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_OVERRIDE_FILE_H
#define CONTROL_OVERRIDE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "policy/diag.h"
#include "policy/override.h"

#define OVERRIDE_FILE_VERSION 1
#define OVERRIDE_FILE_OCTETS_MAX ((size_t)16 << 20)

struct override_file {
	struct override *overrides;   /* owned; NULL: none */
	size_t count;
	uint64_t next;                /* the id that the next one gets */
};

/* 0; -1 with *diag set and *file untouched: damaged, of another version, or no memory. `name` is for the diag. */
int override_file_parse(struct override_file *file, const char *text, size_t octets, const char *name,
	struct diag *diag);

/* Returns the owned text, NUL-terminated; NULL: no memory. */
char *override_file_format(const struct override_file *file);

/* Replaces the file at `path` in one step: written to `fresh` in the same directory, which is synced. -1 with *diag set:
 * the old file is as it was. */
int override_file_write(const struct override_file *file, const char *directory, const char *path, const char *fresh,
	struct diag *diag);

/* One of them. Returns the owned object; NULL: no memory. */
json_t *override_json(const struct override *override);

/* The client of an override as text, "" for everybody; `to` holds OVERRIDE_CLIENT_MAX. Returns `to`. */
#define OVERRIDE_CLIENT_MAX 64
char *override_client_text(const struct network *client, char *to);

/* "allow", "deny", or, of a detector, "refuse". */
const char *override_verb(const struct override *override);

#endif
