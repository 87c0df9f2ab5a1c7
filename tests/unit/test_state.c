/* test_state.c: policies change under workers that judge all the time. */
#include "module/state.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/evaluate.h"
#include "tests/unit/temp_file.h"

#define WORKERS 3
#define POLICIES 300
#define PATIENCE_MS 60000u

static struct conf *conf;

/* A policy that says its number. */
static struct snapshot *policy(uint32_t number)
{
	struct snapshot *snapshot;
	struct diag diag;

	conf->options.max_policy_ttl = number;
	snapshot = snapshot_build(conf, 0, NULL, &diag);
	if (snapshot == NULL)
		abort();
	return snapshot;
}

static uint32_t number_of(const struct snapshot *snapshot)
{
	return snapshot != NULL ? snapshot_options(snapshot)->max_policy_ttl : 0;
}

static _Atomic uint32_t announced, replaced;
static _Atomic bool ended;

struct seen {
	_Atomic uint64_t looks, with_next;
	unsigned wrong;
};

/* Relaxed: what is tested here is who else makes others wait. */
static void add(_Atomic uint64_t *count, unsigned more)
{
	atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

static uint64_t wait_for(const _Atomic uint64_t *count)
{
	for (unsigned i = 0; i < PATIENCE_MS && atomic_load_explicit(count, memory_order_relaxed) == 0; i++)
		usleep(1000);
	return atomic_load_explicit(count, memory_order_relaxed);
}

/* What was announced before is known, as the policy in force or as the next; what was replaced is never seen again. */
static void *judge(void *arg)
{
	struct seen *seen = arg;
	const struct slot *slot = state_slot();

	while (!atomic_load(&ended)) {
		const uint32_t known = atomic_load(&announced), least = atomic_load(&replaced);
		const uint32_t now = number_of(state_enter(slot));
		const uint32_t next = number_of(state_next(slot));

		seen->wrong += now < least || (now < known && next < known);
		/* Still there. */
		add(&seen->with_next, next > now);
		add(&seen->looks, 1);
		state_leave(slot);
	}
	return NULL;
}

static void *pin(void *arg)
{
	struct seen *seen = arg;

	while (!atomic_load(&ended)) {
		const uint32_t least = atomic_load(&replaced);

		seen->wrong += number_of(state_pin()) < least;
		state_unpin();
		add(&seen->looks, 1);
	}
	return NULL;
}

static void change(const struct seen *worker)
{
	for (uint32_t number = 2; number < POLICIES; number++) {
		struct snapshot *next = policy(number), *old;
		const uint64_t plain = evaluate_plain_number(state_pin());

		state_unpin();
		assert_true(state_is_plain(plain));
		assert_true(state_announce(next, PATIENCE_MS));
		assert_false(state_is_plain(plain));
		atomic_store(&announced, number);
		usleep(200);
		assert_true(number > 2 || wait_for(&worker->with_next) > 0);
		assert_false(state_is_plain(plain) || state_is_plain(evaluate_plain_number(next)));
		old = state_replace(next, PATIENCE_MS);
		assert_true(!state_is_plain(plain) && state_is_plain(evaluate_plain_number(next)));
		atomic_store(&replaced, number);
		assert_int_equal(number_of(old), number - 1);
		snapshot_destroy(&old);
	}
}

static void no_worker_misses_what_was_announced(void **state)
{
	struct seen seen[WORKERS + 1] = { 0 };
	pthread_t threads[WORKERS + 1];
	struct snapshot *old;

	(void)state;
	assert_false(state_running() || state_is_plain(0));
	assert_null(state_replace(policy(1), 0));
	assert_true(state_running());
	assert_int_equal(state_start(conf, 2, NULL), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, judge, &seen[i]), 0);
	assert_int_equal(pthread_create(&threads[WORKERS], NULL, pin, &seen[WORKERS]), 0);
	for (unsigned i = 0; i <= WORKERS; i++)
		assert_true(wait_for(&seen[i].looks) > 0);
	change(&seen[0]);
	atomic_store(&ended, true);
	for (unsigned i = 0; i <= WORKERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(seen[i].wrong, 0);
	}
	old = state_replace(policy(POLICIES), 1000);
	snapshot_destroy(&old);
	state_stop();
}

static void who_stays_inside_keeps_the_old_policy_alive(void **state)
{
	const struct slot *slot = state_slot();
	struct snapshot *next = policy(POLICIES + 1);
	const struct snapshot *held = state_enter(slot);

	(void)state;
	assert_false(state_announce(next, 20));
	assert_null(state_replace(next, 20));
	/* Given up, not freed. */
	assert_int_equal(number_of(held), POLICIES);
	state_leave(slot);
	snapshot_destroy(&(struct snapshot *){ (struct snapshot *)(uintptr_t)held });
	assert_null(state_next(slot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_worker_misses_what_was_announced),
		cmocka_unit_test(who_stays_inside_keeps_the_old_policy_alive),
	};
	static const char text[] = "verdict:\n\tmode: shadow\n";
	char path[TEMP_PATH_MAX];
	int failed;

	temp_file(path, text, sizeof(text) - 1);
	conf = conf_load(path, NULL);
	unlink(path);
	if (conf == NULL)
		return 99;
	failed = cmocka_run_group_tests_name("state", tests, NULL, NULL);
	conf_destroy(&conf);
	return failed;
}
