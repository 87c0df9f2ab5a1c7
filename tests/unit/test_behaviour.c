/* test_behaviour.c: the detectors' thread among workers that find things and people who ask; meant for TSan, too. */
#include "control/behaviour.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/behaviour_file.h"
#include "control/server.h"
#include "policy/rrtype.h"
#include "tests/unit/fake_live.h"
#include "tests/unit/suffix_list.h"
#include "tests/unit/temp_file.h"

#define WORKERS 4u
#define ASKERS 2u
#define ANSWERS 2000u
#define LIVES 3u
#define STOP_MS 20000u
#define PATIENCE_MS 60000u

static char folder[TEMP_PATH_MAX], other[TEMP_PATH_MAX], conf_path[TEMP_PATH_MAX], suffixes[TEMP_PATH_MAX];
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct loader loader;
static struct control_host host;
static struct override_store *store;
static struct tally *tally;
static struct control_server *server;
static struct behaviour *behaviour;
static _Atomic bool asking;
static _Atomic unsigned heard;

static _Atomic int64_t put_on_s;    /* how far somebody has put the clock */

/* In the place of the library's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	const long result = syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME)
		now->tv_sec += put_on_s;
	return (int)result;
}

static _Atomic int put_fd = -1;     /* by which the kernel says so */

static _Atomic bool unless_woken;    /* the thread is not to look by itself */

/* The detectors' thread is the one that waits for two things for a minute. */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	const struct timespec timeout = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L };
	const bool forever = timeout_ms < 0 || (unless_woken && count == 2 && timeout_ms == 60000);

	return (int)syscall(SYS_ppoll, fds, count, forever ? NULL : &timeout, NULL, 0);
}

/* No test puts the machine's clock. */
int timerfd_create(clockid_t clock, int flags)
{
	assert_int_equal(clock, CLOCK_REALTIME);
	assert_int_equal(flags, TFD_NONBLOCK | TFD_CLOEXEC);
	put_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return put_fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
	assert_int_equal(fd, put_fd);
	assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	assert_true(at->it_value.tv_sec > 0 && before == NULL);
	return 0;
}

static void make_conf(void)
{
	char text[2048];
	const int length = snprintf(text, sizeof(text), "verdict:\n mode: enforce\n state-directory: \"%s\"\ndetection:\n"
		" public-suffix-list: \"%s\"\n zones: 1024\n clients: 1024\n pairs: 1024\n names-size: 1m\n"
		" known-size: 1m\n answers-size: 1m\n flag-rate: 10000\ndetector:\n name: tunnel\n action: block\n"
		"detector:\n name: recon\n action: alert\n", folder, suffixes);

	temp_file(conf_path, text, (size_t)length);
}

static int begin(void **state)
{
	(void)state;
	temp_folder(folder);
	temp_folder(other);
	suffix_list(suffixes, "com\n");
	make_conf();
	snprintf(socket_path, sizeof(socket_path), "%.80s/control.sock", folder);
	fake_live_init(&loader, conf_path);
	host = fake_live_host(&loader);
	store = override_store_open(folder, &host, time(NULL));
	tally = tally_create();
	return store == NULL || tally == NULL;
}

