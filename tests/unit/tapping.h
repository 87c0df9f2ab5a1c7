/*
 * tapping.h: a tap with a file, events into it, and what became of them.
 */
#ifndef TESTS_UNIT_TAPPING_H
#define TESTS_UNIT_TAPPING_H

#include <arpa/inet.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnstap/tap.h"
#include "tests/unit/dnstap_event.h"

#define RING ((size_t)64 * 1024)
#define STOP_MS 60000
#define TRIES 12000   /* of 5 ms */
#define AN_HOUR_MS 3600000

static char directory[64];
static char path[128], path_1[160];

static inline int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/verdict-test-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/frames", directory);
	snprintf(path_1, sizeof(path_1), "%s.1", path);
	return 0;
}

static inline int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	unlink(path_1);
	rmdir(path);
	return rmdir(directory);
}

static uint32_t heartbeat_ms;
static struct tap_carry *carry;

/* `spool`: a directory for rings and spool; NULL: in memory. */
static inline struct tap *start_with(const char *file, const char *socket_path, const char *spool, size_t ring_octets)
{
	struct tap_target_options targets[2];
	struct tap_options options = { .identity = "test", .version = "1", .targets = targets, .boot = 1,
		.ring_octets = ring_octets, .workers = 4, .threads = 4, .directory = spool, .spool_octets = 8 << 20,
		.memory_octets = 4 << 20, .heartbeat_ms = heartbeat_ms,
		.carry = carry };
	struct tap *tap;

	if (file)
		targets[options.target_count++] = (struct tap_target_options){ .name = "file", .file = file };
	if (socket_path)
		targets[options.target_count++] = (struct tap_target_options){ .name = "socket",
			.link = { .socket_path = socket_path }, .commit_interval_ms = 1000 };
	tap = tap_create(&options, NULL);
	assert_non_null(tap);
	return tap;
}

static inline struct tap *start(const char *file, const char *socket_path, size_t ring_octets)
{
	return start_with(file, socket_path, NULL, ring_octets);
}

static inline const struct target_counts *file_of(const struct tap_counts *counts)
{
	assert_true(counts->target_count > 0);
	assert_string_equal(counts->targets[0].name, "file");
	return &counts->targets[0].counts;
}

static inline void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static inline bool emit(struct tap *tap, unsigned worker, uint64_t counter, bool refused)
{
	struct sample sample;

	sample_init(&sample, NULL, 0);
	if (refused)
		sample_refuse(&sample);
	sample.event.number = (struct frame_number){ 1, (uint16_t)worker, counter };
	return tap_emit(tap, worker, &sample.event);
}

/* Waits until every emitted frame is in the file or counted as dropped. */
static inline struct tap_counts settled(struct tap *tap)
{
	struct tap_counts counts;
	int tries = 0;

	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (counts.emitted != file_of(&counts)->written + counts.dropped_ring && ++tries < TRIES);
	assert_int_equal(counts.emitted, file_of(&counts)->written + counts.dropped_ring);
	return counts;
}

/* Data frames in a complete Frame Streams file: START, frames, STOP and nothing else. */
static inline size_t frames_in(const char *file)
{
	FILE *from = fopen(file, "rb");
	uint32_t length, controls = 0;
	size_t frames = 0;

	assert_non_null(from);
	while (fread(&length, sizeof(length), 1, from) == 1) {
		bool control = length == 0;

		if (control) {
			assert_int_equal(fread(&length, sizeof(length), 1, from), 1);
			controls++;
		} else {
			assert_int_equal(controls, 1);
			frames++;
		}
		assert_in_range(ntohl(length), 4, 100000);
		assert_int_equal(fseek(from, (long)ntohl(length), SEEK_CUR), 0);
	}
	assert_int_equal(controls, 2);
	fclose(from);
	return frames;
}

static inline bool file_has(const char *file, const char *text)
{
	static char content[1 << 20];
	FILE *from = fopen(file, "rb");
	size_t octets = from ? fread(content, 1, sizeof(content), from) : 0;

	if (from)
		fclose(from);
	return memmem(content, octets, text, strlen(text)) != NULL;
}

static inline struct tap_counts failed(struct tap *tap, uint64_t errors)
{
	struct tap_counts counts;
	int tries = 0;

	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (file_of(&counts)->errors < errors && ++tries < TRIES);
	return counts;
}

static char spool[160], spool_2[168];

static inline int make_spool(void **state)
{
	if (make_directory(state) != 0)
		return -1;
	snprintf(spool, sizeof(spool), "%s/spool", directory);
	snprintf(spool_2, sizeof(spool_2), "%s.2", spool);
	return 0;
}

/* The number behind `"key":` in the frame's extra; 0 when the key is not there. */
static inline uint64_t extra_number(const char *frame, size_t octets, const char *key)
{
	const char *at = memmem(frame, octets, key, strlen(key));

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static inline void remove_files(const char *name)
{
	DIR *entries = opendir(name);
	struct dirent *entry;

	while (entries && (entry = readdir(entries)))
		unlinkat(dirfd(entries), entry->d_name, 0);
	if (entries)
		closedir(entries);
	rmdir(name);
}

static inline int remove_spool(void **state)
{
	remove_files(spool);
	remove_files(spool_2);
	return remove_directory(state);
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, make_spool, remove_spool)

#endif
