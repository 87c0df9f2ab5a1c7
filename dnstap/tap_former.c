/*
 * tap_former.c: what a process that was killed left in its rings.
 */
#include "dnstap/tap_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/aside.h"
#include "dnstap/event_read.h"
#include "dnstap/heartbeat.h"

#define NOTE_OCTETS_MAX 512

static int is_ring(const struct dirent *entry)
{
	return strncmp(entry->d_name, RING_PREFIX, strlen(RING_PREFIX)) == 0 && !aside_is_one(entry->d_name);
}

/* The process may have been killed between a record and the note of its number. */
static void note_number(struct heartbeat_former *former, const uint8_t *record, size_t octets)
{
	const struct ring_origin *origin = &former->origin;
	struct event_view view;

	if (event_read(&view, record, octets) && view.number.boot == origin->boot && view.number.worker == origin->worker
			&& view.number.counter > former->tally.noted)
		former->tally.noted = view.number.counter;
}

/* True: all of it is in the spool. */
static bool take(struct tap *tap, struct ring *ring, const struct ring_origin *origin, bool damaged)
{
	struct heartbeat_former former = { .origin = *origin, .damaged = damaged };
	char note[NOTE_OCTETS_MAX];
	const uint8_t *record;
	size_t octets;

	ring_read_tally(ring, &former.tally);
	while ((record = ring_next(ring, &octets)) != NULL) {
		note_number(&former, record, octets);
		if (tap_spool_record(tap, record, octets, former.tally.given_up, tap_now_ms()))
			former.recovered++;
		else
			former.damaged = true, former.tally.given_up++;
	}
	/* Behind what it tells of. */
	tap_spool_note(tap, LANE_PLAIN, note, heartbeat_write_former(&former, note, sizeof(note)));
	spool_flush(tap->spool, tap_now_ms());
	pthread_mutex_lock(&tap->lock);
	tap->recovered += former.recovered;
	pthread_mutex_unlock(&tap->lock);
	return !former.damaged;
}

/* Frames that a full disk does not take are in memory: then the ring is kept, and they may come twice. */
static bool is_safe(const struct tap *tap)
{
	struct spool_counts counts;

	spool_read_counts(tap->spool, &counts);
	return counts.octets_memory == 0;
}

static void take_file(struct tap *tap, const char *name)
{
	struct ring_origin origin;
	bool damaged = false, whole;
	struct ring *ring = ring_recover(tap->directory, name, &origin, &damaged);

	if (!ring && errno != EBADMSG && errno != ENODATA)
		return;   /* of a living process, ours among them, or not to be read now */
	whole = ring ? take(tap, ring, &origin, damaged) : errno == ENODATA;
	if (ring && !is_safe(tap)) {
		ring_destroy(&ring);
		return;
	}
	ring_destroy(&ring);
	if (whole) {
		(void)unlinkat(tap->directory, name, 0);
		return;
	}
	aside_put(tap->directory, name);
	pthread_mutex_lock(&tap->lock);
	tap->damaged++;
	pthread_mutex_unlock(&tap->lock);
}

void tap_take_former(struct tap *tap)
{
	struct dirent **entries;
	int i, count = scandirat(tap->directory, ".", &entries, is_ring, alphasort);

	for (i = 0; i < count; i++) {
		take_file(tap, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}
