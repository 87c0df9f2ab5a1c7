/*
 * spool_parts.h: what a spool is made of, shared by the files that work on it: spool_open.c, which begins and ends it,
 * spool.c, which takes frames in and drops segments, spool_reader.c, which gives them out, and spool_stand.c, which writes
 * down how far.
 *
 * Every frame of a lane has an index, counted from the oldest that was there at opening: so the frames between two
 * places are known even when their segments have gone.
 */
#ifndef DNSTAP_SPOOL_PARTS_H
#define DNSTAP_SPOOL_PARTS_H

#include "dnstap/spool.h"
#include "dnstap/spool_segment.h"

#define LANE_BUFFER_OCTETS ((size_t)128 * 1024)

struct place {
	uint64_t segment;          /* its number */
	uint64_t offset;
	uint64_t index;            /* of the next frame */
};

struct lane {
	struct segment *oldest;
	struct segment *current;   /* the youngest, which is written; NULL: none yet */
	uint64_t next_number;
	uint64_t frames;           /* index of the next frame that is flushed */
	uint64_t fresh;            /* the same, one spool_flush ago: what is behind it no reader has had time for */
	uint8_t *buffer;           /* owned; of LANE_BUFFER_OCTETS */
	size_t buffered;
	unsigned buffered_frames;
};

/* Where one reader stands in one lane. */
struct reader_lane {
	struct place read, committed, before;   /* `before`: the last commit but one */
	struct segment *at;        /* of `read`; NULL: to be looked up */
	int fd;                    /* of `fd_segment`; -1: none */
	uint64_t fd_segment;
	int64_t since_ms;          /* since when it has not read all */
	uint64_t gone_before;      /* frames read between `before` and `committed` whose segments have gone since */
	uint64_t gone;             /* and between that and `read` */
	uint64_t sent;             /* up to which index it has ever read: what goes before it is read again may have arrived */
	uint64_t once, twice;      /* up to which index all was committed, the last time and the time before */
	struct place tail;         /* what is to be kept was read since, if so much was since a break */
	struct place mark;         /* behind it; the next tail */
	size_t mark_octets;        /* read since */
};

struct spool_reader {
	struct spool *spool;
	unsigned number;           /* in spool->readers */
	char name[SPOOL_READER_NAME_MAX];
	struct reader_lane lanes[LANE_COUNT];
	uint64_t lost, unsure;
	size_t keep_octets;        /* a commit counts when so much was read since the one that counted before */
	uint64_t octets;           /* read since then, after a break once all up to there was read again */
};

struct spool {
	int directory;
	int lock;                  /* descriptor; -1: none */
	uint64_t file_octets_max;
	size_t memory_octets_max;
	size_t segment_octets;
	int64_t retry_ms;          /* the disk is tried again; INT64_MIN: it did not fail */
	bool new_files;            /* since spool_take_dirty, so the directory is dirty */
	struct segment_ends ends;
	struct lane lanes[LANE_COUNT];
	struct spool_reader *readers[SPOOL_READERS_MAX];   /* owned */
	unsigned reader_count;
	struct spool_counts counts;
};

/* The disk failed, as errno says. */
void spool_note_error(struct spool *spool, int64_t now_ms);

/* The youngest of its lane from now on. */
void spool_add_segment(struct spool *spool, struct segment *segment);

/* Ends what is written now, if anything is. */
void spool_end_current(struct spool *spool, struct lane *lane);

/* Takes the segment out of its lane, counts what readers had not read of it, and frees it with its file. */
void spool_remove(struct spool *spool, struct segment *segment);

/* Removes what every reader has committed twice over. */
void spool_remove_read(struct spool *spool);

static inline struct place spool_start_of(const struct segment *segment)
{
	return (struct place){ segment->number, segment->begin, segment->first };
}

/* The segment goes: what of it the reader had not read is lost. */
void spool_reader_forget(struct spool_reader *reader, const struct segment *segment);

/* Frames were flushed into `lane`, which ended at `index` before. */
void spool_reader_tell(struct spool_reader *reader, enum spool_lane lane, uint64_t index, int64_t now_ms);

/* The segment that it reads, or the next one there is. */
struct segment *spool_reader_find(struct spool_reader *reader, enum spool_lane lane);

/* Goes on where one of its name stood. */
void spool_reader_load(struct spool_reader *reader);

/* Writes down where it stands. */
void spool_reader_save(const struct spool_reader *reader);
void spool_reader_destroy(struct spool_reader *reader);

#endif
