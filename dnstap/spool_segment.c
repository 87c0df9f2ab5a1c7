/*
 * spool_segment.c: one segment of a spool.
 *
 * A file is read back with pread, never mapped: a file that somebody cuts would kill the resolver with SIGBUS.
 */
#include "dnstap/spool_segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstrm.h>

#define LENGTH_OCTETS 4u
#define FILE_MODE 0600
#define SCAN_OCTETS ((size_t)256 * 1024)

static const char *const lane_names[LANE_COUNT] = { [LANE_VERDICT] = "verdict", [LANE_PLAIN] = "plain" };

static bool encode(fstrm_control_type type, const char *content_type, uint8_t *to, size_t *octets)
{
	struct fstrm_control *control = fstrm_control_init();
	bool good = control && fstrm_control_set_type(control, type) == fstrm_res_success;

	*octets = SEGMENT_CONTROL_MAX;
	if (good && content_type)
		good = fstrm_control_add_field_content_type(control, (const uint8_t *)content_type, strlen(content_type))
			== fstrm_res_success;
	good = good && fstrm_control_encode(control, to, octets, FSTRM_CONTROL_FLAG_WITH_HEADER) == fstrm_res_success;
	fstrm_control_destroy(&control);
	return good;
}

bool segment_make_ends(struct segment_ends *ends, const char *content_type)
{
	return encode(FSTRM_CONTROL_START, content_type, ends->start, &ends->start_octets)
		&& encode(FSTRM_CONTROL_STOP, NULL, ends->stop, &ends->stop_octets);
}

void segment_name(enum spool_lane lane, uint64_t number, char *to)
{
	snprintf(to, SEGMENT_NAME_MAX, "%s-%012" PRIu64 ".fstrm", lane_names[lane], number);
}

bool segment_parse_name(const char *name, enum spool_lane *lane, uint64_t *number)
{
	char again[SEGMENT_NAME_MAX];
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++) {
		size_t length = strlen(lane_names[i]);

		if (strncmp(name, lane_names[i], length) != 0 || name[length] != '-')
			continue;
		*number = strtoull(name + length + 1, NULL, 10);
		*lane = (enum spool_lane)i;
		segment_name(*lane, *number, again);
		return strcmp(again, name) == 0 && *number <= SEGMENT_NUMBER_MAX;
	}
	return false;
}

static struct segment *make(enum spool_lane lane, uint64_t number)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return NULL;
	segment->fd = -1;
	segment->lane = lane;
	segment->number = number;
	segment->bad = UINT64_MAX;
	return segment;
}

static int write_at(int fd, const uint8_t *octets, size_t count, uint64_t offset)
{
	while (count > 0) {
		ssize_t done = pwrite(fd, octets, count, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done == 0 ? ENOSPC : errno;
			return -1;
		}
		octets += done;
		offset += (uint64_t)done;
		count -= (size_t)done;
	}
	return 0;
}

struct segment *segment_create_file(int directory, enum spool_lane lane, uint64_t number,
		const struct segment_ends *ends)
{
	struct segment *segment = make(lane, number);
	char name[SEGMENT_NAME_MAX];

	if (!segment)
		return NULL;
	segment_name(lane, number, name);
	segment->fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (segment->fd >= 0 && write_at(segment->fd, ends->start, ends->start_octets, 0) == 0) {
		segment->begin = segment->end = ends->start_octets;
		segment->dirty = true;
		return segment;
	}
	int error = errno;
	segment_destroy(segment, segment->fd >= 0 ? directory : -1);
	errno = error;
	return NULL;
}

struct segment *segment_create_memory(enum spool_lane lane, uint64_t number)
{
	struct segment *segment = make(lane, number);

	if (segment)
		segment->memory = malloc(SEGMENT_MEMORY_OCTETS);
	if (segment && segment->memory)
		return segment;
	free(segment);
	return NULL;
}

/* How many octets at `at` are whole frames; *frames: how many they are. *wrong: behind them stands what is no frame. */
static size_t whole_frames(const uint8_t *at, size_t count, unsigned *frames, bool *wrong)
{
	size_t used = 0;
	uint32_t length;

	*frames = 0;
	*wrong = false;
	while (count - used >= LENGTH_OCTETS) {
		memcpy(&length, at + used, LENGTH_OCTETS);
		length = ntohl(length);
		*wrong = length == 0 || length > SPOOL_FRAME_MAX;
		if (*wrong || length > count - used - LENGTH_OCTETS)
			break;
		used += LENGTH_OCTETS + length;
		(*frames)++;
	}
	return used;
}

/* Walks over the frames from `begin` up to `limit`, or the first octet that can be none; sets `end` and `frames`. */
static int scan(struct segment *segment, int fd, uint64_t limit)
{
	uint8_t *buffer = malloc(SCAN_OCTETS);
	bool wrong = false;
	int result = buffer ? 0 : -1;

	segment->end = segment->begin;
	segment->frames = 0;
	while (result == 0 && !wrong && segment->end < limit) {
		uint64_t left = limit - segment->end;
		ssize_t got = pread(fd, buffer, left < SCAN_OCTETS ? (size_t)left : SCAN_OCTETS, (off_t)segment->end);
		unsigned frames;
		size_t used;

		if (got <= 0) {
			result = got < 0 && errno != EINTR ? -1 : 0;
			if (got == 0)
				break;
			continue;
		}
		used = whole_frames(buffer, (size_t)got, &frames, &wrong);
		segment->end += used;
		segment->frames += frames;
		if (used == 0)
			break;
	}
	free(buffer);
	return result;
}

