/* detection.c: the detectors, a row each. */
#include "policy/detection.h"

#include <string.h>

const char *const tier_names[TIER_COUNT] = {
	[TIER_NONE] = "none", [TIER_TAG] = "tag", [TIER_LOW] = "low", [TIER_ALERT] = "alert", [TIER_HIGH] = "high",
	[TIER_BLOCK] = "block",
};

const char *const feature_names[FEATURE_COUNT] = {
	[FEATURE_OCTETS_10M] = "octets_10m",
	[FEATURE_OCTETS_12H] = "octets_12h",
	[FEATURE_NAMES] = "names",
	[FEATURE_CLIENTS] = "clients",
	[FEATURE_ADDRESSES] = "addresses",
	[FEATURE_ADDRESSES_IN_NETWORK] = "addresses_in_network",
	[FEATURE_NETWORKS] = "networks",
	[FEATURE_FAILURES] = "failures",
	[FEATURE_CHILDREN] = "children",
	[FEATURE_OWNERS] = "owners",
	[FEATURE_ANY] = "any",
	[FEATURE_CHAOS] = "chaos",
	[FEATURE_QTYPE] = "qtype",
	[FEATURE_INTERVAL] = "interval",
	[FEATURE_VARIATION] = "variation",
	[FEATURE_INSIDE] = "inside",
	[FEATURE_OUTSIDE] = "outside",
	[FEATURE_BOGUS] = "bogus",
	[FEATURE_LIKENESS] = "likeness",
	[FEATURE_REGISTERED] = "registered",
};

const char *const reaction_names[REACTION_COUNT] = {
	[REACTION_OFF] = "off", [REACTION_OBSERVE] = "observe", [REACTION_ALERT] = "alert", [REACTION_BLOCK] = "block",
};

#define DAYS_MAX 3650
#define OCTETS_MAX 100000000

