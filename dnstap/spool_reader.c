/*
 * spool_reader.c: segments are read by one collector's reader, and where it stands is written down.
 *
 * The file of a reader is text of five lines, the last a sum of the others; the places in it are those of the last commit but one, since a process
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
#define CHECK_KEY "check "
#define COUNT_MAX (((uint64_t)1 << 53) - 1)
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

	reader->lost += overlap(segment->first, good, lane->read.index, UINT64_MAX);
	lane->gone += overlap(segment->first, good, lane->committed.index, lane->read.index);
	lane->gone_before += overlap(segment->first, good, lane->before.index, lane->committed.index);
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

static size_t read_lane(struct spool_reader *reader, enum spool_lane number, uint8_t *to, size_t cap, unsigned *frames)
{
	struct reader_lane *lane = &reader->lanes[number];
	struct segment *segment = find(reader, number);
	bool damaged;
	size_t got;
	int fd;

	while (segment) {
		fd = open_fd(reader->spool, lane, segment);
		if (fd < 0 && !segment->memory && is_passing(errno))
			return 0;
		got = segment_read(segment, fd, lane->read.offset, to, cap, frames, &damaged);
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
		lane->gone_before = lane->gone;
		lane->gone = 0;
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

		reader->unsure += lane->gone + lane->gone_before;
		if (first > lane->before.index)
			lane->before = oldest ? start_of(oldest) : lane->read;
		lane->read = lane->committed = lane->before;
		lane->gone = lane->gone_before = 0;
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

static void file_name(const struct spool_reader *reader, char *to, const char *prefix)
{
	snprintf(to, FILE_NAME_MAX, "%sreader-%s", prefix, reader->name);
}

/* FNV-1a, against damage and not against people. */
static uint64_t sum_of(const char *text, size_t length)
{
	uint64_t sum = 14695981039346656037u;
	size_t i;

	for (i = 0; i < length; i++)
		sum = (sum ^ (uint8_t)text[i]) * 1099511628211u;
	return sum;
}

void spool_reader_save(const struct spool_reader *reader)
{
	const struct reader_lane *verdict = &reader->lanes[LANE_VERDICT], *plain = &reader->lanes[LANE_PLAIN];
	/* Who goes on from here begins as after a break. */
	uint64_t unsure = reader->unsure + verdict->gone_before + verdict->gone + plain->gone_before + plain->gone;
	char name[FILE_NAME_MAX], fresh[FILE_NAME_MAX], text[STAND_OCTETS_MAX];
	int directory = reader->spool->directory, length, fd;

	if (directory < 0)
		return;
	length = snprintf(text, sizeof(text), "verdict %" PRIu64 " %" PRIu64 "\nplain %" PRIu64 " %" PRIu64 "\n"
		"lost %" PRIu64 "\nunsure %" PRIu64 "\n", verdict->before.segment, verdict->before.offset,
		plain->before.segment, plain->before.offset, reader->lost, unsure);
	length += snprintf(text + length, sizeof(text) - (size_t)length, CHECK_KEY "%016" PRIx64 "\n",
		sum_of(text, (size_t)length));
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
static struct place resolve(struct spool *spool, enum spool_lane number, uint64_t segment_number, uint64_t offset)
{
	struct lane *lane = &spool->lanes[number];
	struct segment *segment = lane->oldest;
	struct place place;
	uint64_t frames;
	int fd;

	while (segment && segment->number < segment_number)
		segment = segment->next;
	/* Numbers are never given again, or a stand could point behind frames of another time. */
	if ((!segment || segment->number != segment_number) && lane->next_number <= segment_number)
		lane->next_number = segment_number + 1;
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

/* Does it end with the sum of what stands before? */
static bool is_whole(const char *text)
{
	const char *check = strstr(text, CHECK_KEY);

	return check && strtoull(check + strlen(CHECK_KEY), NULL, 16) == sum_of(text, (size_t)(check - text));
}

static void take_stand(struct spool_reader *reader)
{
	uint64_t segments[LANE_COUNT] = { 0 }, offsets[LANE_COUNT] = { 0 }, lost = 0, unsure = 0;
	char text[STAND_OCTETS_MAX];
	ssize_t length = reader->spool->directory < 0 ? -1 : load(reader, text);
	unsigned i;

	text[length > 0 ? length : 0] = '\0';
	/* One that is damaged is worth nothing: frames come twice then, and none is skipped. */
	if (!is_whole(text) || sscanf(text, "verdict %" SCNu64 " %" SCNu64 " plain %" SCNu64 " %" SCNu64 " lost %" SCNu64
			" unsure %" SCNu64, &segments[LANE_VERDICT], &offsets[LANE_VERDICT], &segments[LANE_PLAIN],
			&offsets[LANE_PLAIN], &lost, &unsure) != 6
			|| segments[LANE_VERDICT] > SEGMENT_NUMBER_MAX || segments[LANE_PLAIN] > SEGMENT_NUMBER_MAX
			|| lost > COUNT_MAX || unsure > COUNT_MAX) {
		memset(segments, 0, sizeof(segments));
		memset(offsets, 0, sizeof(offsets));
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
	reader->number = spool->reader_count;
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
