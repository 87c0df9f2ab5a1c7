/*
 * spool_reader.c: segments are read by one collector's reader, and where it stands is written down.
 *
 * The file of a reader is text of four lines; the places in it are those of the last commit but one, since a process
 * that dies can not know whether its last commit has arrived.
 */
#include "dnstap/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/spool_parts.h"

#define STAND_OCTETS_MAX 512
#define FILE_NAME_MAX (SPOOL_READER_NAME_MAX + 16)

static struct place start_of(const struct segment *segment)
{
	return (struct place){ segment->number, segment->begin, segment->first };
}

static void close_fd(struct reader_lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
}

void spool_reader_forget(struct spool_reader *reader, const struct segment *segment)
{
	struct reader_lane *lane = &reader->lanes[segment->lane];
	uint64_t end = segment->first + segment->frames;
	uint64_t from = lane->read.index > segment->first ? lane->read.index : segment->first;

	if (from < end) {
		reader->lost += end - from;
		lane->skipped += end - from;
	}
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

/* The segment that it reads, or the next one there is. */
static struct segment *find(struct spool_reader *reader, enum spool_lane number)
{
	struct reader_lane *lane = &reader->lanes[number];
	struct segment *segment = lane->at;

	if (segment)
		return segment;
	for (segment = reader->spool->lanes[number].oldest; segment; segment = segment->next)
		if (segment->number >= lane->read.segment)
			break;
	if (segment && (segment->number != lane->read.segment || lane->read.offset < segment->begin))
		lane->read = start_of(segment);
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

/* The rest of the segment can not be read. */
static void give_up(struct spool_reader *reader, struct reader_lane *lane, struct segment *segment)
{
	uint64_t end = segment->first + segment->frames;

	reader->spool->counts.damaged++;
	reader->lost += end - lane->read.index;
	lane->skipped += end - lane->read.index;
	lane->read.offset = segment->end;
	lane->read.index = end;
}

static size_t read_lane(struct spool_reader *reader, enum spool_lane number, uint8_t *to, size_t cap, unsigned *frames)
{
	struct reader_lane *lane = &reader->lanes[number];
	struct segment *segment = find(reader, number);
	bool damaged;
	size_t got;

	while (segment) {
		got = segment_read(segment, open_fd(reader->spool, lane, segment), lane->read.offset, to, cap, frames,
			&damaged);
		lane->read.offset += got;
		lane->read.index += *frames;
		if (got > 0)
			return got;
		if (damaged)
			give_up(reader, lane, segment);
		if (!segment->next)
			return 0;
		segment = lane->at = segment->next;
		lane->read = start_of(segment);
	}
	return 0;
}

size_t spool_read(struct spool_reader *reader, uint8_t *to, size_t cap, unsigned *frames)
{
	size_t got = 0;
	unsigned lane;

	*frames = 0;
	for (lane = 0; lane < LANE_COUNT && got == 0; lane++)
		got = read_lane(reader, (enum spool_lane)lane, to, cap, frames);
	return got;
}

void spool_commit(struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		struct reader_lane *lane = &reader->lanes[i];

		lane->before = lane->committed;
		lane->committed = lane->read;
		lane->skipped_before = lane->skipped;
		lane->skipped = 0;
	}
	spool_reader_save(reader);
	spool_remove_read(reader->spool);
}

void spool_rewind(struct spool_reader *reader)
{
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		struct reader_lane *lane = &reader->lanes[i];
		struct segment *oldest = reader->spool->lanes[i].oldest;
		uint64_t first = oldest ? oldest->first : lane->read.index;
		uint64_t skipped = lane->skipped + lane->skipped_before;

		if (first > lane->before.index && first - lane->before.index > skipped)
			reader->unsure += first - lane->before.index - skipped;
		if (first > lane->before.index)
			lane->before = oldest ? start_of(oldest) : lane->read;
		lane->read = lane->committed = lane->before;
		lane->skipped = lane->skipped_before = 0;
		lane->at = NULL;
	}
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
		if (reader->lanes[i].before.index < reader->spool->lanes[i].frames)
			return true;
	return false;
}

uint64_t spool_lost(const struct spool_reader *reader)
{
	return reader->lost;
}

uint64_t spool_unsure(const struct spool_reader *reader)
{
	return reader->unsure;
}

