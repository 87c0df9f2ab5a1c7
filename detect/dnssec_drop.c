/* dnssec_drop.c: a zone that was signed for long, and is not any more. */
#include "detect/look.h"

enum { AGE_MIN, BOGUS };

#define DAY_S 86400

/* Of another zone's security an alias says something, too; and of names that are not there opt-out (RFC 5155 section
 * 6) leaves unsaid whether they might be. */
static bool speaks_for_zone(const struct look *look)
{
	return look->facts->rcode == 0 && look->answered->has_records && !look->answered->has_alias;
}

/* A zone below that has servers of its own may be unsigned since ever: what counts is the zone's own name, and one
 * below it that was signed itself. */
static bool was_signed(const struct look *look)
{
	return look->facts->qname.labels == look->zone_labels || look->zone->secure_name == (uint32_t)look->name_hash;
}

static void note_secure(struct look *look)
{
	struct zone *zone = look->zone;

	if (zone->secure_s == 0)
		zone->secure_s = (uint32_t)look->now_s;
	if (zone->secure_name == 0 && look->facts->qname.labels != look->zone_labels)
		zone->secure_name = (uint32_t)look->name_hash;
	zone->unsigned_s = 0;
	zone->bogus = 0;
}

static int64_t signed_days(const struct look *look)
{
	return (look->now_s - (int64_t)look->zone->secure_s) / DAY_S;
}

static void judge_insecure(struct look *look)
{
	const uint32_t days = look_option(look, DETECTOR_DNSSEC_DROP, AGE_MIN);
	struct zone *zone = look->zone;

	if (zone->unsigned_s == 0)
		zone->unsigned_s = (uint32_t)look->now_s;
	if (signed_days(look) >= (int64_t)days)
		look_report(look, DETECTOR_DNSSEC_DROP, TIER_ALERT, (float)signed_days(look), days);
	/* After as long a time it is a zone that is not signed. */
	if (look->now_s - (int64_t)zone->unsigned_s >= (int64_t)days * DAY_S)
		zone->secure_s = zone->unsigned_s = 0;
}

static void judge_bogus(struct look *look)
{
	const uint32_t days = look_option(look, DETECTOR_DNSSEC_DROP, AGE_MIN);

	if (look->zone->bogus < UINT8_MAX)
		look->zone->bogus++;
	if (signed_days(look) >= (int64_t)days && look->zone->bogus >= look_option(look, DETECTOR_DNSSEC_DROP, BOGUS))
		detection_add(look_report(look, DETECTOR_DNSSEC_DROP, TIER_ALERT, (float)signed_days(look), days),
			FEATURE_BOGUS, look->zone->bogus);
}

void judge_dnssec_drop(struct look *look)
{
	if (look->sight->behind != NULL)
		look->sight->behind->security = look->sight->security;
	switch (look->sight->security) {
	case SECURITY_UNKNOWN:
	case SECURITY_COUNT:
		break;
	case SECURITY_SECURE:
		if (speaks_for_zone(look))
			note_secure(look);
		break;
	case SECURITY_INSECURE:
		if (was_signed(look) && speaks_for_zone(look))
			judge_insecure(look);
		break;
	case SECURITY_BOGUS:
		judge_bogus(look);
		break;
	}
}
