/* test_epoch.c: no reader sees a freed object, and an idle or late reader holds nobody up. Worth most under TSan. */
#include "policy/epoch.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define READERS 3
#define PUBLISHED 2000
#define ALIVE UINT64_C(0x600d)
#define FREED UINT64_C(0xdead)

struct object {
	uint64_t state;
	uint64_t number;
	uint64_t again;    /* as `number`: a torn object would differ */
};

struct shared {
	struct epoch epoch;
	void *_Atomic slot;
	_Atomic bool done;
	_Atomic unsigned wrong;
	_Atomic unsigned reads;
};

struct reader {
	struct shared *shared;
	unsigned index;
};

static struct object *new_object(uint64_t number)
{
	struct object *object = malloc(sizeof(*object));

	assert_non_null(object);
	*object = (struct object){ ALIVE, number, number };
	return object;
}

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	struct shared *shared = reader->shared;
	uint64_t last = 0;

	while (!atomic_load(&shared->done)) {
		const struct object *object;

		epoch_enter(&shared->epoch, reader->index);
		object = atomic_load(&shared->slot);
		if (object->state != ALIVE || object->number != object->again || object->number < last)
			atomic_fetch_add(&shared->wrong, 1);
		last = object->number;
		epoch_leave(&shared->epoch, reader->index);
		atomic_fetch_add(&shared->reads, 1);
	}
	return NULL;
}

static void retire(struct epoch *epoch, struct object *object, uint64_t ticket)
{
	while (!epoch_quiescent(epoch, ticket))
		sched_yield();
	object->state = FREED;
	free(object);
}

static void readers_never_see_a_freed_older_or_torn_object(void **state)
{
	static struct shared shared = { .epoch = EPOCH_INITIALIZER };
	struct reader readers[READERS];
	pthread_t threads[READERS];
	uint64_t ticket;
	uint64_t i;

	(void)state;
	atomic_store(&shared.slot, new_object(1));
	for (i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ &shared, (unsigned)(i * 100) };
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
	}
	for (i = 2; i < PUBLISHED; i++) {
		struct object *old = epoch_publish(&shared.epoch, &shared.slot, new_object(i), &ticket);

		retire(&shared.epoch, old, ticket);
	}
	while (atomic_load(&shared.reads) < 100)
		sched_yield();
	atomic_store(&shared.done, true);
	for (i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&shared.wrong), 0);
	free(atomic_load(&shared.slot));
}

static void only_who_was_inside_before_holds_the_writer_up(void **state)
{
	static struct epoch epoch = EPOCH_INITIALIZER;
	void *_Atomic slot = NULL;
	uint64_t first;
	uint64_t second;
	int a;

	(void)state;
	assert_null(epoch_publish(&epoch, &slot, &a, &first));
	assert_true(epoch_quiescent(&epoch, first));
	epoch_enter(&epoch, EPOCH_READERS_MAX - 1);
	assert_true(epoch_quiescent(&epoch, first));
	assert_ptr_equal(epoch_publish(&epoch, &slot, NULL, &second), &a);
	assert_false(epoch_quiescent(&epoch, second));
	epoch_enter(&epoch, 0);
	epoch_leave(&epoch, EPOCH_READERS_MAX - 1);
	assert_true(epoch_quiescent(&epoch, second));
	epoch_leave(&epoch, 0);
}

static void publishing_twice_waits_for_each(void **state)
{
	static struct epoch epoch = EPOCH_INITIALIZER;
	void *_Atomic slot = NULL;
	uint64_t first;
	uint64_t second;

	(void)state;
	epoch_enter(&epoch, 0);
	epoch_publish(&epoch, &slot, NULL, &first);
	epoch_enter(&epoch, 1);
	epoch_publish(&epoch, &slot, NULL, &second);
	epoch_leave(&epoch, 0);
	assert_true(epoch_quiescent(&epoch, first));
	assert_false(epoch_quiescent(&epoch, second));
	epoch_leave(&epoch, 1);
	assert_true(epoch_quiescent(&epoch, second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_never_see_a_freed_older_or_torn_object),
		cmocka_unit_test(only_who_was_inside_before_holds_the_writer_up),
		cmocka_unit_test(publishing_twice_waits_for_each),
	};

	return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
