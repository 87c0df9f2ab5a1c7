/*
 * import.h: other systems' policies as a verdict.conf, with a comment for each thing that has no equal.
 *
 * A reader of one source (import_bind, import_unbound) writes clauses through the functions here, which
 * keep names unique and values quotable. What cannot be carried over is never left out silently: it becomes a comment
 * in its place, a line among the complaints, and a count.
 *
 * Errors: a file that cannot be read or is no such configuration: -1 with *diag. Threads: no shared state.
 */
#ifndef TOOLS_IMPORT_H
#define TOOLS_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/diag.h"

#define IMPORT_LISTS_MAX 256
#define IMPORT_NAME_MAX 63

struct import {
	FILE *conf;              /* borrowed: what is written */
	FILE *complaints;        /* borrowed; NULL: none */
	const char *folder;      /* for lists that have to be made; NULL: none can be */
	bool off;                /* the clause at hand is a comment */
	unsigned lists, lost;    /* clauses in force; things without an equal */
	unsigned name_count;
	char names[IMPORT_LISTS_MAX][IMPORT_NAME_MAX + 1];
};

struct import_source {
	const char *name;
	const char *what;        /* for the help */
	int (*read)(struct import *import, const char *path, struct diag *diag);
};
extern const struct import_source import_sources[];   /* ends with a NULL name */

/* Something of `file` that has no equal. */
void import_lost(struct import *import, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Begins a clause. */
void import_clause(struct import *import, const char *clause);

/* Begins a policy-list with a name like `wanted`; `off` makes it a comment. False (and counted as lost): too many. */
bool import_list(struct import *import, const char *wanted, bool off, const char *file, unsigned line);

/* One line of the clause. A value that cannot stand in a verdict.conf is counted as lost. */
void import_option(struct import *import, const char *key, const char *value);

/* Opens a new list NAME in the folder for lists and gives its path (owned). NULL with *diag. */
FILE *import_make_list(struct import *import, const char *name, char **path, struct diag *diag);

/* `name` beside the file `beside`, owned; an absolute one is itself. NULL: out of memory. */
char *import_path(const char *beside, const char *name);

int import_bind(struct import *import, const char *path, struct diag *diag);
int import_unbound(struct import *import, const char *path, struct diag *diag);

#endif
