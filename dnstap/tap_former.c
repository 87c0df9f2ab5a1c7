/*
 * tap_former.c: what a process that was killed left in its rings.
 */
#include "dnstap/tap_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/heartbeat.h"

#define NOTE_OCTETS_MAX 512

static int is_ring(const struct dirent *entry)
{
	return strncmp(entry->d_name, RING_PREFIX, strlen(RING_PREFIX)) == 0;
}

static void take(struct tap *tap, struct ring *ring, const struct ring_origin *origin, bool damaged)
{
	char note[NOTE_OCTETS_MAX];
	uint64_t recovered = 0;
	const uint8_t *record;
	size_t octets;

	while ((record = ring_next(ring, &octets)) != NULL) {
		if (tap_spool_record(tap, record, octets, 0))
			recovered++;
		else
			damaged = true;
	}
	tap_spool_note(tap, note, heartbeat_write_former(origin, ring_noted(ring), ring_dropped(ring), recovered, damaged,
		note, sizeof(note)));
	spool_flush(tap->spool, tap_real_ms());
	pthread_mutex_lock(&tap->lock);
	tap->recovered += recovered;
	tap->damaged += damaged;
	pthread_mutex_unlock(&tap->lock);
}

static void take_file(struct tap *tap, const char *name)
{
	struct ring_origin origin;
	bool damaged = false;
	struct ring *ring = ring_recover(tap->directory, name, &origin, &damaged);

	if (!ring && errno != EBADMSG)
		return;   /* of a living process, ours among them, or not to be read now */
	if (ring)
		take(tap, ring, &origin, damaged);
	pthread_mutex_lock(&tap->lock);
	tap->damaged += !ring;
	pthread_mutex_unlock(&tap->lock);
	ring_destroy(&ring);
	(void)unlinkat(tap->directory, name, 0);
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
