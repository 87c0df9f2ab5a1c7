/*
 * tap_begin.c: what the I/O thread needs is made in it, since it may have to wait for the disk: the spool, the targets.
 */
#include "dnstap/tap_state.h"

#include <errno.h>
#include <poll.h>
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

/* Where the tap before had no disk, nobody else remembers. */
static void reader_go_on(const struct tap *tap, struct spool_reader *reader, const char *name)
{
	unsigned i;

	for (i = 0; i < tap->before.target_count; i++)
		if (strcmp(tap->before.targets[i].name, name) == 0)
			spool_reader_go_on(reader, tap->before.targets[i].lost, tap->before.targets[i].unsure);
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
	target = target_create_stream(plan->stream, reader, plan->commit_interval_ms);
	if (target)
		plan->stream = NULL;
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
