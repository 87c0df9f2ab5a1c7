/* test_denial_log.c: lines of denials. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/denial_log.h"
#include "tests/unit/dnstap_event.h"
#include "tests/unit/own_clock.h"
#include "tests/unit/temp_file.h"

#define STOP_MS 60000
#define TRIES 6000   /* of 10 ms */

static char folder[TEMP_PATH_MAX], path[2 * TEMP_PATH_MAX], moved[2 * TEMP_PATH_MAX];

static int begin(void **state)
{
	(void)state;
	temp_folder(folder);
	snprintf(path, sizeof(path), "%s/denials.log", folder);
	snprintf(moved, sizeof(moved), "%s/denials.log.1", folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	unlink(moved);
	return rmdir(folder);
}

static char *read_text(const char *from)
{
	static char text[1 << 20];
	int fd = open(from, O_RDONLY);
	ssize_t octets = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[octets > 0 ? octets : 0] = '\0';
	return text;
}

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

static struct denial_log *make(uint32_t rate)
{
	struct denial_log *log = denial_log_create(&(struct denial_log_options){ .to = path, .rate = rate });

	assert_non_null(log);
	return log;
}

static void wait_for(struct denial_log *log, uint64_t handled)
{
	struct denial_log_counts counts;

	for (unsigned i = 0; i < TRIES; i++) {
		denial_log_counts(log, &counts);
		if (counts.written + counts.suppressed + counts.failed >= handled)
			return;
		usleep(10000);
	}
	fail_msg("nothing came");
}

static void writes_a_line_for_each_denial(void **state)
{
	struct denial_log *log = make(0);
	struct sample sample;
	struct stat found;

	(void)state;
	sample_init(&sample, NULL, 0);
	denial_log_note(log, 0, &sample.event);
	sample_refuse(&sample);
	sample.event.ede = 18;
	denial_log_note(log, 3, &sample.event);
	name_from_text(&sample.facts.qname, "a\\\"b\\009.example", strlen("a\\\"b\\009.example"));
	sample.facts.qtype = 65280;
	sample.facts.client.family = ADDRESS_NONE;
	sample.event.ede = EDE_NONE;
	strcpy(sample.verdict.group_name, "branch");
	denial_log_note(log, 255, &sample.event);
	denial_log_destroy(&log, STOP_MS, NULL);
	assert_null(log);
	assert_string_equal(read_text(path),
		"time=2023-11-14T22:13:20.999Z client=192.0.2.7 name=www.example.com type=A action=refuse list=malware "
		"rule=*.example.com trigger=QNAME ede=18 incident=0123456789ab.3.17\n"
		"time=2023-11-14T22:13:20.999Z client=- name=a\\034b\\009.example type=TYPE65280 action=refuse list=malware "
		"rule=*.example.com trigger=QNAME incident=0123456789ab.3.17 group=branch\n");
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0640);
}

static void counts_on_from_the_log_before(void **state)
{
	const struct denial_log_counts before = { .written = 7, .suppressed = 5, .lost = 3, .failed = 2 };
	struct denial_log *log = denial_log_create(&(struct denial_log_options){ .to = path, .before = &before });
	struct denial_log_counts last;
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	denial_log_note(log, 0, &sample.event);
	denial_log_destroy(&log, STOP_MS, &last);
	assert_int_equal(last.written, 8);
	assert_int_equal(last.suppressed, 5);
	assert_int_equal(last.lost, 3);
	assert_int_equal(last.failed, 2);
	/* What the one before has said is not said again. */
	assert_int_equal(lines_of(read_text(path)), 1);
}

static void keeps_the_rate_and_says_what_it_left_out(void **state)
{
	struct denial_log_counts counts;
	struct denial_log *log;
	struct sample sample;
	char *text;

	(void)state;
	own_clock_stop();
	log = make(10);
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	for (unsigned i = 0; i < 100; i++)
		denial_log_note(log, 0, &sample.event);
	wait_for(log, 100);
	denial_log_counts(log, &counts);
	assert_int_equal(counts.suppressed, 90);
	assert_int_equal(lines_of(read_text(path)), 10);
	own_clock_move(1000);
	wait_for(log, 101);
	assert_non_null(strstr(read_text(path), " suppressed=90 lost=0\n"));
	/* In the next second there is room for a line again. */
	denial_log_note(log, 0, &sample.event);
	denial_log_destroy(&log, STOP_MS, NULL);
	own_clock_go();
	text = read_text(path);
	assert_int_equal(lines_of(text), 12);
	text = strstr(text, " suppressed=") + 1;
	assert_null(strstr(text, " suppressed="));
}

