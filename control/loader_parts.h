/*
 * loader_parts.h: what a loader is made of, for control/loader*.c alone.
 *
 * Everything that changes the policy happens in one thread: the loader's, or main while that does not run. What
 * others look at is guarded by `lock`; the thread that changes it alone may read it without.
 */
#ifndef CONTROL_LOADER_PARTS_H
#define CONTROL_LOADER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/edition.h"
#include "control/load_job.h"
#include "control/loader.h"
#include "control/watch.h"

#define QUEUE_MAX 16
#define PENDING_MAX 256

/* One request on its way. */
struct ticket {
	struct load_request request;
	struct override *overrides;      /* owned; with `is_overrides` */
	size_t override_count;
	bool is_overrides;
	bool restored;                   /* by a former process: accepted then */
	bool waited;                     /* somebody waits, and frees it; else the loader does */
	bool ended;                      /* under loader->lock, as the next two */
	int result;
	struct load_report report;
};

struct loader {
	char *conf_path, *chroot;        /* owned */
	const struct control_host *host;
	struct recent *recent;

	pthread_mutex_t lock;
	pthread_cond_t ended;            /* of tickets */
	/* under `lock` */
	struct ticket *queue[QUEUE_MAX];
	size_t queued;
	struct ticket *busy;             /* being worked on */
	struct ticket *aside;            /* likewise, while the other one waits for its load */
	bool stopping;
	unsigned generation;             /* of the thread: one that was given up finds another one here */
	struct edition *current;         /* held; the changing thread's to read without the lock */
	struct edition *kept[LOADER_KEPT];   /* held; likewise. The one before, an hour ago, a day ago */
	bool held;
	struct load_report loads[LOADER_LOADS_MAX];   /* newest first */
	size_t load_count;
	struct load_report last;         /* likewise, but for what was no override's */
	bool loading;
	enum load_phase phase;
	int64_t loading_since;
	void (*told)(void *arg);         /* of each policy in force; NULL: nobody is */
	void *told_arg;

	/* the changing thread's */
	uint64_t numbers;                /* of policies, so far */
	struct override *overrides;      /* owned */
	size_t override_count;
	struct edition *started;         /* held: whose sockets and sizes the process runs with */
	struct watch *watch;
	int64_t next_sweep_ms;
	int64_t swept_ms;                /* when the last one that was not for a load ended; 0: none yet */
	int64_t sweep_retry_ms;          /* 0: the last one was complete */
	int64_t expiry_seen;             /* seconds: lists that expired until then have had their load */
	bool said_held;

	pthread_t thread;
	bool running;                    /* main thread's to change, under `lock` */
	bool lost;                       /* a thread was given up: the loader is never freed */
	int wake;                        /* eventfd */
	atomic_bool sweep_soon;          /* any thread's to set; the changing thread takes it */
};

/* --- loader_change.c: by the changing thread --- */

/* Loads in this thread (`job` NULL) or takes what the job gave; checks, publishes, reports, logs. */
int loader_load(struct loader *loader, const struct load_request *request, struct load_job *job,
	struct load_report *report);

/* Goes back to a policy that was kept. */
int loader_go_back(struct loader *loader, uint64_t to, struct load_report *report);

/* Takes the ticket's overrides. */
int loader_override(struct loader *loader, struct ticket *ticket, struct load_report *report);

/* Looks at the whole cache, and says when the next time is. */
void loader_sweep(struct loader *loader);
void loader_plan_sweep(struct loader *loader, const struct sweep_report *last);

/* --- loader_log.c --- */

/* One line about a load: what is in force now, or why it is not. */
void loader_log(const struct loader *loader, const struct load_report *report);
void loader_say(const struct loader *loader, bool error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The options that differ in what a running resolver cannot change. */
void loader_pending(const struct conf *started, const struct conf *now, char *to, size_t cap);

/* --- loader_run.c --- */

/* The thread. */
void *loader_run(void *loader);

/* Under the lock: is the calling thread the one that changes things? One that was given up is not, and has to end
 * without touching anything. */
bool loader_is_mine(const struct loader *loader);

/* Under the lock: from now on it is. */
void loader_make_mine(const struct loader *loader);

int64_t clock_ms(void);

#endif
