/*
 * fuzz_frame.c: hostile octets as the flat form of an event: refused, or a frame that every reader can read.
 *
 * Laws: nothing is read outside the input; what is accepted becomes a frame; the frame unpacks to the same messages; its
 * `extra` is valid JSON, hence valid UTF-8.
 */
#include "dnstap/frame.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "dnstap/dnstap.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_frame(const struct event_view *view, const uint8_t *packed, size_t octets)
{
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, octets, packed);
	json_t *extra;

	check(dnstap && dnstap->message && dnstap->message->policy && dnstap->has_extra);
	check(dnstap->message->policy->type && dnstap->message->policy->has_action);
	check(dnstap->message->query_message.len == view->query.length);
	check(memcmp(dnstap->message->query_message.data, view->query.data, view->query.length) == 0);
	check(dnstap->message->response_message.len == view->response.length);
	extra = json_loadb((const char *)dnstap->extra.data, dnstap->extra.len, 0, NULL);
	check(extra && json_integer_value(json_object_get(extra, "v")) == 1);
	json_decref(extra);
	dnstap__dnstap__free_unpacked(dnstap, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct frame_origin origin = { "fuzz", NULL, false };
	static uint8_t packed[FRAME_OCTETS_MAX];
	struct event_view view;
	size_t octets;

	if (!event_read(&view, data, size))
		return 0;
	octets = frame_encode(&view, &origin, packed, sizeof(packed));
	check(octets > 0);
	check_frame(&view, packed, octets);
	return 0;
}
