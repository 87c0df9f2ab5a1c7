/* https_mode.c: looks for the first list that says what becomes of a name's SVCB and HTTPS records. */
#include "policy/https_mode.h"

#include "policy/match.h"
#include "policy/snapshot_parts.h"

struct search {
	const struct snapshot *snapshot;
	uint16_t type;
	size_t first;      /* of the lists found so far */
};

static void keep_first(void *arg, const struct match *match)
{
	struct search *search = arg;
	const struct list_info *list = &search->snapshot->lists[match->class->list];

	if (match->class->list < search->first && list->https != HTTPS_PASS && !list->shadow &&
	    match->class->action == ACTION_OBSERVE && list_applies(list, search->type))
		search->first = match->class->list;
}

enum https_mode https_mode_of(const struct snapshot *snapshot, const struct name *owner, uint16_t type)
{
	struct search search = { .snapshot = snapshot, .type = type, .first = snapshot->list_count };

	if (snapshot->lists_say_https)
		match_name(snapshot, TRIGGER_QNAME, owner, keep_first, &search);
	return search.first < snapshot->list_count ? snapshot->lists[search.first].https : snapshot->options.https;
}
