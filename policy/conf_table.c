/* conf_table.c: every option of the configuration, one row each. */
#include "policy/conf_table.h"

#include <string.h>

#include "policy/conf.h"

#define SOCKET_PATH_MAX 107        /* sockaddr_un */
#define PATH_OCTETS_MAX 4095
#define STATE_DIRECTORY "/var/lib/unbound/verdict"
#define KEY_OCTETS_MAX 32

const char *const clause_names[CLAUSE_COUNT] = { "verdict", "policy-list", "dnstap" };

#define IN_VERDICT(field) offsetof(struct conf, field)
#define IN_OPTIONS(field) offsetof(struct conf, options.field)
#define IN_LIST(field) offsetof(struct list_conf, field)
#define IN_DNSTAP(field) offsetof(struct dnstap_conf, field)

const struct option option_table[OPTION_COUNT] = {
	{ CLAUSE_VERDICT, "identity", TYPE_STRING, IN_VERDICT(identity), 0, 255, NULL, "the host's name", NULL,
		"what this resolver calls itself in frames", false },
	{ CLAUSE_VERDICT, "mode", TYPE_MODE, IN_VERDICT(mode), 0, 0, "enforce", NULL, NULL,
		"shadow: judge and report, never change an answer", false },
	{ CLAUSE_VERDICT, "state-directory", TYPE_PATH, IN_VERDICT(state_directory), 0, PATH_OCTETS_MAX,
		STATE_DIRECTORY,
		NULL, NULL, "where the module keeps what it must not forget", false },
	{ CLAUSE_VERDICT, "qname-wait-recurse", TYPE_FLAG, IN_OPTIONS(qname_wait_recurse), 0, 0, "no", NULL, NULL,
		"resolve a question before a rule denies it", false },
	{ CLAUSE_VERDICT, "nsip-wait-recurse", TYPE_FLAG, IN_OPTIONS(nsip_wait_recurse), 0, 0, "yes", NULL, NULL,
		"find out the addresses of name servers before later lists decide", false },
	{ CLAUSE_VERDICT, "nsdname-wait-recurse", TYPE_FLAG, IN_OPTIONS(nsdname_wait_recurse), 0, 0, "yes", NULL,
		NULL, "find out the names of name servers before later lists decide", false },
	{ CLAUSE_VERDICT, "min-ns-dots", TYPE_NUMBER, IN_OPTIONS(min_ns_dots), 0, 126, "1", NULL, "dots",
		"name servers of zones with fewer are not judged", false },
	{ CLAUSE_VERDICT, "recursive-only", TYPE_FLAG, IN_OPTIONS(recursive_only), 0, 0, "no", NULL, NULL,
		"leave queries without RD alone", false },
	{ CLAUSE_VERDICT, "break-dnssec", TYPE_INVERSE, IN_OPTIONS(keep_dnssec), 0, 0, "yes", NULL, NULL,
		"deny signed answers to clients that ask for signatures, too", false },
	{ CLAUSE_VERDICT, "max-policy-ttl", TYPE_NUMBER, IN_OPTIONS(max_policy_ttl), 1, 86400, "86400", NULL,
		"seconds", "the most that any record made here lives", false },
	{ CLAUSE_VERDICT, "https", TYPE_HTTPS, IN_OPTIONS(https), 0, 0, "pass", NULL, NULL,
		"what becomes of HTTPS and SVCB records that no rule passes", false },
	{ CLAUSE_LIST, "name", TYPE_LIST_NAME, IN_LIST(name), 0, LIST_NAME_MAX, NULL, "required", NULL,
		"what frames, logs and EDE texts call the list", false },
	{ CLAUSE_LIST, "file", TYPE_PATH, IN_LIST(file), 0, PATH_OCTETS_MAX, NULL, "required", NULL,
		"the list's file", false },
	{ CLAUSE_LIST, "format", TYPE_FORMAT, IN_LIST(format), 0, 0, "detect", NULL, NULL,
		"how the file is written", false },
	{ CLAUSE_LIST, "trigger", TYPE_TRIGGER, IN_LIST(trigger), 0, 0, NULL, "qname; cidr: ip", NULL,
		"what the names or addresses of the list are compared with", false },
	{ CLAUSE_LIST, "column", TYPE_TEXT, IN_LIST(column), 0, COLUMN_MAX, NULL, "by content", NULL,
		"csv: which column, by number from 1 or by its header", false },
	{ CLAUSE_LIST, "action", TYPE_ACTION, IN_LIST(action), 0, 0, NULL,
		"nxdomain; rpz, dnsmasq, unbound-local-zone: as its rules say", NULL,
		"what a match does", false },
	{ CLAUSE_LIST, "shadow", TYPE_FLAG, IN_LIST(shadow), 0, 0, "no", NULL, NULL,
		"report what the list would do, and do nothing", false },
	{ CLAUSE_LIST, "subdomains", TYPE_CHOICE, IN_LIST(subdomains), 0, 0, NULL,
		"no for hosts, wildcard and adblock, else yes", NULL,
		"a plain name covers every name below it", false },
	{ CLAUSE_LIST, "sinkhole-address", TYPE_ADDRESS, 0, 0, 0, NULL, "none", NULL,
		"what `action: sinkhole` answers with; up to 16", true },
	{ CLAUSE_LIST, "qtype", TYPE_RRTYPES, IN_LIST(qtypes), 0, RRTYPES_MAX, NULL, "all", NULL,
		"the only question types that the list judges", true },
	{ CLAUSE_LIST, "qtype-exempt", TYPE_RRTYPES, IN_LIST(qtypes_exempt), 0, RRTYPES_MAX, NULL, "none", NULL,
		"question types that the list does not judge", true },
	{ CLAUSE_LIST, "sinkhole-name", TYPE_ZONE, IN_LIST(sinkhole_name), 0, 0, NULL, "none", NULL,
		"the name that `action: sinkhole` leads to, instead of addresses", false },
	{ CLAUSE_LIST, "category", TYPE_TEXT, IN_LIST(category), 0, CATEGORY_MAX, NULL, "none", NULL,
		"carried in frames", false },
	{ CLAUSE_LIST, "attack", TYPE_ATTACK, IN_LIST(attack), 0, ATTACK_MAX, NULL, "none", NULL,
		"ATT&CK ids, carried in frames", false },
	{ CLAUSE_LIST, "ede", TYPE_EDE, IN_LIST(ede), 0, 0, NULL, "by action", NULL,
		"the extended DNS error (RFC 8914) that goes with a denial", false },
	{ CLAUSE_LIST, "ttl", TYPE_NUMBER, IN_LIST(ttl), 0, 86400, "300", NULL, "seconds",
		"of the records that the list answers with", false },
	{ CLAUSE_LIST, "zone", TYPE_ZONE, IN_LIST(zone), 0, 0, NULL, "as the file says", NULL,
		"rpz: the zone's name, for a file that does not say it", false },
	{ CLAUSE_LIST, "size-max", TYPE_OCTETS, IN_LIST(octets_max), 4096, (uint64_t)16 << 30, "1g", NULL, "octets",
		"the most that the list's text may have, decompressed", false },
	{ CLAUSE_LIST, "shrink-max", TYPE_PERCENT, IN_LIST(shrink_max), 0, 100, "50", NULL, "percent",
		"a list that lost more of its rules since the last load is an error", false },
	{ CLAUSE_LIST, "allow-wide", TYPE_FLAG, IN_LIST(allow_wide), 0, 0, "no", NULL, NULL,
		"take rules for top-level domains, public suffixes and huge networks", false },
	{ CLAUSE_LIST, "allow-older", TYPE_FLAG, IN_LIST(allow_older), 0, 0, "no", NULL, NULL,
		"take a zone with an older serial than at the last load", false },
	{ CLAUSE_LIST, "expire", TYPE_EXPIRE, IN_LIST(expire), 0, 0, "keep", NULL, NULL,
		"rpz: what becomes of a zone whose file is older than its SOA's expire", false },
	{ CLAUSE_DNSTAP, "socket-path", TYPE_PATH, IN_DNSTAP(socket_path), 0, SOCKET_PATH_MAX, NULL, "none", NULL,
		"the unix socket of a dnstap collector", false },
	{ CLAUSE_DNSTAP, "file", TYPE_PATH, IN_DNSTAP(file), 0, PATH_OCTETS_MAX, NULL, "none", NULL,
		"a file that frames are written to", false },
	{ CLAUSE_DNSTAP, "frames", TYPE_FRAMES, IN_DNSTAP(frames), 0, 0, "all", NULL, NULL,
		"one for each answer, or for verdicts other than a plain allow", false },
	{ CLAUSE_DNSTAP, "ring-size", TYPE_SIZE, IN_DNSTAP(ring_octets), 64 << 10, 1 << 30, "1m", NULL, "octets",
		"memory for frames on their way, for each worker; a power of two", false },
};

