/*
 * flag_ring.h: calls for a flag, on their way from the workers to the thread that raises it.
 *
 * Bounded, many producers, one consumer: each place has a number that says whose turn it is (D. Vyukov, "Bounded MPMC
 * queue", 2010). A producer that finds no room leaves, and the call is counted as lost; nobody waits or allocates.
 *
 *   calls                            | need outside synchronisation with
 *   flag_ring_push, flag_ring_lost   | nobody
 *   flag_ring_pop                    | itself
 */
#ifndef CONTROL_FLAG_RING_H
#define CONTROL_FLAG_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/detection.h"
#include "policy/facts.h"
#include "policy/name.h"

#define FLAG_RING_PLACES 256u        /* a power of two */

/* What detectors call for, and about what. */
struct flag_call {
	enum reaction reaction;          /* REACTION_ALERT or REACTION_BLOCK */
	struct detection lead;
	uint32_t points, answers, days, clients;   /* as in struct detections */
	struct name zone;                /* the root: it is about all that the client asks */
	struct address client;
	int64_t at;                      /* Unix seconds */
};

struct flag_ring;

/* Owned; NULL: no memory. */
struct flag_ring *flag_ring_create(void);
void flag_ring_destroy(struct flag_ring **ring);

/* Copies the call. False: there is no room. */
bool flag_ring_push(struct flag_ring *ring, const struct flag_call *call);
bool flag_ring_pop(struct flag_ring *ring, struct flag_call *call);

/* How many found no room. */
uint64_t flag_ring_lost(const struct flag_ring *ring);

#endif
