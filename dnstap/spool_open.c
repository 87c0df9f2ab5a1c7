/*
 * spool_open.c: a spool takes up what is in its directory, and leaves it behind.
 */
#include "dnstap/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dnstap/aside.h"
#include "dnstap/spool_parts.h"

#define SEGMENT_OCTETS_MIN ((size_t)64 * 1024)

static void take_up(struct spool *spool, enum spool_lane number, uint64_t segment_number, int64_t now_ms,
		int64_t real_ms)
{
	struct lane *lane = &spool->lanes[number];
	char name[SEGMENT_NAME_MAX];
	struct segment *segment;
	bool damaged = false;
	int64_t age_ms;

	lane->next_number = segment_number + 1;
	segment = segment_open(spool->directory, number, segment_number, &spool->ends, real_ms, &age_ms, &damaged);
	segment_name(number, segment_number, name);
	if (!segment && errno == ENODATA) {
		(void)unlinkat(spool->directory, name, 0);
		return;
	}
	if (!segment && errno != EBADMSG && errno != ELOOP) {
		/* Not now, and perhaps by the next process. */
		spool_note_error(spool, now_ms);
		return;
	}
	if (!segment) {
		aside_put(spool->directory, name);
		spool->counts.damaged++;
		return;
	}
	segment->since_ms = age_ms > 0 ? now_ms - age_ms : now_ms;
	spool->counts.damaged += damaged;
	if (segment->frames == 0) {
		segment_destroy(segment, spool->directory);
		return;
	}
	spool_add_segment(spool, segment);
	lane->frames += segment->frames;
	spool->counts.recovered += segment->frames;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_segment(const struct dirent *entry)
{
	enum spool_lane lane;
	uint64_t number;

	return segment_parse_name(entry->d_name, &lane, &number);
}

/* In the order of their names, which is that of their numbers up to twelve digits. */
static int take_up_all(struct spool *spool, int64_t now_ms, int64_t real_ms)
{
	struct dirent **entries;
	int i, count = scandirat(spool->directory, ".", &entries, is_segment, by_name);

	if (count < 0)
		return -1;
	for (i = 0; i < count; i++) {
		enum spool_lane lane;
		uint64_t number;

		if (segment_parse_name(entries[i]->d_name, &lane, &number))
			take_up(spool, lane, number, now_ms, real_ms);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static int lock(struct spool *spool, const char *name, struct diag *diag)
{
	spool->lock = openat(spool->directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (spool->lock < 0)
		return diag_set(diag, name, 0, 0, "the lock can not be made: %m");
	if (flock(spool->lock, LOCK_EX | LOCK_NB) != 0)
		return diag_set(diag, name, 0, 0, errno == EWOULDBLOCK
			? "another process writes its frames here; give each resolver a state-directory of its own" : "flock: %m");
	return 0;
}

static bool make_buffers(struct spool *spool)
{
	unsigned lane;

	for (lane = 0; lane < LANE_COUNT; lane++) {
		spool->lanes[lane].buffer = malloc(LANE_BUFFER_OCTETS);
		if (!spool->lanes[lane].buffer)
			return false;
	}
	return true;
}

static void destroy(struct spool *spool)
{
	unsigned i;

	for (i = 0; i < spool->reader_count; i++)
		spool_reader_destroy(spool->readers[i]);
	for (i = 0; i < LANE_COUNT; i++) {
		struct lane *lane = &spool->lanes[i];

		spool_end_current(spool, lane);
		while (lane->oldest) {
			struct segment *segment = lane->oldest;

			lane->oldest = segment->next;
			segment_destroy(segment, -1);
		}
		free(lane->buffer);
	}
	if (spool->lock >= 0)
		close(spool->lock);
	free(spool);
}

struct spool *spool_open(const struct spool_options *options, int64_t now_ms, int64_t real_ms, struct diag *diag)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	const char *name = options->directory_name;

	if (!spool) {
		diag_set(diag, name, 0, 0, "out of memory");
		return NULL;
	}
	spool->lock = -1;
	spool->retry_ms = INT64_MIN;
	spool->directory = options->directory;
	spool->file_octets_max = options->file_octets_max;
	spool->memory_octets_max = options->memory_octets_max;
	spool->segment_octets = options->segment_octets;
	if (spool->segment_octets > options->file_octets_max / 8)
		spool->segment_octets = (size_t)(options->file_octets_max / 8);
	if (spool->segment_octets < SEGMENT_OCTETS_MIN)
		spool->segment_octets = SEGMENT_OCTETS_MIN;
	int result = make_buffers(spool) && segment_make_ends(&spool->ends, options->content_type) ? 0
		: diag_set(diag, name, 0, 0, "out of memory");
	if (result == 0 && spool->directory >= 0)
		result = lock(spool, name, diag);
	if (result == 0 && spool->directory >= 0 && take_up_all(spool, now_ms, real_ms) != 0)
		spool_note_error(spool, now_ms);
	if (result == 0)
		return spool;
	int error = errno;
	destroy(spool);
	errno = error;
	return NULL;
}

void spool_close(struct spool **spool, int64_t now_ms)
{
	unsigned i;

	if (!*spool)
		return;
	spool_flush(*spool, now_ms);
	for (i = 0; i < (*spool)->reader_count; i++)
		spool_reader_save((*spool)->readers[i]);
	destroy(*spool);
	*spool = NULL;
}
