/* test_collect_pair.c: questions that wait for their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/collect_pair.h"

#define LARGE ((size_t)256 << 10)

static bool count_kept(void *arg, const uint8_t *octets, size_t length)
{
	(void)octets;
	assert_int_equal(length, LARGE);
	++*(unsigned *)arg;
	return true;
}

/* Whoever sends questions of the largest size, and no answers. */
static void holds_no_more_than_it_says(void **state)
{
	unsigned kept = 0, sent = 1024, fit = (unsigned)(PAIR_OCTETS_MAX / LARGE);
	struct pairing *pairing = pairing_create(count_kept, &kept);
	uint8_t *frame = calloc(1, LARGE);
	uint64_t asked_us;

	(void)state;
	assert_true(pairing != NULL && frame != NULL);
	for (unsigned i = 0; i < sent; i++)
		assert_int_equal(pairing_question(pairing, &(struct pair_key){ i, i }, 1, frame, LARGE, 1, 1), PAIR_WAITS);
	assert_int_equal(kept, sent - fit);
	assert_true(pairing_answer(pairing, &(struct pair_key){ 0, 0 }, 2, &asked_us));
	assert_int_equal(pairing_question(pairing, &(struct pair_key){ sent, sent }, 1, frame, LARGE, 1, 1), PAIR_WAITS);
	assert_int_equal(kept, sent - fit);      /* an answer makes room */
	assert_true(pairing_release(pairing, 0, 1));
	assert_int_equal(kept, sent);            /* all but the one that was answered */
	assert_int_equal(pairing_question(pairing, &(struct pair_key){ 7, 7 }, 1, frame, LARGE, 1, 1), PAIR_WAITS);
	assert_int_equal(kept, sent);
	pairing_destroy(&pairing);
	free(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_no_more_than_it_says),
	};

	return cmocka_run_group_tests_name("collect_pair", tests, NULL, NULL);
}
