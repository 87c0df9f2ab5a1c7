/* test_behaviour.c: the detectors' thread among workers that find things and people who ask; meant for TSan, too. */
#include "control/behaviour.h"

#include "tests/unit/behaving.h"

#define WORKERS 4u
#define ASKERS 2u
#define ANSWERS 2000u
#define LIVES 3u
static _Atomic bool asking;
static _Atomic unsigned heard;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DETECTORS(works_while_all_ask_and_comes_back),
		WITH_DETECTORS(a_damaged_file_is_set_aside_and_said),
		WITH_DETECTORS(a_flag_whose_denial_was_revoked_meanwhile_ends_at_the_start),
		WITH_DETECTORS(suffixes_are_read_again_and_what_is_remembered_stays),
		WITH_DETECTORS(other_sizes_begin_anew_and_that_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
