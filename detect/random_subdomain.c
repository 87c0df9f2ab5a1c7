/* random_subdomain.c: a flood of names that do not exist, against the servers of a zone. */
#include "detect/look.h"

#include "policy/hot.h"

enum { RATE, FAILURES, CHILDREN, HITS };

#define MINUTE_S 60
#define RCODE_SERVFAIL 2u
#define RCODE_NXDOMAIN 3u
#define CHILD_QUERIES 2u             /* of one name; more is no random one */

static void begin_minute(struct zone *zone, int64_t now_s)
{
	const int64_t passed = now_s - (int64_t)zone->minute_s;

	if (passed >= 0 && passed < MINUTE_S)
		return;
	zone->minute_s = (uint32_t)now_s;
	zone->queries = zone->failures = zone->hits = zone->children = 0;
}

void random_subdomain_hit(struct look *look)
{
	struct zone *zone;

	zone = table_find(look->detect->zones, look->zone_hash);
	if (zone == NULL)
		return;
	begin_minute(zone, look->now_s);
	zone->queries += HITS_SAMPLED;
	zone->hits += HITS_SAMPLED;
	zone_note_client(zone, (uint32_t)look->client_hash);
	table_leave(look->detect->zones, look->zone_hash);
}

HOT void judge_random_subdomain(struct look *look)
{
	const struct detector_conf *conf = &look->conf[DETECTOR_RANDOM_SUBDOMAIN];
	const bool failed = look->facts->rcode == RCODE_NXDOMAIN || look->facts->rcode == RCODE_SERVFAIL;
	struct zone *zone = look->zone;
	struct detection *detection;

	begin_minute(zone, look->now_s);
	zone->queries++;
	zone->failures += failed;
	zone->children += look->fresh_name;
	/* Who asks for a name that there is, or that others ask for, has no part in it. */
	if (!failed || !look->fresh_name || zone->queries < conf->values[RATE] * MINUTE_S || zone->children < conf->values[CHILDREN] ||
	    (uint64_t)zone->failures * 100 < (uint64_t)zone->queries * conf->values[FAILURES] ||
	    (uint64_t)zone->hits * 100 > (uint64_t)zone->queries * conf->values[HITS] ||
	    zone->queries > (uint64_t)zone->children * CHILD_QUERIES)
		return;
	detection = look_report(look, DETECTOR_RANDOM_SUBDOMAIN, TIER_BLOCK, (float)zone->queries / MINUTE_S,
		conf->values[RATE]);
	detection_add(detection, FEATURE_FAILURES, (float)zone->failures);
	detection_add(detection, FEATURE_CHILDREN, (float)zone->children);
}
