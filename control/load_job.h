/*
 * load_job.h: one load in a thread of its own, which gets only what time nobody else wants.
 *
 * The thread has the lowest priority there is (SCHED_IDLE): a load may take long on a busy machine, and no answer
 * waits for it. So it cannot be waited for when the resolver ends: who has no more interest lets go, and the thread
 * frees what it has made whenever it is done.
 *
 * Threads: one thread, the owner, calls these.
 */
#ifndef CONTROL_LOAD_JOB_H
#define CONTROL_LOAD_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "control/edition.h"

struct load_job;

/* Takes nothing; holds `before` while it runs. NULL: no memory, descriptor or thread. */
struct load_job *load_job_start(const char *conf_path, const char *chroot, struct edition *before, bool force,
	int64_t now);

/* Readable once it is done. */
int load_job_fd(const struct load_job *job);

enum load_phase load_job_phase(const struct load_job *job);

/* What it gave; once, and only when it is done. As edition_load. */
struct edition *load_job_take(struct load_job *job, struct load_report *report, struct edition_files *files,
	struct diag *diag);

/* Done or not. Sets *job to NULL. */
void load_job_release(struct load_job **job);

#endif
