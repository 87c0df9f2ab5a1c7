/*
 * digest.h: what happened in a window, put together from its day files, for a report.
 *
 * It is tables in the workspace of a query (store/query.h), whose window is of whole minutes (the store knows which
 * events are of which minute). A file that lies in the window as a whole is added up from what the store has counted,
 * others event by event.
 *
 * TABLES. All counts are of answers in the window.
 *
 *   present, past   at: days (seconds since 1970) in the window, and before it, of which there are files.
 *   client    id, address: as in the store; id 0, with no address: frames without a client.
 *   verdict   id, outcome (enum digest_outcome), verdict, list, rule, category, techniques, shadow_list, shadow_rule,
 *             shadow_action, shadow_category, detectors: as in the store.
 *   hit       verdict, client, count.
 *   timeline  at (begin of a step, seconds since 1970), outcome, count.
 *   domain    id, key, first (ms since 1970), count, refused (denied or redirected), observed, known: registrable
 *             domains that were asked for; known 1: days before the window, or hours before it of its first day, know
 *             them, too (as a question, or as the owner of a record).
 *   newcomer  domain, client: who asked for those that are not known.
 *   name      id, key, domain: names that were denied or redirected; domain is a row of `domain`, or 0.
 *   refusal   verdict, name, client, count: of these.
 *   sibling   domain, client: who got an answer for something else of the domain of a row of `name`.
 *   word      verdict, kind, word: each of the words of verdict.techniques (kind 0) and verdict.detectors (kind 1).
 *
 * Threads: as the query.
 */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include <stdint.h>

#include "policy/diag.h"
#include "store/query.h"

#define DIGEST_MINUTE_MS 60000

/* What became of an answer. One of another writer, which says nothing of a policy, is allowed. */
enum digest_outcome {
	DIGEST_ALLOWED,
	DIGEST_OBSERVED,                 /* let through, and a rule or a detector has something to say of it */
	DIGEST_DENIED,
	DIGEST_REDIRECTED,               /* to other data than the name's owner has */
	DIGEST_OUTCOMES
};

/* Fills the workspace. step_s: of timeline, whole minutes. */
int digest_fill(struct query *query, int64_t step_s, struct diag *diag);

#endif
