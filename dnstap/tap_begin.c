/*
 * tap_begin.c: what the I/O thread needs is made in it, since it may have to wait for the disk: the spool, the targets.
 */
#include "dnstap/tap_state.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define LOCK_TRIES 30
#define LOCK_WAIT_MS 100

static struct spool *open_spool(struct tap *tap, int directory, struct diag *diag)
{
	const struct spool_options options = {
		.content_type = TAP_CONTENT_TYPE, .directory = directory, .directory_name = tap->directory_name,
		.file_octets_max = tap->spool_octets, .memory_octets_max = tap->memory_octets,
		.segment_octets = (size_t)16 << 20,
	};

	return spool_open(&options, tap_now_ms(), tap_real_ms(), diag);
}

/* A tap before this one may still hold the lock for a moment. */
static struct spool *open_durable_spool(struct tap *tap)
{
	struct spool *spool;
	struct diag diag;
	unsigned tries;

	if (tap->directory < 0)
		return NULL;
	spool = open_spool(tap, tap->directory, &diag);
	for (tries = 1; !spool && errno == EWOULDBLOCK && tries < LOCK_TRIES && tap_stop_at(tap) == 0; tries++) {
		(void)poll(NULL, 0, LOCK_WAIT_MS);
		spool = open_spool(tap, tap->directory, &diag);
	}
	if (spool)
		return spool;
	pthread_mutex_lock(&tap->lock);
	diag_format(&diag, tap->note, sizeof(tap->note));
	pthread_mutex_unlock(&tap->lock);
	return NULL;
}

/* Did the tap before leave frames where this one does not look? */
static bool has_moved(const struct tap *tap)
{
	return tap->before.on_disk
		&& (tap->directory < 0 || tap->before.device != tap->device || tap->before.inode != tap->inode);
}

/* Where the tap before had no disk, or another one, nobody else remembers. */
static void reader_go_on(const struct tap *tap, struct spool_reader *reader, const char *name)
{
	const uint64_t moved = has_moved(tap);
	unsigned i;

	for (i = 0; i < tap->before.target_count; i++)
		if (strcmp(tap->before.targets[i].name, name) == 0)
			spool_reader_go_on(reader, tap->before.targets[i].lost + moved * tap->before.targets[i].unread,
				tap->before.targets[i].unsure + moved * tap->before.targets[i].unconfirmed);
}

/* The operator can still have them: they lie there as files that any reader of dnstap takes. */
static void note_moved(struct tap *tap)
{
	uint64_t most = 0;
	unsigned i;

	for (i = 0; has_moved(tap) && i < tap->before.target_count; i++)
		if (tap->before.targets[i].unread > most)
			most = tap->before.targets[i].unread;
	if (most > 0 && tap->note[0] == '\0')
		snprintf(tap->note, sizeof(tap->note), "%" PRIu64 " frames that were not sent stay in the directory of before", most);
}

static struct target *make_target(struct tap *tap, unsigned i)
{
	struct tap_target *plan = &tap->plans[i];
	struct spool_reader *reader = spool_reader_add(tap->spool, tap->target_names[i]);
	struct target_file_options file = { plan->file, TAP_CONTENT_TYPE, plan->rotate_octets, plan->rotate_seconds,
		plan->rotate_keep };
	struct target *target;

	if (!reader)
		return NULL;
	reader_go_on(tap, reader, tap->target_names[i]);
	if (plan->file)
		return target_create_file(&file, reader);
	target = target_create_stream(plan->stream, plan->next, reader, plan->commit_interval_ms);
	if (target)
		plan->stream = plan->next = NULL;
	return target;
}

bool tap_begin(struct tap *tap)
{
	struct diag diag;
	unsigned i;

	tap->spool = open_durable_spool(tap);
	tap->on_disk = tap->spool != NULL;
	if (!tap->spool)
		tap->spool = open_spool(tap, -1, &diag);
	if (!tap->spool)
		return false;
	for (i = 0; i < tap->target_count; i++) {
		tap->targets[i] = make_target(tap, i);
		if (!tap->targets[i])
			return false;
	}
	pthread_mutex_lock(&tap->lock);
	note_moved(tap);
	tap->ready = true;
	pthread_mutex_unlock(&tap->lock);
	/* Even where our own rings could not be made there. */
	if (tap->on_disk)
		tap_take_former(tap);
	if (tap->on_disk && tap->sync_interval_ms > 0)
		tap->syncer = syncer_create();
	/* The first one tells at once that this process is there, and how the counts stood. */
	tap->next_heartbeat_ms = tap_now_ms();
	return true;
}
