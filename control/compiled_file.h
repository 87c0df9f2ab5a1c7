/*
 * compiled_file.h: the compiled policy (policy/compiled.h) in the file system: who may have written it, what it was
 * made of, where it is.
 *
 * It decides what a resolver answers and holds the key of its hashes. So it is used only when nobody but root and the
 * resolver's own user can have written it, and nobody else can read it: its owner is one of the two, it is writable
 * for its owner alone and not readable for others (0640), and it is a file and no link. What is looked at is the
 * opened file. It is replaced by renaming, so who reads the old one reads it to its end.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_COMPILED_FILE_H
#define CONTROL_COMPILED_FILE_H

#include <stdint.h>

#include "control/stamps.h"
#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/snapshot.h"

#define COMPILED_FILE_NAME "policy.compiled"

/* As the configuration says, or the file of that name in the state directory. Returned owned; NULL: no memory. */
char *compiled_file_path(const struct conf *conf);

struct compiled_file_order {
	const struct conf *conf;
	const struct stamps *stamps;         /* of the files that conf and its lists were, or would be, read from */
	const struct build_history *before;  /* as for snapshot_build_again */
	int64_t now;                         /* seconds since the epoch */
};

/* The snapshot of the file at `path` and its report. NULL: *report is empty, and *diag says why; there is no such file
 * when its text is empty. */
struct snapshot *compiled_file_load(const char *path, const struct compiled_file_order *order,
	struct build_report *report, struct diag *diag);

/* Writes it beside `path` and renames it there; root gives it the group of the folder. Fills *octets. 0, or -1 with *diag set and `path` as it was. */
int compiled_file_save(const char *path, const struct snapshot *snapshot, const struct build_report *report,
	const struct stamps *stamps, uint64_t *octets, struct diag *diag);

#endif
