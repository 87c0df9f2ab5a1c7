/* test_frame_read.c: the same events however the octets arrive, and every damage found where it is. */
#include "tools/frame_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START "\0\0\0\0" "\0\0\0\042" "\0\0\0\2" "\0\0\0\1" "\0\0\0\026" FRAME_CONTENT_TYPE
#define READY "\0\0\0\0" "\0\0\0\042" "\0\0\0\4" "\0\0\0\1" "\0\0\0\026" FRAME_CONTENT_TYPE
#define STOP "\0\0\0\0" "\0\0\0\4" "\0\0\0\3"
#define START_OCTETS 42

/* Reads `octets`, `piece` at a time, and writes one letter for each event: R S(TART) d(ata) E(nd: STOP) !(bad). */
static void read_in_pieces(struct frame_reader *reader, const char *octets, size_t length, size_t piece, char *events)
{
	static const char letters[] = { [FRAME_DATA] = 'd', [FRAME_READY] = 'R', [FRAME_START] = 'S', [FRAME_STOP] = 'E',
		[FRAME_BAD] = '!' };
	struct frame_view frame;
	enum frame_event event;

	while (length > 0) {
		size_t room, count;
		uint8_t *space = frame_reader_space(reader, &room);

		assert_non_null(space);
		assert_true(room > 0);
		count = piece < room ? piece : room;
		count = count < length ? count : length;
		memcpy(space, octets, count);
		frame_reader_filled(reader, count);
		octets += count;
		length -= count;
		while ((event = frame_reader_next(reader, &frame)) != FRAME_MORE) {
			*events++ = letters[event];
			*events = '\0';
			if (event == FRAME_BAD)
				return;
		}
	}
}

struct row {
	const char *octets;
	size_t length;
	const char *events;
	uint64_t offset;      /* where the damage is, or how much was read */
	const char *end;      /* of the input or of the error: how the text begins; NULL: fine */
	const char *why;
};

#define ROW(octets, events, offset, end, why) { octets, sizeof(octets) - 1, events, offset, end, why }

static const struct row rows[] = {
	ROW("", "", 0, "is empty", "nothing came"),
	ROW(START "\0\0\0\3abc" STOP, "SdE", 61, NULL, "a whole stream"),
	ROW(READY START "\0\0\0\1a" "\0\0\0\1b" STOP, "RSddE", 106, NULL, "a sender that waits for answers"),
	ROW(START STOP START STOP, "SESE", 108, NULL, "two streams in one file"),
	ROW(START, "S", 42, "ends without STOP", "the writer is still there, or was killed"),
	ROW(START "\0\0\0\3ab", "S", 42, "ends inside a frame", "cut inside a frame"),
	ROW(START "\0\0", "S", 42, "ends inside a frame", "cut inside a length"),
	ROW(READY, "R", 42, "ends after READY", "a peer that left"),
	ROW("\0\0\0\3abc", "!", 0, "not a Frame Streams file", "data first"),
	ROW("\0\0\0\0\0\0\0\4\0\0\0\3", "!", 0, "STOP without", "STOP first"),
	ROW("\0\0\0\0\0\0\0\0", "!", 0, "a control frame of impossible", "a control frame without a type"),
	ROW("\0\0\0\0\0\0\2\1", "!", 0, "a control frame of impossible", "a control frame over 512 octets"),
	ROW("\0\0\0\0\377\377\377\377", "!", 0, "a control frame of impossible", "as long as can be said"),
	ROW("\0\0\0\0\0\0\0\4\0\0\0\5", "!", 0, "a control frame that only", "FINISH is ours to send"),
	ROW("\0\0\0\0\0\0\0\4\0\0\0\011", "!", 0, "a damaged control", "no such control frame"),
	ROW("\0\0\0\0\0\0\0\014\0\0\0\2\0\0\0\1\0\0\0\5", "!", 0, "a damaged control", "a field over the end"),
	ROW(START START, "S!", 42, "a second START", "START twice"),
	ROW(START STOP "\0\0\0\1a", "SE!", 54, "a frame outside", "data behind STOP"),
	ROW(READY "\0\0\0\1a", "R!", 42, "a frame outside", "data before START"),
	ROW(READY READY, "R!", 42, "READY is not at", "READY twice"),
	ROW(START "\0\4\0\1", "S!", 42, "a frame over 256 KiB", "one octet too long"),
	ROW(START "\377\377\377\377", "S!", 42, "a frame over 256 KiB", "as long as can be said"),
	ROW(START "\0\4\0\0a", "S", 42, "ends inside a frame", "the longest frame is waited for"),
};

