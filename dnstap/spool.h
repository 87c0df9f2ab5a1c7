/*
 * spool.h: frames on their way, kept until every reader has them.
 *
 *     spool_append -> lane of verdicts -> segment, segment, segment -> spool_read -> one collector for each reader
 *                  \-> lane of plain allows -> segment, segment ... -/
 *
 * A segment is a complete Frame Streams file (START, frames, STOP; libfstrm's fstrm_control makes the control frames) in
 * the spool's directory, `verdict-NUMBER.fstrm` or `plain-NUMBER.fstrm`, so that any dnstap reader can look into it. Where
 * there is no directory, or the disk takes nothing, it is a run of memory. One that is full is ended and a new one begun.
 * Beyond the limits the oldest plain segment goes, and where there is none the oldest of verdicts; what of it a reader
 * had not read is counted as lost. A segment that all readers have committed is removed.
 *
 * A reader reads ahead, commits when its collector has confirmed what it got, and after a break begins again at the last
 * commit but one: a collector may confirm what it has not written yet (fstrm_capture does). Where a reader stands is
 * kept in the file `reader-NAME`. What a process left behind is read on by the next one.
 *
 * On disk: the directory is the caller's (mode 0700), files have mode 0600, links are never followed, and one process at
 * a time holds the lock in `lock`. What was flushed survives the process, what was synced survives the machine.
 *
 * Threads: one at a time.
 */
#ifndef DNSTAP_SPOOL_H
#define DNSTAP_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diag.h"

/* Of a frame, without its length. */
#define SPOOL_FRAME_MAX ((size_t)96 * 1024)
/* The least that spool_read wants as room. */
#define SPOOL_READ_MIN (SPOOL_FRAME_MAX + 4)

#define SPOOL_READERS_MAX 16
#define SPOOL_READER_NAME_MAX 64   /* with the NUL; letters, digits, '-', '_', '.' */

enum spool_lane { LANE_VERDICT, LANE_PLAIN, LANE_COUNT };

struct spool;
struct spool_reader;

struct spool_options {
	const char *content_type;
	int directory;                /* a descriptor, borrowed until spool_close; -1: memory only */
	const char *directory_name;   /* for messages */
	uint64_t file_octets_max;     /* of all files */
	size_t memory_octets_max;     /* of all segments in memory */
	size_t segment_octets;        /* a file is ended when it is larger; at most an eighth of the limit is used */
};

struct spool_counts {
	uint64_t octets_file;         /* now */
	uint64_t octets_memory;
	uint64_t frames;              /* appended */
	uint64_t dropped;             /* of these, because a disk failed and there was no memory: lost for every reader */
	uint64_t recovered;           /* found at opening */
	uint64_t damaged;             /* segments or ends of segments that could not be read */
	uint64_t errors;              /* of the disk */
	int last_errno;               /* of these; 0: none yet */
};

/* `now_ms` is a monotonic clock in milliseconds, here and below, so that no change of the real time holds anything up;
 * `real_ms` is the real time, by which files know their age.
 *
 * Takes up what is in the directory. -1 in options->directory always works. NULL: *diag says why (another process has
 * the spool: errno is EWOULDBLOCK, no memory). */
struct spool *spool_open(const struct spool_options *options, int64_t now_ms, int64_t real_ms, struct diag *diag);

/* Flushes, writes down where the readers stand, and frees. What is in memory is gone; sets *spool to NULL. */
void spool_close(struct spool **spool, int64_t now_ms);

/* Adds one frame. Readers see it after spool_flush. False: there is neither disk nor memory for it, or it is longer than
 * SPOOL_FRAME_MAX or empty. */
bool spool_append(struct spool *spool, enum spool_lane lane, const uint8_t *frame, size_t octets, int64_t now_ms);

/* Hands what was appended to the kernel. What a full or broken disk does not take goes into memory. */
void spool_flush(struct spool *spool, int64_t now_ms);

/* What is in memory goes: lost to the readers that had not read it, and unsure where they had not committed it twice. To
 * be called when nothing is read any more, so that it is counted. */
void spool_forget_memory(struct spool *spool);

/* Descriptors, owned by the caller, of files that were written to since it was last asked, the oldest first, and of the
 * directory if there are new ones: syncing them makes what was flushed survive the machine. Returns how many, at most
 * `cap`; what does not fit is given the next time. */
unsigned spool_take_dirty(struct spool *spool, int *files, unsigned cap);

void spool_read_counts(const struct spool *spool, struct spool_counts *counts);

/* A reader, which goes on where one of that name stood, else at the oldest frame. Borrowed until spool_close; NULL: no
 * memory, or too many. Frames are kept for those readers that are added before the first append. */
struct spool_reader *spool_reader_add(struct spool *spool, const char *name);

/* Copies the next frames, whole and each behind its length as Frame Streams has it, verdicts first. At most `cap`, which
 * is SPOOL_READ_MIN at least. Returns the octets; 0: it has read all. *frames: how many. */
size_t spool_read(struct spool_reader *reader, uint8_t *to, size_t cap, unsigned *frames);

/* Everything that was read is at the collector. */
void spool_commit(struct spool_reader *reader);

/* A collector may hold so much in memory after it has confirmed it: a commit counts for what is below only when so much
 * was read since the one that counted before. 0 at first. */
void spool_reader_keep(struct spool_reader *reader, size_t octets);

/* At the end, when all was read and committed: what went before is safe, and the next process reads only what is to be
 * kept again; nothing where there is no disk. */
void spool_settle(struct spool_reader *reader);

/* Is memory so full that a commit now may save what was not read yet from going? */
bool spool_is_crowded(const struct spool_reader *reader);

/* Begins again at the last commit but one. Commits count again when all that was committed was read again, and what is to
 * be kept behind it. */
void spool_rewind(struct spool_reader *reader);

/* Is there a frame that it has not committed twice over? */
bool spool_has_uncommitted(const struct spool_reader *reader);

/* The two counts below go on from these, where they are larger than what a file kept. */
void spool_reader_go_on(struct spool_reader *reader, uint64_t lost, uint64_t unsure);

/* Frames that went before it read them; and that went after it had read them once, but were to be read again: those
 * may have arrived. Both since the reader first was. */
uint64_t spool_lost(const struct spool_reader *reader);
uint64_t spool_unsure(const struct spool_reader *reader);

/* Frames that it has not read; and of these, those in memory; and those that it has read and not committed twice over. */
uint64_t spool_unread(const struct spool_reader *reader);
uint64_t spool_unsaved(const struct spool_reader *reader);
uint64_t spool_unconfirmed(const struct spool_reader *reader);

/* How long, at least, the oldest frame waits that it has not read; 0: none. */
int64_t spool_waiting_ms(const struct spool_reader *reader, int64_t now_ms);

#endif
