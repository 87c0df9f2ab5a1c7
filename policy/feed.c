/* feed.c: what a list may lose from one load to the next. */
#include "policy/feed.h"

bool feed_serial_older(uint32_t a, uint32_t b)
{
	return a != b && b - a < UINT32_C(1) << 31;
}

int feed_check(const struct list_conf *conf, const struct list_stats *now, const struct list_stats *before,
	struct diag *diag)
{
	const size_t lost = before->rules > now->rules ? before->rules - now->rules : 0;

	if (before->rules >= FEED_RULES_LEAST && lost * 100 > before->rules * conf->shrink_max)
		return diag_set(diag, conf->file, 0, 0, "has %zu rules, at the last load it had %zu: over %u %% are "
			"gone (the file of policy-list %s); if that is right, set `shrink-max: 100`", now->rules,
			before->rules, conf->shrink_max, conf->name);
	if (!conf->allow_older && now->serial != 0 && before->serial != 0 &&
	    feed_serial_older(now->serial, before->serial))
		return diag_set(diag, conf->file, 0, 0, "has serial %u, at the last load it had %u, which is newer "
			"(the file of policy-list %s); if that is right, set `allow-older: yes`", now->serial,
			before->serial, conf->name);
	return 0;
}