size_t option_find(enum clause clause, const char *key)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if ((clause == CLAUSE_COUNT || option_table[i].clause == clause) &&
		    strcmp(option_table[i].key, key) == 0)
			break;
	return i;
}

struct conf_limits option_limits(const struct option *option, const char *folder)
{
	return (struct conf_limits){ .min = option->min, .max = option->max, .folder = folder };
}

/* How many letters have to be changed, added or removed to make `b` of `a`. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[KEY_OCTETS_MAX + 1];
	size_t i, j, a_octets = strlen(a), b_octets = strlen(b);

	if (a_octets > KEY_OCTETS_MAX || b_octets > KEY_OCTETS_MAX)
		return KEY_OCTETS_MAX;
	for (j = 0; j <= b_octets; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= a_octets; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (j = 1; j <= b_octets; j++) {
			unsigned least = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[b_octets];
}

/* Keeps `candidate` when it is nearer than the best so far. */
static void consider(const char *key, const char *candidate, const char **best, unsigned *distance)
{
	unsigned now = edit_distance(key, candidate);

	if (now < *distance) {
		*best = candidate;
		*distance = now;
	}
}

const char *option_nearest(enum clause clause, const char *key)
{
	const char *best = NULL;
	unsigned distance = 4;
	size_t i;

	for (i = 0; i < CLAUSE_COUNT; i++)
		consider(key, clause_names[i], &best, &distance);
	consider(key, "include", &best, &distance);
	for (i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].clause == clause)
			consider(key, option_table[i].key, &best, &distance);
	return best;
}

void conf_print_options(FILE *to)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &option_table[i];
		struct conf_limits limits = option_limits(option, "");
		char text[CONF_WRONG_MAX];

		fprintf(to, "%s:\t%s:\t%s\t%s\t%s\t%s\t%s\n", clause_names[option->clause], option->key,
			conf_type_name(option->type), conf_type_limits(option->type, &limits, text, sizeof(text)),
			option->fallback != NULL ? option->fallback : option->shown,
			option->unit != NULL ? option->unit : "-", option->help);
	}
}
