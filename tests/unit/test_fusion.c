/* test_fusion.c: how much several detectors weigh together, and when a flag is called for. */
#include "detect/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1700000000

static struct detections said;
static struct pair pair;
static enum reaction reactions[DETECTOR_COUNT];
static struct look look;

/* As detect/detect.c has it for a pair that was entered already. */
struct pair *look_pair(struct look *at)
{
	return at->pair;
}
static struct sight sight;

static void reset(void)
{
	memset(&said, 0, sizeof(said));
	memset(&pair, 0, sizeof(pair));
	pair.own = 1e6f;
	pair.evidence_s = NOW;
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		reactions[i] = REACTION_BLOCK;
}

/* One answer of a zone with two labels, about which the detectors say so much. */
struct saying { enum detector detector; enum tier tier; };

static void answer_in(const struct saying *sayings, unsigned count, unsigned traits, uint32_t days, int64_t now_s)
{
	pair_age(&pair, now_s);
	memset(&said, 0, sizeof(said));
	sight = (struct sight){ .traits = traits };
	look = (struct look){ .detections = &said, .sight = &sight, .now_s = now_s, .zone_labels = 2, .pair = &pair,
		.zone_days = days, .zone_clients = 4 };
	for (unsigned i = 0; i < count; i++) {
		const struct detection made = { .detector = (uint8_t)sayings[i].detector, .tier = (uint8_t)sayings[i].tier,
			.reaction = (uint8_t)reactions[sayings[i].detector] };

		fusion_note(&look, sayings[i].detector, sayings[i].tier);
		fusion_lead(&look, &made, NULL);
	}
	fusion_end(&look);
}

static void answer(enum detector detector, enum tier tier, int64_t now_s)
{
	const struct saying saying = { detector, tier };

	answer_in(&saying, 1, TRAIT_NONE, 1, now_s);
}