const struct detector_info detector_table[DETECTOR_COUNT] = {
	[DETECTOR_TUNNEL] = { "tunnel", "T1071.004 T1048.003 T1572", REACTION_BLOCK,
		"new names below the zone carry data out of the network", {
		{ "low-octets", "octets", 512, 1, OCTETS_MAX, "of information in new names, half-life of 10 minutes" },
		{ "low-octets-12h", "octets", 1024, 1, OCTETS_MAX, "the same with a half-life of 12 hours" },
		{ "high-octets", "octets", 2048, 1, OCTETS_MAX, "either of them: the tier high" },
		{ "block-octets", "octets", 4096, 1, OCTETS_MAX, "either of them: the tier block" },
		{ "age-max", "days", 30, 0, DAYS_MAX, "the tier block wants a zone no older than that" },
		{ "clients-max", "clients", 3, 0, 4, "or one with no more clients than that" } } },
	[DETECTOR_TUNNEL_DOWN] = { "tunnel-down", "T1071.004 T1105", REACTION_ALERT,
		"short-lived answers of the zone carry data into the network", {
		{ "octets", "octets", 4096, 1, OCTETS_MAX, "of such records, half-life of 10 minutes" },
		{ "odd-octets", "octets", 2048, 1, OCTETS_MAX, "of types NULL, KEY and private ones" } } },
	[DETECTOR_WEAK_CHANNEL] = { "weak-channel", "T1071.004", REACTION_ALERT,
		"one or two clients look up ever new names below a zone that nobody knew", {
		{ "octets", "octets", 256, 1, OCTETS_MAX, "of information in new names, half-life of 12 hours" },
		{ "age-max", "days", 7, 0, DAYS_MAX, "the zone is no older" },
		{ "clients-max", "clients", 2, 1, 4, "the zone has no more" },
		{ "names-min", "names", 12, 1, 1000000, "different ones below the zone" } } },
	[DETECTOR_GENERATED_NAME] = { "generated-name", "T1568.002", REACTION_OBSERVE,
		"the name looks as if a machine had made it", {
		{ "score", "thousandths", 990, 1, 1000, "of the model, from which a name is tagged" } } },
	[DETECTOR_NXDOMAIN_BURST] = { "nxdomain-burst", "T1568.002", REACTION_ALERT,
		"the client looks up many names that do not exist, as malware does that seeks its server", {
		{ "zones", "zones", 6, 1, 200, "that do not exist and look generated, within 10 minutes" },
		{ "share", "percent", 30, 0, 100, "of all that do not exist" },
		{ "volume-zones", "zones", 40, 1, 200, "that do not exist, whatever they look like" },
		{ "volume-share", "percent", 70, 0, 100, "of the client's answers that say so" },
		{ "score", "thousandths", 900, 1, 1000, "of the model, from which a name looks generated" } } },
	[DETECTOR_NEWLY_OBSERVED] = { "newly-observed", "T1583.001 T1583.002", REACTION_OBSERVE,
		"nobody here has looked up the zone for a month, or a feed says that it was registered or moved of late", {
		{ "warm-up", "days", 7, 0, DAYS_MAX, "after the first start, without saying so" } } },
	[DETECTOR_CHANGED_RESOLUTION] = { "changed-resolution", "", REACTION_OBSERVE,
		"a known zone leads to a network that it never led to", {
		{ "age-min", "days", 7, 0, DAYS_MAX, "of the zone" } } },
	[DETECTOR_NAME_SERVER] = { "name-server", "T1583.002", REACTION_ALERT,
		"the zone is served by name servers that are new, close together or not approved", {
		{ "score", "points", 2, 1, 4, "from which it counts" } } },
	[DETECTOR_DELEGATION_CHANGE] = { "delegation-change", "T1584.002 T1583.002", REACTION_ALERT,
		"the zone's name servers are not those that they were", {
		{ "score", "points", 2, 1, 4, "from which it counts for zones that are not protected" } } },
	[DETECTOR_REBINDING] = { "rebinding", "", REACTION_ALERT,
		"a public name leads to an address inside the network", { { 0 } } },
	[DETECTOR_REBINDING_FLIP] = { "rebinding-flip", "", REACTION_ALERT,
		"a name led the client outside, and now leads inside the network", {
		{ "window", "seconds", 3600, 1, 86400, "between the two" } } },
	[DETECTOR_FAST_FLUX] = { "fast-flux", "T1568.001", REACTION_ALERT,
		"a young zone's addresses are many, short-lived and spread over networks", {
		{ "score", "points", 142, 1, 100000, "1.32 an address and 18.54 a network, within a day" },
		{ "share", "percent", 50, 0, 100, "networks of addresses" },
		{ "ttl-max", "seconds", 300, 0, 86400, "of the addresses that count" },
		{ "age-max", "days", 30, 0, DAYS_MAX, "of the zone" } } },
	[DETECTOR_LOOK_ALIKE] = { "look-alike", "T1583.001 T1566", REACTION_ALERT,
		"the name looks like one that is protected", {
		{ "length-min", "characters", 6, 3, 63, "of a protected name for which one wrong letter counts" } } },
	[DETECTOR_RECON] = { "recon", "T1590.002", REACTION_ALERT,
		"the client explores the DNS: address ranges, record types, versions or names below a zone", {
		{ "ptr", "addresses", 128, 1, 400, "looked up by PTR within 10 minutes" },
		{ "ptr-network", "addresses", 64, 1, 200, "of them in one /24" },
		{ "owners", "names", 30, 1, 100, "asked for MX, TXT, SRV, NS or SOA" },
		{ "children", "names", 50, 1, 1000, "below one zone that do not exist" },
		{ "share", "percent", 80, 0, 100, "of the client's names below that zone" } } },
	[DETECTOR_RANDOM_SUBDOMAIN] = { "random-subdomain", "T1499.002", REACTION_BLOCK,
		"random names below the zone are asked for to wear out its servers", {
		{ "rate", "queries a second", 100, 1, 100000, "over a minute" },
		{ "failures", "percent", 80, 0, 100, "of the answers" },
		{ "children", "names", 50, 1, 1000000, "different ones" },
		{ "hits", "percent", 20, 0, 100, "of the answers from the cache, no more" } } },
	[DETECTOR_ODD_TYPE] = { "odd-type", "T1071.004", REACTION_ALERT,
		"a record type that hardly anything but a tunnel asks for", { { 0 } } },
	[DETECTOR_RESOLVER_BYPASS] = { "resolver-bypass", "T1071.004 T1090", REACTION_ALERT,
		"the client looks for another resolver", { { 0 } } },
	[DETECTOR_DNSSEC_DROP] = { "dnssec-drop", "T1584.002", REACTION_ALERT,
		"the zone was signed and is not any more, or its signatures fail", {
		{ "age-min", "days", 7, 0, DAYS_MAX, "that it was signed" },
		{ "bogus", "answers", 3, 1, 100, "that failed" } } },
	[DETECTOR_BEACON] = { "beacon", "T1071.004", REACTION_OBSERVE,
		"the client asks for a zone that nobody knew as regularly as a clock", {
		{ "count", "questions", 12, 4, 1000, "that were as regular" },
		{ "interval-min", "seconds", 30, 1, 86400, "between two of them" },
		{ "variation-max", "percent", 10, 0, 100, "standard deviation of mean" },
		{ "clients-max", "clients", 2, 1, 4, "of the zone" } } },
	[DETECTOR_CONDITIONAL_ANSWER] = { "conditional-answer", "T1583.002", REACTION_OBSERVE,
		"a new zone answers the same question now so and now so", {
		{ "flips", "changes", 3, 1, 100, "within an hour" },
		{ "ttl-max", "seconds", 60, 0, 86400, "of the answers that count" } } },
};

const struct detector_order detector_orders[DETECTOR_ORDERS] = {
	{ DETECTOR_TUNNEL, 0, 2 }, { DETECTOR_TUNNEL, 1, 2 }, { DETECTOR_TUNNEL, 2, 3 },
};

#define BY_INVENTORY "an `approved-name-server:` with an `action:` that denies keeps a zone to its servers"
#define BY_ADDRESSES "a list of addresses denies the answer before it leaves, as the example rebinding.rpz"

const char *const detector_instead[DETECTOR_COUNT] = {
	[DETECTOR_NAME_SERVER] = BY_INVENTORY,
	[DETECTOR_DELEGATION_CHANGE] = BY_INVENTORY,
	[DETECTOR_REBINDING] = BY_ADDRESSES,
	[DETECTOR_REBINDING_FLIP] = BY_ADDRESSES,
	[DETECTOR_RESOLVER_BYPASS] = "a list denies canaries at the first question, as the example canaries.rpz",
};

enum detector detector_by_name(const char *name)
{
	enum detector detector = 0;

	while (detector < DETECTOR_COUNT && strcmp(detector_table[detector].name, name) != 0)
		detector++;
	return detector;
}

void detector_conf_defaults(struct detector_conf conf[DETECTOR_COUNT])
{
	for (unsigned i = 0; i < DETECTOR_COUNT; i++) {
		conf[i].reaction = REACTION_OBSERVE;
		for (unsigned option = 0; option < DETECTOR_OPTIONS_MAX; option++)
			conf[i].values[option] = detector_table[i].options[option].fallback;
	}
}

bool detector_is_to_block(const char *name, const struct detector_conf conf[DETECTOR_COUNT])
{
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		if (strcmp(name, detector_table[i].name) == 0)
			return conf[i].reaction == REACTION_BLOCK;
	return false;
}
