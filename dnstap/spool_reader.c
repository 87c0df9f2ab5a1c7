/*
 * spool_reader.c: segments are read by one collector's reader.
 */
#include "dnstap/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/spool_parts.h"

static void close_fd(struct reader_lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
}

/* How many of the frames from `first` up to `end` are from `from` up to `to`. */
static uint64_t overlap(uint64_t first, uint64_t end, uint64_t from, uint64_t to)
{
	uint64_t begin = first > from ? first : from, stop = end < to ? end : to;

	return begin < stop ? stop - begin : 0;
}

static uint32_t bit_of(const struct spool_reader *reader)
{
	return (uint32_t)1 << reader->number;
}

void spool_reader_forget(struct spool_reader *reader, const struct segment *segment)
{
	struct reader_lane *lane = &reader->lanes[segment->lane];
	uint64_t end = segment->first + segment->frames;
	/* What could not be read is counted as lost already. */
	uint64_t good = segment->bad_for & bit_of(reader) ? segment->bad : end;

	uint64_t new = lane->sent > lane->read.index ? lane->sent : lane->read.index;

	reader->lost += overlap(segment->first, good, new, UINT64_MAX);
	reader->unsure += overlap(segment->first, good, lane->read.index, new);
	lane->gone += overlap(segment->first, good, lane->committed.index, lane->read.index);
	lane->gone_before += overlap(segment->first, good, lane->before.index,
		lane->read.index < lane->committed.index ? lane->read.index : lane->committed.index);
	if (lane->read.segment <= segment->number && lane->read.index >= segment->first)
		lane->read = (struct place){ segment->number + 1, 0, end > lane->read.index ? end : lane->read.index };
	lane->at = NULL;
	if (lane->fd_segment == segment->number)
		close_fd(lane);
}

void spool_reader_tell(struct spool_reader *reader, enum spool_lane lane, uint64_t index, int64_t now_ms)
{
	if (reader->lanes[lane].read.index >= index)
		reader->lanes[lane].since_ms = now_ms;
}

struct segment *spool_reader_find(struct spool_reader *reader, enum spool_lane number)
{
	struct reader_lane *lane = &reader->lanes[number];
	struct segment *segment = lane->at;

	if (segment)
		return segment;
	for (segment = reader->spool->lanes[number].oldest; segment; segment = segment->next)
		if (segment->number >= lane->read.segment)
			break;
	if (segment && (segment->number != lane->read.segment || lane->read.offset < segment->begin))
		lane->read = spool_start_of(segment);
	lane->at = segment;
	return segment;
}

static int open_fd(const struct spool *spool, struct reader_lane *lane, const struct segment *segment)
{
	if (segment->memory || (lane->fd >= 0 && lane->fd_segment == segment->number))
		return lane->fd;
	close_fd(lane);
	lane->fd = segment_open_to_read(segment, spool->directory);
	lane->fd_segment = segment->number;
	return lane->fd;
}

/* The rest of the segment can not be read. After a break it is met again, and counted once. */
static void give_up(struct spool_reader *reader, struct reader_lane *lane, struct segment *segment)
{
	uint64_t end = segment->first + segment->frames;

	if (segment->bad == UINT64_MAX) {
		reader->spool->counts.damaged++;
		segment->bad = lane->read.index;
	}
	if (!(segment->bad_for & bit_of(reader)))
		reader->lost += end - lane->read.index;
	segment->bad_for |= bit_of(reader);
	lane->read.offset = segment->end;
	lane->read.index = end;
}

/* The file is there, and this process can not open it now. */
static bool is_passing(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR;
}

static void note_tail(struct reader_lane *lane, size_t octets, size_t keep)
{
	lane->mark_octets += octets;
	if (lane->mark_octets < keep)
		return;
	lane->tail = lane->mark;
	lane->mark = lane->read;
	lane->mark_octets = 0;
}

/* What is read again after a break does not count, so no read goes on from it into what does. */
static size_t up_to_commit(const struct reader_lane *lane, size_t cap)
{
	const struct place *read = &lane->read, *committed = &lane->committed;

	if (read->segment != committed->segment || read->offset >= committed->offset
			|| committed->offset - read->offset >= cap)
		return cap;
	return (size_t)(committed->offset - read->offset);
}

static size_t read_lane(struct spool_reader *reader, enum spool_lane number, uint8_t *to, size_t cap, unsigned *frames)
{
	struct reader_lane *lane = &reader->lanes[number];
	struct segment *segment = spool_reader_find(reader, number);
	bool damaged;
	size_t got;
	int fd;

	while (segment) {
		fd = open_fd(reader->spool, lane, segment);
		if (fd < 0 && !segment->memory && is_passing(errno))
			return 0;
		got = segment_read(segment, fd, lane->read.offset, to, up_to_commit(lane, cap), frames, &damaged);
		lane->read.offset += got;
		lane->read.index += *frames;
		lane->sent = lane->read.index > lane->sent ? lane->read.index : lane->sent;
		note_tail(lane, got, reader->keep_octets);
		if (got > 0)
			return got;
		if (damaged)
			give_up(reader, lane, segment);
		if (!segment->next)
			return 0;
		segment = lane->at = segment->next;
		lane->read = spool_start_of(segment);
	}
	return 0;
}

/* Not so after a break, until all was read again. */
static bool is_past_commit(const struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++)
		if (reader->lanes[i].read.index < reader->lanes[i].committed.index)
			return false;
	return true;
}