static void one_answer_weighs_as_the_table_says(void **state)
{
	static const struct {
		struct saying sayings[3];
		unsigned count, traits;
		uint32_t days;
		unsigned points;
		enum reaction reaction;
		const char *why;
	} rows[] = {
		{ { { DETECTOR_TUNNEL, TIER_LOW } }, 1, 0, 1, 1, REACTION_OFF, "low is not enough" },
		{ { { DETECTOR_TUNNEL, TIER_ALERT } }, 1, 0, 1, 3, REACTION_ALERT, "alert is" },
		{ { { DETECTOR_TUNNEL, TIER_HIGH } }, 1, 0, 1, 5, REACTION_ALERT, "high is one, too" },
		{ { { DETECTOR_TUNNEL, TIER_BLOCK } }, 1, 0, 1, 8, REACTION_BLOCK, "block denies" },
		{ { { DETECTOR_TUNNEL, TIER_BLOCK } }, 1, 0, 400, 8, REACTION_BLOCK, "whatever the zone's age, which it has looked at" },
		{ { { DETECTOR_TUNNEL, TIER_LOW }, { DETECTOR_WEAK_CHANNEL, TIER_LOW }, { DETECTOR_ODD_TYPE, TIER_LOW } }, 3, 0, 1,
			3, REACTION_ALERT, "three lows alert" },
		{ { { DETECTOR_TUNNEL, TIER_HIGH }, { DETECTOR_TUNNEL_DOWN, TIER_ALERT } }, 2, 0, 1, 8, REACTION_BLOCK,
			"high and alert deny" },
		{ { { DETECTOR_TUNNEL, TIER_HIGH }, { DETECTOR_TUNNEL_DOWN, TIER_ALERT } }, 2, 0, 400, 8, REACTION_ALERT,
			"not in a zone that is old and well used" },
		{ { { DETECTOR_TUNNEL, TIER_LOW }, { DETECTOR_NEWLY_OBSERVED, TIER_TAG } }, 2, 0, 1, 2, REACTION_OFF, "new adds one" },
		{ { { DETECTOR_NEWLY_OBSERVED, TIER_TAG } }, 1, 0, 1, 0, REACTION_OFF, "but nothing to nothing" },
		{ { { DETECTOR_TUNNEL, TIER_BLOCK } }, 1, TRAIT_POPULAR, 1, 4, REACTION_ALERT, "a popular zone is never denied" },
		{ { { DETECTOR_TUNNEL, TIER_HIGH } }, 1, TRAIT_POPULAR, 1, 1, REACTION_OFF, "and seldom flagged" },
		{ { { DETECTOR_TUNNEL, TIER_BLOCK } }, 1, TRAIT_APPROVED, 1, 0, REACTION_OFF, "an approved one never" },
		{ { { DETECTOR_TUNNEL, TIER_BLOCK } }, 1, TRAIT_INTERNAL, 1, 0, REACTION_OFF, "nor an internal one" },
		{ { { DETECTOR_RECON, TIER_BLOCK } }, 1, 0, 1, 8, REACTION_ALERT, "what is about a client denies no zone" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		reset();
		answer_in(rows[i].sayings, rows[i].count, rows[i].traits, rows[i].days, NOW);
		if (said.points != rows[i].points || said.call.reaction != rows[i].reaction)
			fail_msg("%s: %u points, %s", rows[i].why, said.points, reaction_names[said.call.reaction]);
	}
}

static void observing_detectors_call_for_nothing(void **state)
{
	static const struct saying both[] = { { DETECTOR_TUNNEL, TIER_BLOCK }, { DETECTOR_ODD_TYPE, TIER_LOW } };

	(void)state;
	reset();
	reactions[DETECTOR_TUNNEL] = REACTION_OBSERVE;
	reactions[DETECTOR_ODD_TYPE] = REACTION_OBSERVE;
	answer_in(both, 2, TRAIT_NONE, 1, NOW);
	assert_int_equal(said.points, 9);
	assert_int_equal(said.call.reaction, REACTION_OFF);
	reset();
	reactions[DETECTOR_TUNNEL] = REACTION_OBSERVE;
	reactions[DETECTOR_ODD_TYPE] = REACTION_ALERT;
	answer_in(both, 2, TRAIT_NONE, 1, NOW);
	assert_int_equal(said.call.reaction, REACTION_ALERT);
	assert_int_equal(said.call.lead.detector, DETECTOR_ODD_TYPE);
}

static void adds_up_over_answers(void **state)
{
	(void)state;
	reset();
	answer(DETECTOR_TUNNEL, TIER_LOW, NOW);
	answer(DETECTOR_TUNNEL, TIER_LOW, NOW + 1);
	assert_int_equal(said.points, 1);   /* the same again is no more */
	answer(DETECTOR_TUNNEL_DOWN, TIER_ALERT, NOW + 60);
	assert_int_equal(said.points, 4);
	answer(DETECTOR_TUNNEL, TIER_HIGH, NOW + 120);
	assert_int_equal(said.points, 8);
	assert_int_equal(said.call.reaction, REACTION_BLOCK);
}

static void forgets_after_a_while(void **state)
{
	(void)state;
	reset();
	answer(DETECTOR_TUNNEL_DOWN, TIER_ALERT, NOW);
	answer(DETECTOR_TUNNEL, TIER_LOW, NOW + 1800);
	assert_int_equal(said.points, 4);
	answer(DETECTOR_TUNNEL, TIER_LOW, NOW + 3600);
	assert_int_equal(said.points, 1);
	answer(DETECTOR_ODD_TYPE, TIER_LOW, NOW - 100000);   /* a clock that jumped back */
	assert_int_equal(said.points, 1);
}

static void calls_now_and_then_and_counts_between(void **state)
{
	(void)state;
	reset();
	answer(DETECTOR_TUNNEL, TIER_ALERT, NOW);
	assert_int_equal(said.call.reaction, REACTION_ALERT);
	assert_int_equal(said.call.answers, 1);
	for (int i = 0; i < 4; i++) {
		answer(DETECTOR_TUNNEL, TIER_ALERT, NOW + i);
		assert_int_equal(said.call.reaction, REACTION_OFF);
	}
	answer(DETECTOR_TUNNEL, TIER_ALERT, NOW + 5);
	assert_int_equal(said.call.reaction, REACTION_ALERT);
	assert_int_equal(said.call.answers, 5);
	answer(DETECTOR_TUNNEL, TIER_HIGH, NOW + 6);
	assert_int_equal(said.call.reaction, REACTION_ALERT);   /* worse: at once */
	answer(DETECTOR_TUNNEL, TIER_BLOCK, NOW + 6);
	assert_int_equal(said.call.reaction, REACTION_BLOCK);
}

static void without_memory_of_the_pair_only_what_is_said_calls(void **state)
{
	const struct detection made = { .detector = DETECTOR_ODD_TYPE, .tier = TIER_ALERT, .reaction = REACTION_ALERT };

	(void)state;
	reset();
	for (int is_said = 0; is_said < 2; is_said++) {
		look = (struct look){ .detections = &said, .sight = &sight, .now_s = NOW, .zone_labels = 2 };
		sight = (struct sight){ .traits = TRAIT_NONE };
		memset(&said, 0, sizeof(said));
		fusion_note(&look, DETECTOR_ODD_TYPE, TIER_ALERT);
		fusion_lead(&look, &made, is_said ? &said.items[0] : NULL);
		fusion_end(&look);
		assert_int_equal(said.call.reaction, is_said ? REACTION_ALERT : REACTION_OFF);
	}
}

static void nobody_is_to_blame_for_others(void **state)
{
	(void)state;
	reset();
	pair.own = 200;
	answer(DETECTOR_TUNNEL, TIER_BLOCK, NOW);
	assert_int_equal(said.call.reaction, REACTION_OFF);
	assert_int_equal(said.points, 0);
	pair.own = 300;
	answer(DETECTOR_TUNNEL, TIER_BLOCK, NOW + 1);
	assert_int_equal(said.call.reaction, REACTION_BLOCK);
	answer(DETECTOR_TUNNEL, TIER_BLOCK, NOW + 4000);   /* long ago, and nothing since */
	assert_int_equal(said.call.reaction, REACTION_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_answer_weighs_as_the_table_says),
		cmocka_unit_test(observing_detectors_call_for_nothing),
		cmocka_unit_test(nobody_is_to_blame_for_others),
		cmocka_unit_test(adds_up_over_answers),
		cmocka_unit_test(forgets_after_a_while),
		cmocka_unit_test(calls_now_and_then_and_counts_between),
		cmocka_unit_test(without_memory_of_the_pair_only_what_is_said_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
