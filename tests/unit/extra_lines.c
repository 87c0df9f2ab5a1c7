/*
 * extra_lines.c: prints `extra` as the library writes it, one object in a line, for test_schema.py.
 *
 *     extra_lines SEED COUNT
 *
 * COUNT answers, and a tenth as many heartbeats and notes about former processes. Every choice that a resolver can
 * make comes; texts are any octets that fit, as a hostile list could have them. The same arguments, the same octets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnstap/extra.h"
#include "dnstap/heartbeat.h"
#include "policy/action.h"
#include "policy/detection.h"

#define COUNT_MAX (((uint64_t)1 << 53) - 1)

static uint64_t chance_state;

/* splitmix64 */
static uint64_t chance(uint64_t limit)
{
	uint64_t mixed = chance_state += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return (mixed ^ mixed >> 31) % limit;
}

/* Small ones and the greatest are frequent. */
static uint64_t number(uint64_t least, uint64_t most)
{
	return chance(4) == 0 ? most : least + chance(chance(2) == 0 ? 3 : most - least + 1) % (most - least + 1);
}

/* Mostly printable, always at least one octet. */
static struct span text(char *to, size_t cap)
{
	size_t length = 1 + chance(chance(8) == 0 ? cap : cap < 12 ? cap : 12);
	bool clean = chance(4) > 0;

	for (size_t i = 0; i < length; i++)
		to[i] = (char)(clean ? '!' + chance('~' - '!') : chance(256));
	return (struct span){ (const uint8_t *)to, length };
}

static const char *const attacks[] = { "", "T1071", "T1071.004 T1568.002", "TA0011 DC0103", "T1048" };

struct texts {
	char list[LIST_NAME_MAX - 1], rule[NAME_TEXT_MAX + 1], category[CATEGORY_MAX - 1], group[LIST_NAME_MAX - 1];
};

static struct event_rule random_rule(struct texts *texts, enum action action)
{
	const char *attack = attacks[chance(sizeof(attacks) / sizeof(attacks[0]))];
	struct event_rule rule = { .action = action };

	rule.trigger = (enum trigger)(1 + chance(TRIGGER_COUNT - 1));
	rule.chain = chance(3) == 0 ? (uint8_t)number(1, UINT8_MAX) : 0;
	rule.serial = chance(2) == 0 ? (uint32_t)number(1, UINT32_MAX) : 0;
	rule.list = text(texts->list, sizeof(texts->list));
	rule.rule = text(texts->rule, sizeof(texts->rule));
	if (chance(2) == 0)
		rule.category = text(texts->category, sizeof(texts->category));
	rule.attack = (struct span){ (const uint8_t *)attack, strlen(attack) };
	return rule;
}

static struct detections random_detections(void)
{
	struct detections detections = { .count = chance(2) == 0 ? (size_t)number(0, DETECTIONS_MAX) : 0 };

	for (size_t i = 0; i < detections.count; i++) {
		struct detection *one = &detections.items[i];

		*one = (struct detection){ .detector = (uint8_t)chance(DETECTOR_COUNT),
			.tier = (uint8_t)(TIER_TAG + chance(TIER_COUNT - TIER_TAG)),
			.reaction = (uint8_t)(REACTION_OBSERVE + chance(REACTION_COUNT - REACTION_OBSERVE)),
			.feature_count = (uint8_t)chance(DETECTION_FEATURES_MAX + 1), .value = (uint32_t)number(0, UINT32_MAX),
			.threshold = (uint32_t)number(0, UINT32_MAX), .repeated = (uint32_t)number(0, UINT32_MAX) };
		for (unsigned at = 0, first = (unsigned)chance(FEATURE_COUNT); at < one->feature_count; at++)
			one->features[at] = (struct feature){ (uint8_t)((first + at) % FEATURE_COUNT), (uint32_t)number(0, UINT32_MAX) };
	}
	return detections;
}

static void set_behind(struct event_view *view, struct behind *behind)
{
	static const char *const names[] = { "ns1.example.com", "ns1.example.com", "ns\\.2.test", "." };

	view->security = (enum security)chance(SECURITY_COUNT);
	view->has_servers = chance(2) == 0;
	view->unsent = chance(2) == 0;
	behind_init(behind);
	for (uint64_t left = view->has_servers ? chance(5) : 0; left > 0; left--) {
		const enum address_family families[] = { ADDRESS_NONE, ADDRESS_INET, ADDRESS_INET, ADDRESS_INET6 };
		struct address address = { .family = families[chance(4)], .octets = { (uint8_t)chance(256), 0, 2 } };
		const char *text = names[chance(sizeof(names) / sizeof(names[0]))];
		struct name name;

		if (name_from_text(&name, text, strlen(text)) == NULL)
			behind_add(behind, &name, &address);
	}
	view->servers = (struct span){ behind->octets, behind->used };
}