static void check_row(const struct row *row, size_t piece)
{
	struct frame_reader *reader = frame_reader_create();
	char events[32] = "";
	const char *end;

	assert_non_null(reader);
	read_in_pieces(reader, row->octets, row->length, piece, events);
	end = strchr(events, '!') != NULL ? frame_reader_error(reader) : frame_reader_end(reader);
	if (strcmp(events, row->events) != 0 || frame_reader_offset(reader) != row->offset)
		fail_msg("%s, in pieces of %zu: %s at %llu", row->why, piece, events,
			(unsigned long long)frame_reader_offset(reader));
	if ((row->end == NULL) != (end == NULL) || (end != NULL && strncmp(end, row->end, strlen(row->end)) != 0))
		fail_msg("%s, in pieces of %zu: %s", row->why, piece, end == NULL ? "no complaint" : end);
	frame_reader_destroy(&reader);
	assert_null(reader);
}

static void tells_the_same_however_octets_arrive(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 41, 42, 43, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++)
			check_row(&rows[i], pieces[j]);
}

static void an_error_is_final(void **state)
{
	struct frame_reader *reader = frame_reader_create();
	struct frame_view frame;
	char events[8];
	size_t room;

	(void)state;
	read_in_pieces(reader, "\0\0\0\3abc", 7, 7, events);
	assert_int_equal(frame_reader_next(reader, &frame), FRAME_BAD);
	assert_null(frame_reader_space(reader, &room));
	frame_reader_destroy(&reader);
	frame_reader_destroy(&reader);
}

static void hands_out_the_longest_frame_and_no_more(void **state)
{
	size_t length = START_OCTETS + 4 + FRAME_READ_MAX;
	struct frame_reader *reader = frame_reader_create();
	char *octets = calloc(1, length), events[8];
	uint64_t offset = 0;

	(void)state;
	memcpy(octets, START "\0\4\0\0", START_OCTETS + 4);
	for (int i = 0; i < 3; i++) {
		size_t skip = i == 0 ? 0 : START_OCTETS;

		read_in_pieces(reader, octets + skip, length - skip, 100000, events);
		assert_string_equal(events, i == 0 ? "Sd" : "d");
		offset += length - skip;
		assert_true(frame_reader_offset(reader) == offset);
	}
	free(octets);
	frame_reader_destroy(&reader);
}

static void answers_as_libfstrm_expects(void **state)
{
	uint8_t to[FRAME_CONTROL_MAX + 8];

	(void)state;
	assert_int_equal(frame_control_accept(to), START_OCTETS);
	assert_memory_equal(to, "\0\0\0\0\0\0\0\042\0\0\0\1\0\0\0\1\0\0\0\026" FRAME_CONTENT_TYPE, START_OCTETS);
	assert_int_equal(frame_control_finish(to), 12);
	assert_memory_equal(to, "\0\0\0\0\0\0\0\4\0\0\0\5", 12);
}

/* Random damage to a good stream: any event but a crash, and never an offset behind what was given. */
static void survives_random_damage(void **state)
{
	static const char good[] = READY START "\0\0\0\3abc" "\0\0\0\1d" STOP START "\0\0\0\2ef" STOP;
	const char *seed_text = getenv("VERDICT_SEED");
	unsigned seed = seed_text != NULL ? (unsigned)strtoul(seed_text, NULL, 10) : 1;
	char octets[sizeof(good)], events[256];

	(void)state;
	print_message("# VERDICT_SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 20000; round++) {
		struct frame_reader *reader = frame_reader_create();
		size_t length = sizeof(good) - 1;

		memcpy(octets, good, length);
		for (int flips = rand() % 4; flips >= 0; flips--)
			octets[(size_t)rand() % length] = (char)rand();
		read_in_pieces(reader, octets, length, 1 + (size_t)rand() % 50, events);
		assert_true(frame_reader_offset(reader) <= length);
		frame_reader_destroy(&reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_same_however_octets_arrive),
		cmocka_unit_test(an_error_is_final),
		cmocka_unit_test(hands_out_the_longest_frame_and_no_more),
		cmocka_unit_test(answers_as_libfstrm_expects),
		cmocka_unit_test(survives_random_damage),
	};

	return cmocka_run_group_tests_name("frame_read", tests, NULL, NULL);
}
