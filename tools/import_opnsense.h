/*
 * import_opnsense.h: what OPNsense's config.xml says of its Unbound, before it becomes a verdict.conf.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_IMPORT_OPNSENSE_H
#define TOOLS_IMPORT_OPNSENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/diag.h"
#include "tools/import.h"

enum opnsense_kind { OPNSENSE_HOST, OPNSENSE_ALIAS, OPNSENSE_ACL, OPNSENSE_BLOCKLIST };

enum opnsense_field {
	FIELD_ENABLED, FIELD_HOSTNAME, FIELD_DOMAIN, FIELD_RR, FIELD_SERVER, FIELD_MX, FIELD_MXPRIO, FIELD_HOST, FIELD_NAME,
	FIELD_ACTION, FIELD_NETWORKS, FIELD_TYPE, FIELD_LISTS, FIELD_ALLOWED, FIELD_BLOCKLISTS, FIELD_WILDCARDS,
	FIELD_SOURCE_NETS, FIELD_ADDRESS, FIELD_NXDOMAIN, FIELD_SAFESEARCH, FIELD_COUNT
};

/* An element with elements of text. */
struct opnsense_item {
	enum opnsense_kind kind;
	char *uuid;                   /* owned, as are the fields; NULL: it has none */
	char *fields[FIELD_COUNT];    /* NULL: not said, or empty */
	unsigned line;
};

struct opnsense {
	struct import *import;
	struct diag *diag;
	const char *path;
	struct opnsense_item *items;
	size_t count, room;
	bool has_unbound;
	unsigned old_line;            /* of host overrides in the layout of before 22.1; 0: there are none */
};

/* 0, or -1 with *diag; what was read is freed by the caller, whatever comes. */
int opnsense_read(struct opnsense *opnsense);

/* The field's text, empty when it is not said. */
const char *opnsense_field(const struct opnsense_item *item, enum opnsense_field which);
bool opnsense_is_on(const struct opnsense_item *item);

/* Tells of something of the item that has no equal. */
void opnsense_lost(struct opnsense *opnsense, const struct opnsense_item *item, const char *what, const char *value);

/* Calls for each part of a row of values with commas (or lines) between. */
void opnsense_each_value(struct opnsense *opnsense, const struct opnsense_item *item, const char *values, FILE *to,
	void (*take)(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to));

/* A name for what the policy makes: `stem`, with its number behind it unless it is the first. */
void opnsense_name_policy(const struct opnsense *opnsense, const struct opnsense_item *item, const char *stem,
	char *to, size_t cap);

/* The policy whose group the policy's clients are in; NULL: all its networks are of other policies. */
const struct opnsense_item *opnsense_group_of(struct opnsense *opnsense, const struct opnsense_item *item);

/* Writes the client-group of a policy that has one of its own. import_opnsense_group.c */
void opnsense_put_group(struct opnsense *opnsense, const struct opnsense_item *item);

#endif
