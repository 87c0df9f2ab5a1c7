/* test_watch.c: noticing that files have changed, and only once they rest. */
#include "control/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/temp_file.h"

#define NAMES_MAX 4

struct bench {
	char folder[TEMP_PATH_MAX];
	char paths[NAMES_MAX][TEMP_PATH_MAX * 2];
	char *names[NAMES_MAX];
	size_t count;
	struct watch *watch;
};

/* The watch is told the time, so no test has to wait for it. */
static int64_t now_ms = 1000000;

static void setup(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	temp_folder(bench->folder);
	bench->watch = watch_create();
	assert_non_null(bench->watch);
}

static void teardown(struct bench *bench)
{
	char command[TEMP_PATH_MAX + 16];

	watch_destroy(&bench->watch);
	assert_null(bench->watch);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

static const char *path_of(const struct bench *bench, const char *name)
{
	static char paths[4][TEMP_PATH_MAX * 2];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", bench->folder, name);
	return path;
}

static void put(const struct bench *bench, const char *name, const char *text)
{
	FILE *file = fopen(path_of(bench, name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void add_name(struct bench *bench, const char *name)
{
	snprintf(bench->paths[bench->count], sizeof(bench->paths[0]), "%s", path_of(bench, name));
	bench->names[bench->count] = bench->paths[bench->count];
	bench->count++;
}

static void begin(struct bench *bench)
{
	assert_true(watch_set(bench->watch, bench->names, bench->count, stamps_take(bench->names, bench->count), now_ms));
}

/* As a loader does: how many changes it is told of in that time, and how often it was woken. */
static unsigned changes(struct bench *bench, int64_t for_ms, unsigned *wakings)
{
	const int64_t end = now_ms + for_ms;
	unsigned count = 0;

	while (now_ms < end) {
		struct pollfd fd = { .fd = watch_fd(bench->watch), .events = POLLIN };
		const bool woken = poll(&fd, 1, 0) > 0;

		if (wakings != NULL)
			*wakings += woken;
		if (woken || now_ms >= watch_due_ms(bench->watch))
			count += watch_look(bench->watch, now_ms);
		else
			now_ms += 10;
	}
	return count;
}

static void says_nothing_when_nothing_happens(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	begin(&bench);
	assert_int_equal(changes(&bench, 1500, NULL), 0);
	teardown(&bench);
}

static void sees_a_file_renamed_over(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	begin(&bench);
	put(&bench, "two", "1");
	assert_int_equal(rename(path_of(&bench, "two"), path_of(&bench, "one")), 0);
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	assert_int_equal(changes(&bench, 500, NULL), 0);
	teardown(&bench);
}

static void a_change_before_it_was_told_counts(void **state)
{
	struct stamps *before;
	struct bench bench;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	before = stamps_take(bench.names, bench.count);
	put(&bench, "one", "other");
	assert_true(watch_set(bench.watch, bench.names, bench.count, before, now_ms));
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	teardown(&bench);
}

static void waits_until_a_file_is_written(void **state)
{
	struct bench bench;
	FILE *file;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	begin(&bench);
	file = fopen(path_of(&bench, "one"), "w");
	assert_non_null(file);
	for (unsigned i = 0; i < 8; i++) {
		fputs("more\n", file);
		fflush(file);
		/* Attributes wake it even while the file is open. */
		assert_int_equal(chmod(path_of(&bench, "one"), i % 2 == 0 ? 0600 : 0644), 0);
		assert_int_equal(changes(&bench, 300, NULL), 0);
	}
	fclose(file);
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	teardown(&bench);
}

static void a_storm_is_one_change(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	begin(&bench);
	for (unsigned i = 0; i < 500; i++) {
		put(&bench, "new", i % 2 == 0 ? "a" : "bb");
		rename(path_of(&bench, "new"), path_of(&bench, "one"));
	}
	assert_int_equal(changes(&bench, 2500, NULL), 1);
	teardown(&bench);
}

static void a_lost_event_loses_nothing(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	begin(&bench);
	changes(&bench, 300, NULL);
	/* More than the kernel's queue holds (16384). */
	for (unsigned i = 0; i < 20000; i++) {
		int fd = open(path_of(&bench, i % 2 == 0 ? "a" : "b"), O_CREAT | O_WRONLY, 0600);

		close(fd);
		unlink(path_of(&bench, i % 2 == 0 ? "a" : "b"));
	}
	put(&bench, "one", "changed");
	assert_int_equal(changes(&bench, 2500, NULL), 1);
	teardown(&bench);
}

static void a_neighbour_that_is_written_to_wakes_nobody(void **state)
{
	struct bench bench;
	unsigned wakings = 0;
	FILE *file;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	file = fopen(path_of(&bench, "log"), "w");
	assert_non_null(file);
	add_name(&bench, "one");
	begin(&bench);
	changes(&bench, 300, NULL);
	for (unsigned i = 0; i < 100; i++) {
		fputs("line\n", file);
		fflush(file);
	}
	assert_int_equal(changes(&bench, 300, &wakings), 0);
	assert_int_equal(wakings, 0);
	fclose(file);
	teardown(&bench);
}

static void follows_links(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	assert_int_equal(mkdir(path_of(&bench, "v1"), 0700), 0);
	assert_int_equal(mkdir(path_of(&bench, "v2"), 0700), 0);
	put(&bench, "v1/one", "1");
	put(&bench, "v2/one", "2");
	assert_int_equal(symlink("v1", path_of(&bench, "now")), 0);
	assert_int_equal(symlink("now/one", path_of(&bench, "one")), 0);
	add_name(&bench, "one");
	begin(&bench);
	assert_int_equal(changes(&bench, 500, NULL), 0);
	put(&bench, "v1/one", "changed behind two links");
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	begin(&bench);
	assert_int_equal(changes(&bench, 500, NULL), 0);
	assert_int_equal(symlink("v2", path_of(&bench, "next")), 0);
	assert_int_equal(rename(path_of(&bench, "next"), path_of(&bench, "now")), 0);
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	begin(&bench);
	assert_int_equal(changes(&bench, 500, NULL), 0);
	put(&bench, "v2/one", "changed behind the new link");
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	teardown(&bench);
}

static void sees_files_go_and_come(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	begin(&bench);
	unlink(path_of(&bench, "one"));
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	put(&bench, "one", "1");
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	teardown(&bench);
}

static void sees_what_a_wildcard_matches_later(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	assert_int_equal(mkdir(path_of(&bench, "conf.d"), 0700), 0);
	add_name(&bench, "conf.d/*.conf");
	begin(&bench);
	put(&bench, "conf.d/other.txt", "1");
	assert_int_equal(changes(&bench, 1800, NULL), 0);
	put(&bench, "conf.d/one.conf", "1");
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	teardown(&bench);
}

static void tries_again_where_there_is_no_folder(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	add_name(&bench, "later/one");
	begin(&bench);
	assert_int_equal(changes(&bench, 300, NULL), 0);
	assert_int_equal(mkdir(path_of(&bench, "later"), 0700), 0);
	put(&bench, "later/one", "1");
	assert_int_equal(changes(&bench, WATCH_LOOK_MS + 2500, NULL), 1);
	put(&bench, "later/one", "changed");
	assert_int_equal(changes(&bench, 2000, NULL), 1);
	teardown(&bench);
}

static void a_file_that_never_rests_counts_in_the_end(void **state)
{
	struct bench bench;
	const int64_t start = now_ms;
	unsigned count = 0;
	char text[16];

	(void)state;
	setup(&bench);
	put(&bench, "one", "1");
	add_name(&bench, "one");
	/* Of another size each time: the file system's clock may tick more slowly than this goes. */
	assert_true(watch_set(bench.watch, bench.names, bench.count, stamps_take(bench.names, bench.count), now_ms));
	for (unsigned i = 0; i < 300 && count == 0; i++, now_ms += 150) {
		snprintf(text, sizeof(text), "%0*u", (int)(i % 7) + 3, i);
		put(&bench, "one", text);
		count += watch_look(bench.watch, now_ms);
	}
	assert_int_equal(count, 1);
	assert_in_range(now_ms - start, WATCH_UNREST_MS, WATCH_UNREST_MS + 1000);
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_when_nothing_happens),
		cmocka_unit_test(sees_a_file_renamed_over),
		cmocka_unit_test(a_change_before_it_was_told_counts),
		cmocka_unit_test(waits_until_a_file_is_written),
		cmocka_unit_test(a_storm_is_one_change),
		cmocka_unit_test(a_lost_event_loses_nothing),
		cmocka_unit_test(a_neighbour_that_is_written_to_wakes_nobody),
		cmocka_unit_test(follows_links),
		cmocka_unit_test(sees_files_go_and_come),
		cmocka_unit_test(sees_what_a_wildcard_matches_later),
		cmocka_unit_test(tries_again_where_there_is_no_folder),
		cmocka_unit_test(a_file_that_never_rests_counts_in_the_end),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
