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
#define DURABLE_FINISH_MS 250  /* at the end: what is on disk does not need the collector now */

_Static_assert(TAP_TARGETS_MAX * FILE_OUT_DIRTY_MAX < SYNCER_FILES_MAX, "some are left for the spool");

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

/* --- rings to spool --- */

static enum spool_lane lane_of(const struct event_view *view)
{
	return view->action != ACTION_ALLOW || view->rule.trigger != TRIGGER_NONE
		|| view->shadow.trigger != TRIGGER_NONE || view->detections.count > 0 ? LANE_VERDICT : LANE_PLAIN;
}

bool tap_spool_record(struct tap *tap, const uint8_t *record, size_t octets, uint64_t dropped_more, int64_t now_ms)
{
	const struct frame_origin origin = { tap->identity, tap->version, tap->compat_protocol };
	struct event_view view;
	size_t frame;

	if (!event_read(&view, record, octets))
		return false;
	view.dropped += dropped_more;
	frame = frame_encode(&view, &origin, tap->frame, sizeof(tap->frame));
	return frame > 0 && spool_append(tap->spool, lane_of(&view), tap->frame, frame, now_ms);
}

void tap_spool_note(struct tap *tap, enum spool_lane lane, const char *extra, size_t octets)
{
	const struct frame_origin origin = { tap->identity, tap->version, tap->compat_protocol };
	struct timespec now;
	size_t frame;

	clock_gettime(CLOCK_REALTIME, &now);
	frame = octets == 0 ? 0 : frame_encode_note(extra, octets, &now, &origin, tap->frame, sizeof(tap->frame));
	if (frame > 0)
		(void)spool_append(tap->spool, lane, tap->frame, frame, tap_now_ms());
}

/* At most TURN_RECORDS of one ring. Returns how many were read; they are released once they are flushed. */
static unsigned drain(struct tap *tap, struct ring *ring)
{
	const int64_t now_ms = tap_now_ms();
	struct ring_tally tally;
	const uint8_t *record;
	unsigned count;
	size_t octets;

	ring_read_tally(ring, &tally);
	for (count = 0; count < TURN_RECORDS && (record = ring_next(ring, &octets)) != NULL; count++)
		/* Records leave in order, so what was dropped so far is what was dropped before this one. */
		if (!tap_spool_record(tap, record, octets, tally.given_up, now_ms)) {
			ring_give_up(ring, 1);
			tally.given_up++;
		}
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

		if (ring && drain(tap, ring) > 0)
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
		tap_read_tally(tap, i, &workers[count].tally);
		workers[count].worker = (uint16_t)i;
		count += workers[count].tally.noted > 0;
	}
	return count;
}

static void note_dropped(const struct tap *tap, struct heartbeat_worker *workers, unsigned count)
{
	struct ring_tally tally;
	unsigned i;

	for (i = 0; i < count; i++) {
		tap_read_tally(tap, workers[i].worker, &tally);
		workers[i].tally.dropped = tally.dropped;
		workers[i].tally.given_up = tally.given_up;
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
	tap->durable = tap->mapped && tap->on_disk && tap->spool_counts.octets_memory == 0;
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
	/* Verdicts are read first, so what is in the other lane comes behind every frame that was there before: who has a
	 * heartbeat knows what is missing up to it. One that tells of no frames need not go with plain ones. */
	tap_spool_note(tap, heartbeat.worker_count > 0 ? LANE_PLAIN : LANE_VERDICT, extra,
		heartbeat_write(&heartbeat, extra, sizeof(extra)));
	spool_flush(tap->spool, tap_now_ms());
}

/* Files of targets, too: what they have leaves the spool. */
static void sync_all(struct tap *tap)
{
	int files[SYNCER_FILES_MAX];
	unsigned i, count = 0;

	for (i = 0; i < tap->target_count; i++)
		count += target_take_dirty(tap->targets[i], files + count);
	count += spool_take_dirty(tap->spool, files + count, SYNCER_FILES_MAX - count);
	syncer_give(tap->syncer, files, count);
}

static void on_time(struct tap *tap, int64_t now_ms)
{
	if (tap->heartbeat_ms > 0 && now_ms >= tap->next_heartbeat_ms) {
		beat(tap);
		tap->next_heartbeat_ms = now_ms + tap->heartbeat_ms;
	}
	if (tap->syncer && now_ms >= tap->next_sync_ms && syncer_is_idle(tap->syncer)) {
		sync_all(tap);
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
	struct pollfd fds[TAP_TARGETS_MAX + 1] = { { .fd = tap_stop_at(tap) ? -1 : tap->stop_fd, .events = POLLIN } };
	unsigned i;

	for (i = 0; i < tap->target_count; i++)
		fds[i + 1] = (struct pollfd){ .fd = target_fd(tap->targets[i]), .events = target_events(tap->targets[i]) };
	(void)poll(fds, tap->target_count + 1, timeout_ms);
}

/* --- the end --- */

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
	int64_t until = tap_stop_at(tap);
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
	spool_flush(tap->spool, tap_now_ms());
	if (tap->syncer && syncer_is_idle(tap->syncer))
		sync_all(tap);
	/* So that the next tap of this process can tell. */
	spool_forget_memory(tap->spool);
	for (i = 0; i < tap->target_count; i++)
		target_show(tap->targets[i], tap_now_ms());
	tap_remove_rings(tap);
	pthread_mutex_lock(&tap->lock);
	tap->unsent = unsent;
	pthread_mutex_unlock(&tap->lock);
}

static void run(struct tap *tap)
{
	int wait_ms = POLL_BUSY_MS;

	while (tap_stop_at(tap) == 0) {
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

	if (tap_begin(tap)) {
		show(tap);
		run(tap);
	} else {
		pthread_mutex_lock(&tap->lock);
		snprintf(tap->note, sizeof(tap->note), "out of memory: no frames are sent");
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
