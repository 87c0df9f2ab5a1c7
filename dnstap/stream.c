/*
 * stream.c: a Frame Streams connection to one collector, without waiting.
 */
#include "dnstap/stream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fstrm.h>

#define CONTROL_MAX (FSTRM_CONTROL_FRAME_LENGTH_MAX + 8)   /* with escape and length */
#define ERROR_MAX 320

struct stream {
	struct link *link;
	char *content_type;
	struct fstrm_control *control;
	enum stream_state state;
	bool ready_sent;
	int64_t until_ms;          /* of the handshake, or of STOP */
	int64_t finish_ms;         /* what a collector gets to read what is on its way, and confirm */
	int64_t blocked_ms;        /* since when nothing has been taken; 0: something was */
	uint8_t out[CONTROL_MAX];  /* a control frame on its way */
	size_t out_octets, out_at;
	uint8_t in[CONTROL_MAX];
	size_t in_octets;
	char error[ERROR_MAX];
};

struct stream *stream_create(struct link *link, const char *content_type)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->content_type = strdup(content_type);
	stream->control = fstrm_control_init();
	stream->finish_ms = STREAM_FINISH_MS;
	if (stream->content_type && stream->control) {
		stream->link = link;
		return stream;
	}
	stream_destroy(&stream);
	return NULL;
}

void stream_destroy(struct stream **stream)
{
	if (!*stream)
		return;
	link_destroy(&(*stream)->link);
	fstrm_control_destroy(&(*stream)->control);
	free((*stream)->content_type);
	free(*stream);
	*stream = NULL;
}

void stream_cut(struct stream *stream)
{
	link_close(stream->link);
	stream->state = STREAM_DOWN;
	stream->out_octets = stream->out_at = stream->in_octets = 0;
	stream->ready_sent = false;
	stream->blocked_ms = 0;
}

static void fail(struct stream *stream, const char *why)
{
	snprintf(stream->error, sizeof(stream->error), "%s", why);
	stream_cut(stream);
}

static void queue_control(struct stream *stream, fstrm_control_type type)
{
	size_t octets = sizeof(stream->out);

	fstrm_control_reset(stream->control);
	if (fstrm_control_set_type(stream->control, type) != fstrm_res_success
			|| (type != FSTRM_CONTROL_STOP && fstrm_control_add_field_content_type(stream->control,
				(const uint8_t *)stream->content_type, strlen(stream->content_type)) != fstrm_res_success)
			|| fstrm_control_encode(stream->control, stream->out, &octets, FSTRM_CONTROL_FLAG_WITH_HEADER)
				!= fstrm_res_success) {
		fail(stream, "out of memory");
		return;
	}
	stream->out_octets = octets;
	stream->out_at = 0;
}

/* True: nothing of ours is in the way. */
static bool send_control(struct stream *stream)
{
	ssize_t done;

	if (stream->out_at == stream->out_octets)
		return true;
	done = link_write(stream->link, stream->out + stream->out_at, stream->out_octets - stream->out_at);
	if (done < 0) {
		fail(stream, link_error(stream->link));
		return false;
	}
	stream->out_at += (size_t)done;
	return stream->out_at == stream->out_octets;
}

/* Reads up to the end of one control frame, and no octet behind it. True: it is whole. */
static bool receive(struct stream *stream)
{
	for (;;) {
		size_t want = 8;
		uint32_t head[2];
		ssize_t got;

		if (stream->in_octets >= 8) {
			memcpy(head, stream->in, sizeof(head));
			if (head[0] != 0 || ntohl(head[1]) > FSTRM_CONTROL_FRAME_LENGTH_MAX) {
				fail(stream, "the collector sent what is no control frame");
				return false;
			}
			want = 8 + ntohl(head[1]);
			if (stream->in_octets == want)
				return true;
		}
		got = link_read(stream->link, stream->in + stream->in_octets, want - stream->in_octets);
		if (got < 0)
			fail(stream, link_error(stream->link));
		if (got <= 0)
			return false;
		stream->in_octets += (size_t)got;
	}
}

/* True: it is of that type; an ACCEPT has to be of our content type, too. */
static bool is_control(struct stream *stream, fstrm_control_type wanted)
{
	fstrm_control_type type;

	fstrm_control_reset(stream->control);
	if (fstrm_control_decode(stream->control, stream->in, stream->in_octets, FSTRM_CONTROL_FLAG_WITH_HEADER)
			!= fstrm_res_success || fstrm_control_get_type(stream->control, &type) != fstrm_res_success
			|| type != wanted) {
		fail(stream, "the collector sent another control frame than expected");
		return false;
	}
	stream->in_octets = 0;
	if (wanted != FSTRM_CONTROL_ACCEPT || fstrm_control_match_field_content_type(stream->control,
			(const uint8_t *)stream->content_type, strlen(stream->content_type)) == fstrm_res_success)
		return true;
	fail(stream, "the collector does not take dnstap");
	return false;
}

void stream_open(struct stream *stream, int64_t now_ms)
{
	stream_cut(stream);
	stream->state = STREAM_OPENING;
	stream->until_ms = now_ms + STREAM_HANDSHAKE_MS;
	if (link_open(stream->link) != 0)
		fail(stream, link_error(stream->link));
}

