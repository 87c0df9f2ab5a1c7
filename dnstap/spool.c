/*
 * spool.c: frames go into segments, and segments go when they are read, or when there are too many.
 */
#include "dnstap/spool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "dnstap/spool_parts.h"

#define RETRY_MS 5000

void spool_note_error(struct spool *spool, int64_t now_ms)
{
	spool->counts.errors++;
	spool->counts.last_errno = errno;
	spool->retry_ms = now_ms + RETRY_MS;
}

static uint64_t octets_of(const struct segment *segment)
{
	return segment->memory ? SEGMENT_MEMORY_OCTETS : segment->end;
}

static void count_octets(struct spool *spool, const struct segment *segment, uint64_t more, uint64_t less)
{
	uint64_t *octets = segment->memory ? &spool->counts.octets_memory : &spool->counts.octets_file;

	*octets = *octets + more - less;
}

static void unlink_segment(struct lane *lane, struct segment *segment)
{
	struct segment **link = &lane->oldest;

	while (*link != segment)
		link = &(*link)->next;
	*link = segment->next;
	if (lane->current == segment)
		lane->current = NULL;
}

void spool_remove(struct spool *spool, struct segment *segment)
{
	unsigned i;

	for (i = 0; i < spool->reader_count; i++)
		spool_reader_forget(spool->readers[i], segment);
	unlink_segment(&spool->lanes[segment->lane], segment);
	count_octets(spool, segment, 0, octets_of(segment));
	segment_destroy(segment, spool->directory);
}

void spool_remove_read(struct spool *spool)
{
	unsigned i, lane;

	for (lane = 0; lane < LANE_COUNT; lane++) {
		struct segment *segment;

		/* The one that is written goes, too, if it is in memory: the next one may find the disk well again. */
		while ((segment = spool->lanes[lane].oldest) != NULL
				&& (segment != spool->lanes[lane].current || segment->memory)) {
			for (i = 0; i < spool->reader_count; i++)
				if (spool->readers[i]->lanes[lane].before.index < segment->first + segment->frames)
					break;
			if (i < spool->reader_count)
				break;
			spool_remove(spool, segment);
		}
	}
}

static bool is_fresh(const struct spool *spool, const struct segment *segment)
{
	return segment->first + segment->frames > spool->lanes[segment->lane].fresh;
}

static struct segment *oldest_in(const struct lane *lane, bool memory)
{
	struct segment *segment = lane->oldest;

	while (segment && (segment->memory != NULL) != memory)
		segment = segment->next;
	return segment;
}

static uint64_t octets_in(const struct lane *lane, bool memory)
{
	const struct segment *segment;
	uint64_t octets = 0;

	for (segment = lane->oldest; segment; segment = segment->next)
		octets += (segment->memory != NULL) == memory ? octets_of(segment) : 0;
	return octets;
}

/* The one that goes first: plain before verdicts, old before young. But where a reader that has stopped fills the spool
 * with verdicts, the others have time for what is new: up to an eighth of the limit, and one segment at least. NULL: there
 * is none of that kind. */
static struct segment *least_wanted(const struct spool *spool, bool memory, uint64_t limit)
{
	const struct lane *plain = &spool->lanes[LANE_PLAIN];
	struct segment *first = oldest_in(plain, memory), *verdict = oldest_in(&spool->lanes[LANE_VERDICT], memory);

	if (!first || !verdict)
		return first ? first : verdict;
	if (!is_fresh(spool, first) || is_fresh(spool, verdict))
		return first;
	return !first->next || octets_in(plain, memory) <= limit / 8 ? verdict : first;
}

static void keep_limit(struct spool *spool, bool memory, uint64_t more)
{
	uint64_t limit = memory ? spool->memory_octets_max : spool->file_octets_max;
	const uint64_t *octets = memory ? &spool->counts.octets_memory : &spool->counts.octets_file;
	bool removed = false;
	struct segment *segment;
	unsigned i;

	while (*octets + more > limit && (segment = least_wanted(spool, memory, limit)) != NULL) {
		spool_remove(spool, segment);
		removed = true;
	}
	for (i = 0; removed && i < spool->reader_count; i++)
		spool_reader_save(spool->readers[i]);
}

void spool_add_segment(struct spool *spool, struct segment *segment)
{
	struct lane *lane = &spool->lanes[segment->lane];
	struct segment **link = &lane->oldest;

	while (*link)
		link = &(*link)->next;
	*link = segment;
	segment->first = lane->frames;
	count_octets(spool, segment, octets_of(segment), 0);
}

static struct segment *new_file(struct spool *spool, enum spool_lane lane, int64_t now_ms)
{
	struct segment *segment;

	if (spool->directory < 0 || now_ms < spool->retry_ms)
		return NULL;
	segment = segment_create_file(spool->directory, lane, spool->lanes[lane].next_number++, &spool->ends);
	if (segment)
		spool->new_files = true;
	else
		spool_note_error(spool, now_ms);
	return segment;
}

static struct segment *new_memory(struct spool *spool, enum spool_lane lane)
{
	keep_limit(spool, true, SEGMENT_MEMORY_OCTETS);
	if (spool->counts.octets_memory + SEGMENT_MEMORY_OCTETS > spool->memory_octets_max)
		return NULL;
	return segment_create_memory(lane, spool->lanes[lane].next_number++);
}

void spool_end_current(struct spool *spool, struct lane *lane)
{
	if (lane->current)
		segment_end(lane->current, &spool->ends);
	lane->current = NULL;
}