size_t spool_read(struct spool_reader *reader, uint8_t *to, size_t cap, unsigned *frames)
{
	const bool past = is_past_commit(reader);
	size_t got = 0;
	unsigned lane;

	*frames = 0;
	for (lane = 0; lane < LANE_COUNT && got == 0; lane++)
		got = read_lane(reader, (enum spool_lane)lane, to, cap, frames);
	reader->octets += past ? got : 0;
	return got;
}

static void note_stand(struct spool_reader *reader)
{
	reader->octets = 0;
	spool_reader_save(reader);
	spool_remove_read(reader->spool);
}

static void advance(struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		struct reader_lane *lane = &reader->lanes[i];

		lane->before = lane->committed;
		lane->committed = lane->read;
		lane->gone_before = lane->gone;
		lane->gone = 0;
	}
	note_stand(reader);
}

void spool_commit(struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		reader->lanes[i].twice = reader->lanes[i].once;
		reader->lanes[i].once = reader->lanes[i].read.index;
	}
	if (is_past_commit(reader) && reader->octets >= reader->keep_octets)
		advance(reader);
}

/* From where the next process reads. Memory goes with this one, so nothing of it can be kept. */
static struct place kept_from(const struct spool_reader *reader, const struct reader_lane *lane)
{
	const struct spool *spool = reader->spool;

	if (reader->keep_octets == 0 || spool->directory < 0 || spool->counts.octets_memory > 0)
		return lane->read;
	return lane->tail.index > lane->before.index ? lane->tail : lane->before;
}

void spool_settle(struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		struct reader_lane *lane = &reader->lanes[i];

		lane->before = kept_from(reader, lane);
		lane->committed = lane->read;
		lane->gone = lane->gone_before = 0;
	}
	note_stand(reader);
}

void spool_reader_keep(struct spool_reader *reader, size_t octets)
{
	reader->keep_octets = octets;
}

bool spool_is_crowded(const struct spool_reader *reader)
{
	return reader->spool->counts.octets_memory > reader->spool->memory_octets_max / 2;
}

void spool_rewind(struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		struct reader_lane *lane = &reader->lanes[i];
		struct segment *oldest = reader->spool->lanes[i].oldest;
		uint64_t first = oldest ? oldest->first : lane->read.index;

		reader->unsure += lane->gone + lane->gone_before;
		if (first > lane->before.index)
			lane->before = oldest ? spool_start_of(oldest) : lane->read;
		if (lane->committed.index < lane->before.index)
			lane->committed = lane->before;
		lane->read = lane->before;
		lane->gone = lane->gone_before = 0;
		lane->once = lane->twice = lane->before.index;
		lane->tail = lane->mark = lane->before;
		lane->mark_octets = 0;
		lane->at = NULL;
	}
	reader->octets = 0;
}

uint64_t spool_unread(const struct spool_reader *reader)
{
	uint64_t unread = 0;
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++)
		if (reader->lanes[i].read.index < reader->spool->lanes[i].frames)
			unread += reader->spool->lanes[i].frames - reader->lanes[i].read.index;
	return unread;
}

uint64_t spool_unconfirmed(const struct spool_reader *reader)
{
	uint64_t unconfirmed = 0;
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++)
		if (reader->lanes[i].twice < reader->lanes[i].read.index)
			unconfirmed += reader->lanes[i].read.index - reader->lanes[i].twice;
	return unconfirmed;
}

uint64_t spool_unsaved(const struct spool_reader *reader)
{
	uint64_t unsaved = 0;
	unsigned i;

	for (i = 0; reader->spool->counts.octets_memory > 0 && i < LANE_COUNT; i++) {
		const struct segment *segment = reader->spool->lanes[i].oldest;
		uint64_t read = reader->lanes[i].read.index;

		for (; segment; segment = segment->next)
			if (segment->memory && segment->first + segment->frames > read)
				unsaved += segment->first + segment->frames - (read > segment->first ? read : segment->first);
	}
	return unsaved;
}

bool spool_has_uncommitted(const struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++)
		if (reader->lanes[i].twice < reader->spool->lanes[i].frames)
			return true;
	return false;
}

void spool_reader_go_on(struct spool_reader *reader, uint64_t lost, uint64_t unsure)
{
	if (lost > reader->lost)
		reader->lost = lost;
	if (unsure > reader->unsure)
		reader->unsure = unsure;
}

uint64_t spool_lost(const struct spool_reader *reader)
{
	return reader->lost;
}

uint64_t spool_unsure(const struct spool_reader *reader)
{
	return reader->unsure;
}

int64_t spool_waiting_ms(const struct spool_reader *reader, int64_t now_ms)
{
	int64_t since = now_ms;
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		const struct reader_lane *lane = &reader->lanes[i];

		if (lane->read.index < reader->spool->lanes[i].frames && lane->since_ms < since)
			since = lane->since_ms;
	}
	return now_ms - since;
}

struct spool_reader *spool_reader_add(struct spool *spool, const char *name)
{
	struct spool_reader *reader;
	unsigned i;

	if (spool->reader_count == SPOOL_READERS_MAX || strlen(name) >= SPOOL_READER_NAME_MAX)
		return NULL;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->spool = spool;
	reader->number = spool->reader_count;
	memcpy(reader->name, name, strlen(name) + 1);
	for (i = 0; i < LANE_COUNT; i++)
		reader->lanes[i].fd = -1;
	spool_reader_load(reader);
	spool->readers[spool->reader_count++] = reader;
	return reader;
}

void spool_reader_destroy(struct spool_reader *reader)
{
	unsigned i;

	if (!reader)
		return;
	for (i = 0; i < LANE_COUNT; i++)
		close_fd(&reader->lanes[i]);
	free(reader);
}
