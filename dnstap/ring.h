/*
 * ring.h: a bounded ring of records between one worker and the I/O thread.
 *
 * A record is a run of octets that lies in one piece. The producer never waits: where there is no room the record is
 * refused and counted. `reserve` leaves a quarter of the ring to records that matter (see `important`).
 *
 * A ring can live in a mapped file, which survives the process: what had not left it is found by ring_recover at the
 * next start. The file's blocks are allocated when it is made, so that a full disk can not hit a worker that writes.
 * The form is in host byte order; it never leaves the machine.
 *
 *   who      | calls                                              | needs outside synchronisation with
 *   producer | ring_reserve, ring_commit, ring_note, ring_leave   | nobody; one thread at a time
 *   consumer | ring_next, ring_release, ring_rewind, ring_give_up | nobody; one thread at a time
 *   anybody  | ring_dropped, ring_used, ring_read_tally           | nobody
 */
#ifndef DNSTAP_RING_H
#define DNSTAP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_OCTETS_MIN ((size_t)64 * 1024)
#define RING_OCTETS_MAX ((size_t)1 << 31)

struct ring;

/* Whose records these are. */
struct ring_origin {
	uint64_t boot;
	uint16_t worker;
};

/* What a ring has counted. */
struct ring_tally {
	uint64_t noted;              /* the number of the last record that was offered, or left out */
	uint64_t left_out;           /* numbers of which no record was wanted */
	uint64_t dropped;            /* records for which there was no room */
	uint64_t given_up;           /* records that the consumer could not pass on */
};

/* In memory. `octets` is a power of two within the limits. Owned; NULL: no memory. */
struct ring *ring_create(size_t octets);

/* In a new file `name` of mode 0600 in `directory` (a descriptor), which must not exist yet. Owned; NULL with errno. */
struct ring *ring_create_mapped(int directory, const char *name, size_t octets, const struct ring_origin *origin);

/* Reads what a process left behind in `name`, into memory: a ring for a consumer alone. The file stays. *damaged: some
 * of it could not be read, and how much is not known. NULL with errno: not there, a link, no ring of ours (EBADMSG), one
 * that was never made in full, so that nothing is in it (ENODATA), no memory, or the ring of a process that lives
 * (EWOULDBLOCK). */
struct ring *ring_recover(int directory, const char *name, struct ring_origin *origin, bool *damaged);

/* A file stays. */
void ring_destroy(struct ring **ring);

/* Room for `octets` in one piece, or NULL (counted as dropped). Plain records are refused when the ring would be more
 * than three quarters full. Reserving again without a commit abandons the first. */
uint8_t *ring_reserve(struct ring *ring, size_t octets, bool important);

/* Publishes the first `octets` (at most what was reserved, at least 1) of the last reservation. */
void ring_commit(struct ring *ring, size_t octets);

/* Counts go on from *tally, those of the ring before this one. Before its first record. */
void ring_go_on(struct ring *ring, const struct ring_tally *tally);

/* Keeps a number for others and for whoever recovers the ring: of the record that was offered last, taken or refused; or,
 * by ring_leave, of one that is not wanted. Numbers rise; those that are left out between two count as not wanted. */
void ring_note(struct ring *ring, uint64_t number);
void ring_leave(struct ring *ring, uint64_t number);

/* Numbers before this one of which no record was wanted. For the producer. */
uint64_t ring_left_out(const struct ring *ring, uint64_t number);

/* The consumer counts records that it could not pass on. */
void ring_give_up(struct ring *ring, uint64_t records);

/* The record after the one that it gave before, and its length, or NULL when there is no other. Good until
 * ring_release, which lets all that were given go; ring_rewind makes ring_next begin with the oldest again. */
const uint8_t *ring_next(struct ring *ring, size_t *octets);
void ring_release(struct ring *ring);
void ring_rewind(struct ring *ring);

/* ring_tally.dropped. */
uint64_t ring_dropped(const struct ring *ring);

/* Each number is whole. A `left_out` or `dropped` that belongs to a number behind `noted` can be among them while the
 * producer works. */
void ring_read_tally(const struct ring *ring, struct ring_tally *tally);

/* Octets in use, released ones not counted. */
size_t ring_used(const struct ring *ring);

#endif
