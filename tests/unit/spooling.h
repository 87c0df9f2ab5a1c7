/*
 * spooling.h: numbered frames into a spool, and which of them come out.
 */
#ifndef TESTS_UNIT_SPOOLING_H
#define TESTS_UNIT_SPOOLING_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnstap/spool.h"
#include "tests/unit/directory.h"

#define FRAMES_MAX 200000u
#define TURNS 1000u

static inline struct spool_options options_for(const struct directory *directory)
{
	return (struct spool_options){
		.content_type = "protobuf:dnstap.Dnstap", .directory = directory ? directory->fd : -1,
		.directory_name = "spool", .file_octets_max = 8 << 20, .memory_octets_max = 8 << 20,
		.segment_octets = 64 * 1024,
	};
}

static inline struct spool *open_spool(const struct directory *directory)
{
	struct spool_options options = options_for(directory);
	struct diag diag;
	struct spool *spool = spool_open(&options, 1000, 1000, &diag);

	if (!spool)
		fail_msg("%s", diag.text);
	return spool;
}

/* A frame that says its number, `octets` long. */
static inline bool append(struct spool *spool, enum spool_lane lane, uint32_t number, size_t octets)
{
	static uint8_t frame[SPOOL_FRAME_MAX];

	memset(frame, (int)number, octets);
	memcpy(frame, &number, sizeof(number));
	return spool_append(spool, lane, frame, octets, 1000 + number);
}

struct got {
	unsigned times[FRAMES_MAX];
	uint32_t last[LANE_COUNT];
	unsigned frames;
};

/* Even numbers are verdicts, odd ones plain. */
static inline enum spool_lane lane_of(uint32_t number)
{
	return number % 2 ? LANE_PLAIN : LANE_VERDICT;
}

/* Reads once, notes what came, and checks that it is whole. Returns the octets. */
static inline size_t read_some(struct spool_reader *reader, struct got *got, size_t cap)
{
	static uint8_t buffer[2 * SPOOL_READ_MIN];
	unsigned frames, seen = 0;
	size_t octets = spool_read(reader, buffer, cap, &frames), at = 0;

	while (at < octets) {
		uint32_t length, number;

		assert_true(octets - at >= 8);
		memcpy(&length, buffer + at, 4);
		length = ntohl(length);
		memcpy(&number, buffer + at + 4, 4);
		assert_true(number < FRAMES_MAX && length <= octets - at - 4);
		if (length > 4)
			assert_int_equal(buffer[at + 4 + length - 1], (uint8_t)number);
		got->times[number]++;
		got->last[lane_of(number)] = number;
		got->frames++;
		at += 4 + length;
		seen++;
	}
	assert_int_equal(at, octets);
	assert_int_equal(seen, frames);
	return octets;
}

static inline void read_all(struct spool_reader *reader, struct got *got)
{
	while (read_some(reader, got, SPOOL_READ_MIN) > 0)
		;
}

static inline struct got *fresh(void)
{
	struct got *got = calloc(1, sizeof(*got));

	assert_non_null(got);
	return got;
}

static inline void fill(struct spool *spool, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		assert_true(append(spool, lane_of(from), from, 100 + from % 50));
	spool_flush(spool, 1000 + to);
}

static inline void assert_each_once(const struct got *got, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		if (got->times[from] != 1)
			fail_msg("frame %u came %u times", from, got->times[from]);
}

#endif
