/*
 * import_pihole.h: what was read of a Pi-hole (v5 and v6), before it becomes a verdict.conf.
 *
 * It comes as the database gravity.db, as the folder where that and the text files lie, or as a Teleporter archive of
 * either version. Tables are read in the same way from SQLite and from the JSON of Teleporter v5. The lists' contents
 * (gravity) are not read: they come from where the lists come from.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_IMPORT_PIHOLE_H
#define TOOLS_IMPORT_PIHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diag.h"
#include "policy/file.h"
#include "tools/import.h"

#define PIHOLE_TEXT_MAX 4096u                    /* octets of one value */
#define PIHOLE_MEMBER_MAX ((size_t)512 << 20)    /* of one file */
#define PIHOLE_GROUPS_MAX 64u
#define PIHOLE_FOR_ALL UINT64_MAX                /* from a time without groups */
#define PIHOLE_COLUMNS 4

enum pihole_kind { PIHOLE_GROUP, PIHOLE_CLIENT, PIHOLE_LIST, PIHOLE_DOMAIN, PIHOLE_HOST, PIHOLE_ALIAS };
enum pihole_type { DOMAIN_ALLOW, DOMAIN_DENY, DOMAIN_ALLOW_REGEX, DOMAIN_DENY_REGEX };

/* What was read, in order; which fields count depends on the kind. */
struct pihole_row {
	enum pihole_kind kind;
	int64_t id;
	int64_t type;             /* domain: pihole_type; list: 1 allows */
	bool enabled;
	char *text;               /* owned: group and host: name; client: who; list: URL; domain: that; alias: name */
	char *more;               /* owned: host: address; alias: target */
	uint64_t groups;          /* client, list, domain: of enabled groups, a bit for each in their order */
	const char *file;         /* constant */
	unsigned line;            /* in a text file; 0: of a table */
};

struct pihole_link {
	enum pihole_kind kind;
	int64_t id, group;
};

enum pihole_block { BLOCK_NULL, BLOCK_NXDOMAIN, BLOCK_NODATA };

struct pihole {
	struct import *import;
	struct diag *diag;
	const char *path;
	struct pihole_row *rows;  /* the first is the default group */
	size_t row_count, row_room;
	struct pihole_link *links;
	size_t link_count, link_room;
	unsigned local_count;     /* rows of hosts and aliases */
	enum pihole_block block;
	bool has_database;
	unsigned files;           /* that were of use */
};

/* A table with the same columns wherever it stands: id, text, enabled and type, or two ids. */
struct pihole_table {
	const char *name;
	const char *members[4];                /* of Teleporter v5, NULL behind the last */
	const char *columns[PIHOLE_COLUMNS];   /* NULL: it has none such */
	enum pihole_kind kind;
	bool links;
	bool needed;
};
#define PIHOLE_TABLES 7
extern const struct pihole_table pihole_tables[PIHOLE_TABLES];

/* Adds a row. `text` and `more` are copied. NULL with *diag: out of memory, or too many. */
struct pihole_row *pihole_add(struct pihole *pihole, enum pihole_kind kind, const char *text, const char *more);

/* Takes a row of a table; a column that is not there is NULL. 0, or -1 with *diag. */
int pihole_take(struct pihole *pihole, const struct pihole_table *table, const char *const values[PIHOLE_COLUMNS]);

/* Reads the database, as a file or (`name` says what it is) in memory. 0, or -1 with *diag. import_pihole_db.c */
int pihole_read_database(struct pihole *pihole, const char *path);
int pihole_read_database_octets(struct pihole *pihole, const char *name, const void *octets, size_t length);

/* Reads a table of Teleporter v5, as JSON. Likewise. */
int pihole_read_json(struct pihole *pihole, const struct pihole_table *table, const char *name, const char *text,
	size_t length);

/* Reads a text file that Pi-hole has, by the last part of its name; others are left alone. `text` ends with a NUL and
 * is changed. Likewise. import_pihole_text.c */
int pihole_read_text(struct pihole *pihole, const char *name, char *text, size_t length);

/* Writes the list of hosts and aliases. Likewise. import_pihole_local.c */
int pihole_put_local_names(struct pihole *pihole);

/* Reads whatever lies at pihole->path. Likewise. import_pihole_read.c */
int pihole_read(struct pihole *pihole);

#endif
