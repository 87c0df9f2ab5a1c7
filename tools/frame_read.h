/*
 * frame_read.h: octets in, frames out (Frame Streams, as libfstrm 0.6 writes and speaks it).
 *
 * One incremental reader serves files, standard input and sockets. libfstrm's fstrm_reader was measured first: it
 * takes a file that was cut inside a frame for a good one, hands out an empty frame for a length of 0xffffffff, knows
 * no offsets, ends at the first STOP (so a second stream in the same file is lost) and blocks in read(), so that one
 * poll loop could not serve many connections with it. Control frames, where the format's variety lies, are decoded
 * and encoded by libfstrm (fstrm_control).
 *
 * Everything that arrives is hostile. A reader holds at most FRAME_READ_MAX + 4 octets and grows to that only for a
 * frame which is really that long; a longer one is an error, and after an error the rest of that stream is lost.
 *
 *     for (;;) {
 *             space = frame_reader_space(reader, &octets);     read at most that many octets into it, then
 *             frame_reader_filled(reader, got);
 *             while ((event = frame_reader_next(reader, &frame)) != FRAME_MORE) ...
 *     }
 *
 * Threads: a reader belongs to its caller.
 */
#ifndef TOOLS_FRAME_READ_H
#define TOOLS_FRAME_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_READ_MAX (256 * 1024)
#define FRAME_CONTROL_MAX 512
#define FRAME_CONTENT_TYPE "protobuf:dnstap.Dnstap"

enum frame_event {
	FRAME_MORE,       /* nothing whole is left: fill the reader */
	FRAME_DATA,       /* a frame */
	FRAME_READY,      /* the peer waits for ACCEPT */
	FRAME_START,
	FRAME_STOP,       /* the peer waits for FINISH, if it had sent READY; another stream may follow */
	FRAME_BAD         /* final, but for frame_reader_resume; frame_reader_error says what is wrong */
};

/* Borrowed until the next call with this reader. */
struct frame_view {
	const uint8_t *octets;
	size_t length;
};

struct frame_reader;

/* Owned; NULL: no memory. */
struct frame_reader *frame_reader_create(void);
void frame_reader_destroy(struct frame_reader **reader);

/* Where to put what is read next, and how much of it fits: 1 octet at least. NULL: no memory, or after FRAME_BAD. */
uint8_t *frame_reader_space(struct frame_reader *reader, size_t *octets);
void frame_reader_filled(struct frame_reader *reader, size_t octets);

/* The next event; *frame is set for FRAME_DATA alone. */
enum frame_event frame_reader_next(struct frame_reader *reader, struct frame_view *frame);

/* Where the frame begins that comes next, or that is wrong: octets from the beginning of the input. */
uint64_t frame_reader_offset(const struct frame_reader *reader);

/* May the input end here? NULL: yes, after a STOP; else a text that says what is missing. Never NULL for an empty
 * input. */
const char *frame_reader_end(const struct frame_reader *reader);

/* Does the input end between frames of a stream (with or without STOP), so that nothing that was begun is missing? */
bool frame_reader_is_whole(const struct frame_reader *reader);

/* After FRAME_BAD: what is wrong, a constant text. */
const char *frame_reader_error(const struct frame_reader *reader);

/* After FRAME_BAD: goes on with the next stream of the input that begins with a START for dnstap; there may be
 * none. What is between is let go, since frames can not be told from damage there. For files; a peer that errs is
 * closed. */
void frame_reader_resume(struct frame_reader *reader);

/* Did the peer send READY (so that it waits for answers)? */
bool frame_reader_is_bidirectional(const struct frame_reader *reader);

/* Writes the control frame that answers READY (`accept`) or STOP, with its header; `to` holds FRAME_CONTROL_MAX + 8.
 * Returns its length; 0: no memory. */
size_t frame_control_accept(uint8_t *to);
size_t frame_control_finish(uint8_t *to);

#endif