static void remove_from(const char *directory, const char *name)
{
	char path[2 * TEMP_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

/* What a process that ends leaves to the next one is in files. */
static void forget(void)
{
	const struct conf none = { .detection = { .wanted = false } };
	struct diag diag;

	behaviour_start(&behaviour, &none, &host, &diag);
	assert_null(behaviour);
}

static int end(void **state)
{
	(void)state;
	forget();
	override_store_close(&store);
	tally_destroy(&tally);
	fake_live_fini(&loader);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const names[] = { "overrides", "audit.log", "detectors", "detectors.damaged" };

		remove_from(folder, names[i]);
		remove_from(other, names[i]);
	}
	unlink(conf_path);
	unlink(suffixes);
	return rmdir(folder) | rmdir(other);
}

/* --- one life ----------------------------------------------------------------------------------------------------- */

static void make_them(void *arg)
{
	server_take_flags(arg);
}

static void start(void)
{
	const struct server_options options = { .path = socket_path, .backend = { .host = &host, .loader = &loader,
		.overrides = store, .tally = tally } };
	struct server_options with = options;
	struct diag diag = { 0 };

	if (behaviour_start(&behaviour, loader.conf, &host, &diag) != 0)
		fail_msg("%s", diag.text);
	with.backend.behaviour = behaviour;
	server = server_create(&with, &diag);
	assert_non_null(server);
	behaviour_act_by(behaviour, make_them, server);
}

static void save_to(const char *directory)
{
	struct diag diag = { 0 };

	if (behaviour_file_write(directory, (struct detect *)(uintptr_t)behaviour_detect(behaviour),
		behaviour_book(behaviour), PATIENCE_MS, false, &diag) != 0)
		fail_msg("%s", diag.text);
}

/* The thread's last file may come too late for it on a busy machine. */
static void stop(void)
{
	behaviour_act_by(behaviour, NULL, NULL);
	assert_true(server_destroy(&server, STOP_MS));
	assert_true(behaviour_stop(behaviour, STOP_MS));
	save_to(folder);
}

static void note(const char *text, unsigned client, uint16_t type, uint16_t rcode)
{
	struct facts facts = { .qtype = type, .qclass = 1, .rcode = rcode };
	struct sight sight = { .facts = &facts, .path = PATH_RESOLVED };
	struct detections detections;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	sight.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	facts.client = (struct address){ .family = ADDRESS_INET, .octets = { 192, 0, 2, (uint8_t)client } };
	behaviour_note(behaviour, snapshot_options(loader.snapshot), &sight, &detections);
}

/* A tunnel of its own and one of all, names that nobody has, and addresses one after the other. */
static void *work(void *arg)
{
	const unsigned worker = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < ANSWERS; i++) {
		const unsigned noise = (i * WORKERS + worker + (unsigned)time(NULL)) * 2654435761u;
		char text[128];

		snprintf(text, sizeof(text), "q%08xz%08xk%08xw.tunnel%u.com", noise, ~noise * 40503u, noise * 69069u, worker);
		note(text, 1 + worker, RRTYPE_TXT, 0);
		snprintf(text, sizeof(text), "n%08xv%08x.shared.com", noise, noise * 69069u);
		note(text, 1 + worker, RRTYPE_A, 0);
		snprintf(text, sizeof(text), "m%08x.com", noise);
		note(text, 1 + worker, RRTYPE_A, 3);
		snprintf(text, sizeof(text), "%u.%u.%u.10.in-addr.arpa", i % 256, i / 256, worker);
		note(text, 1 + worker, RRTYPE_PTR, 3);
	}
	return NULL;
}

