/*
 * recent.h: the distinct questions asked lately, to try a new policy on before it is in force.
 *
 * Each worker has a table of its own, written by it alone: a question falls on one of two places by a keyed hash, and
 * the one asked longer ago makes room. Lossy on purpose, no lock, no allocation, one question in RECENT_EVERY is
 * noted. Readers copy an entry and check a sequence number (seqlock): a torn one is left out. Clients are not kept,
 * only their group, by name: its number would be another group's after a reload.
 *
 *   who      | calls                      | needs outside synchronisation with
 *   worker w | recent_note(w)             | nobody
 *   anybody  | recent_visit               | nobody
 */
#ifndef CONTROL_RECENT_H
#define CONTROL_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/name.h"
#include "policy/verdict.h"

#define RECENT_WORKERS_MAX 256
#define RECENT_EVERY 8
#define RECENT_PLACES 1024        /* of one worker; a power of two */

struct recent_question {
	struct name qname;
	uint16_t qtype;
	char group[LIST_NAME_MAX];    /* as it was called then; empty: without groups */
	uint32_t count;           /* of noted ones: about RECENT_EVERY times as many were asked */
};

struct recent;

/* NULL: out of memory. A worker's table is made at its first note. */
struct recent *recent_create(void);
void recent_destroy(struct recent **recent);

/* A fast no for all but one call in RECENT_EVERY. `qname` is lower-cased wire form (struct name); `group` is cut to
 * LIST_NAME_MAX. */
void recent_note(struct recent *recent, unsigned worker, const struct name *qname, uint16_t qtype, const char *group);

/* Visits a copy of each question; the same question of two workers comes twice. False ends it. */
typedef bool (*recent_visitor)(void *arg, const struct recent_question *question);
void recent_visit(const struct recent *recent, recent_visitor visit, void *arg);

#endif