static void counts_what_finds_no_room(void **state)
{
	struct denial_log *log = make(1);
	struct denial_log_counts counts;
	struct sample sample;
	uint64_t before;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	/* Where other processes hold up who denies, and not who writes, it takes longer. */
	for (unsigned i = 0; i < 20000 || (counts.lost == 0 && i < 20000000); i++) {
		denial_log_note(log, 0, &sample.event);
		denial_log_counts(log, &counts);
	}
	wait_for(log, 1);
	assert_true(counts.lost > 0);
	before = counts.lost;
	denial_log_note(log, DENIAL_WORKERS_MAX, &sample.event);
	denial_log_counts(log, &counts);
	assert_int_equal(counts.lost, before + 1);
	denial_log_destroy(&log, STOP_MS, NULL);
	assert_non_null(strstr(read_text(path), " lost="));
}

static bool is_open(const struct stat *file)
{
	DIR *descriptors = opendir("/proc/self/fd");
	const struct dirent *entry;
	bool found = false;

	assert_non_null(descriptors);
	while ((entry = readdir(descriptors)) != NULL) {
		struct stat open;

		/* By its name: the descriptor itself is the thread's, which may close it meanwhile. */
		found |= entry->d_name[0] != '.' && fstatat(dirfd(descriptors), entry->d_name, &open, 0) == 0 &&
			open.st_dev == file->st_dev && open.st_ino == file->st_ino;
	}
	closedir(descriptors);
	return found;
}

static bool is_let_go(const struct stat *file)
{
	for (unsigned i = 0; i < TRIES && is_open(file); i++)
		usleep(10000);
	return !is_open(file);
}

static void opens_a_moved_file_again(void **state)
{
	struct denial_log *log;
	struct sample sample;
	struct stat old;

	(void)state;
	/* Of itself it looks only when another second begins. */
	own_clock_stop();
	log = make(0);
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	denial_log_note(log, 0, &sample.event);
	wait_for(log, 1);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(stat(moved, &old), 0);
	denial_log_reopen(log);
	assert_true(is_let_go(&old));
	denial_log_note(log, 0, &sample.event);
	wait_for(log, 2);
	assert_int_equal(lines_of(read_text(path)), 1);
	assert_int_equal(lines_of(read_text(moved)), 1);
	assert_int_equal(stat(path, &old), 0);
	unlink(path);
	own_clock_move(1000);
	assert_true(is_let_go(&old));
	denial_log_note(log, 0, &sample.event);
	wait_for(log, 3);
	assert_int_equal(lines_of(read_text(path)), 1);
	denial_log_destroy(&log, STOP_MS, NULL);
	own_clock_go();
}

static void counts_what_cannot_be_written(void **state)
{
	struct denial_log *log;
	struct denial_log_counts counts;
	struct sample sample;

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	log = make(0);
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	denial_log_note(log, 0, &sample.event);
	wait_for(log, 1);
	denial_log_counts(log, &counts);
	assert_int_equal(counts.failed, 1);
	assert_int_not_equal(counts.last_errno, 0);
	assert_int_equal(rmdir(path), 0);
	denial_log_note(log, 0, &sample.event);
	wait_for(log, 2);
	assert_int_equal(lines_of(read_text(path)), 1);
	denial_log_destroy(&log, STOP_MS, NULL);
}

/* --- in the place of syslog(3) --- */

static char sent[2048];
static int sent_priority;

static void keep(int priority, const char *format, va_list args)
{
	vsnprintf(sent, sizeof(sent), format, args);
	sent_priority = priority;
}

void syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep(priority, format, args);
	va_end(args);
}

/* What a fortified build calls. */
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	keep(priority, format, args);
	va_end(args);
}

static void sends_lines_to_syslog(void **state)
{
	struct denial_log *log = denial_log_create(&(struct denial_log_options){ .to = "syslog" });
	struct sample sample;

	(void)state;
	assert_non_null(log);
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	denial_log_note(log, 0, &sample.event);
	wait_for(log, 1);
	denial_log_reopen(log);
	denial_log_destroy(&log, STOP_MS, NULL);
	assert_int_equal(sent_priority, LOG_DAEMON | LOG_NOTICE);
	assert_ptr_equal(strstr(sent, "verdict: time=2023-11-14T22:13:20.999Z client=192.0.2.7 name=www.example.com "), sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_a_line_for_each_denial, begin, end),
		cmocka_unit_test_setup_teardown(counts_on_from_the_log_before, begin, end),
		cmocka_unit_test_setup_teardown(keeps_the_rate_and_says_what_it_left_out, begin, end),
		cmocka_unit_test_setup_teardown(counts_what_finds_no_room, begin, end),
		cmocka_unit_test_setup_teardown(opens_a_moved_file_again, begin, end),
		cmocka_unit_test_setup_teardown(counts_what_cannot_be_written, begin, end),
		cmocka_unit_test_setup_teardown(sends_lines_to_syslog, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
