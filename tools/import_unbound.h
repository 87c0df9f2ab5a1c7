/*
 * import_unbound.h: what was read of an unbound.conf, before it becomes a verdict.conf.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_IMPORT_UNBOUND_H
#define TOOLS_IMPORT_UNBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diag.h"
#include "policy/name.h"
#include "tools/import.h"

#define TAGS_MAX 64u
#define KEY_MAX 40u

enum kind { KIND_ZONE, KIND_DATA, KIND_CLIENT, KIND_ADDRESS, KIND_RPZ, KIND_GONE };

/* What was read, in order; which fields count depends on the kind. */
struct entry {
	enum kind kind;
	struct name name;              /* zone, data: its owner */
	char *text;                    /* zone: type; data: record; client, address: network; rpz: name. Owned, as all */
	char *action;                  /* address: action; rpz: override */
	char *data;                    /* data: TTL, type, address; address: what it is redirected to; rpz: its CNAME */
	char *zonefile;
	uint64_t tags;
	unsigned layer;                /* zone: of lists; a higher one is asked first */
	bool answered;                 /* zone: of a redirect type, and there are data for it */
	const char *path;              /* in paths */
	unsigned line;
};

struct unbound {
	struct import *import;
	struct diag *diag;
	struct entry *entries;
	size_t count, cap;
	size_t *zones;                 /* of entries, by name */
	size_t zone_count;
	char *tags[TAGS_MAX];
	unsigned tag_count;
	char **paths;                  /* files that were read; owned */
	unsigned path_count, depth;
	bool asks_later;               /* there is rpz or response-ip, which come behind local zones */
	char *directory;
	char clause[KEY_MAX];
	const char *path;              /* where we are */
	unsigned line;
};

/* Reads the file and what it includes. 0, or -1 with the diag set; what was read is freed by the caller, whatever
 * comes. */
int unbound_read(struct unbound *unbound, const char *path);

/* -1 with the diag set. */
int unbound_no_memory(struct unbound *unbound);

/* Is the word one of these, which end with NULL? */
bool unbound_is_one_of(const char *word, const char *const *words);

/* The name of the group of clients with these tags. */
void unbound_name_group(const struct unbound *unbound, uint64_t tags, char *to, size_t cap);

/* Whom a list with these tags serves; false: nobody, so it has to stay out. */
bool unbound_put_served(struct unbound *unbound, uint64_t tags, bool write);

/* Lists of local-zone and local-data, and of response-ip. 0, or -1 with the diag set. */
int unbound_put_zones(struct unbound *unbound);
int unbound_put_addresses(struct unbound *unbound);

#endif
