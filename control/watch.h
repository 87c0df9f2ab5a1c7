/*
 * watch.h: says when files have changed, and only once they have stopped changing.
 *
 * inotify on the folders that hold the files (a file itself would be lost when another is renamed over it), and on
 * those that links on the way lead to. Whatever the kernel reports only wakes it: what decides are stamps
 * (control/stamps.h), so a storm of events is one change, a lost event (overflow) none too few, and an event about
 * something else nothing. A change counts when the stamps have stayed the same for WATCH_SETTLE_MS; a file that never
 * comes to rest counts after WATCH_UNREST_MS. Every WATCH_LOOK_MS it looks without being told, since inotify sees no
 * changes made by other hosts on a shared file system, and tries again to watch folders that were not there.
 *
 * Threads: one thread uses it, which polls watch_fd for reading. Times are in milliseconds of one steady clock.
 */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/stamps.h"

#define WATCH_SETTLE_MS 1000
#define WATCH_STEP_MS 200            /* between two looks at files that are changing */
#define WATCH_UNREST_MS 30000
#define WATCH_LOOK_MS 10000

struct watch;

/* Watches nothing yet. Without inotify it looks every WATCH_LOOK_MS. NULL: no memory. */
struct watch *watch_create(void);
void watch_destroy(struct watch **watch);

/* The files to watch from now on (names as in stamps_take; copied), and how they were when they were read last: takes
 * `known`. False: no memory; then what was watched is watched on. */
bool watch_set(struct watch *watch, char *const *names, size_t count, struct stamps *known, int64_t now_ms);

/* -1: none. */
int watch_fd(const struct watch *watch);

/* Takes what the kernel has to say, and returns true when files have changed and come to rest. It says so once for
 * one change; watch_set makes it start from what was read then. */
bool watch_look(struct watch *watch, int64_t now_ms);

/* When watch_look wants to be called although there is nothing to read. */
int64_t watch_due_ms(const struct watch *watch);

#endif
