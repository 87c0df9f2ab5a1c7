/* recon.c: a client that explores: addresses, record types, versions, names below a zone. */
#include "detect/look.h"

#include <string.h>

#include "policy/hot.h"
#include "policy/rrtype.h"

enum { PTR, PTR_NETWORK, OWNERS, CHILDREN, SHARE };

#define PTR_WORDS 16u
#define OWNER_WORDS 4u
#define CLASS_CHAOS 3u
#define RCODE_NXDOMAIN 3u

static const uint8_t in_addr_arpa[] = "\7in-addr\4arpa", ip6_arpa[] = "\3ip6\4arpa";

static uint32_t option(const struct look *look, unsigned index)
{
	return look_option(look, DETECTOR_RECON, index);
}

static bool ends_with(const struct name *name, const uint8_t *suffix, size_t octets, unsigned labels)
{
	return name->labels > labels && name_suffix(name, name->labels - labels) + octets == name->octets + name->length &&
		memcmp(name_suffix(name, name->labels - labels), suffix, octets) == 0;
}

bool recon_is_reverse(const struct name *name)
{
	return ends_with(name, in_addr_arpa, sizeof(in_addr_arpa), 2) || ends_with(name, ip6_arpa, sizeof(ip6_arpa), 2);
}

static void judge_reverse(struct look *look)
{
	const struct name *name = &look->facts->qname;
	const uint8_t *network = name_suffix(name, 1);
	struct client *client = look->client;
	const uint64_t hash = look->name_hash;
	const uint64_t of = hash_octets(&look->detect->key, network, (size_t)(name->octets + name->length - network));
	unsigned all, near;

	/* Asking again for what is known pushes nothing out. */
	if (!bits_add(client->ptr, PTR_WORDS, hash))
		return;
	all = bits_count(client->ptr, PTR_WORDS);
	near = client_sweep(client, of, hash);
	if (all >= option(look, PTR))
		detection_add(look_report(look, DETECTOR_RECON, TIER_ALERT, (float)all, option(look, PTR)), FEATURE_ADDRESSES,
			(float)all);
	else if (near >= option(look, PTR_NETWORK))
		detection_add(look_report(look, DETECTOR_RECON, TIER_ALERT, (float)near, option(look, PTR_NETWORK)),
			FEATURE_ADDRESSES_IN_NETWORK, (float)near);
}

static bool is_about_owner(uint16_t type)
{
	return type == RRTYPE_MX || type == RRTYPE_TXT || type == RRTYPE_SRV || type == RRTYPE_NS || type == RRTYPE_SOA;
}

static void judge_owners(struct look *look)
{
	unsigned owners;

	if (!bits_add(look->client->owners, OWNER_WORDS, look->name_hash))
		return;
	owners = bits_count(look->client->owners, OWNER_WORDS);
	if (owners >= option(look, OWNERS))
		detection_add(look_report(look, DETECTOR_RECON, TIER_ALERT, (float)owners, option(look, OWNERS)), FEATURE_OWNERS,
			(float)owners);
}

/* Only new names count: who asks again and again for one that is gone explores nothing. */
static void judge_children(struct look *look)
{
	struct pair *pair;

	if (!look->fresh_name || look->zone_labels == look->facts->qname.labels)
		return;
	pair = look_pair(look);
	if (pair == NULL)
		return;
	pair->asked++;
	pair->missing += look->facts->rcode == RCODE_NXDOMAIN;
	if (pair->missing >= option(look, CHILDREN) && pair->missing * 100 >= pair->asked * option(look, SHARE))
		detection_add(look_report(look, DETECTOR_RECON, TIER_ALERT, (float)pair->missing, option(look, CHILDREN)),
			FEATURE_CHILDREN, (float)pair->asked);
}

HOT void judge_recon(struct look *look)
{
	const uint16_t type = look->facts->qtype;

	if (look->facts->qclass == CLASS_CHAOS)
		detection_add(look_report(look, DETECTOR_RECON, TIER_LOW, 1, 1), FEATURE_CHAOS, 1);
	else if (type == RRTYPE_ANY)
		detection_add(look_report(look, DETECTOR_RECON, TIER_LOW, 1, 1), FEATURE_ANY, 1);
	else if (type == RRTYPE_PTR && recon_is_reverse(&look->facts->qname))
		judge_reverse(look);
	else if (is_about_owner(type))
		judge_owners(look);
	judge_children(look);
}
