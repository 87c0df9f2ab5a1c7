/*
 * loader.h: changing the policy of a running resolver.
 *
 * A thread of its own with low priority reads the configuration and the lists, builds a snapshot, checks it (itself,
 * the feeds' guards, the blast radius on recent questions, protected names) and gives it to the host, which sweeps
 * the caches and publishes it. Whatever fails, the old policy stays and the reason is kept for `status`. Overrides
 * are put in front of every policy, here and nowhere else.
 *
 * Going back needs no files: up to LOADER_KEPT policies that were in force stay in memory: the one before, one of an
 * hour ago and one of a day ago, since with a feed that changes every few minutes the one before is soon as bad as
 * the one in force. A policy of a million names takes 13 MiB; the older two are kept only while they fit into
 * LOADER_KEPT_OCTETS. After going back nothing is loaded by itself (files, expiry, reload of the resolver) until a
 * load is asked for, or the next change of any list would bring the bad one back.
 *
 * What takes effect at once: lists, groups, options of judging. What needs the resolver to load again (sockets,
 * dnstap, sizes) is said in the report.
 *
 *   who           | calls                          | needs outside synchronisation with
 *   any thread    | loader_request, loader_lock    | loader_destroy
 *   main thread   | loader_create, loader_destroy  | all others
 *   main thread   | loader_tell                    | loader_create, loader_destroy
 */
#ifndef CONTROL_LOADER_H
#define CONTROL_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/host.h"
#include "control/recent.h"
#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/override.h"
#include "policy/snapshot.h"

#define LOADER_KEPT 3
#define LOADER_KEPT_OCTETS ((size_t)64 << 20)
#define LOADER_LOADS_MAX 16          /* reports that are kept */

/* What stands between a file and an answer, in order. */
enum load_phase { PHASE_READ, PHASE_BUILD, PHASE_CHECK, PHASE_SWEEP, PHASE_PUBLISH, PHASE_COUNT };
extern const char *const load_phase_names[PHASE_COUNT];

enum load_cause { CAUSE_START, CAUSE_COMMAND, CAUSE_FILES, CAUSE_EXPIRY, CAUSE_OVERRIDE, CAUSE_ROLLBACK, CAUSE_COUNT };
extern const char *const load_cause_names[CAUSE_COUNT];

/* How one attempt ended. */
struct load_report {
	uint64_t number;                 /* of the policy that it made; 0: it failed */
	enum load_cause cause;
	int64_t started;                 /* seconds since the epoch */
	uint64_t phase_us[PHASE_COUNT];
	struct sweep_report sweep;
	size_t lists, rules, skipped, octets;
	uint64_t questions, newly_denied;   /* the blast radius: recent distinct questions, and those newly denied */
	char example[NAME_TEXT_MAX];     /* one of them; empty: none */
	char error[1024];                /* empty: none */
	bool compiled;                   /* opened from the compiled file: no list was read */
	char compiled_wrong[512];        /* there is one, and this is why it was not used; empty: nothing is wrong */
	char restart[256];               /* options that changed and wait for a load by the resolver; empty: none */
};

struct loader;

struct loader_options {
	const char *conf_path;           /* as this process sees it; copied */
	const char *chroot;              /* prefix to cut from paths, or ""; copied */
	const struct control_host *host; /* borrowed until loader_destroy */
	struct recent *recent;           /* borrowed likewise */
};

struct load_request {
	enum load_cause cause;
	bool force;                      /* pass over the blast radius and the feeds' guards; not over protected names */
	uint64_t to;                     /* CAUSE_ROLLBACK: the policy's number; 0: the one before */
};

/* Builds the first policy in the calling thread (main, no worker runs yet), then starts the thread. With `before` (a
 * loader that loader_stop gave back) its policies, numbers and feed histories are taken over, and what cannot be
 * loaded leaves the last good one in force. Returns the owned loader, or NULL with *diag set: nothing to start
 * with. */
struct loader *loader_create(const struct loader_options *options, struct loader *before, struct diag *diag);

/* Ends the thread. A load in progress is given up at the next step; waits for it at most `timeout_ms`, and leaves the
 * thread alone then (it publishes nothing any more). What it holds stays for the next loader_create. */
void loader_stop(struct loader *loader, unsigned timeout_ms);
void loader_destroy(struct loader **loader);

/* The configuration that was in force when the thread was started, which decides on sockets and sizes; borrowed until
 * the next loader_create. Main thread. */
const struct conf *loader_started(const struct loader *loader);

/* Queues a load. Waits for its end when `report` is not NULL; how it ended is said there (its number is 0 when it
 * failed). 0, or -1: stopping, or too many wait. */
int loader_request(struct loader *loader, const struct load_request *request, struct load_report *report);

/* The overrides to put in front of every policy from now on; copied. Publishes and sweeps; *report as above. -1 with
 * the error in the report: one that was not there before denies a protected name. */
int loader_set_overrides(struct loader *loader, const struct override *overrides, size_t count,
	struct load_report *report);

/* The same with those that a former process has accepted, or another folder keeps. */
int loader_restore_overrides(struct loader *loader, const struct override *overrides, size_t count,
	struct load_report *report);

/* Sweeps as soon as nothing else is being done: something has filled the caches behind the guards. Any thread: waits for
 * nobody, and only the first call before a sweep makes a system call. */
void loader_sweep_soon(struct loader *loader);

/* Calls `told` whenever another policy is in force, but for overrides; it must not wait, nor call the loader. NULL:
 * nobody is told. Waits for a call in progress. */
void loader_tell(struct loader *loader, void (*told)(void *arg), void *arg);

/* The configuration in force and what was built of it, under a lock until loader_unlock. */
struct loader_view {
	const struct conf *conf;
	const struct build_report *build;
	const struct load_report *loads;   /* the last LOADER_LOADS_MAX, newest first */
	size_t load_count;
	const struct load_report *last;    /* the newest that was not about overrides; NULL: none */
	const struct load_report *good;    /* the one in force */
	bool loading;                      /* a load is going on, */
	enum load_phase phase;             /* and this far */
	int64_t loading_since;             /* seconds since the epoch */
	bool held;                         /* went back: nothing is loaded until asked for */
	uint64_t kept[LOADER_KEPT];        /* numbers of the policies to go back to, the one before first */
	size_t kept_count;
};
void loader_lock(struct loader *loader, struct loader_view *view);
void loader_unlock(struct loader *loader);

#endif
