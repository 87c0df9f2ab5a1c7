/*
 * evaluating.h: a policy of five lists, and its verdicts.
 */
#ifndef TESTS_UNIT_EVALUATING_H
#define TESTS_UNIT_EVALUATING_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/evaluate.h"
#include "policy/local_data.h"
#include "policy/override.h"
#include "tests/unit/fake_list.h"

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_DNAME 39
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_rule pass_rules[] = {
	{ .name = "good.bad.test", .action = ACTION_PASS }, { .name = "=only.bad.test", .action = ACTION_PASS },
};
static const struct fake_rule observe_rules[] = {
	{ .name = "seen.test" }, { .name = "bad.test" },
};
static const struct fake_rule mixed_rules[] = {
	{ .name = "bad.test" },
	{ .name = "=exact.test" },
	{ .name = "*.wild.test" },
	{ .name = "deep.bad.test", .action = ACTION_REFUSE },
	{ .name = "*.deep.bad.test", .action = ACTION_DROP },
	{ .name = "look.deep.bad.test", .action = ACTION_OBSERVE },
	{ .name = "zip", .action = ACTION_NODATA },
	{ .name = "=data.test", .action = ACTION_LOCAL_DATA, .type = TYPE_A, .rdata = "\300\0\2\11",
	  .rdata_length = 4, .ttl = 60 },
	{ .name = "=data.test", .action = ACTION_LOCAL_DATA, .type = TYPE_A, .rdata = "\300\0\2\12",
	  .rdata_length = 4, .ttl = 50 },
	{ .name = "=empty.test", .action = ACTION_LOCAL_DATA },
	{ .name = "tcp.test", .action = ACTION_TRUNCATE },
};
static const struct fake_rule shadow_rules[] = {
	{ .name = "later.test" }, { .name = "bad.test" }, { .name = "later.zip" },
};
static const struct fake_rule sink_rules[] = {
	{ .name = "later.test", .action = ACTION_PASS }, { .name = "sink.test" }, { .name = "bad.test" },
	{ .name = "seen.test.zip" },
	{ .name = "=sunk.test", .action = ACTION_LOCAL_DATA, .type = TYPE_A, .rdata = "\300\0\2\11",
	  .rdata_length = 4 },
};

static const struct fake_list lists[] = {
	{ .name = "pass", .rules = pass_rules, .count = COUNT(pass_rules), .action = ACTION_PASS },
	{ .name = "observe", .rules = observe_rules, .count = COUNT(observe_rules), .action = ACTION_OBSERVE,
	  .ede = EDE_CENSORED },
	{ .name = "shadow", .rules = shadow_rules, .count = COUNT(shadow_rules), .shadow = true },
	{ .name = "mixed", .rules = mixed_rules, .count = COUNT(mixed_rules), .ede = EDE_FILTERED },
	{ .name = "sink", .rules = sink_rules, .count = COUNT(sink_rules), .action = ACTION_SINKHOLE,
	  .sinkhole = "\300\0\2\1" },
};

static struct snapshot *snapshot;

static inline int build(void **state)
{
	struct diag diag;

	(void)state;
	snapshot = fake_snapshot(lists, COUNT(lists), MODE_ENFORCE, NULL, &diag);
	return snapshot == NULL ? -1 : 0;
}

static inline int destroy(void **state)
{
	(void)state;
	snapshot_destroy(&snapshot);
	return 0;
}

#endif
