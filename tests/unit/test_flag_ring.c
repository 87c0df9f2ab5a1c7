/* test_flag_ring.c: what is pushed is popped once, in order, whole. */
#include "control/flag_ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#define PRODUCERS 4u
#define EACH 20000u

static struct flag_ring *ring;

static int start(void **state)
{
	(void)state;
	ring = flag_ring_create();
	return ring != NULL ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	flag_ring_destroy(&ring);
	return 0;
}

static struct flag_call numbered(uint32_t producer, uint32_t number)
{
	struct flag_call call;

	memset(&call, 0, sizeof(call));
	call.points = producer;
	call.answers = number;
	memset(call.zone.octets, (int)(number & 0xff), sizeof(call.zone.octets));
	return call;
}

static void gives_back_in_order(void **state)
{
	struct flag_call call;

	(void)state;
	assert_false(flag_ring_pop(ring, &call));
	for (uint32_t round = 0; round < 3 * FLAG_RING_PLACES; round += 2) {
		for (uint32_t i = 0; i < 2; i++) {
			call = numbered(0, round + i);
			assert_true(flag_ring_push(ring, &call));
		}
		for (uint32_t i = 0; i < 2; i++) {
			assert_true(flag_ring_pop(ring, &call));
			assert_int_equal(call.answers, round + i);
		}
	}
	assert_false(flag_ring_pop(ring, &call));
}

static void counts_what_finds_no_room(void **state)
{
	struct flag_call call = numbered(0, 1);

	(void)state;
	for (uint32_t i = 0; i < FLAG_RING_PLACES; i++)
		assert_true(flag_ring_push(ring, &call));
	assert_false(flag_ring_push(ring, &call));
	assert_false(flag_ring_push(ring, &call));
	assert_int_equal(flag_ring_lost(ring), 2);
	assert_true(flag_ring_pop(ring, &call));
	assert_true(flag_ring_push(ring, &call));
	assert_int_equal(flag_ring_lost(ring), 2);
}

static _Atomic uint64_t pushed;

static void *produce(void *arg)
{
	const uint32_t producer = *(const uint32_t *)arg;

	for (uint32_t i = 1; i <= EACH; i++) {
		const struct flag_call call = numbered(producer, i);

		if (flag_ring_push(ring, &call))
			atomic_fetch_add(&pushed, 1);
	}
	return NULL;
}

static void is_whole(const struct flag_call *call)
{
	const struct flag_call whole = numbered(call->points, call->answers);

	assert_memory_equal(call->zone.octets, whole.zone.octets, sizeof(whole.zone.octets));
}

static void takes_many_producers_at_once(void **state)
{
	uint32_t numbers[PRODUCERS], last[PRODUCERS] = { 0 };
	pthread_t threads[PRODUCERS];
	struct flag_call call;
	uint64_t popped = 0;

	(void)state;
	atomic_store(&pushed, 0);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &numbers[i]), 0);
	}
	while (atomic_load(&pushed) + flag_ring_lost(ring) < PRODUCERS * EACH || popped < atomic_load(&pushed)) {
		if (!flag_ring_pop(ring, &call))
			continue;
		popped++;
		is_whole(&call);
		assert_true(call.answers > last[call.points]);
		last[call.points] = call.answers;
	}
	for (uint32_t i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	assert_false(flag_ring_pop(ring, &call));
	assert_int_equal(popped + flag_ring_lost(ring), PRODUCERS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_back_in_order, start, end),
		cmocka_unit_test_setup_teardown(counts_what_finds_no_room, start, end),
		cmocka_unit_test_setup_teardown(takes_many_producers_at_once, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
