/*
 * override_store.h: the overrides in force, over restarts.
 *
 * They stand in DIRECTORY/overrides: one JSON object with a version, written beside and renamed, so that it is always
 * whole. A file that cannot be read as one is renamed to `overrides.damaged` and said in the resolver's log; the
 * resolver starts without. What changed, when, by whom and why is appended to DIRECTORY/audit.log (control/audit.h)
 * and said in the resolver's log.
 *
 * A change is three steps, so that nothing is kept that the policy refused: override_store_plan makes the list as it
 * would be, the caller publishes that (loader_set_overrides), and override_store_commit keeps it. One planner at a
 * time: the server's hand for changes, or the main thread while there is no server.
 *
 * An override ends at its time, or when it has lasted for as long as it was meant to: a clock that was ahead when it was
 * made, and is set right, would let it go on for the difference.
 *
 * Threads: any, but for plan and commit (above).
 */
#ifndef CONTROL_OVERRIDE_STORE_H
#define CONTROL_OVERRIDE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/host.h"
#include "policy/diag.h"
#include "policy/override.h"

#define OVERRIDE_SECONDS_MAX (90 * 86400)

struct override_store;

/* Reads what is kept in `directory` (as this process sees it; copied), without what has ended by `now` (seconds since
 * the epoch). `host` is borrowed, for its log. Never fails for what stands in the file. NULL: no memory. */
struct override_store *override_store_open(const char *directory, const struct control_host *host, int64_t now);
void override_store_close(struct override_store **store);

/* A copy of what is in force, oldest first. Returns the owned array (free), never NULL but without memory. */
struct override *override_store_copy(struct override_store *store, size_t *count);

/* When the next one ends; INT64_MAX: never. */
int64_t override_store_next_end(struct override_store *store);

/* Seconds until the next one has lasted for as long as it was meant to; INT64_MAX: there is none. */
int64_t override_store_left(struct override_store *store);

/* Are there some of detectors that are not to block any more? */
bool override_store_has_unwanted(struct override_store *store, const struct detector_conf *detectors);

/* How one plan changes the list. */
struct override_change {
	struct override *all;      /* owned: the list after the change */
	size_t count;
	struct override *gone;     /* owned: what leaves it: revoked, ended, or replaced by `added` */
	size_t gone_count;
	size_t revoked;            /* of those, what the plan asks to revoke */
	struct override added;     /* id 0: none */
};

/* Does `allow` let through all that a denial of `name` to `client` denies? */
bool override_releases(const struct override *allow, const struct name *name, const struct network *client);

/* `add` (its id is chosen here; one for the same name and client is replaced, but never an operator's by a detector's,
 * and so is a detector's that it releases), or NULL: none; takes out the one with
 * `revoke_id` (0: none), all of `revoke_name` (NULL: none), what no detector wants (`detectors`: DETECTOR_COUNT of them;
 * NULL: do not ask), and what has ended by `now`. 0; -1 with *diag set: too many, or no memory. */
struct override_plan {
	const struct override *add;
	uint64_t revoke_id;
	const struct name *revoke_name;
	const struct detector_conf *detectors;
	int64_t now;
};
int override_store_plan(struct override_store *store, const struct override_plan *plan,
	struct override_change *change, struct diag *diag);
void override_change_fini(struct override_change *change);

/* Keeps it, and writes file and audit. Takes change->all. 0; -1 with *diag set: it is in force, but could not be
 * written down, and is tried again at the next change. `who` and `why` are of the change. */
int override_store_commit(struct override_store *store, struct override_change *change, int64_t now, const char *who,
	const char *why, struct diag *diag);

/* Keeps it in memory alone, where the file is another process'. Takes change->all. */
void override_store_drop(struct override_store *store, struct override_change *change);

/* One line of the audit file and of the resolver's log for any other change. As commit. */
int override_store_audit(struct override_store *store, int64_t now, const char *who, const char *what,
	struct diag *diag);

#endif