static void ask(const char *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char text[4096], first = '\0';
	ssize_t got;

	memcpy(address.sun_path, socket_path, sizeof(address.sun_path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
		while ((got = recv(fd, text, sizeof(text), 0)) > 0)
			first = first == '\0' ? text[0] : first;
	close(fd);
	heard += first == '{';
}

static void *ask_on(void *arg)
{
	static const char *const lines[] = { "{\"command\": \"status\"}\n", "{\"command\": \"flagged\"}\n",
		"{\"command\": \"metrics\"}\n", "{\"command\": \"stats\"}\n",
		"{\"command\": \"explain\", \"name\": \"www.tunnel1.com\", \"client\": \"192.0.2.2\"}\n" };

	unsigned i = 0;

	(void)arg;
	do
		ask(lines[i++ % 5]);
	while (asking);
	return NULL;
}

/* Whether the zone of each worker is denied to its client. */
static bool are_denied(void)
{
	struct flag_counts counts;

	flag_book_counts(behaviour_book(behaviour), &counts);
	return counts.denied >= WORKERS;
}

static void wait_until_denied(void)
{
	for (unsigned waited = 0; !are_denied() && waited < PATIENCE_MS; waited += 20)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	assert_true(are_denied());
}

static void live(void)
{
	pthread_t workers[WORKERS], askers[ASKERS];

	asking = true;
	for (uintptr_t i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, work, (void *)i);
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_create(&askers[i], NULL, ask_on, NULL);
	for (unsigned i = 0; i < 3; i++)
		save_to(other);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	wait_until_denied();
	asking = false;
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_join(askers[i], NULL);
}

static void works_while_all_ask_and_comes_back(void **state)
{
	struct behaviour_counts counts;

	(void)state;
	for (unsigned i = 0; i < LIVES; i++) {
		start();
		assert_true(i == 0 || are_denied());
		live();
		behaviour_counts(behaviour, &counts);
		/* What was said a moment ago, in a former life, is not said again. */
		assert_true((counts.said[DETECTOR_RECON][TIER_ALERT] > 0) == (i == 0));
		assert_true(counts.flags.in_force > WORKERS);
		stop();
		forget();
	}
	assert_true(heard > 0);
}

static void a_damaged_file_is_set_aside_and_said(void **state)
{
	char path[2 * TEMP_PATH_MAX];
	struct flag_counts counts;
	FILE *file;

	(void)state;
	start();
	live();
	stop();
	forget();
	snprintf(path, sizeof(path), "%s/detectors", folder);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
	fputs("what was here is gone", file);
	fclose(file);
	start();
	flag_book_counts(behaviour_book(behaviour), &counts);
	assert_int_equal(counts.in_force, 0);
	assert_non_null(strstr(loader.log, "detectors.damaged, and detectors begin anew"));
	snprintf(path, sizeof(path), "%s/detectors.damaged", folder);
	assert_int_equal(access(path, F_OK), 0);
	stop();
}

/* --- flags of a former process ------------------------------------------------------------------------------------ */

static struct flag made_flag(const char *zone, enum flag_state state)
{
	struct flag flag = { .id = 1, .state = state, .since = time(NULL), .last = time(NULL), .until = time(NULL) + 3600 };

	flag.call = (struct flag_call){ .reaction = REACTION_BLOCK, .at = flag.since, .client = { .family = ADDRESS_NONE } };
	flag.call.lead = (struct detection){ .detector = DETECTOR_TUNNEL, .tier = TIER_BLOCK, .reaction = REACTION_BLOCK };
	assert_null(name_from_text(&flag.call.zone, zone, strlen(zone)));
	return flag;
}

/* Whoever can write the file could have everything denied to everybody. */
static void a_forged_flag_of_the_root_is_left_out(void **state)
{
	static const struct { const char *zone; enum flag_state state; bool kept; const char *why; } rows[] = {
		{ ".", FLAG_ALERT, true, "about all that a client asks: told of" },
		{ ".", FLAG_DUE, false, "to be denied" },
		{ ".", FLAG_DENIED, false, "denied" },
		{ ".", FLAG_WOULD_DENY, false, "to be denied once shadow ends" },
		{ ".", FLAG_REFUSED, false, "of no detector" },
		{ "example.com", FLAG_DUE, true, "a zone, to be denied" },
		{ "example.com", FLAG_DENIED, true, "a zone, denied" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct flag flag = made_flag(rows[i].zone, rows[i].state);
		size_t count;
		struct flag *flags = flags_read((const uint8_t *)&flag, sizeof(flag), &count);

		if (flags == NULL || (count == 1) != rows[i].kept)
			fail_msg("%s", rows[i].why);
		free(flags);
	}
}

static size_t overrides_of(const char *zone)
{
	struct name name;
	size_t count, found = 0;
	struct override *all = override_store_copy(store, &count);

	assert_null(name_from_text(&name, zone, strlen(zone)));
	for (size_t i = 0; i < count; i++)
		found += name_equal(&all[i].name, &name);
	free(all);
	return found;
}

static void a_file_with_one_denies_the_zones_beside_it_alone(void **state)
{
	const struct flag forged[] = { made_flag(".", FLAG_DUE), made_flag("evil.com", FLAG_DUE) };
	struct flag_counts counts = { 0 };

	(void)state;
	start();
	stop();
	flag_book_restore(behaviour_book(behaviour), forged, 2, time(NULL));
	save_to(folder);
	forget();
	start();
	for (unsigned waited = 0; overrides_of("evil.com") == 0 && waited < PATIENCE_MS; waited += 20)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	assert_int_equal(overrides_of("evil.com"), 1);
	assert_int_equal(overrides_of("."), 0);
	flag_book_counts(behaviour_book(behaviour), &counts);
	assert_int_equal(counts.in_force, 1);
	stop();
}

/* The flag of a zone and client, if there is one: its override. */
static uint64_t override_flagged(const char *zone)
{
	size_t count;
	struct flag *flags = flag_book_copy(behaviour_book(behaviour), &count);
	uint64_t override = 0;
	struct name name;

	assert_null(name_from_text(&name, zone, strlen(zone)));
	for (size_t i = 0; i < count; i++)
		if (flags[i].state == FLAG_DENIED && name_equal(&flags[i].call.zone, &name))
			override = flags[i].override;
	free(flags);
	return override;
}

/* As after a crash behind the revocation, or when somebody has changed the files. */
static void a_flag_whose_denial_was_revoked_meanwhile_ends_at_the_start(void **state)
{
	struct override_plan plan = { .now = time(NULL) };
	struct override_change change;

	(void)state;
	start();
	live();
	stop();
	plan.revoke_id = override_flagged("tunnel0.com");
	assert_int_not_equal(plan.revoke_id, 0);
	assert_int_equal(override_store_plan(store, &plan, &change, NULL), 0);
	assert_int_equal(change.gone_count, 1);
	assert_int_equal(override_store_commit(store, &change, plan.now, "test", "gone", NULL), 0);
	override_change_fini(&change);
	assert_int_not_equal(override_flagged("tunnel0.com"), 0);
	forget();
	start();
	assert_int_equal(override_flagged("tunnel0.com"), 0);
	assert_int_not_equal(override_flagged("tunnel1.com"), 0);
	stop();
}

static int64_t since(void)
{
	struct detect_part parts[DETECT_PARTS];
	int64_t since_s;

	detect_parts(behaviour_detect(behaviour), parts, &since_s);
	return since_s;
}

/* Slewing moves less than a minute, and is no reason to count anew. */
static void warm_up_goes_on_where_the_clock_is_put(void **state)
{
	static const struct { int64_t on_s, lived_s; const char *why; } rows[] = {
		{ INT64_C(30) * 365 * 86400, 0, "a machine without a clock gets the time" },
		{ 2 * 86400, 0, "it is put on by days" },
		{ -INT64_C(3600), 0, "it is put back" },
		{ 30, 30, "it is slewed" },
	};
	const int64_t began = (start(), since());

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int64_t before = since(), wanted = before + rows[i].on_s - rows[i].lived_s;

		put_on_s += rows[i].on_s;
		for (unsigned waited = 0; since() != wanted && waited < PATIENCE_MS; waited += 20) {
			behaviour_act_by(behaviour, NULL, NULL);
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		}
		/* The clocks are read one after the other. */
		if (llabs(since() - wanted) > 1)
			fail_msg("%s: %lld for %lld", rows[i].why, (long long)since(), (long long)wanted);
	}
	assert_true(since() > began);
	put_on_s = 0;
	stop();
}

/* The second time it waits already. */
static void a_clock_that_is_put_wakes_the_thread(void **state)
{
	const int64_t by_s = INT64_C(15) * 365 * 86400;
	const uint64_t one = 1;
	int64_t before;

	(void)state;
	forget();
	unless_woken = true;
	start();
	before = since();
	for (int64_t time = 1; time <= 2; time++) {
		put_on_s += by_s;
		assert_int_equal(write(put_fd, &one, sizeof(one)), sizeof(one));
		for (unsigned waited = 0; since() < before + time * by_s - 1 && waited < PATIENCE_MS; waited += 20)
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		assert_true(llabs(since() - before - time * by_s) <= 1);
	}
	unless_woken = false;
	put_on_s = 0;
	stop();
}

static unsigned zone_labels_of(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return detect_zone_labels(behaviour_detect(behaviour), &name);
}

static void add_suffix(const char *line)
{
	FILE *file = fopen(suffixes, "a");

	assert_non_null(file);
	fputs(line, file);
	assert_int_equal(fclose(file), 0);
}

static void start_alone(void)
{
	struct diag diag;

	assert_int_equal(behaviour_start(&behaviour, loader.conf, &host, &diag), 0);
}

/* A reload of Unbound within its process. */
static void suffixes_are_read_again_and_what_is_remembered_stays(void **state)
{
	const struct detect *before;

	(void)state;
	start_alone();
	before = behaviour_detect(behaviour);
	assert_int_equal(zone_labels_of("a.b.rented.com"), 2);
	add_suffix("rented.com\n");
	assert_true(behaviour_stop(behaviour, STOP_MS));
	start_alone();
	assert_ptr_equal(behaviour_detect(behaviour), before);
	assert_int_equal(zone_labels_of("a.b.rented.com"), 3);
	unlink(suffixes);
	assert_true(behaviour_stop(behaviour, STOP_MS));
	start_alone();
	assert_int_equal(zone_labels_of("a.b.rented.com"), 3);
	assert_non_null(strstr(loader.log, "; detectors go on with the list before"));
	assert_true(behaviour_stop(behaviour, STOP_MS));
}

static void other_sizes_begin_anew_and_that_is_said(void **state)
{
	(void)state;
	start_alone();
	assert_null(strstr(loader.log, "begin anew"));
	assert_true(behaviour_stop(behaviour, STOP_MS));
	loader.conf->detection.zones *= 2;
	start_alone();
	assert_non_null(strstr(loader.log, "what was remembered is forgotten, and they begin anew"));
	assert_true(behaviour_stop(behaviour, STOP_MS));
}

#define WITH_DETECTORS(claim) cmocka_unit_test_setup_teardown(claim, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DETECTORS(works_while_all_ask_and_comes_back),
		WITH_DETECTORS(a_damaged_file_is_set_aside_and_said),
		cmocka_unit_test(a_forged_flag_of_the_root_is_left_out),
		WITH_DETECTORS(a_file_with_one_denies_the_zones_beside_it_alone),
		WITH_DETECTORS(a_flag_whose_denial_was_revoked_meanwhile_ends_at_the_start),
		WITH_DETECTORS(warm_up_goes_on_where_the_clock_is_put),
		WITH_DETECTORS(a_clock_that_is_put_wakes_the_thread),
		WITH_DETECTORS(suffixes_are_read_again_and_what_is_remembered_stays),
		WITH_DETECTORS(other_sizes_begin_anew_and_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
