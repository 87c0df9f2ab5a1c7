/*
 * tap_thread.c: the I/O thread, which empties the workers' rings into the spool and serves the targets from it.
 */
#include "dnstap/tap_state.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/event_read.h"
#include "dnstap/heartbeat.h"

#define TURN_RECORDS 512       /* of each ring, before the next ring has its turn */
#define RECORD_OCTETS_LEAST 128 /* in a ring */
#define POLL_BUSY_MS 5
#define POLL_IDLE_MS 50
#define LOCK_TRIES 30
#define LOCK_WAIT_MS 100
#define DURABLE_FINISH_MS 250  /* at the end: what is on disk does not need the collector now */

static int64_t clock_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t tap_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t tap_real_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

static int64_t stop_at(const struct tap *tap)
{
	/* Pairs with the release in tap_destroy. */
	return atomic_load_explicit(&tap->stop_at_ms, memory_order_acquire);
}

/* --- rings to spool --- */

static enum spool_lane lane_of(const struct event_view *view)
{
	return view->action != ACTION_ALLOW || view->rule.trigger != TRIGGER_NONE
		|| view->shadow.trigger != TRIGGER_NONE ? LANE_VERDICT : LANE_PLAIN;
}

bool tap_spool_record(struct tap *tap, const uint8_t *record, size_t octets, uint64_t dropped_more)
{
	const struct frame_origin origin = { tap->identity, tap->version, tap->compat_protocol };
	struct event_view view;
	size_t frame;

	if (!event_read(&view, record, octets))
		return false;
	view.dropped += dropped_more;
	frame = frame_encode(&view, &origin, tap->frame, sizeof(tap->frame));
	return frame > 0 && spool_append(tap->spool, lane_of(&view), tap->frame, frame, tap_now_ms());
}

void tap_spool_note(struct tap *tap, const char *extra, size_t octets)
{
	const struct frame_origin origin = { tap->identity, tap->version, tap->compat_protocol };
	struct timespec now;
	size_t frame;

	clock_gettime(CLOCK_REALTIME, &now);
	frame = octets == 0 ? 0 : frame_encode_note(extra, octets, &now, &origin, tap->frame, sizeof(tap->frame));
	if (frame > 0)
		(void)spool_append(tap->spool, LANE_VERDICT, tap->frame, frame, tap_now_ms());
}

/* At most TURN_RECORDS of one ring. Returns how many were read; they are released once they are flushed. */
static unsigned drain(struct tap *tap, struct slot *slot, struct ring *ring)
{
	const uint8_t *record;
	unsigned count;
	size_t octets;

	for (count = 0; count < TURN_RECORDS && (record = ring_next(ring, &octets)) != NULL; count++)
		/* Records leave in order, so what was dropped so far is what was dropped before this one. */
		if (!tap_spool_record(tap, record, octets, counter_read(&slot->dropped_spool)))
			counter_add(&slot->dropped_spool, 1);
	return count;
}

/* One turn of all rings. True: some of them had records. */
static bool drain_all(struct tap *tap)
{
	struct ring *rings[TAP_WORKERS_MAX];
	unsigned i, count = 0;

	for (i = 0; i < tap->workers; i++) {
		/* Pairs with the release in worker_ring. */
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);

		if (ring && drain(tap, &tap->slots[i], ring) > 0)
			rings[count++] = ring;
	}
	if (count == 0)
		return false;
	spool_flush(tap->spool, tap_now_ms());
	for (i = 0; i < count; i++)
		ring_release(rings[i]);
	return true;
}

/* --- heartbeat, and what others see --- */

/* How far each worker has counted. Returns how many have. */
static unsigned note_workers(const struct tap *tap, struct heartbeat_worker *workers)
{
	unsigned i, count = 0;

	for (i = 0; i < tap->workers; i++) {
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);
		uint64_t seq = ring ? ring_noted(ring) : 0;

		if (seq > 0)
			workers[count++] = (struct heartbeat_worker){ .worker = (uint16_t)i, .seq = seq };
	}
	return count;
}

static void note_dropped(const struct tap *tap, struct heartbeat_worker *workers, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		const struct slot *slot = &tap->slots[workers[i].worker];

		workers[i].dropped = ring_dropped(atomic_load_explicit(&slot->ring, memory_order_acquire))
			+ counter_read(&slot->lost) + counter_read(&slot->dropped_spool);
	}
}

/* Everything that is in the rings now; what workers add meanwhile has its turn later, or this might never end. */
static void drain_now(struct tap *tap)
{
	size_t used, most = 0;
	unsigned i;

	for (i = 0; i < tap->workers; i++) {
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);

		used = ring ? ring_used(ring) : 0;
		most = used > most ? used : most;
	}
	for (most = most / RECORD_OCTETS_LEAST / TURN_RECORDS + 1; most > 0 && drain_all(tap); most--)
		;
}

static void show(struct tap *tap)
{
	pthread_mutex_lock(&tap->lock);
	spool_read_counts(tap->spool, &tap->spool_counts);
	tap->spool_counts.errors += tap->syncer ? syncer_errors(tap->syncer) : 0;
	tap->beats = tap->heartbeats;
	pthread_mutex_unlock(&tap->lock);
}

