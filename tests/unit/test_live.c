/* test_live.c: the live side put together: started, stopped, and started again, with good and bad configurations. */
#include "control/live.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fake_host.h"
#include "tests/unit/temp_file.h"

#define STOP_MS 60000

struct bench {
	char folder[TEMP_PATH_MAX];
	char conf[TEMP_PATH_MAX + 32];
	struct fake_host *fake;
	struct live *live;
	struct diag diag;
};

static void put(const struct bench *bench, const char *name, const char *text)
{
	char path[TEMP_PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", bench->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_conf(const struct bench *bench, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "verdict:\n\tstate-directory: \"%s/state\"\n%s"
		"policy-list:\n\tname: one\n\tfile: one.txt\n\tformat: domains\n", bench->folder, more);
	put(bench, "verdict.conf", text);
}

static int start(struct bench *bench)
{
	const struct live_options options = { .conf_path = bench->conf, .chroot = "", .host = &bench->fake->host };

	bench->diag.text[0] = '\0';
	return live_start(&bench->live, &options, &bench->diag);
}

static void setup(struct bench *bench, const char *more)
{
	memset(bench, 0, sizeof(*bench));
	temp_folder(bench->folder);
	snprintf(bench->conf, sizeof(bench->conf), "%s/verdict.conf", bench->folder);
	bench->fake = fake_host_create();
	put_conf(bench, more);
	put(bench, "one.txt", "one.example\n");
}

/* As when a process ends: what is kept for the next start stays where it is. */
static struct live *volatile kept[16];

static void teardown(struct bench *bench)
{
	static unsigned count;
	char command[TEMP_PATH_MAX + 16];

	if (bench->live != NULL)
		live_stop(bench->live, STOP_MS);
	kept[count++ % 16] = bench->live;
	fake_host_destroy(&bench->fake);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

static bool answers(const struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool connected;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/state/control.sock", bench->folder);
	connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return connected;
}

static unsigned count_entries(const char *path)
{
	DIR *folder = opendir(path);
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static bool comes_down_to(const char *path, unsigned count)
{
	for (unsigned i = 0; i < 6000 && count_entries(path) > count; i++)
		usleep(10000);
	return count_entries(path) <= count;
}

static void starts_and_stops(void **state)
{
	struct bench bench;
	char path[TEMP_PATH_MAX + 16];
	struct stat info;

	(void)state;
	setup(&bench, "");
	assert_int_equal(start(&bench), 0);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_NXDOMAIN);
	snprintf(path, sizeof(path), "%s/state", bench.folder);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07, 0);
	assert_true(answers(&bench));
	assert_int_equal(live_conf(bench.live)->list_count, 1);
	live_stop(bench.live, STOP_MS);
	assert_false(answers(&bench));
	assert_int_equal(start(&bench), 0);
	assert_true(answers(&bench));
	assert_int_equal(fake_host_publishes(bench.fake), 1);
	teardown(&bench);
}

static void nothing_to_start_with_is_an_error(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\tmode: maybe\n");
	assert_int_equal(start(&bench), -1);
	assert_null(bench.live);
	assert_non_null(strstr(bench.diag.text, "mode: "));
	teardown(&bench);
}

static void the_last_good_one_goes_on(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	assert_int_equal(start(&bench), 0);
	live_stop(bench.live, STOP_MS);
	put_conf(&bench, "\tmode: maybe\n");
	assert_int_equal(start(&bench), -1);
	assert_non_null(bench.live);
	assert_true(answers(&bench));
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_NXDOMAIN);
	assert_int_equal(live_conf(bench.live)->mode, MODE_ENFORCE);
	teardown(&bench);
}

static void what_cannot_be_made_is_said_and_no_error(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\tcontrol-socket: nowhere/at/all.sock\n");
	assert_int_equal(start(&bench), 0);
	assert_true(fake_host_said(bench.fake, "no control socket: "));
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_NXDOMAIN);
	teardown(&bench);
}

/* Nobody would ever end it: its folder is not looked at any more. */
static void an_override_of_another_folder_ends_with_it(void **state)
{
	static const char stored[] = "{\"version\": 1, \"next\": 2, \"overrides\": [{\"id\": 1, \"name\": \"one.example\", "
		"\"action\": \"allow\", \"made\": 99999999000, \"until\": 99999999999, \"why\": \"x\", \"who\": \"x\"}]}";
	struct bench bench;
	char path[TEMP_PATH_MAX + 16];

	(void)state;
	setup(&bench, "");
	snprintf(path, sizeof(path), "%s/state", bench.folder);
	assert_int_equal(mkdir(path, 0750), 0);
	put(&bench, "state/overrides", stored);
	assert_int_equal(start(&bench), 0);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_PASS);
	live_stop(bench.live, STOP_MS);
	put(&bench, "verdict.conf", "verdict:\n\tstate-directory: \"other\"\n"
		"policy-list:\n\tname: one\n\tfile: one.txt\n\tformat: domains\n");
	assert_int_equal(start(&bench), 0);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_NXDOMAIN);
	teardown(&bench);
}