/* Makes `segment`, unless it is NULL, the lane's current one. */
static bool begin_segment(struct spool *spool, struct segment *segment, int64_t now_ms)
{
	struct lane *lane;

	if (!segment)
		return false;
	lane = &spool->lanes[segment->lane];
	segment->since_ms = now_ms;
	spool_end_current(spool, lane);
	spool_add_segment(spool, segment);
	lane->current = segment;
	return true;
}

static bool begin_any(struct spool *spool, enum spool_lane lane, int64_t now_ms)
{
	return begin_segment(spool, new_file(spool, lane, now_ms), now_ms)
		|| begin_segment(spool, new_memory(spool, lane), now_ms);
}

static bool is_full(const struct spool *spool, const struct segment *segment, size_t more)
{
	if (segment->memory)
		return more > SEGMENT_MEMORY_OCTETS - segment->end;
	return segment->end > spool->segment_octets;
}

static bool write_buffer(struct spool *spool, struct lane *lane)
{
	if (!lane->current)
		return false;
	if (segment_write(lane->current, lane->buffer, lane->buffered, lane->buffered_frames) != 0)
		return false;
	if (!lane->current->memory)
		count_octets(spool, lane->current, lane->buffered, 0);
	return true;
}

/* Readers never see these, and each has to tell that it has not got them. */
static void drop_buffer(struct spool *spool, struct lane *lane)
{
	unsigned i;

	for (i = 0; i < spool->reader_count; i++)
		spool->readers[i]->lost += lane->buffered_frames;
	spool->counts.dropped += lane->buffered_frames;
	lane->buffered_frames = 0;
}

/* The whole buffer becomes readable, or is dropped where neither disk nor memory takes it. */
static void flush_lane(struct spool *spool, enum spool_lane number, int64_t now_ms)
{
	struct lane *lane = &spool->lanes[number];
	unsigned i;

	if (lane->buffered == 0)
		return;
	if (!write_buffer(spool, lane)) {
		if (lane->current)
			spool_note_error(spool, now_ms);
		if (!begin_segment(spool, new_memory(spool, number), now_ms) || !write_buffer(spool, lane))
			drop_buffer(spool, lane);
	}
	for (i = 0; i < spool->reader_count; i++)
		spool_reader_tell(spool->readers[i], number, lane->frames, now_ms);
	lane->frames += lane->buffered_frames;
	lane->buffered = 0;
	lane->buffered_frames = 0;
}

void spool_flush(struct spool *spool, int64_t now_ms)
{
	unsigned lane;

	for (lane = 0; lane < LANE_COUNT; lane++)
		flush_lane(spool, (enum spool_lane)lane, now_ms);
	keep_limit(spool, false, 0);
	for (lane = 0; lane < LANE_COUNT; lane++)
		spool->lanes[lane].fresh = spool->lanes[lane].frames;
}

/* From memory back to the disk, as soon as it may be tried again: memory is gone with the process. */
static bool is_worth_a_try(const struct spool *spool, const struct segment *current, int64_t now_ms)
{
	return current && current->memory && current->frames > 0 && spool->directory >= 0 && now_ms >= spool->retry_ms;
}

bool spool_append(struct spool *spool, enum spool_lane number, const uint8_t *frame, size_t octets, int64_t now_ms)
{
	struct lane *lane = &spool->lanes[number];
	uint32_t length = htonl((uint32_t)octets);
	size_t need = sizeof(length) + octets;

	if (octets == 0 || octets > SPOOL_FRAME_MAX)
		return false;
	if (need > LANE_BUFFER_OCTETS - lane->buffered)
		flush_lane(spool, number, now_ms);
	if (!lane->current || is_full(spool, lane->current, lane->buffered + need)) {
		flush_lane(spool, number, now_ms);
		if (!begin_any(spool, number, now_ms))
			return false;
	} else if (lane->buffered == 0 && is_worth_a_try(spool, lane->current, now_ms)) {
		(void)begin_segment(spool, new_file(spool, number, now_ms), now_ms);
	}
	memcpy(lane->buffer + lane->buffered, &length, sizeof(length));
	memcpy(lane->buffer + lane->buffered + sizeof(length), frame, octets);
	lane->buffered += need;
	lane->buffered_frames++;
	spool->counts.frames++;
	return true;
}

/* A descriptor of a file that is written, or was. */
static int open_dirty(const struct spool *spool, const struct segment *segment)
{
	if (segment->fd >= 0)
		return fcntl(segment->fd, F_DUPFD_CLOEXEC, 0);
	return segment_open_to_read(segment, spool->directory);
}

unsigned spool_take_dirty(struct spool *spool, int *files, unsigned cap)
{
	unsigned lane, count = 0;
	struct segment *segment;

	for (lane = 0; lane < LANE_COUNT; lane++)
		for (segment = spool->lanes[lane].oldest; segment && count < cap; segment = segment->next) {
			if (!segment->dirty || (files[count] = open_dirty(spool, segment)) < 0)
				continue;
			segment->dirty = false;
			count++;
		}
	if (spool->new_files && count < cap && (files[count] = fcntl(spool->directory, F_DUPFD_CLOEXEC, 0)) >= 0) {
		spool->new_files = false;
		count++;
	}
	return count;
}

void spool_forget_memory(struct spool *spool)
{
	struct segment *segment;
	bool any = false;
	unsigned i;

	while ((segment = least_wanted(spool, true, spool->memory_octets_max)) != NULL) {
		spool_remove(spool, segment);
		any = true;
	}
	for (i = 0; any && i < spool->reader_count; i++)
		spool_rewind(spool->readers[i]);
}

void spool_read_counts(const struct spool *spool, struct spool_counts *counts)
{
	*counts = spool->counts;
}