static void beat(struct tap *tap)
{
	struct heartbeat_worker workers[TAP_WORKERS_MAX];
	char extra[HEARTBEAT_OCTETS_MAX];
	struct tap_counts counts;
	struct heartbeat heartbeat = { .boot = tap->boot, .number = ++tap->heartbeats,
		.interval_ms = tap->heartbeat_ms, .workers = workers, .counts = &counts };

	/* What the workers have counted is in the spool, or known to be dropped, before the heartbeat that says so. */
	heartbeat.worker_count = note_workers(tap, workers);
	drain_now(tap);
	note_dropped(tap, workers, heartbeat.worker_count);
	show(tap);
	tap_counts(tap, &counts);
	tap_spool_note(tap, extra, heartbeat_write(&heartbeat, extra, sizeof(extra)));
	spool_flush(tap->spool, tap_now_ms());
}

static void on_time(struct tap *tap, int64_t now_ms)
{
	if (tap->heartbeat_ms > 0 && now_ms >= tap->next_heartbeat_ms) {
		beat(tap);
		tap->next_heartbeat_ms = now_ms + tap->heartbeat_ms;
	}
	if (tap->syncer && now_ms >= tap->next_sync_ms && syncer_is_idle(tap->syncer)) {
		int files[SYNCER_FILES_MAX];
		unsigned count = spool_take_dirty(tap->spool, files, SYNCER_FILES_MAX);

		syncer_give(tap->syncer, files, count);
		tap->next_sync_ms = now_ms + tap->sync_interval_ms;
	}
}

/* --- targets --- */

static bool service(struct tap *tap)
{
	bool moved = false;
	unsigned i;

	for (i = 0; i < tap->target_count; i++)
		moved |= target_service(tap->targets[i], tap_now_ms());
	return moved;
}

static void pause_until_needed(struct tap *tap, int timeout_ms)
{
	struct pollfd fds[TAP_TARGETS_MAX + 1] = { { .fd = stop_at(tap) ? -1 : tap->stop_fd, .events = POLLIN } };
	unsigned i;

	for (i = 0; i < tap->target_count; i++)
		fds[i + 1] = (struct pollfd){ .fd = target_fd(tap->targets[i]), .events = target_events(tap->targets[i]) };
	(void)poll(fds, tap->target_count + 1, timeout_ms);
}

/* --- beginning and end --- */

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
	for (tries = 1; !spool && errno == EWOULDBLOCK && tries < LOCK_TRIES && stop_at(tap) == 0; tries++) {
		(void)poll(NULL, 0, LOCK_WAIT_MS);
		spool = open_spool(tap, tap->directory, &diag);
	}
	if (spool)
		return spool;
	pthread_mutex_lock(&tap->lock);
	diag_format(&diag, tap->note, sizeof(tap->note));
	tap->durable = false;
	pthread_mutex_unlock(&tap->lock);
	return NULL;
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
	if (plan->file)
		return target_create_file(&file, reader);
	target = target_create_stream(plan->stream, reader, plan->commit_interval_ms);
	if (target)
		plan->stream = NULL;
	return target;
}

/* False: no memory, and no frames. */
static bool begin(struct tap *tap)
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
	tap->next_heartbeat_ms = tap_now_ms() + tap->heartbeat_ms;
	return true;
}

static bool all_finished(const struct tap *tap)
{
	unsigned i;

	for (i = 0; i < tap->target_count; i++)
		if (!target_is_finished(tap->targets[i]))
			return false;
	return true;
}

static void finish(struct tap *tap)
{
	int64_t until = stop_at(tap);
	uint64_t unsent = 0;
	struct target_counts counts;
	unsigned i;

	if (tap->durable && until > tap_now_ms() + DURABLE_FINISH_MS)
		until = tap_now_ms() + DURABLE_FINISH_MS;
	if (tap->heartbeat_ms > 0)
		beat(tap);
	for (i = 0; i < tap->target_count; i++) {
		target_finish(tap->targets[i]);
		target_hurry(tap->targets[i]);
	}
	while (tap_now_ms() < until && (drain_all(tap) || !all_finished(tap)))
		if (!service(tap) && !all_finished(tap))
			pause_until_needed(tap, POLL_BUSY_MS);
	for (i = 0; i < tap->target_count; i++) {
		target_read_counts(tap->targets[i], &counts);
		unsent += counts.unsaved;
	}
	tap_remove_rings(tap);
	pthread_mutex_lock(&tap->lock);
	tap->unsent = unsent;
	pthread_mutex_unlock(&tap->lock);
}

static void run(struct tap *tap)
{
	int wait_ms = POLL_BUSY_MS;

	while (stop_at(tap) == 0) {
		bool moved = drain_all(tap);

		moved |= service(tap);
		on_time(tap, tap_now_ms());
		show(tap);
		wait_ms = moved ? POLL_BUSY_MS : wait_ms * 2 < POLL_IDLE_MS ? wait_ms * 2 : POLL_IDLE_MS;
		pause_until_needed(tap, wait_ms);
	}
	finish(tap);
	show(tap);
}

void *tap_thread_run(void *arg)
{
	struct tap *tap = arg;
	bool abandoned;

	if (begin(tap)) {
		run(tap);
	} else {
		pthread_mutex_lock(&tap->lock);
		snprintf(tap->note, sizeof(tap->note), "out of memory: no frames are sent");
		tap->durable = false;
		pthread_mutex_unlock(&tap->lock);
	}
	pthread_mutex_lock(&tap->lock);
	tap->ended = true;
	abandoned = tap->abandoned;
	pthread_cond_signal(&tap->ended_cond);
	pthread_mutex_unlock(&tap->lock);
	if (abandoned)
		tap_free(tap);
	return NULL;
}
