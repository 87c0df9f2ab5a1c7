/*
 * import.h: other systems' policies as a verdict.conf, with a comment for each thing that has no equal.
 *
 * A reader of one source (import_bind, import_unbound, import_pihole, import_opnsense) writes clauses through the
 * functions here, which keep names unique and values quotable. What cannot be carried over, or decides in another way
 * here, is never left out silently: it becomes a comment in its place, a line among the complaints, and a count.
 * Nothing is fetched: what the other system downloads becomes a list with the path where the operator puts it.
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
	bool elsewhere;          /* it is not written to the working directory, which relative paths are of */
	bool off;                /* the clause at hand is a comment */
	unsigned lists, lost;    /* clauses in force; things without an equal */
	unsigned differ, fetch;  /* things that decide in another way; lists that are not there yet */
	unsigned name_count;
	char names[IMPORT_LISTS_MAX][IMPORT_NAME_MAX + 1];
	unsigned made_count;
	char *made[IMPORT_LISTS_MAX];   /* owned: paths of lists that were made */
};

struct import_source {
	const char *name;
	const char *what;        /* for the help */
	int (*read)(struct import *import, const char *path, struct diag *diag);
};
extern const struct import_source import_sources[];   /* ends with a NULL name */

/* Something of `file` that has no equal. Line 0: none is known. */
void import_lost(struct import *import, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Something that is carried over, and may decide in another way here. */
void import_differs(struct import *import, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Begins a clause. */
void import_clause(struct import *import, const char *clause);

/* The list's file. Paths in a verdict.conf are relative to it. */
void import_file(struct import *import, const char *path);

/* Ends the import; `undo`: what was made goes, so that the next attempt finds nothing in its way. */
void import_fini(struct import *import, bool undo);

/* Begins a policy-list with a name like `wanted`; `off` makes it a comment. False (and counted as lost): too many. */
bool import_list(struct import *import, const char *wanted, bool off, const char *file, unsigned line);

/* What can be the name of a clause, made of `wanted`; `to` holds IMPORT_NAME_MAX + 1 octets. */
void import_name(const char *wanted, char *to);

/* One line of the clause. A value that cannot stand in a verdict.conf is counted as lost. */
void import_option(struct import *import, const char *key, const char *value);

/* Opens a new list NAME in the folder for lists and gives its path (owned). NULL with *diag. */
FILE *import_make_list(struct import *import, const char *name, char **path, struct diag *diag);

/* Makes the list NAME of `text` and begins its clause with file and format; `off` as in import_list. 1: the clause
 * was begun; 0: it was not, or there is no text; -1 with *diag. */
int import_put_list(struct import *import, const char *name, const char *format, const char *text, size_t length,
	bool off, struct diag *diag);

/* Begins a policy-list whose file the operator gets from `from`: into the folder for lists, where there is one. */
bool import_fetched_list(struct import *import, const char *wanted, const char *from, bool off, const char *file,
	unsigned line);

/* `name` beside the file `beside`, owned; an absolute one is itself. NULL: out of memory. */
char *import_path(const char *beside, const char *name);

int import_bind(struct import *import, const char *path, struct diag *diag);
int import_unbound(struct import *import, const char *path, struct diag *diag);
int import_pihole(struct import *import, const char *path, struct diag *diag);
int import_opnsense(struct import *import, const char *path, struct diag *diag);

#endif
