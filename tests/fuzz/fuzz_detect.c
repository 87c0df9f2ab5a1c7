/*
 * fuzz_detect.c: answers of every kind go through the detectors: names of up to 127 labels and any octets, every type
 * and class, records that make no sense, clocks that jump.
 *
 * The input is a row of answers: a head of eight octets (how much the clock moves, type, class, which path, client and
 * name), labels, and records of one octet for type, TTL and length each. Laws: what is said is within its tables and of
 * the question's name, and the same answers say the same.
 */
#include "detect/detect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/rrtype.h"

#define NOW 1700000000000
#define HEAD 8u
#define RECORDS_MAX 8u
#define ANSWERS_MAX 2000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct detect_sizes tiny = { 64, 64, 64, 1024, 1024, 1024 };
static const struct hash_key key = { 1, 2 };
static char suffixes[32];            /* a file in memory */

struct input {
	const uint8_t *at;
	size_t left;
};

struct answer {
	struct facts facts;
	struct sight sight;
	size_t count;
	struct record records[RECORDS_MAX];
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void begin(void)
{
	const int fd = memfd_create("suffixes", 0);

	check(fd >= 0 && dprintf(fd, "// ===BEGIN ICANN DOMAINS===\ncom\narpa\nin-addr.arpa\n") > 0);
	for (unsigned i = 0; i < 100; i++)
		check(dprintf(fd, "tld%u\n", i) > 0);
	snprintf(suffixes, sizeof(suffixes), "/proc/self/fd/%d", fd);
}

static const uint8_t *take(struct input *input, size_t octets)
{
	const uint8_t *at = input->at;

	if (octets > input->left)
		return NULL;
	input->at += octets;
	input->left -= octets;
	return at;
}

/* Labels up to one without octets, and perhaps a top-level domain that there is. */
static bool take_name(struct input *input, bool below_com, struct name *name)
{
	static const uint8_t com[] = "\3com";
	uint8_t wire[NAME_OCTETS_MAX + 64 + sizeof(com)];
	const uint8_t *octets;
	size_t used = 0;

	while (input->left > 0 && *input->at % 64 != 0 && used < NAME_OCTETS_MAX) {
		const size_t length = *input->at % 64;

		octets = take(input, 1 + length);
		if (octets == NULL)
			return false;
		wire[used] = (uint8_t)length;
		memcpy(wire + used + 1, octets + 1, length);
		used += 1 + length;
	}
	take(input, 1);
	memcpy(wire + used, below_com ? com : (const uint8_t *)"", below_com ? sizeof(com) : 1);
	return name_from_wire(name, wire, used + (below_com ? sizeof(com) : 1));
}

static bool take_record(struct input *input, struct record *record)
{
	const uint8_t *head = take(input, 3), *rdata = head != NULL ? take(input, head[2] % 32) : NULL;

	if (rdata == NULL)
		return false;
	*record = (struct record){ .section = SECTION_ANSWER, .type = head[0] == 255 ? RRTYPE_PRIVATE_FIRST : head[0],
		.class = 1, .ttl = head[1] * 3u, .rdata = rdata, .rdata_length = head[2] % 32 };
	return true;
}

static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct answer *answer = source;

	for (size_t i = 0; i < answer->count; i++)
		if (!visit(arg, &answer->records[i]))
			break;
	return 0;
}

/* The clock moves by seconds, and by months where the first octet says so, there and back. */
static int64_t moved(int64_t now_ms, const uint8_t *head)
{
	const int64_t far = head[0] < 240 ? 0 : (head[0] & 1) != 0 ? 5000000000 : -5000000000;

	return now_ms + head[0] * 100 + far * head[1];
}

static bool take_answer(struct input *input, struct answer *answer, int64_t *now_ms)
{
	const uint8_t *head = take(input, HEAD);

	if (head == NULL)
		return false;
	*now_ms = moved(*now_ms, head);
	*answer = (struct answer){ .facts = { .qtype = (uint16_t)(head[2] << 8 | head[3]), .rcode = head[5] >> 4 & 3,
		.qclass = head[4] == 0 ? 1 : head[4] }, .sight = { .path = (enum answer_path)(head[5] % PATH_COUNT),
		.traits = head[6] >> 4, .security = (enum security)(head[6] & 3), .ordinal = head[6], .now_ms = *now_ms } };
	answer->facts.client = (struct address){ .family = (head[7] & 2) != 0 ? ADDRESS_INET6 : ADDRESS_INET,
		.octets = { head[7] >> 2 & 15 } };
	if (!take_name(input, (head[7] & 1) != 0, &answer->facts.qname))
		return false;
	while (answer->count < head[7] >> 6 && take_record(input, &answer->records[answer->count])) {
		answer->records[answer->count].owner = answer->facts.qname.octets;
		answer->records[answer->count++].owner_length = answer->facts.qname.length;
	}
	answer->facts.records = show;
	answer->facts.source = answer;
	answer->sight.facts = &answer->facts;
	return true;
}

static void check_said(const struct answer *answer, const struct detections *said)
{
	check(said->count <= DETECTIONS_MAX && said->points <= 8 * DETECTOR_COUNT);
	for (size_t i = 0; i < said->count; i++) {
		const struct detection *one = &said->items[i];

		check(one->detector < DETECTOR_COUNT && one->tier > TIER_NONE && one->tier < TIER_COUNT);
		check(one->feature_count <= DETECTION_FEATURES_MAX);
		for (unsigned feature = 0; feature < one->feature_count; feature++)
			check(one->features[feature].name < FEATURE_COUNT);
	}
	if (said->call.reaction != REACTION_OFF)
		check(said->call.lead.tier < TIER_COUNT && said->call.lead.reaction >= said->call.reaction &&
			(said->call.zone_labels <= 1 || said->call.zone_labels <= answer->facts.qname.labels));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct detector_conf conf[DETECTOR_COUNT];
	struct input input = { data, size };
	struct detections said, again;
	struct diag diag = { 0 };
	struct detect *one, *other;
	struct answer answer;
	int64_t now_ms = NOW;

	if (suffixes[0] == '\0')
		begin();
	detector_conf_defaults(conf);
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		conf[i].reaction = detector_table[i].reaction_max;
	conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	one = detect_create(&tiny, suffixes, &key, NOW, &diag);
	other = detect_create(&tiny, suffixes, &key, NOW, &diag);
	check(one != NULL && other != NULL);
	for (unsigned i = 0; i < ANSWERS_MAX && take_answer(&input, &answer, &now_ms); i++) {
		detect_answer(one, conf, &answer.sight, &said);
		detect_answer(other, conf, &answer.sight, &again);
		check_said(&answer, &said);
		check(said.count == again.count && said.points == again.points && said.standing == again.standing &&
			said.call.reaction == again.call.reaction);
		if (i % 16 == 0) {
			detect_turn(one, now_ms);
			detect_turn(other, now_ms);
		}
	}
	detect_destroy(&one);
	detect_destroy(&other);
	return 0;
}
