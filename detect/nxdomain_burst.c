/* nxdomain_burst.c: a client that looks for one of many names, and nobody has registered most of them. */
#include "detect/look.h"

#include <string.h>

#include "detect/name_score.h"

enum { ZONES, SHARE, VOLUME_ZONES, VOLUME_SHARE, SCORE };

#define ZONE_WORDS 8u

static uint32_t option(const struct look *look, unsigned index)
{
	return look_option(look, DETECTOR_NXDOMAIN_BURST, index);
}

/* Top-level domains of networks of one's own (RFC 6761, RFC 6762 appendix G, RFC 7686, RFC 8375, and what routers are
 * shipped with), and of addresses: what is missing there was never looked for outside. */
static const char *const own_domains[] = {
	"\4arpa", "\4corp", "\4home", "\10internal", "\10intranet", "\7invalid", "\3lan", "\5local", "\13localdomain",
	"\11localhost", "\5onion", "\7private",
};

bool name_is_own(const struct name *name)
{
	const uint8_t *last;

	if (name->labels == 0)
		return true;
	last = name_suffix(name, name->labels - 1u);
	for (unsigned i = 0; i < sizeof(own_domains) / sizeof(own_domains[0]); i++)
		if (*last == (uint8_t)own_domains[i][0] && memcmp(last, own_domains[i], 1u + *last) == 0)
			return true;
	return false;
}

/* How many labels of the name stand for the zone; 0: it does not count. Malware knows top-level domains that are none
 * any more, and those that never were. */
static unsigned count_labels(const struct look *look)
{
	const struct name *name = &look->facts->qname;

	if (name->labels < 2 || name_is_own(name))
		return 0;
	if (look->zone_labels == 0 && !look->has_zone)
		return 0;
	return look->zone_labels > 0 ? look->zone_labels : 2;
}

static void say(struct look *look, unsigned value, uint32_t threshold, unsigned zones)
{
	struct detection *detection = look_report(look, DETECTOR_NXDOMAIN_BURST, TIER_ALERT, (float)value, threshold);

	detection_add(detection, FEATURE_NAMES, (float)zones);
	detection_add(detection, FEATURE_FAILURES, (float)look->client->missing);
}

void judge_nxdomain_burst(struct look *look)
{
	const struct name *name = &look->facts->qname;
	struct client *client = look->client;
	const uint8_t *zone;
	unsigned labels, zones;

	if ((look->sight->traits & (TRAIT_POPULAR | TRAIT_APPROVED | TRAIT_INTERNAL)) != 0)
		return;
	labels = count_labels(look);
	zone = name_suffix(name, name->labels - labels);
	if (labels == 0 || !bits_add(client->zones, ZONE_WORDS, hash_octets(&look->detect->key, zone,
		(size_t)(name->octets + name->length - zone))))
		return;
	if (look->score == ZONE_NOT_SCORED)
		look->score = name_score(zone + 1, zone[0]);
	client->generated += look->score >= (int)option(look, SCORE);
	zones = bits_count(client->zones, ZONE_WORDS);
	if (client->generated >= option(look, ZONES) && client->generated * 100 >= zones * option(look, SHARE))
		say(look, client->generated, option(look, ZONES), zones);
	else if (zones >= option(look, VOLUME_ZONES) &&
		 (uint64_t)client->missing * 100 >= (uint64_t)client->answers * option(look, VOLUME_SHARE))
		say(look, zones, option(look, VOLUME_ZONES), zones);
}
