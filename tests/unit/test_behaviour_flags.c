/* test_behaviour_flags.c: what a former process has flagged stands, and no more than that. */
#include "control/behaviour.h"

#include "tests/unit/behaving.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forged_flag_of_the_root_is_left_out),
		WITH_DETECTORS(a_file_with_one_denies_the_zones_beside_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
