/*
 * overriding.h: a policy with overrides, and what is told of them.
 */
#ifndef TESTS_UNIT_OVERRIDING_H
#define TESTS_UNIT_OVERRIDING_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/evaluate.h"
#include "policy/explain.h"
#include "policy/override.h"
#include "policy/snapshot_parts.h"
#include "tests/unit/fake_list.h"

#define TYPE_CNAME 5

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_rule denied[] = { { .name = "bad.test" } }, observed[] = { { .name = "seen.test" } },
	passed[] = { { .name = "good.test" } },
	known[] = { { .name = "known.test" } }, new[] = { { .name = "new.test" } };
static const struct fake_list lists[] = {
	{ .name = "pass", .rules = passed, .count = 1, .action = ACTION_PASS },
	{ .name = "deny", .rules = denied, .count = 1, .action = ACTION_REFUSE },
	{ .name = "watch", .rules = observed, .count = 1, .action = ACTION_OBSERVE },
	{ .name = "popular", .rules = known, .count = 1, .action = ACTION_OBSERVE, .trait = TRAIT_POPULAR },
	{ .name = "feed", .rules = new, .count = 1, .action = ACTION_OBSERVE, .trait = TRAIT_REGISTERED },
};

static inline struct override make(uint64_t id, const char *name, enum action action, const char *client, uint8_t length,
	int64_t made)
{
	struct override override = { .id = id, .name = fake_name(name), .action = action, .made = made, .until = 4000000000,
		.why = "a reason", .who = "alice" };

	if (client != NULL) {
		override.client.address.family = ADDRESS_INET;
		memcpy(override.client.address.octets, client, 4);
		override.client.prefix_length = length;
	}
	return override;
}

static inline struct snapshot *base(enum mode mode)
{
	struct diag diag;
	struct snapshot *snapshot = fake_snapshot(lists, COUNT(lists), mode, NULL, &diag);

	assert_non_null(snapshot);
	return snapshot;
}

/* The policy with the overrides; what it came from is gone. */
static inline struct snapshot *with(enum mode mode, const struct override *overrides, size_t count)
{
	struct snapshot *before = base(mode);
	struct override_set *set = override_set_create(overrides, count);
	struct snapshot *snapshot;

	assert_non_null(set);
	snapshot = snapshot_derive(before, set);
	assert_non_null(snapshot);
	snapshot_destroy(&before);
	return snapshot;
}

static inline struct facts question(const char *name, uint8_t last_octet)
{
	struct facts facts = fake_question(name);

	facts.client = (struct address){ .family = ADDRESS_INET, .octets = { 10, 0, 0, last_octet } };
	return facts;
}

#define EVERYBODY NULL, 0
#define OURS "\12\0\0\0", 25          /* 10.0.0.0/25: last octets under 128 */
#define MINE "\12\0\0\1", 32
struct told {
	char text[1024];
	const struct override *last;
};

static inline bool tell(void *arg, const struct explain_candidate *candidate)
{
	struct told *told = arg;
	const size_t used = strlen(told->text);

	assert_true((candidate->override != NULL) == (candidate->list_index == EXPLAIN_NO_LIST));
	snprintf(told->text + used, sizeof(told->text) - used, "%s %u: %s\n", candidate->match.list,
		candidate->override != NULL ? candidate->match.serial : 0,
		candidate->won ? "won" : candidate->why_not);
	if (candidate->override != NULL)
		told->last = candidate->override;
	return true;
}

#endif
