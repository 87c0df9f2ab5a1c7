/*
 * edition.h: one load of the policy: the configuration, what was built of it, and the files that it came from.
 *
 * An edition never changes once it is made. Several may hold it: who is the last to let go frees it. So a load that
 * is still going on can look at the edition before, whatever has become of that.
 *
 * Threads: any, on one edition; edition_load works in the calling thread.
 */
#ifndef CONTROL_EDITION_H
#define CONTROL_EDITION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/loader.h"
#include "control/stamps.h"
#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/snapshot.h"

/* Names of files, with wildcards where the configuration has some. */
struct sources {
	char **names;              /* owned, and each of them */
	size_t count;
};

struct edition {
	_Atomic unsigned holders;
	struct conf *conf;         /* owned, as are the next four */
	struct build_report build;
	struct snapshot *base;     /* without overrides */
	struct sources sources;
	struct stamps *stamps;     /* of the sources, taken before they were read; NULL: not known */
	int64_t since;             /* in force, in seconds since the epoch; the loader's, under its lock */
	struct load_report report; /* likewise */
};

struct edition_order {
	const char *conf_path;             /* as this process sees it */
	const char *chroot;                /* prefix to cut from paths, or "" */
	const struct edition *before;      /* the edition in force; NULL: none */
	bool text;                         /* read the lists, whether there is a compiled file or not */
	bool force;                        /* pass over the feeds' guards */
	int64_t now;                       /* seconds since the epoch */
	_Atomic int *phase;                /* told how far it is; NULL: nobody asks */
};

/* What there is to watch after a load, also one that failed. */
struct edition_files {
	struct sources sources;
	struct stamps *stamps;
};
void edition_files_fini(struct edition_files *files);

/* Reads, builds, and checks that what was built does what the lists say. Fills the phases and sums of *report and
 * *files (owned by the caller then). Returns the edition, held once, or NULL with *diag set. */
struct edition *edition_load(const struct edition_order *order, struct load_report *report,
	struct edition_files *files, struct diag *diag);

/* Takes what it can of a file again: are the files that this edition came from still the same? */
bool edition_is_current(const struct edition *edition);

struct edition *edition_hold(struct edition *edition);
void edition_release(struct edition **edition);

/* The first time after `after` at which a list of it expires; INT64_MAX: never. */
int64_t edition_expires(const struct edition *edition, int64_t after);

uint64_t clock_us(void);   /* steady */

#endif
