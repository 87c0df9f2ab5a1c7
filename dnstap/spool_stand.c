/*
 * spool_stand.c: where a reader stands is written down.
 *
 * Its file is text of five lines, the last a sum of the others. The places in it are those of the last commit but one,
 * since a process that dies can not know whether its last commit has arrived.
 */
#include "dnstap/spool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/spool_parts.h"

#define STAND_OCTETS_MAX 512
#define CHECK_KEY "check "
#define COUNT_MAX (((uint64_t)1 << 53) - 1)   /* readers of JSON keep integers exact up to here */
#define FILE_NAME_MAX (SPOOL_READER_NAME_MAX + 16)

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
	place = spool_start_of(segment);
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

void spool_reader_load(struct spool_reader *reader)
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
		lane->once = lane->twice = lane->before.index;
		lane->tail = lane->mark = lane->before;
		segment = spool_reader_find(reader, (enum spool_lane)i);
		lane->since_ms = segment ? segment->since_ms : 0;
	}
}
