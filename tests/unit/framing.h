/*
 * framing.h: an event there and back, as a frame and in words.
 */
#ifndef TESTS_UNIT_FRAMING_H
#define TESTS_UNIT_FRAMING_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "dnstap/dnstap.pb-c.h"
#include "dnstap/event_form.h"
#include "dnstap/extra.h"
#include "dnstap/frame.h"
#include "dnstap/wire.h"
#include "tests/unit/dnstap_event.h"

static uint8_t flat[EVENT_OCTETS_MAX];
static uint8_t packed[FRAME_OCTETS_MAX];
static const uint8_t longest_message[WIRE_RESPONSE_MAX];
static const struct frame_origin origin = { "resolver-1", "unbound-verdict 1", false };

static inline struct event_view read_back(const struct sample *sample)
{
	size_t octets = event_encode(&sample->event, flat, sizeof(flat));
	struct event_view view;

	assert_in_range(octets, 1, sizeof(flat));
	assert_true(event_read(&view, flat, octets));
	return view;
}

static inline Dnstap__Dnstap *frame_of(const struct sample *sample)
{
	struct event_view view = read_back(sample);
	size_t octets = frame_encode(&view, &origin, packed, sizeof(packed));
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, octets, packed);

	assert_non_null(dnstap);
	return dnstap;
}

static inline void assert_octets(ProtobufCBinaryData data, const char *wanted)
{
	assert_int_equal(data.len, strlen(wanted));
	assert_memory_equal(data.data, wanted, data.len);
}

static inline void assert_extra(const struct sample *sample, const char *wanted)
{
	struct event_view view = read_back(sample);
	char text[EXTRA_OCTETS_MAX];
	size_t octets = extra_write(&view, text, sizeof(text));
	json_t *json = json_loadb(text, octets, 0, NULL);

	text[octets] = '\0';
	assert_string_equal(text, wanted);
	assert_non_null(json);
	json_decref(json);
}

#endif
