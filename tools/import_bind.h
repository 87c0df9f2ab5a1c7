/*
 * import_bind.h: what was read of a named.conf, before it becomes a verdict.conf.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_IMPORT_BIND_H
#define TOOLS_IMPORT_BIND_H

#include <stdbool.h>

#include "policy/diag.h"
#include "tools/import.h"
#include "tools/named_lex.h"

#define POLICIES_MAX 64u       /* BIND's own limit for a view */
#define BIND_OPTIONS 7

struct zone {
	char *name, *file;        /* owned */
	enum { FORMAT_UNSAID, FORMAT_TEXT, FORMAT_OTHER } format;
	bool copied;              /* from another server, which is written raw unless told else */
	unsigned view;
};

struct policy_zone {
	char *name, *policy, *cname, *ede;    /* owned; NULL: not said */
	bool quiet;
	char values[BIND_OPTIONS][16];        /* its own; empty: not said */
	const char *path;
	unsigned line, view;
};

/* What `response-policy` says for all of its zones. */
struct option_row {
	const char *bind, *ours;
	const char *fallback;     /* BIND's */
	enum { VALUE_FLAG, VALUE_NUMBER, VALUE_SECONDS } kind;
};

extern const struct option_row bind_options[BIND_OPTIONS];

struct bind {
	struct import *import;
	struct named_lex *lex;
	struct named_token token;
	struct diag *diag;
	char *directory;          /* owned; NULL: beside the file */
	struct zone *zones;
	unsigned zone_count;
	struct policy_zone policies[POLICIES_MAX];
	unsigned policy_count;
	char values[BIND_OPTIONS][16];
	int format;               /* of zones that do not say: as in struct zone */
	unsigned view, view_count;   /* 0: outside of views */
};

/* Reads the file and what it includes, into a lexer that stays open, since paths are borrowed from it. 0, or -1 with
 * the diag set; what was read is freed by the caller, whatever comes. */
int bind_read(struct bind *bind, const char *path);

#endif
