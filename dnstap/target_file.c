/*
 * target_file.c: a target that is a file.
 */
#include "dnstap/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "dnstap/target_parts.h"

/* How much of a frame that is not out in full is out. */
size_t target_torn_octets(const struct target *target)
{
	size_t begin = 0, next = 0;
	uint32_t length;

	while (next <= target->at && next < target->octets) {
		begin = next;
		memcpy(&length, target->buffer + next, sizeof(length));
		next += sizeof(length) + ntohl(length);
	}
	return next <= target->at ? 0 : target->at - begin;
}

static void commit_file(struct target *target, int64_t now_ms)
{
	/* Twice: what the kernel has of a file is as safe as what it has of the spool. */
	spool_commit(target->reader);
	spool_commit(target->reader);
	target->counts.commits++;
	target->committed_ms = now_ms;
	target->sent = false;
}

static bool is_due(struct target *target, int64_t now_ms)
{
	if (atomic_exchange_explicit(&target->reopen, false, memory_order_relaxed))
		return true;
	if (target->rotate_octets > 0 && file_out_size(target->file) >= target->rotate_octets)
		return true;
	if (target->rotate_ms == 0 || now_ms - target->opened_ms < target->rotate_ms)
		return false;
	if (!file_out_has_frames(target->file))
		target->opened_ms = now_ms;   /* it is as good as a new one */
	return file_out_has_frames(target->file);
}

static bool begin_file(struct target *target, int64_t now_ms)
{
	if (now_ms < target->retry_ms && !target->hurried)
		return false;
	target->hurried = false;
	if (file_out_begin(target->file) != 0) {
		target_note_failure(target, strerror(errno), now_ms);
		return false;
	}
	target->retry_ms = 0;
	target->opened_ms = now_ms;
	target->counts.connects++;
	return true;
}

/* A file ends with a whole frame whenever that can be had: it may be ended, or the process killed, before there is room
 * for the rest. */
static void take_back_torn(struct target *target)
{
	size_t torn = target_torn_octets(target);

	if (torn > 0 && file_out_retreat(target->file, torn))
		target->at -= torn;
}

/* The next file goes on with the next frame, unless half of one is in this one for good. */
static void give_file_up(struct target *target)
{
	take_back_torn(target);
	if (target_torn_octets(target) == 0) {
		file_out_end(target->file);
		return;
	}
	file_out_cut(target->file);
	target_start_again(target);
}

/* What went into it since the last commit comes again, in a new file. */
static void leave_removed(struct target *target, int64_t now_ms)
{
	target_note_failure(target, "the file was removed; a new one is begun", now_ms);
	file_out_cut(target->file);
	target_start_again(target);
}

/* What a full disk does not take stays in the buffer, and comes later. */
static bool write_frames(struct target *target, int64_t now_ms)
{
	size_t moved = 0;

	while (moved < TARGET_TURN_OCTETS && target_refill(target)) {
		size_t left = target->octets - target->at;
		ssize_t done = file_out_write(target->file, target->buffer + target->at, left);

		if (done < 0) {
			target_note_failure(target, strerror(errno), now_ms);
			give_file_up(target);
			break;
		}
		target_take(target, (size_t)done);
		moved += (size_t)done;
		target->failures = done > 0 ? 0 : target->failures;
		if ((size_t)done < left) {
			take_back_torn(target);
			target_note_failure(target, strerror(ENOSPC), now_ms);
			break;
		}
	}
	return moved > 0;
}

bool target_service_file(struct target *target, int64_t now_ms)
{
	bool moved = false, whole = target->at == target->octets;

	if (file_out_is_open(target->file) && target_torn_octets(target) == 0 && is_due(target, now_ms)) {
		file_out_end(target->file);
		target->retry_ms = 0;
	}
	if (file_out_is_open(target->file) || begin_file(target, now_ms)) {
		if (now_ms >= target->retry_ms || target->hurried)
			moved = write_frames(target, now_ms);
		target->hurried = false;
		whole = target->at == target->octets;
		if (target->sent && whole && (target->finishing || now_ms - target->committed_ms >= target->commit_ms
				|| spool_is_crowded(target->reader))) {
			if (file_out_is_removed(target->file))
				leave_removed(target, now_ms);
			else
				commit_file(target, now_ms);
		}
	}
	target->counts.up = file_out_is_open(target->file);
	target->finished = target->finishing && (!target->counts.up || !whole || spool_unread(target->reader) == 0);
	return moved;
}