int64_t spool_waiting_since_ms(const struct spool_reader *reader)
{
	int64_t since = 0;
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		const struct reader_lane *lane = &reader->lanes[i];

		if (lane->read.index < reader->spool->lanes[i].frames && (since == 0 || lane->since_ms < since))
			since = lane->since_ms;
	}
	return since;
}

static void file_name(const struct spool_reader *reader, char *to, const char *prefix)
{
	snprintf(to, FILE_NAME_MAX, "%sreader-%s", prefix, reader->name);
}

void spool_reader_save(const struct spool_reader *reader)
{
	const struct reader_lane *verdict = &reader->lanes[LANE_VERDICT], *plain = &reader->lanes[LANE_PLAIN];
	char name[FILE_NAME_MAX], fresh[FILE_NAME_MAX], text[STAND_OCTETS_MAX];
	int directory = reader->spool->directory, length, fd;

	if (directory < 0)
		return;
	length = snprintf(text, sizeof(text), "verdict %" PRIu64 " %" PRIu64 "\nplain %" PRIu64 " %" PRIu64 "\n"
		"lost %" PRIu64 "\nunsure %" PRIu64 "\n", verdict->before.segment, verdict->before.offset,
		plain->before.segment, plain->before.offset, reader->lost, reader->unsure);
	file_name(reader, name, "");
	file_name(reader, fresh, "new-");
	fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	/* An older stand only brings more frames twice. */
	if (write(fd, text, (size_t)length) == length)
		(void)renameat(directory, fresh, directory, name);
	close(fd);
}

/* A place from a file: where a frame begins, or else the segment's start, or the oldest one behind it. */
static struct place resolve(const struct spool *spool, enum spool_lane number, uint64_t segment_number, uint64_t offset)
{
	const struct lane *lane = &spool->lanes[number];
	struct segment *segment = lane->oldest;
	struct place place;
	uint64_t frames;
	int fd;

	/* A number that was never given: the spool is another one. */
	if (segment_number > lane->next_number)
		segment_number = 0;
	while (segment && segment->number < segment_number)
		segment = segment->next;
	if (!segment)
		return (struct place){ lane->next_number, 0, lane->frames };
	place = start_of(segment);
	if (segment->number != segment_number)
		return place;
	fd = segment_open_to_read(segment, spool->directory);
	frames = fd < 0 ? UINT64_MAX : segment_frames_before(segment, fd, offset);
	if (fd >= 0)
		close(fd);
	if (frames != UINT64_MAX)
		place = (struct place){ segment->number, offset, segment->first + frames };
	return place;
}

static ssize_t load(const struct spool_reader *reader, char *text)
{
	char name[FILE_NAME_MAX];
	ssize_t length;
	int fd;

	file_name(reader, name, "");
	fd = openat(reader->spool->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = read(fd, text, STAND_OCTETS_MAX - 1);
	close(fd);
	return length;
}

static void take_stand(struct spool_reader *reader)
{
	uint64_t segments[LANE_COUNT] = { 0 }, offsets[LANE_COUNT] = { 0 }, lost = 0, unsure = 0;
	char text[STAND_OCTETS_MAX];
	ssize_t length = reader->spool->directory < 0 ? -1 : load(reader, text);
	unsigned i;

	text[length > 0 ? length : 0] = '\0';
	if (sscanf(text, "verdict %" SCNu64 " %" SCNu64 " plain %" SCNu64 " %" SCNu64 " lost %" SCNu64 " unsure %" SCNu64,
			&segments[LANE_VERDICT], &offsets[LANE_VERDICT], &segments[LANE_PLAIN], &offsets[LANE_PLAIN],
			&lost, &unsure) != 6) {
		memset(segments, 0, sizeof(segments));
		lost = unsure = 0;
	}
	reader->lost = lost;
	reader->unsure = unsure;
	for (i = 0; i < LANE_COUNT; i++) {
		struct reader_lane *lane = &reader->lanes[i];
		struct segment *segment;

		lane->before = resolve(reader->spool, (enum spool_lane)i, segments[i], offsets[i]);
		lane->committed = lane->read = lane->before;
		segment = find(reader, (enum spool_lane)i);
		lane->since_ms = segment ? segment->since_ms : 0;
	}
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
	memcpy(reader->name, name, strlen(name) + 1);
	for (i = 0; i < LANE_COUNT; i++)
		reader->lanes[i].fd = -1;
	take_stand(reader);
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