static void print_answer(void)
{
	static const int16_t edes[] = { EDE_NONE, EDE_FORGED, EDE_BLOCKED, EDE_CENSORED, EDE_FILTERED, EDE_PROHIBITED };
	char extra[EXTRA_OCTETS_MAX];
	struct texts texts, shadow;
	struct behind behind;
	struct event_view view = { .number = { chance((uint64_t)1 << 48), (uint16_t)number(0, UINT16_MAX),
		number(1, COUNT_MAX) }, .path = (enum answer_path)chance(PATH_COUNT) };

	while (!path_table[view.path].framed)
		view.path = (enum answer_path)chance(PATH_COUNT);
	do
		view.action = (enum action)chance(ACTION_COUNT);
	while (action_table[view.action].denies && !path_table[view.path].can_be_denied);
	if (view.action != ACTION_ALLOW)
		view.rule = random_rule(&texts, view.action);
	view.ede = action_table[view.action].denies ? edes[chance(sizeof(edes) / sizeof(edes[0]))] : EDE_NONE;
	if (chance(3) == 0)
		view.shadow = random_rule(&shadow, (enum action)(1 + chance(ACTION_COUNT - 1)));
	if (chance(3) == 0)
		view.group = text(texts.group, sizeof(texts.group));
	view.detections = random_detections();
	set_behind(&view, &behind);
	view.privacy = (enum privacy_mode)chance(PRIVACY_COUNT);
	view.dropped = chance(4) == 0 ? number(1, COUNT_MAX) : 0;
	view.left_out = chance(4) == 0 ? number(1, COUNT_MAX) : 0;
	printf("%.*s\n", (int)extra_write(&view, extra, sizeof(extra)), extra);
}

static struct tap_counts random_counts(void)
{
	struct tap_counts counts = { .dropped_ring = number(0, COUNT_MAX), .dropped_spool = number(0, COUNT_MAX),
		.durable = chance(2) == 0, .recovered = number(0, 9), .target_count = (unsigned)chance(TAP_TARGETS_MAX + 1) };

	counts.spool = (struct spool_counts){ .octets_file = number(0, COUNT_MAX / 2),
		.octets_memory = number(0, COUNT_MAX / 2), .damaged = number(0, 9), .errors = number(0, COUNT_MAX) };
	for (unsigned i = 0; i < counts.target_count; i++) {
		struct tap_target_counts *target = &counts.targets[i];

		snprintf(target->name, sizeof(target->name), "target-%u", i);
		target->counts.up = chance(2) == 0;
		target->counts.written = number(0, COUNT_MAX);
		target->counts.lost = number(0, COUNT_MAX);
		target->counts.unsure = number(0, COUNT_MAX);
		target->counts.waiting_ms = (int64_t)number(0, 2000);
	}
	return counts;
}

static struct ring_tally random_tally(void)
{
	return (struct ring_tally){ .noted = number(0, COUNT_MAX), .left_out = chance(2) == 0 ? number(0, COUNT_MAX) : 0,
		.dropped = number(0, COUNT_MAX / 2), .given_up = number(0, COUNT_MAX / 2) };
}

static void print_heartbeat(void)
{
	char extra[HEARTBEAT_OCTETS_MAX];
	struct heartbeat_worker workers[TAP_WORKERS_MAX];
	struct tap_counts counts = random_counts();
	struct heartbeat heartbeat = { .boot = chance((uint64_t)1 << 48), .number = number(1, COUNT_MAX),
		.interval_ms = 1000 * (uint32_t)number(1, 3600), .workers = workers,
		.worker_count = (unsigned)number(0, TAP_WORKERS_MAX), .counts = &counts };

	for (unsigned i = 0; i < heartbeat.worker_count; i++)
		workers[i] = (struct heartbeat_worker){ (uint16_t)i, random_tally() };
	printf("%.*s\n", (int)heartbeat_write(&heartbeat, extra, sizeof(extra)), extra);
}

static void print_former(void)
{
	char extra[1024];
	struct heartbeat_former former = { .origin = { chance((uint64_t)1 << 48), (uint16_t)number(0, UINT16_MAX) },
		.tally = random_tally(), .recovered = number(0, COUNT_MAX), .damaged = chance(2) == 0 };
	size_t octets = heartbeat_write_former(&former, extra, sizeof(extra));

	printf("%.*s\n", (int)octets, extra);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (count == 0) {
		fputs("usage: extra_lines SEED COUNT\n", stderr);
		return 2;
	}
	chance_state = strtoull(argv[1], NULL, 10);
	for (unsigned long i = 0; i < count; i++) {
		print_answer();
		if (i % 10 == 0) {
			print_heartbeat();
			print_former();
		}
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
