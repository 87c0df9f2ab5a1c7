/* frame_read.c: the Frame Streams state machine. */
#include "tools/frame_read.h"

#include <stdlib.h>
#include <string.h>

#include <fstrm.h>

#define HEADER_OCTETS 4
#define BUFFER_FIRST (16 * 1024)
#define BUFFER_MAX (FRAME_READ_MAX + HEADER_OCTETS)

enum reader_state { STATE_BEGIN, STATE_READY, STATE_STARTED, STATE_STOPPED, STATE_BAD, STATE_SEEKING };

/* A START as every writer of dnstap makes it. */
static const uint8_t start_frame[] = "\0\0\0\0\0\0\0\x22\0\0\0\2\0\0\0\1\0\0\0\x16" FRAME_CONTENT_TYPE;
#define START_OCTETS (sizeof(start_frame) - 1)

struct frame_reader {
	uint8_t *buffer;
	size_t cap;
	size_t begin;          /* the first octet not yet handed out */
	size_t end;            /* behind the last octet read */
	uint64_t offset;       /* of `begin` in the input */
	enum reader_state state;
	bool bidirectional;
	const char *error;
	struct fstrm_control *control;
};

struct frame_reader *frame_reader_create(void)
{
	struct frame_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	reader->buffer = malloc(BUFFER_FIRST);
	reader->cap = BUFFER_FIRST;
	reader->control = fstrm_control_init();
	if (reader->buffer == NULL || reader->control == NULL)
		frame_reader_destroy(&reader);
	return reader;
}

void frame_reader_destroy(struct frame_reader **reader)
{
	if (*reader == NULL)
		return;
	fstrm_control_destroy(&(*reader)->control);
	free((*reader)->buffer);
	free(*reader);
	*reader = NULL;
}

static enum frame_event fail(struct frame_reader *reader, const char *error)
{
	reader->state = STATE_BAD;
	reader->error = error;
	return FRAME_BAD;
}