/* 0, or -1 with errno: ENODATA when START is not even whole, since a process can be killed before it is. */
static int check_start(int fd, const struct segment_ends *ends)
{
	uint8_t start[SEGMENT_CONTROL_MAX];
	ssize_t got = pread(fd, start, ends->start_octets, 0);

	if (got < 0)
		return -1;
	errno = got < (ssize_t)ends->start_octets ? ENODATA : EBADMSG;
	if (memcmp(start, ends->start, (size_t)got) != 0)
		errno = EBADMSG;
	else if (got == (ssize_t)ends->start_octets)
		return 0;
	return -1;
}

static bool ends_right(const struct segment *segment, int fd, uint64_t size, const struct segment_ends *ends)
{
	uint8_t stop[SEGMENT_CONTROL_MAX];

	if (segment->end == size)
		return true;
	return size - segment->end == ends->stop_octets
		&& pread(fd, stop, ends->stop_octets, (off_t)segment->end) == (ssize_t)ends->stop_octets
		&& memcmp(stop, ends->stop, ends->stop_octets) == 0;
}

/* 0, or -1 with errno. */
static int take_up(struct segment *segment, int fd, const struct segment_ends *ends, int64_t real_ms,
		int64_t *age_ms, bool *damaged)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -1;
	errno = EBADMSG;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || check_start(fd, ends) != 0)
		return -1;
	segment->begin = ends->start_octets;
	*age_ms = real_ms - (int64_t)status.st_mtim.tv_sec * 1000;
	if (scan(segment, fd, (uint64_t)status.st_size) != 0)
		return -1;
	*damaged = !ends_right(segment, fd, (uint64_t)status.st_size, ends);
	return 0;
}

struct segment *segment_open(int directory, enum spool_lane lane, uint64_t number, const struct segment_ends *ends,
		int64_t real_ms, int64_t *age_ms, bool *damaged)
{
	struct segment *segment = make(lane, number);
	int fd = segment ? segment_open_to_read(segment, directory) : -1;
	int result = fd < 0 ? -1 : take_up(segment, fd, ends, real_ms, age_ms, damaged);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (result == 0)
		return segment;
	segment_destroy(segment, -1);
	errno = error;
	return NULL;
}

int segment_write(struct segment *segment, const uint8_t *octets, size_t count, unsigned frames)
{
	if (segment->memory && count > SEGMENT_MEMORY_OCTETS - segment->end) {
		errno = ENOSPC;
		return -1;
	}
	if (segment->memory) {
		memcpy(segment->memory + segment->end, octets, count);
	} else if (write_at(segment->fd, octets, count, segment->end) != 0) {
		int error = errno;

		/* What was written of them is no frame; where this fails, too, a scan finds the end all the same. */
		if (ftruncate(segment->fd, (off_t)segment->end) != 0)
			errno = error;
		errno = error;
		return -1;
	}
	segment->end += count;
	segment->frames += frames;
	segment->dirty = segment->memory == NULL;
	return 0;
}

void segment_end(struct segment *segment, const struct segment_ends *ends)
{
	if (segment->fd < 0)
		return;
	(void)write_at(segment->fd, ends->stop, ends->stop_octets, segment->end);
	close(segment->fd);
	segment->fd = -1;
}

size_t segment_read(struct segment *segment, int fd, uint64_t offset, uint8_t *to, size_t cap, unsigned *frames,
		bool *damaged)
{
	uint64_t left = segment->end - offset;
	size_t count = left < cap ? (size_t)left : cap;
	ssize_t got = (ssize_t)count;
	bool wrong;
	size_t used;

	*frames = 0;
	*damaged = false;
	if (count == 0)
		return 0;
	if (segment->memory)
		memcpy(to, segment->memory + offset, count);
	else
		got = pread(fd, to, count, (off_t)offset);
	used = got > 0 ? whole_frames(to, (size_t)got, frames, &wrong) : 0;
	*damaged = used == 0 && !(got < 0 && errno == EINTR);
	return used;
}

uint64_t segment_frames_before(const struct segment *segment, int fd, uint64_t offset)
{
	struct segment part = *segment;

	if (offset < segment->begin || offset > segment->end)
		return UINT64_MAX;
	if (scan(&part, fd, offset) != 0 || part.end != offset)
		return UINT64_MAX;
	return part.frames;
}

int segment_open_to_read(const struct segment *segment, int directory)
{
	char name[SEGMENT_NAME_MAX];

	if (segment->memory)
		return -1;
	segment_name(segment->lane, segment->number, name);
	return openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

void segment_destroy(struct segment *segment, int directory)
{
	char name[SEGMENT_NAME_MAX];

	if (!segment)
		return;
	if (segment->fd >= 0)
		close(segment->fd);
	if (directory >= 0 && !segment->memory) {
		segment_name(segment->lane, segment->number, name);
		(void)unlinkat(directory, name, 0);
	}
	free(segment->memory);
	free(segment);
}
