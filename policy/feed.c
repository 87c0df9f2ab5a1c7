/* feed.c: what a list may lose from one load to the next. */
#include "policy/feed.h"

#include <inttypes.h>
#include <stdio.h>

bool feed_serial_older(uint32_t a, uint32_t b)
{
	return a != b && b - a < UINT32_C(1) << 31;
}

int feed_check(const struct list_conf *conf, const struct list_stats *now, const struct list_stats *before,
	struct diag *diag)
{
	/* What is withheld is in the feed still. */
	const size_t had = before->rules + before->withheld, has = now->rules + now->withheld;
	const size_t lost = had > has ? had - has : 0;

	if (had >= FEED_RULES_LEAST && lost * 100 > had * conf->shrink_max)
		return diag_set(diag, conf->file, 0, 0, "has %zu rules, at the last load it had %zu: over %u %% are "
			"gone (the file of policy-list %s); if that is right, set `shrink-max: 100`", has,
			had, conf->shrink_max, conf->name);
	if (!conf->allow_older && now->serial != 0 && before->serial != 0 &&
	    feed_serial_older(now->serial, before->serial))
		return diag_set(diag, conf->file, 0, 0, "has serial %u, at the last load it had %u, which is newer "
			"(the file of policy-list %s); if that is right, set `allow-older: yes`", now->serial,
			before->serial, conf->name);
	return 0;
}

bool feed_expired(const struct list_stats *stats, int64_t now, char *to, size_t cap)
{
	const int64_t expires_at = list_expires_at(stats);

	if (expires_at == 0 || now < expires_at)
		return false;
	if (stats->withheld > 0)
		snprintf(to, cap, "expired %" PRId64 " s ago: withdrawn, none of its rules (%zu) is in force",
			now - expires_at, stats->withheld);
	else
		snprintf(to, cap, "expired %" PRId64 " s ago: kept, see `expire:`", now - expires_at);
	return true;
}
