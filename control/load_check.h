/*
 * load_check.h: may this policy be put into force?
 *
 * Three questions, each of which can be answered with no:
 *  - does it do what its lists say? The first rules of each list are read again and have to be found in the compiled
 *    form, and names that nobody has ever heard of must not be found: a broken compiler or broken memory shows.
 *  - the blast radius: of the distinct questions that clients asked lately, how many would be denied that are not
 *    now? Of rules for addresses: of how many of all addresses (load_breadth.c)?
 *  - would a protected name be denied that is not now? By its name, that is: what it resolves to is not known.
 *
 * Threads: no shared state but struct recent, which anybody may read.
 */
#ifndef CONTROL_LOAD_CHECK_H
#define CONTROL_LOAD_CHECK_H

#include "control/loader.h"
#include "control/recent.h"
#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/facts.h"
#include "policy/override.h"
#include "policy/snapshot.h"

/* Fewer questions say nothing about a share. */
#define CHECK_QUESTIONS_LEAST 50

/* 0, or -1 with *diag set: the list, line and name that are not as they should be. */
int check_itself(const struct conf *conf, const struct build_report *build, const struct snapshot *snapshot,
	struct diag *diag);

/* The second half of that alone, which needs no list. */
int check_strangers(const struct conf *conf, const struct snapshot *snapshot, struct diag *diag);

/* One policy with the configuration that it was made of. */
struct check_side {
	const struct conf *conf;
	const struct snapshot *snapshot;   /* with overrides */
};

/* Fills questions, newly_denied and example of *report. 0, or -1 with *diag set: over `deny-share-max` of
 * after->conf. */
int check_radius(const struct check_side *before, const struct check_side *after, const struct recent *recent,
	struct load_report *report, struct diag *diag);

/* 0, or -1 with *diag set: for some group rules for addresses newly deny over `deny-share-max` of IPv4, of IPv6, or,
 * where they are clients', of what inner networks have. */
int check_breadth(const struct check_side *before, const struct check_side *after, struct diag *diag);

/* Would a rule for name servers newly deny the question if its name were served below itself? For load_try.c. */
bool breadth_newly_denies_server(const struct check_side *before, const struct check_side *after,
	const struct facts *asker);

/* 0, or -1 with *diag set: a `protected-name` of `names` would be denied. `before` may be NULL: none in force. */
int check_protected(const struct conf *names, const struct check_side *before, const struct check_side *after,
	struct diag *diag);

/* Overrides, borrowed. */
struct check_list {
	const struct override *all;
	size_t count;
};

/* 0, or -1 with *diag set: one of `after` that is not among `before` denies a protected name. What was in force before
 * its name was protected stays, or it would keep all others from ending. */
int check_overrides(const struct conf *conf, const struct check_list *before, const struct check_list *after,
	struct diag *diag);

#endif
