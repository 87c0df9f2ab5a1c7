/*
 * ring.h: a bounded ring of records between one worker and the I/O thread.
 *
 * A record is a run of octets that lies in one piece. The producer never waits: where there is no room the record is
 * refused and counted. `reserve` leaves a quarter of the ring to records that matter (see `important`).
 *
 *   who      | calls                                    | needs outside synchronisation with
 *   producer | ring_reserve, ring_commit, ring_dropped  | nobody; one thread at a time
 *   consumer | ring_peek, ring_release                  | nobody; one thread at a time
 *   anybody  | ring_dropped, ring_used                  | nobody
 */
#ifndef DNSTAP_RING_H
#define DNSTAP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* `octets` is a power of two, 64 KiB at least. Owned; NULL: no memory. */
struct ring *ring_create(size_t octets);
void ring_destroy(struct ring **ring);

/* Room for `octets` in one piece, or NULL (counted as dropped). Plain records are refused when the ring would be more
 * than three quarters full. Reserving again without a commit abandons the first. */
uint8_t *ring_reserve(struct ring *ring, size_t octets, bool important);

/* Publishes the first `octets` (at most what was reserved, at least 1) of the last reservation. */
void ring_commit(struct ring *ring, size_t octets);

/* The oldest record and its length, or NULL when the ring is empty. Good until ring_release. */
const uint8_t *ring_peek(struct ring *ring, size_t *octets);
void ring_release(struct ring *ring);

uint64_t ring_dropped(const struct ring *ring);
size_t ring_used(const struct ring *ring);

#endif
