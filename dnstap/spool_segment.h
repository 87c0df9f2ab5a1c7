/*
 * spool_segment.h: one segment of a spool: a Frame Streams file that is written once and read from several places, or
 * the same octets in memory.
 *
 * Threads: one at a time.
 */
#ifndef DNSTAP_SPOOL_SEGMENT_H
#define DNSTAP_SPOOL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/spool.h"

#define SEGMENT_CONTROL_MAX 128      /* octets of a control frame with its escape */
#define SEGMENT_NAME_MAX 64
#define SEGMENT_MEMORY_OCTETS ((size_t)1 << 20)
#define SEGMENT_NUMBER_MAX ((uint64_t)99999999999)   /* of those taken up: names order numbers of twelve digits */

/* The control frames around the frames, as octets. */
struct segment_ends {
	uint8_t start[SEGMENT_CONTROL_MAX];
	size_t start_octets;
	uint8_t stop[SEGMENT_CONTROL_MAX];
	size_t stop_octets;
};

struct segment {
	struct segment *next;            /* the younger one of its lane */
	uint64_t number;                 /* of its lane; grows */
	enum spool_lane lane;
	int fd;                          /* -1: in memory, or ended and closed */
	uint8_t *memory;                 /* owned; NULL: a file */
	uint64_t begin;                  /* of the frames, as an offset */
	uint64_t end;                    /* of the frames that can be read */
	uint64_t first;                  /* the lane's count of frames before this one */
	uint64_t frames;
	int64_t since_ms;                /* when its first frame came; monotonic */
	bool dirty;                      /* written and not synced */
	uint64_t bad;                    /* index of the first frame that a reader could not read; UINT64_MAX: none */
	uint32_t bad_for;                /* a bit for each reader that has counted these as lost */
};

/* False: libfstrm has no memory, or the type is too long. */
bool segment_make_ends(struct segment_ends *ends, const char *content_type);

void segment_name(enum spool_lane lane, uint64_t number, char *to);

/* Is it the name of a segment? */
bool segment_parse_name(const char *name, enum spool_lane *lane, uint64_t *number);

/* A new file in `directory`, with START written; NULL with errno. */
struct segment *segment_create_file(int directory, enum spool_lane lane, uint64_t number,
	const struct segment_ends *ends);
struct segment *segment_create_memory(enum spool_lane lane, uint64_t number);

/* One that is there: counts its frames up to the first octet that can be none. *damaged: it does not end with a whole
 * frame or STOP. `age_ms`, unless NULL: since its last change, by the real time `real_ms`. NULL with errno: not ours, not a
 * file, another content (EBADMSG), one that was never made in full, so that nothing is in it (ENODATA) ... */
struct segment *segment_open(int directory, enum spool_lane lane, uint64_t number, const struct segment_ends *ends,
	int64_t real_ms, int64_t *age_ms, bool *damaged);

/* Adds whole frames, each behind its length. On failure (-1 with errno) none of them was added. */
int segment_write(struct segment *segment, const uint8_t *octets, size_t count, unsigned frames);

/* Nothing comes behind this any more. */
void segment_end(struct segment *segment, const struct segment_ends *ends);

/* Copies whole frames from `offset` on, with their lengths; 0: none is there, or what is there can not be read (then
 * the segment ends there from now on: *damaged). `fd` is the file opened for reading. */
size_t segment_read(struct segment *segment, int fd, uint64_t offset, uint8_t *to, size_t cap, unsigned *frames,
	bool *damaged);

/* How many frames are before `offset`; UINT64_MAX: it is not where a frame begins. */
uint64_t segment_frames_before(const struct segment *segment, int fd, uint64_t offset);

/* A descriptor for reading; -1: in memory, or with errno. */
int segment_open_to_read(const struct segment *segment, int directory);

/* Frees; the file is removed if `directory` is not -1. */
void segment_destroy(struct segment *segment, int directory);

#endif
