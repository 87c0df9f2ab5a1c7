/*
 * target_stream.c: a target that is a collector at the other end of a stream.
 *
 * A collector may confirm what it has in memory only, so a confirmation is worth something as long as that process lives.
 * The next connection is made before the one that is to be confirmed is ended. So the process that confirmed always has a
 * connection of ours, and when it dies that is seen, however soon another one listens in its place.
 */
#include "dnstap/target.h"

#include <string.h>

#include "dnstap/target_parts.h"

#define NEXT_WAIT_MS 1000            /* for the next stream; who takes one at a time has its connection waiting then */
#define NEXT_WAIT_FINISHING_MS 50

/* There was no moment at which all was out: without one, a collector that is always behind would never be asked. */
static bool is_overdue(const struct target *target, int64_t now_ms)
{
	return !target->finishing && target->sent && now_ms - target->opened_ms >= 2 * target->commit_ms;
}

static bool send_frames(struct target *target, int64_t now_ms)
{
	const bool overdue = is_overdue(target, now_ms);
	size_t moved = 0;

	while (moved < TARGET_TURN_OCTETS && (target->at < target->octets || !overdue) && target_refill(target)) {
		ssize_t done = stream_write(target->stream, target->buffer + target->at, target->octets - target->at, now_ms);

		if (done <= 0)
			break;
		target_take(target, (size_t)done);
		moved += (size_t)done;
	}
	return moved > 0;
}

static void open_stream(struct target *target, int64_t now_ms)
{
	if (now_ms < target->retry_ms && !target->hurried)
		return;
	/* One last attempt is made for what is there. */
	if (target->finishing && !(target->hurried && spool_has_uncommitted(target->reader))) {
		target->finished = true;
		return;
	}
	target->hurried = false;
	target->noted = false;
	stream_open(target->stream, now_ms);
	if (stream_state(target->stream) == STREAM_DOWN)
		target_note_failure(target, stream_error(target->stream), now_ms);
	target->was_up = stream_state(target->stream) != STREAM_DOWN;
}

static void note_open(struct target *target, int64_t now_ms)
{
	if (target->noted)
		return;
	target->noted = true;
	target->counts.connects++;
	target->failures = 0;
	target->opened_ms = now_ms;
}

static bool should_stop(const struct target *target, int64_t now_ms)
{
	if (target->at < target->octets || !target->sent)
		return target->finishing && target->at == target->octets && spool_unread(target->reader) == 0;
	return target->finishing ? spool_unread(target->reader) == 0 : now_ms - target->opened_ms >= target->commit_ms;
}

/* A connection that is not there yet proves nothing, and is given up. */
static bool next_is_ready(struct target *target, int64_t now_ms)
{
	const int64_t most_ms = target->finishing ? NEXT_WAIT_FINISHING_MS : NEXT_WAIT_MS;

	/* At the end, to confirm what was sent before: nothing will follow. */
	if (!target->sent)
		return true;
	if (target->next_ms == 0) {
		target->next_ms = now_ms;
		stream_open(target->next, now_ms);
	}
	if (stream_service(target->next, now_ms) == STREAM_OPENING && now_ms - target->next_ms < most_ms)
		return false;
	if (!stream_is_connected(target->next))
		stream_cut(target->next);
	return true;
}

/* Frames go on over the next stream; where there is none, that is a break. */
static enum stream_state take_confirmation(struct target *target, int64_t now_ms)
{
	struct stream *done = target->stream;

	spool_commit(target->reader);
	target->counts.commits++;
	/* Twice at the end: a collector that has begun the next stream has written the one before. */
	target->finished = target->finishing && !spool_has_uncommitted(target->reader);
	target->sent = target->noted = false;
	/* Where the next one was refused, all would be sent again and again until the time is over. */
	target->hurried = target->finishing && stream_state(target->next) != STREAM_DOWN;
	stream_cut(done);
	target->stream = target->next;
	target->next = done;
	stream_learn(target->stream, done);
	target->next_ms = 0;
	if (target->finished) {
		spool_settle(target->reader);
		stream_cut(target->stream);
		target->was_up = false;
	}
	stream_give_time(target->stream, now_ms);
	return stream_state(target->stream);
}

static void give_up(struct target *target, int64_t now_ms)
{
	target_note_failure(target, stream_error(target->stream), now_ms);
	stream_cut(target->next);
	target->next_ms = 0;
	target_start_again(target);
}

bool target_service_stream(struct target *target, int64_t now_ms)
{
	enum stream_state state = stream_service(target->stream, now_ms);
	bool moved = false;

	if (state == STREAM_OPEN) {
		note_open(target, now_ms);
		moved = send_frames(target, now_ms);
		if (stream_state(target->stream) == STREAM_OPEN && should_stop(target, now_ms) && next_is_ready(target, now_ms))
			stream_stop(target->stream, now_ms);
		state = stream_state(target->stream);
	}
	if (state == STREAM_FINISHED)
		state = take_confirmation(target, now_ms);
	if (state == STREAM_DOWN && target->was_up)
		give_up(target, now_ms);
	target->counts.up = state == STREAM_OPEN || state == STREAM_STOPPING;
	if (state == STREAM_DOWN && !target->finished)
		open_stream(target, now_ms);
	return moved;
}
