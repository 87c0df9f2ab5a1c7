/* evaluate_scan.c: what must stay out of shared caches. */
#include "policy/evaluate.h"

#include <string.h>

#include "policy/judging.h"
#include "policy/position.h"
#include "policy/rdata.h"
#include "policy/rrtype.h"
#include "policy/snapshot_parts.h"

#define BIT(trigger) (1u << (trigger))

struct scan {
	const struct snapshot *snapshot;
	const struct facts *facts;
	struct name owner;      /* the last one judged: the records of an RRset follow each other */
	bool denied;
};

/* Whatever question leads here: the name may be the qname of another. */
static void scan_name(struct scan *scan, const struct name *name, const struct record *record)
{
	struct position position = { .facts = scan->facts, .name = name, .clients = true, .record = record };
	struct judging judging;

	judging_init(&judging, scan->snapshot, scan->facts, STAGE_ANSWER, NULL);
	judge_position(&judging, &position);
	scan->denied |= judging.denied_to_some;
}

/* In the same case, too, as they mostly are. */
static bool is_owner(const struct scan *scan, const struct record *record)
{
	return record->owner_length == scan->owner.length &&
	       memcmp(record->owner, scan->owner.octets, record->owner_length) == 0;
}

static bool scan_record(void *arg, const struct record *record)
{
	const unsigned addresses = BIT(TRIGGER_IP);
	struct scan *scan = arg;
	struct name name;
	bool known;

	/* Sections come in order. */
	if (record->section != SECTION_ANSWER)
		return false;
	known = is_owner(scan, record) || !name_from_wire(&name, record->owner, record->owner_length) ||
		name_equal(&name, &scan->owner);
	if (!known)
		scan->owner = name;
	if (!known || scan->snapshot->triggers & addresses)
		scan_name(scan, &scan->owner, record);
	if (!scan->denied && (record->type == RRTYPE_CNAME || record->type == RRTYPE_DNAME
			      ? rdata_alias(record, &name) : rdata_target(record, &name)))
		scan_name(scan, &name, NULL);
	return !scan->denied;
}

/* This very question, for any client. */
static bool is_denied_here(const struct snapshot *snapshot, const struct facts *facts)
{
	struct judging judging;

	if (facts->unlisted_in == snapshot->number && facts->leads_nowhere && judges_names_alone(snapshot))
		return false;
	judging_init(&judging, snapshot, facts, STAGE_ANSWER, NULL);
	position_walk(snapshot, facts, STAGE_ANSWER, judge_position, &judging);
	return judging.denied_to_some;
}

bool evaluate_denied_to_some(const struct snapshot *snapshot, const struct facts *facts)
{
	struct scan scan;

	if (facts->records == NULL)
		return false;
	if (is_denied_here(snapshot, facts))
		return true;
	scan.snapshot = snapshot;
	scan.facts = facts;
	scan.denied = false;
	/* Most records are of the name asked for, which has been judged; but name servers may have spoken for it. */
	if (facts->servers == NULL)
		name_copy(&scan.owner, &facts->qname);
	else
		scan.owner.length = scan.owner.labels = scan.owner.octets[0] = 0;   /* no name has that length */
	facts->records(facts->source, scan_record, &scan);
	return scan.denied;
}
