/*
 * detecting.h: answers to detectors, and what they said of them.
 */
#ifndef TESTS_UNIT_DETECTING_H
#define TESTS_UNIT_DETECTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detect/detect.h"
#include "detect/look.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define ANSWERS_MAX 40u
#define DAY_MS 86400000

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detections detections;
	int64_t now_ms;
	unsigned traits;
	uint64_t ordinal;
	uint32_t client;
	uint32_t said[DETECTOR_COUNT][TIER_COUNT];
} here;

static inline int start(void **state)
{
	static const struct hash_key key = { 1, 2 };
	char path[TEMP_PATH_MAX];
	struct diag diag = { 0 };

	(void)state;
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	here.now_ms = START;
	here.detect = detect_create(&detect_sizes_small, suffix_list(path, "com\nnet\norg\nco.uk\narpa\nin-addr.arpa\n"),
		&key, START, &diag);
	remove(path);
	if (here.detect == NULL)
		fprintf(stderr, "%s\n", diag.text);
	return here.detect == NULL ? -1 : 0;
}

static inline int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

/* Records of one answer, all of one type. */
struct given {
	const struct name *owner;
	uint16_t type;
	uint32_t ttl;
	unsigned count;
	const uint8_t *rdata[ANSWERS_MAX];
	uint16_t length;
};

static inline size_t show(const void *source, record_visit visit, void *arg)
{
	const struct given *given = source;

	for (unsigned i = 0; i < given->count; i++) {
		const struct record record = { SECTION_ANSWER, given->owner->octets, given->owner->length, given->type, 1, given->ttl,
			given->rdata[i], given->length };

		if (!visit(arg, &record))
			break;
	}
	return 0;
}

/* One question and what became of it. */
static inline void ask_with(const char *text, uint16_t type, uint16_t rcode, enum answer_path path, struct given *given)
{
	struct facts facts = { .qtype = type, .qclass = 1, .rcode = rcode };
	struct sight sight = { .facts = &facts, .path = path, .traits = here.traits, .ordinal = here.ordinal++,
		.now_ms = here.now_ms };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	facts.client.family = ADDRESS_INET;
	memcpy(facts.client.octets, &here.client, 4);
	if (given != NULL) {
		given->owner = &facts.qname;
		facts.records = show;
		facts.source = given;
	}
	detect_answer(here.detect, here.conf, &sight, &here.detections);
	for (size_t i = 0; i < here.detections.count; i++)
		here.said[here.detections.items[i].detector][here.detections.items[i].tier]++;
}

static inline void ask(const char *text, uint16_t type, uint16_t rcode)
{
	ask_with(text, type, rcode, PATH_RESOLVED, NULL);
}

static inline unsigned said(enum detector detector)
{
	unsigned sum = 0;

	for (unsigned tier = 0; tier < TIER_COUNT; tier++)
		sum += here.said[detector][tier];
	return sum;
}

static inline void random_label(char *to, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		to[i] = "abcdefghijklmnopqrstuvwxyz234567"[rand() % 32];
	to[length] = '\0';
}

#endif