bool stream_is_connected(const struct stream *stream)
{
	return link_is_connected(stream->link);
}

void stream_give_time(struct stream *stream, int64_t now_ms)
{
	if (stream->state == STREAM_OPENING)
		stream->until_ms = now_ms + STREAM_HANDSHAKE_MS;
}

void stream_learn(struct stream *stream, const struct stream *other)
{
	stream->finish_ms = other->finish_ms;
}

static void go_on_opening(struct stream *stream)
{
	if (link_step(stream->link) != 0) {
		fail(stream, link_error(stream->link));
		return;
	}
	if (link_state(stream->link) != LINK_UP)
		return;
	if (!stream->ready_sent)
		queue_control(stream, FSTRM_CONTROL_READY);
	stream->ready_sent = true;
	if (stream->state != STREAM_OPENING || !send_control(stream) || !receive(stream)
			|| !is_control(stream, FSTRM_CONTROL_ACCEPT))
		return;
	queue_control(stream, FSTRM_CONTROL_START);
	if (stream->state == STREAM_OPENING)
		stream->state = STREAM_OPEN;
	(void)send_control(stream);
}

static void go_on_stopping(struct stream *stream, int64_t now_ms)
{
	if (!send_control(stream) || !receive(stream) || !is_control(stream, FSTRM_CONTROL_FINISH))
		return;
	if (stream->until_ms - now_ms > stream->finish_ms / 4 * 3 && stream->finish_ms > STREAM_FINISH_MS)
		stream->finish_ms /= 2;
	stream_cut(stream);
	stream->state = STREAM_FINISHED;
}

/* Megabytes can be on their way in front of STOP: without more time for them, the same frames would be sent again and
 * again, and never be confirmed. */
static void finish_too_late(struct stream *stream)
{
	stream->finish_ms = stream->finish_ms > STREAM_FINISH_MAX_MS / 2 ? STREAM_FINISH_MAX_MS : stream->finish_ms * 2;
	fail(stream, "the collector did not confirm in time");
}

/* Something was offered, and nothing taken. */
static void note_blocked(struct stream *stream, int64_t now_ms)
{
	if (stream->blocked_ms == 0)
		stream->blocked_ms = now_ms;
	else if (now_ms - stream->blocked_ms >= STREAM_STALL_MS)
		fail(stream, "the collector has taken nothing for five seconds");
}

/* Between START and STOP a collector has nothing to say; reading shows whether it is there. */
static void check_open(struct stream *stream, int64_t now_ms)
{
	uint8_t octet;
	ssize_t got;

	if (!send_control(stream) && stream->state == STREAM_OPEN)
		note_blocked(stream, now_ms);
	if (stream->state != STREAM_OPEN)
		return;
	got = link_read(stream->link, &octet, 1);
	if (got < 0)
		fail(stream, link_error(stream->link));
	else if (got > 0)
		fail(stream, "the collector spoke out of turn");
}

enum stream_state stream_service(struct stream *stream, int64_t now_ms)
{
	switch (stream->state) {
	case STREAM_OPENING:
		go_on_opening(stream);
		if (stream->state == STREAM_OPENING && now_ms >= stream->until_ms)
			fail(stream, "the collector did not answer the handshake in time");
		break;
	case STREAM_OPEN:
		check_open(stream, now_ms);
		break;
	case STREAM_STOPPING:
		go_on_stopping(stream, now_ms);
		if (stream->state == STREAM_STOPPING && now_ms >= stream->until_ms)
			finish_too_late(stream);
		break;
	case STREAM_DOWN:
	case STREAM_FINISHED:
		break;
	}
	return stream->state;
}

enum stream_state stream_state(const struct stream *stream)
{
	return stream->state;
}

ssize_t stream_write(struct stream *stream, const uint8_t *octets, size_t count, int64_t now_ms)
{
	ssize_t done;

	if (stream->state != STREAM_OPEN || !send_control(stream))
		return stream->state == STREAM_OPEN ? 0 : -1;
	done = link_write(stream->link, octets, count);
	if (done < 0)
		fail(stream, link_error(stream->link));
	else if (done > 0)
		stream->blocked_ms = 0;
	else
		note_blocked(stream, now_ms);
	return stream->state == STREAM_OPEN ? done : -1;
}

void stream_stop(struct stream *stream, int64_t now_ms)
{
	if (stream->state != STREAM_OPEN || !send_control(stream))
		return;
	stream->state = STREAM_STOPPING;
	stream->until_ms = now_ms + stream->finish_ms;
	queue_control(stream, FSTRM_CONTROL_STOP);
	if (stream->state == STREAM_STOPPING)
		go_on_stopping(stream, now_ms);
}

int stream_fd(const struct stream *stream)
{
	return link_fd(stream->link);
}

short stream_events(const struct stream *stream, bool has_more)
{
	return link_events(stream->link, has_more || stream->out_at < stream->out_octets);
}

const char *stream_error(const struct stream *stream)
{
	return stream->error;
}