static uint32_t be32(const uint8_t *octets)
{
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static void compact(struct frame_reader *reader)
{
	memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
	reader->end -= reader->begin;
	reader->begin = 0;
}

static bool grow(struct frame_reader *reader)
{
	size_t cap = reader->cap > BUFFER_MAX / 2 ? BUFFER_MAX : reader->cap * 2;
	uint8_t *buffer;

	if (reader->cap == BUFFER_MAX)
		return false;
	buffer = realloc(reader->buffer, cap);
	if (buffer == NULL)
		return false;
	reader->buffer = buffer;
	reader->cap = cap;
	return true;
}

/* The caller has taken all whole frames out, so a full buffer holds one frame that is longer than it. */
uint8_t *frame_reader_space(struct frame_reader *reader, size_t *octets)
{
	if (reader->state == STATE_BAD)
		return NULL;
	if (reader->begin > 0)
		compact(reader);
	if (reader->end == reader->cap && !grow(reader))
		return NULL;
	*octets = reader->cap - reader->end;
	return reader->buffer + reader->end;
}

void frame_reader_filled(struct frame_reader *reader, size_t octets)
{
	reader->end += octets;
}

static void take(struct frame_reader *reader, size_t octets)
{
	reader->begin += octets;
	reader->offset += octets;
}

static bool content_type_fits(const struct fstrm_control *control)
{
	return fstrm_control_match_field_content_type(control, (const uint8_t *)FRAME_CONTENT_TYPE,
		sizeof(FRAME_CONTENT_TYPE) - 1) == fstrm_res_success;
}

static enum frame_event control_start(struct frame_reader *reader)
{
	if (reader->state == STATE_STARTED)
		return fail(reader, "a second START without a STOP");
	if (!content_type_fits(reader->control))
		return fail(reader, "the stream does not hold " FRAME_CONTENT_TYPE);
	reader->state = STATE_STARTED;
	return FRAME_START;
}

static enum frame_event control_ready(struct frame_reader *reader)
{
	if (reader->state != STATE_BEGIN)
		return fail(reader, "READY is not at the beginning");
	if (!content_type_fits(reader->control))
		return fail(reader, "the peer does not offer " FRAME_CONTENT_TYPE);
	reader->state = STATE_READY;
	reader->bidirectional = true;
	return FRAME_READY;
}

static enum frame_event control_frame(struct frame_reader *reader, const uint8_t *octets, size_t length)
{
	fstrm_control_type type;

	if (fstrm_control_decode(reader->control, octets, length, 0) != fstrm_res_success ||
			fstrm_control_get_type(reader->control, &type) != fstrm_res_success)
		return fail(reader, "a damaged control frame");
	switch (type) {
	case FSTRM_CONTROL_START:
		return control_start(reader);
	case FSTRM_CONTROL_READY:
		return control_ready(reader);
	case FSTRM_CONTROL_STOP:
		if (reader->state != STATE_STARTED)
			return fail(reader, "STOP without a START");
		reader->state = STATE_STOPPED;
		return FRAME_STOP;
	case FSTRM_CONTROL_ACCEPT:
	case FSTRM_CONTROL_FINISH:
		break;
	}
	return fail(reader, "a control frame that only a collector sends");
}

static enum frame_event next_control(struct frame_reader *reader)
{
	const uint8_t *at = reader->buffer + reader->begin;
	size_t held = reader->end - reader->begin;
	enum frame_event event;
	uint32_t length;

	if (held < 2 * HEADER_OCTETS)
		return FRAME_MORE;
	length = be32(at + HEADER_OCTETS);
	if (length < HEADER_OCTETS || length > FRAME_CONTROL_MAX)
		return fail(reader, "a control frame of impossible length");
	if (held - 2 * HEADER_OCTETS < length)
		return FRAME_MORE;
	event = control_frame(reader, at + 2 * HEADER_OCTETS, length);
	if (event != FRAME_BAD)
		take(reader, 2 * HEADER_OCTETS + length);
	return event;
}

static enum frame_event next_data(struct frame_reader *reader, uint32_t length, struct frame_view *frame)
{
	if (reader->state == STATE_BEGIN)
		return fail(reader, "not a Frame Streams file: it does not begin with START");
	if (reader->state != STATE_STARTED)
		return fail(reader, "a frame outside START and STOP");
	if (length > FRAME_READ_MAX)
		return fail(reader, "a frame over 256 KiB, or damage before it");
	if (reader->end - reader->begin - HEADER_OCTETS < length)
		return FRAME_MORE;
	frame->octets = reader->buffer + reader->begin + HEADER_OCTETS;
	frame->length = length;
	take(reader, HEADER_OCTETS + length);
	return FRAME_DATA;
}

void frame_reader_resume(struct frame_reader *reader)
{
	if (reader->state == STATE_BAD)
		reader->state = STATE_SEEKING;
}

/* Lets go of what is before the next START, but for what may be the beginning of one. False: there is none yet. */
static bool seek_start(struct frame_reader *reader)
{
	size_t held = reader->end - reader->begin;
	const uint8_t *at = memmem(reader->buffer + reader->begin, held, start_frame, START_OCTETS);

	if (at != NULL) {
		take(reader, (size_t)(at - (reader->buffer + reader->begin)));
		reader->state = STATE_BEGIN;
		return true;
	}
	if (held > START_OCTETS - 1)
		take(reader, held - (START_OCTETS - 1));
	return false;
}

enum frame_event frame_reader_next(struct frame_reader *reader, struct frame_view *frame)
{
	uint32_t length;

	if (reader->state == STATE_BAD)
		return FRAME_BAD;
	if (reader->state == STATE_SEEKING && !seek_start(reader))
		return FRAME_MORE;
	if (reader->end - reader->begin < HEADER_OCTETS)
		return FRAME_MORE;
	length = be32(reader->buffer + reader->begin);
	return length == 0 ? next_control(reader) : next_data(reader, length, frame);
}

uint64_t frame_reader_offset(const struct frame_reader *reader)
{
	return reader->offset;
}

const char *frame_reader_end(const struct frame_reader *reader)
{
	if (reader->state == STATE_SEEKING)
		return NULL;
	if (reader->begin != reader->end)
		return "ends inside a frame";
	switch (reader->state) {
	case STATE_BEGIN:
		return "is empty";
	case STATE_READY:
		return "ends after READY";
	case STATE_STARTED:
		return "ends without STOP";
	case STATE_STOPPED:
	case STATE_BAD:
	case STATE_SEEKING:
		break;
	}
	return NULL;
}

bool frame_reader_is_whole(const struct frame_reader *reader)
{
	return reader->begin == reader->end && (reader->state == STATE_STARTED || reader->state == STATE_STOPPED);
}

const char *frame_reader_error(const struct frame_reader *reader)
{
	return reader->error;
}

bool frame_reader_is_bidirectional(const struct frame_reader *reader)
{
	return reader->bidirectional;
}

static size_t control_encode(uint8_t *to, fstrm_control_type type)
{
	struct fstrm_control *control = fstrm_control_init();
	size_t length = FRAME_CONTROL_MAX + 2 * HEADER_OCTETS;
	bool done;

	if (control == NULL)
		return 0;
	done = fstrm_control_set_type(control, type) == fstrm_res_success &&
		(type != FSTRM_CONTROL_ACCEPT ||
			fstrm_control_add_field_content_type(control, (const uint8_t *)FRAME_CONTENT_TYPE,
				sizeof(FRAME_CONTENT_TYPE) - 1) == fstrm_res_success) &&
		fstrm_control_encode(control, to, &length, FSTRM_CONTROL_FLAG_WITH_HEADER) == fstrm_res_success;
	fstrm_control_destroy(&control);
	return done ? length : 0;
}

size_t frame_control_accept(uint8_t *to)
{
	return control_encode(to, FSTRM_CONTROL_ACCEPT);
}

size_t frame_control_finish(uint8_t *to)
{
	return control_encode(to, FSTRM_CONTROL_FINISH);
}
