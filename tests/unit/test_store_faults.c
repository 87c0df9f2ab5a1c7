/* test_store_faults.c: kills, full disks, damage and files of others cost nothing that was committed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "store/forget.h"
#include "store/shelf.h"
#include "tests/unit/storing.h"

/* A process that is killed: what it committed is there, once, and nothing else. */
static void loses_nothing_that_was_committed(void **state)
{
	struct store *store;
	pid_t child = fork();
	int status;

	if (child == 0) {
		store = open_store(*state);
		for (uint64_t i = 1; i <= 500; i++)
			put_simple(store, "www.example", i);
		commit(store);
		for (uint64_t i = 501; i <= 700; i++)
			put_simple(store, "www.example", i);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	store = open_store(*state);
	for (uint64_t i = 1; i <= 700; i++) {
		struct sample sample;

		sample_init(&sample, "www.example", i);
		assert_int_equal(put(store, &sample.event), i <= 500);
	}
	commit(store);
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 700);
	assert_int_equal(number(*state, PLAIN, "SELECT count(DISTINCT seq) FROM event"), 700);
}

/* No more octets: the commit fails, what was committed before stays, and with room it goes on. */
static void outlives_a_full_disk(void **state)
{
	struct store *store = open_store(*state);
	struct rlimit before, small;
	struct diag diag = { .text = "" };
	struct sample sample;
	char text[64];
	bool again, failed = false;

	put_simple(store, "www.example", 1);
	commit(store);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_FSIZE, &small);
	for (uint64_t i = 2; i <= 100000 && !failed; i++) {
		snprintf(text, sizeof(text), "host-%u-of-a-name-that-takes-room.example", (unsigned)i);
		sample_init(&sample, text, i);
		failed = store_put(store, &sample.event, &again, &diag) != 0 || (i % 1000 == 0 && store_commit(store, &diag) != 0);
	}
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(failed);
	assert_string_not_equal(diag.text, "");
	sample_init(&sample, "www.example", 1);
	assert_true(put(store, &sample.event));
	sample_init(&sample, "after.example", 200001);
	assert_false(put(store, &sample.event));
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, PLAIN, "PRAGMA integrity_check"), "ok");
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event WHERE seq IN (1, 200001)"), 2);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) - count(DISTINCT seq) FROM event"), 0);
}

static void refuses_a_second_writer(void **state)
{
	struct store *store = open_store(*state);
	const struct store_options options = { .directory = ((struct directory *)*state)->path };
	struct diag diag;

	assert_true(store_is_taken(options.directory));
	assert_null(store_open(&options, &diag));
	assert_string_equal(diag.text, "another process collects into it");
	store_close(&store);
	assert_false(store_is_taken(options.directory));
}

static void sets_a_damaged_file_aside(void **state)
{
	static const struct {
		const char *why;
		off_t at, cut;
		const char *octets;
	} rows[] = {
		{ "its head is something else", 0, -1, "<html>This is no database, and it never was one</html>" },
		{ "a page in it is overwritten", 8192, -1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		{ "its end is gone", 0, 20480, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store *store = open_store(*state);
		struct sample sample;

		for (uint64_t n = 1; n < 300; n++) {
			sample_init(&sample, "www.example", n);
			put(store, &sample.event);
		}
		commit(store);
		store_close(&store);
		if (rows[i].cut >= 0)
			directory_cut(*state, PLAIN, rows[i].cut);
		else
			directory_write(*state, PLAIN, rows[i].at, rows[i].octets, strlen(rows[i].octets));
		store = open_store(*state);
		told[0] = '\0';
		sample_init(&sample, "www.example", 1);
		if (put(store, &sample.event))
			fail_msg("%s: it was taken for whole", rows[i].why);
		commit(store);
		assert_int_equal(store_counts(store)->damaged, 1);
		assert_non_null(strstr(told, PLAIN));
		store_close(&store);
		assert_int_equal(directory_count(*state, PLAIN ".damaged"), i + 1);
		assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 1);
		directory_forget(*state, PLAIN);
	}
}

static void leaves_a_later_release_s_file_alone(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;
	struct diag diag;
	bool again;
	char path[256];
	sqlite3 *db;

	put_simple(store, "www.example", 1);
	commit(store);
	store_close(&store);
	snprintf(path, sizeof(path), "%s/%s", ((struct directory *)*state)->path, PLAIN);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	store = open_store(*state);
	sample_init(&sample, "www.example", 2);
	assert_int_equal(store_put(store, &sample.event, &again, &diag), -1);
	assert_string_equal(diag.text, "was made by a later release");
	store_close(&store);
	assert_int_equal(directory_count(*state, PLAIN ".damaged"), 0);
}

static void what_is_no_regular_file_is_set_aside(void **state)
{
	static const struct { const char *tail; mode_t mode; const char *why; } rows[] = {
		{ "", S_IFIFO, "who opens it waits" }, { "-wal", S_IFIFO, "as does who opens its log" },
		{ "-shm", S_IFIFO, "or its index" }, { "-journal", S_IFIFO, "or its journal" }, { "", S_IFDIR, "a directory" },
		{ "", S_IFSOCK, "a socket" }, { "", S_IFLNK, "a link to a device" }, { "-journal", S_IFDIR, "beside it, too" },
	};
	const struct directory *directory = *state;
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 0, 1 } };
	char path[SHELF_PATH_MAX + 16], first[SHELF_PATH_MAX];
	struct store *store;
	struct diag diag;
	uint64_t events;

	shelf_path(directory->path, DAY, STORE_PLAIN, first);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		store = open_store(directory);
		put_simple(store, "www.example", i + 1);
		commit(store);
		store_close(&store);
		snprintf(path, sizeof(path), "%s%s", first, rows[i].tail);
		unlink(path);
		assert_int_equal(rows[i].mode == S_IFLNK ? symlink("/dev/zero", path) : rows[i].mode == S_IFDIR ? mkdir(path, 0750) :
			mknod(path, rows[i].mode | 0640, 0), 0);
		assert_int_equal(forget_in(first, &client, 32, &events, &diag), -1);
		assert_non_null(strstr(diag.text, "no regular file"));
		told[0] = '\0';
		store = open_store(directory);
		put_simple(store, "www.example", 100 + i);
		commit(store);
		assert_int_equal(store_counts(store)->damaged, 1);
		store_close(&store);
		if (strstr(told, "no regular file") == NULL)
			fail_msg("%s: %s", rows[i].why, told);
		assert_int_equal(number(directory, PLAIN, "SELECT count(*) FROM event"), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(loses_nothing_that_was_committed),
		IN_DIRECTORY(outlives_a_full_disk),
		IN_DIRECTORY(refuses_a_second_writer),
		IN_DIRECTORY(sets_a_damaged_file_aside),
		IN_DIRECTORY(leaves_a_later_release_s_file_alone),
		IN_DIRECTORY(what_is_no_regular_file_is_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
