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
};

/* 0, or -1 with *diag; what was read is freed by the caller, whatever comes. */
int opnsense_read(struct opnsense *opnsense);

#endif
