/*
 * dnstap_event.h: an event to test with: www.example.com A, refused by a wildcard rule, and any records.
 */
#ifndef TESTS_UNIT_DNSTAP_EVENT_H
#define TESTS_UNIT_DNSTAP_EVENT_H

#include <string.h>

#include "dnstap/event.h"

struct sample {
	struct facts facts;
	struct verdict verdict;
	struct event event;
	const struct record *records;
	size_t record_count;
	size_t left_out;
};

static size_t sample_records(const void *source, record_visit visit, void *arg)
{
	const struct sample *sample = source;
	size_t i;

	for (i = 0; i < sample->record_count; i++)
		if (!visit(arg, &sample->records[i]))
			return 0;
	return sample->left_out;
}

static inline void sample_init(struct sample *sample, const struct record *records, size_t count)
{
	memset(sample, 0, sizeof(*sample));
	verdict_init(&sample->verdict);
	sample->records = records;
	sample->record_count = count;
	sample->facts.client = (struct address){ ADDRESS_INET, 40000, { 192, 0, 2, 7 } };
	sample->facts.server = (struct address){ ADDRESS_INET, 53, { 192, 0, 2, 53 } };
	sample->facts.transport = TRANSPORT_UDP;
	name_from_text(&sample->facts.qname, "www.example.com", strlen("www.example.com"));
	sample->facts.qtype = sample->facts.qclass = 1;
	sample->facts.records = sample_records;
	sample->facts.source = sample;
	sample->event = (struct event){
		.number = { 0x0123456789ab, 3, 17 }, .path = PATH_RESOLVED, .facts = &sample->facts,
		.verdict = &sample->verdict, .query_time = { 1700000000, 1 }, .response_time = { 1700000000, 999999999 },
		.id = 0xbeef, .query_flags = 0x0100, .response_flags = 0x8180, .ede = EDE_NONE,
	};
}

static inline void sample_refuse(struct sample *sample)
{
	struct rule_match *rule = &sample->verdict.rule;

	sample->verdict.action = rule->action = ACTION_REFUSE;
	rule->trigger = TRIGGER_QNAME;
	rule->wildcard = true;
	rule->serial = 42;
	strcpy(rule->list, "malware");
	strcpy(rule->category, "c2");
	strcpy(rule->attack, "T1071.004 T1568.002");
	name_from_text(&rule->rule_name, "example.com", strlen("example.com"));
	sample->event.ede = EDE_PROHIBITED;
	sample->event.ede_text = "malware";
	sample->event.response_flags = 0x8185;
	sample->facts.rcode = 5;
}

#endif