static void workers_tell_it_what_they_see(void **state)
{
	struct facts facts = { .qtype = 1, .qclass = 1 };
	struct verdict verdict;
	struct event event = { .facts = &facts, .verdict = &verdict, .ede = EDE_NONE };
	struct bench bench;
	char path[TEMP_PATH_MAX + 16];
	struct stat info;

	(void)state;
	setup(&bench, "\tdenial-log: denied.log\n");
	assert_int_equal(start(&bench), 0);
	assert_null(name_from_text(&facts.qname, "one.example", 11));
	verdict_init(&verdict);
	verdict.action = verdict.rule.action = ACTION_NXDOMAIN;
	verdict.rule.trigger = TRIGGER_QNAME;
	for (unsigned i = 0; i < 100; i++) {
		live_note_question(bench.live, i % 3, &facts.qname, facts.qtype, verdict.group_name);
		live_note_verdict(bench.live, i % 3, &verdict);
		live_note_denial(bench.live, i % 3, &event);
	}
	live_stop(bench.live, STOP_MS);
	snprintf(path, sizeof(path), "%s/denied.log", bench.folder);
	assert_int_equal(stat(path, &info), 0);
	assert_true(info.st_size > 0);
	/* Between a stop and a start there is no log to write to. */
	live_note_denial(bench.live, 0, &event);
	assert_int_equal(start(&bench), 0);
	teardown(&bench);
}

#define HANDS 8
#define TURNS 60

struct crowd_hand {
	struct bench *bench;
	unsigned number, answers, refused;
};

/* 1: done; 0: refused, in a line of JSON all the same; -1: nobody answers, which is so while it is stopped. */
static int tell(const struct bench *bench, const char *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char answer[16] = "";
	ssize_t got = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/state/control.sock", bench->folder);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
		got = recv(fd, answer, 12, MSG_WAITALL);
	close(fd);
	if (got <= 0)
		return -1;
	/* {"ok": true, and {"ok": false */
	return strncmp(answer, "{\"ok\":true", 10) == 0 ? 1 : strncmp(answer, "{\"ok\":false", 11) == 0 ? 0 : -2;
}

static void *ask_all_the_time(void *arg)
{
	static const char *const lines[] = {
		"{\"command\":\"reload\"}\n", "{\"command\":\"reload\",\"previous\":true}\n",
		"{\"command\":\"allow\",\"name\":\"one.example\",\"seconds\":1,\"why\":\"x\"}\n",
		"{\"command\":\"deny\",\"name\":\"b.example\",\"seconds\":60,\"why\":\"x\",\"client\":\"10.0.0.0/8\"}\n",
		"{\"command\":\"revoke\",\"name\":\"b.example\"}\n", "{\"command\":\"flush\",\"name\":\"a.example\",\"below\":true}\n",
		"{\"command\":\"explain\",\"name\":\"one.example\",\"client\":\"10.0.0.1\"}\n", "{\"command\":\"status\"}\n",
		"{\"command\":\"metrics\"}\n", "{\"command\":\"recent\"}\n", "{\"command\":\"overrides\"}\n", "{\"command\":\"stats\"}\n",
		"{\"command\":\"log-reopen\"}\n", "{\"command\":\"deny\"}\n",
	};
	struct crowd_hand *hand = arg;

	for (unsigned turn = 0; turn < TURNS; turn++) {
		int result;

		while ((result = tell(hand->bench, lines[(turn * 5 + hand->number * 3) % (sizeof(lines) / sizeof(lines[0]))])) == -1)
			usleep(1000);
		hand->answers += result == 1;
		hand->refused += result == 0;
		if (result == -2)
			return hand;
		if (hand->number == 0)
			put(hand->bench, "one.txt", turn % 2 == 0 ? "one.example\ntwo.example\n" : "one.example\nthree.example\n");
	}
	return NULL;
}

static void many_hands_at_once_get_their_answers(void **state)
{
	struct crowd_hand hands[HANDS];
	pthread_t threads[HANDS];
	struct bench bench;

	(void)state;
	setup(&bench, "\tdenial-log: denied.log\n");
	assert_int_equal(start(&bench), 0);
	for (unsigned i = 0; i < HANDS; i++) {
		hands[i] = (struct crowd_hand){ .bench = &bench, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &hands[i]), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		usleep(100000);
		live_stop(bench.live, STOP_MS);
		/* The list may be empty at this moment: then the last good policy goes on. */
		(void)start(&bench);
		assert_non_null(bench.live);
	}
	for (unsigned i = 0; i < HANDS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
		assert_true(hands[i].answers > 0);
		assert_true(hands[i].refused > 0);
	}
	assert_int_equal(tell(&bench, "{\"command\":\"status\"}\n"), 1);
	teardown(&bench);
}

static void starting_often_leaves_nothing_behind(void **state)
{
	struct bench bench;
	unsigned files = 0, threads = 0;

	(void)state;
	setup(&bench, "\tdenial-log: denied.log\n");
	for (unsigned i = 0; i < 60; i++) {
		if (i % 4 == 1)
			put_conf(&bench, "\tmode: maybe\n");
		else if (i % 4 == 2)
			put_conf(&bench, "\tdenial-log: denied.log\n");
		assert_int_equal(start(&bench), i % 4 == 1 ? -1 : 0);
		live_stop(bench.live, STOP_MS);
		if (i == 10) {
			files = count_entries("/proc/self/fd");
			threads = count_entries("/proc/self/task");
		}
	}
	/* A leak is 48 of each. What has ended is listed for a moment still, and a load that was let go ends when it can. */
	assert_true(comes_down_to("/proc/self/fd", files));
	assert_true(comes_down_to("/proc/self/task", threads));
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_and_stops),
		cmocka_unit_test(nothing_to_start_with_is_an_error),
		cmocka_unit_test(the_last_good_one_goes_on),
		cmocka_unit_test(what_cannot_be_made_is_said_and_no_error),
		cmocka_unit_test(an_override_of_another_folder_ends_with_it),
		cmocka_unit_test(workers_tell_it_what_they_see),
		cmocka_unit_test(many_hands_at_once_get_their_answers),
		cmocka_unit_test(starting_often_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
