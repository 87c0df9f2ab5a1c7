/*
 * syncer.h: a thread that waits for the disk, so that nobody else has to: fdatasync(2) can take seconds.
 *
 * Threads: one caller at a time, but for syncer_errors, from any.
 */
#ifndef DNSTAP_SYNCER_H
#define DNSTAP_SYNCER_H

#include <stdbool.h>
#include <stdint.h>

#define SYNCER_FILES_MAX 64

struct syncer;

/* Owned; NULL: no memory, no thread. */
struct syncer *syncer_create(void);

/* Asks it to end and sets *syncer to NULL; does not wait for it: it frees itself. */
void syncer_destroy(struct syncer **syncer);

/* Is it done with what it was given last? */
bool syncer_is_idle(struct syncer *syncer);

/* Takes `count` descriptors of files and directories, writes them onto the disk and closes them. Only while it is idle. */
void syncer_give(struct syncer *syncer, const int *files, unsigned count);

/* How many failed so far. */
uint64_t syncer_errors(struct syncer *syncer);

#endif
