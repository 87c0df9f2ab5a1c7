/* load_job.c: edition_load aside. */
#include "control/load_job.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/priority.h"
#include "control/thread.h"

struct load_job {
	_Atomic unsigned holders;       /* the owner and the thread */
	_Atomic int phase;
	char *conf_path, *chroot;       /* owned */
	struct edition *before;         /* held */
	bool force;
	int64_t now;
	int done;                       /* eventfd; written to after the rest was filled: its read acquires */
	struct edition *edition;        /* held; the thread's until `done` */
	struct load_report report;      /* likewise, as the next two */
	struct edition_files files;
	struct diag diag;
};

static void let_go(struct load_job *job)
{
	if (atomic_fetch_sub_explicit(&job->holders, 1, memory_order_acq_rel) != 1)
		return;
	edition_release(&job->edition);
	edition_release(&job->before);
	edition_files_fini(&job->files);
	if (job->done >= 0)
		close(job->done);
	free(job->conf_path);
	free(job->chroot);
	free(job);
}

static void *run(void *arg)
{
	struct load_job *job = arg;
	const struct edition_order order = { .conf_path = job->conf_path, .chroot = job->chroot, .before = job->before,
		.force = job->force, .now = job->now, .phase = &job->phase };
	const uint64_t one = 1;
	ssize_t ignored;

	priority_idle();
	job->edition = edition_load(&order, &job->report, &job->files, &job->diag);
	ignored = write(job->done, &one, sizeof(one));
	(void)ignored;
	let_go(job);
	return NULL;
}

struct load_job *load_job_start(const char *conf_path, const char *chroot, struct edition *before, bool force,
	int64_t now)
{
	struct load_job *job = calloc(1, sizeof(*job));
	pthread_t thread;

	if (job == NULL)
		return NULL;
	atomic_init(&job->holders, 2);
	job->conf_path = strdup(conf_path);
	job->chroot = strdup(chroot);
	job->before = edition_hold(before);
	job->force = force;
	job->now = now;
	job->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (job->conf_path != NULL && job->chroot != NULL && job->done >= 0 &&
	    thread_start(&thread, "verdict-build", run, job) == 0) {
		pthread_detach(thread);
		return job;
	}
	atomic_store_explicit(&job->holders, 1, memory_order_relaxed);
	let_go(job);
	return NULL;
}

int load_job_fd(const struct load_job *job)
{
	return job->done;
}

enum load_phase load_job_phase(const struct load_job *job)
{
	return (enum load_phase)atomic_load_explicit(&job->phase, memory_order_relaxed);
}

struct edition *load_job_take(struct load_job *job, struct load_report *report, struct edition_files *files,
	struct diag *diag)
{
	struct edition *edition;
	uint64_t count;
	ssize_t ignored;

	ignored = read(job->done, &count, sizeof(count));
	(void)ignored;
	edition = job->edition;
	/* The sums and phases; who asked, and when, is the owner's. */
	memcpy(report->phase_us, job->report.phase_us, sizeof(report->phase_us));
	report->lists = job->report.lists;
	report->rules = job->report.rules;
	report->skipped = job->report.skipped;
	report->octets = job->report.octets;
	report->compiled = job->report.compiled;
	memcpy(report->compiled_wrong, job->report.compiled_wrong, sizeof(report->compiled_wrong));
	*files = job->files;
	*diag = job->diag;
	job->edition = NULL;
	job->files = (struct edition_files){ .stamps = NULL };
	return edition;
}

void load_job_release(struct load_job **job)
{
	if (*job != NULL)
		let_go(*job);
	*job = NULL;
}
