/*
 * compiled.h: a policy's lists in one file, as they lie in memory, so that opening them parses nothing.
 *
 *     header | sources | lists | classes | local data | lines of the set | its filter
 *
 * Everything has the byte order and the widths of the machine that wrote it, and the header says which. No offset
 * stands in the file: where a section begins follows from the counts in the header, each bounded before it is used,
 * and the sum must be the file's length. One XXH3 checksum (https://xxhash.com, 64 bits) covers all octets but its
 * own. It finds damage; against forgery there are the file's owner and mode (control/compiled_file.h), and whatever
 * the octets are, no search of what was opened leaves its memory or goes on for ever.
 *
 * The configuration is read as text always: it is small. The file holds what the lists gave: rules, local data, what
 * was skipped and why, serials, expire times; and the key of the hashes. Rules' lines are not in it, as they are in
 * no snapshot: `explain` looks them up in the lists.
 *
 * It is good for exactly the files that it was made of. They are told by inode, size, and the times of content and
 * inode in nanoseconds (control/stamps.h): whoever writes a file changes one of them, and to look costs no reading.
 * Neither paths, which are others in a chroot, nor devices, whose numbers change when the machine starts. It is good
 * for one release of this program only: another one may read a list in another way.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/snapshot.h"

/* A file that a policy was made of; all zero: it was not there. */
struct compiled_source {
	uint64_t inode;
	uint64_t octets;
	int64_t content_ns;      /* mtime, nanoseconds since 1970 */
	int64_t node_ns;         /* ctime */
};

struct compiled_sources {
	const struct compiled_source *all;   /* borrowed; the configuration's files, then the lists */
	size_t count;
	/* The path of one, for an error; NULL: not known. */
	const char *(*path)(void *arg, size_t index);
	void *arg;
};

/* What there is to open. */
struct compiled_order {
	int fd;                              /* at the file's beginning */
	const char *path;                    /* for errors */
	const struct conf *conf;
	const struct compiled_sources *sources;
	const struct build_history *before;  /* as for snapshot_build_again */
	int64_t now;                         /* seconds since 1970 */
};

/* The snapshot that snapshot_build_again would make, and its report. NULL with *diag set: why it cannot be used, with
 * the offset where there is one; *report is empty then. */
struct snapshot *compiled_read(const struct compiled_order *order, struct build_report *report, struct diag *diag);

/* Writes the snapshot, without its overrides, from the beginning of `fd` on; fills *octets. 0, or -1 with *diag set
 * for `path`. */
int compiled_write(int fd, const char *path, const struct snapshot *snapshot, const struct build_report *report,
	const struct compiled_sources *sources, uint64_t *octets, struct diag *diag);

#endif
