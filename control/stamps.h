/*
 * stamps.h: have files changed since?
 *
 * A stamp is what the system says of a file without reading it: device, inode, size, and the times of its content and
 * of its inode in nanoseconds. Whoever writes a file changes one of them; a file renamed over another has another
 * inode. Links are followed. A file that is not there has a stamp, too.
 *
 * Threads: immutable after stamps_take.
 */
#ifndef CONTROL_STAMPS_H
#define CONTROL_STAMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stamps;

/* Looks at files; a name with a wildcard (glob(7)) is all that match it now. Returns the owned stamps, NULL: no
 * memory. */
struct stamps *stamps_take(char *const *names, size_t count);
void stamps_destroy(struct stamps **stamps);

/* NULL: no memory, or no stamps. */
struct stamps *stamps_copy(const struct stamps *stamps);

/* The same files, unchanged? NULL equals nothing. */
bool stamps_equal(const struct stamps *a, const struct stamps *b);

/* What is kept of a file beyond this process; all zero: it is not there. Without the device, whose number may be
 * another after the machine has started again. */
struct stamp_marks {
	uint64_t inode, octets;
	int64_t content_ns, node_ns;   /* mtime and ctime, nanoseconds since the epoch */
};
struct stamp_marks stamps_marks(const struct stamps *stamps, size_t index);

/* The files, wildcards replaced by what matched; borrowed. */
size_t stamps_count(const struct stamps *stamps);
const char *stamps_path(const struct stamps *stamps, size_t index);

#endif
