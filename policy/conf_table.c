/* conf_table.c: every option of the configuration, one row each. */
#include "policy/conf_table.h"

#include <string.h>

#include "policy/conf.h"

#define SOCKET_PATH_MAX 107        /* sockaddr_un */
#define PATH_OCTETS_MAX 4095
#define STATE_DIRECTORY "/var/lib/unbound/verdict"
#define SUFFIX_LIST "/usr/share/publicsuffix/public_suffix_list.dat"
#define KEY_OCTETS_MAX 32
#define USER_OCTETS_MAX 32

const char *const clause_names[CLAUSE_COUNT] = { "verdict", "client-group", "policy-list", "dnstap",
	"dnstap-target", "detection", "approved-name-server", "detector" };

#define IN_VERDICT(field) offsetof(struct conf, field)
#define IN_OPTIONS(field) offsetof(struct conf, options.field)
#define IN_GROUP(field) offsetof(struct group_conf, field)
#define IN_LIST(field) offsetof(struct list_conf, field)
#define IN_DNSTAP(field) offsetof(struct dnstap_conf, field)
#define IN_TARGET(field) offsetof(struct target_conf, field)
#define IN_INVENTORY(field) offsetof(struct inventory_conf, field)
#define IN_DETECTION(field) offsetof(struct detection_conf, field)

static const struct repeat in_place = { .octets = 0 };
static const struct repeat users = { sizeof(char *), IN_VERDICT(live.control_user_count), 64, false };
static const struct repeat names = { sizeof(struct name), IN_VERDICT(live.protected_count), 1024, false };
static const struct repeat prefixes = { sizeof(struct network), IN_OPTIONS(nat64_count), CONF_NAT64_MAX, true };
static const struct repeat networks = { sizeof(struct network), IN_GROUP(network_count), CONF_NETWORKS_MAX, false };
static const struct repeat servers = { sizeof(struct name), IN_INVENTORY(server_count), CONF_SERVERS_MAX, false };
static const struct repeat places = { sizeof(struct network), IN_INVENTORY(network_count), CONF_SERVERS_MAX, false };
static const struct repeat interfaces = { sizeof(struct network), IN_GROUP(interface_count), CONF_INTERFACES_MAX,
	false };
static const struct repeat groups = { LIST_NAME_MAX, IN_LIST(group_count), CONF_GROUPS_MAX + 1, false };
static const struct repeat sinkholes = { sizeof(struct address), IN_LIST(sinkhole_count), CONF_ADDRESSES_MAX, true };

const struct option option_table[OPTION_COUNT] = {
	{ CLAUSE_VERDICT, "identity", TYPE_STRING, IN_VERDICT(identity), 0, 255, NULL, "the host's name", NULL,
		"what this resolver calls itself in frames", NULL },
	{ CLAUSE_VERDICT, "mode", TYPE_MODE, IN_VERDICT(mode), 0, 0, "enforce", NULL, NULL,
		"shadow: judge and report, never change an answer", NULL },
	{ CLAUSE_VERDICT, "state-directory", TYPE_PATH, IN_VERDICT(state_directory), 0, PATH_OCTETS_MAX,
		STATE_DIRECTORY,
		NULL, NULL, "where the module keeps what it must not forget", NULL },
	{ CLAUSE_VERDICT, "qname-wait-recurse", TYPE_FLAG, IN_OPTIONS(qname_wait_recurse), 0, 0, "no", NULL, NULL,
		"resolve a question before a rule denies it", NULL },
	{ CLAUSE_VERDICT, "nsip-wait-recurse", TYPE_FLAG, IN_OPTIONS(nsip_wait_recurse), 0, 0, "yes", NULL, NULL,
		"find out the addresses of name servers before later lists decide", NULL },
	{ CLAUSE_VERDICT, "nsdname-wait-recurse", TYPE_FLAG, IN_OPTIONS(nsdname_wait_recurse), 0, 0, "yes", NULL,
		NULL, "find out the names of name servers before later lists decide", NULL },
	{ CLAUSE_VERDICT, "min-ns-dots", TYPE_NUMBER, IN_OPTIONS(min_ns_dots), 0, 126, "1", NULL, "dots",
		"name servers of zones with fewer are not judged", NULL },
	{ CLAUSE_VERDICT, "recursive-only", TYPE_FLAG, IN_OPTIONS(recursive_only), 0, 0, "no", NULL, NULL,
		"leave queries without RD alone", NULL },
	{ CLAUSE_VERDICT, "break-dnssec", TYPE_INVERSE, IN_OPTIONS(keep_dnssec), 0, 0, "yes", NULL, NULL,
		"deny signed answers to clients that ask for signatures, too", NULL },
	{ CLAUSE_VERDICT, "max-policy-ttl", TYPE_NUMBER, IN_OPTIONS(max_policy_ttl), 1, 86400, "86400", NULL,
		"seconds", "the most that any record made here lives", NULL },
	{ CLAUSE_VERDICT, "https", TYPE_HTTPS, IN_OPTIONS(https), 0, 0, "pass", NULL, NULL,
		"what becomes of HTTPS and SVCB records that no rule passes", NULL },
	{ CLAUSE_VERDICT, "nat64-prefix", TYPE_NAT64, IN_OPTIONS(nat64), 0, 0, NULL, "64:ff9b::/96", NULL,
		"where IPv4 addresses are inside IPv6 ones, besides the default; up to 16", &prefixes },
	{ CLAUSE_VERDICT, "control-socket", TYPE_PATH, IN_VERDICT(live.control_socket), 0, SOCKET_PATH_MAX, NULL,
		"STATE-DIRECTORY/control.sock", NULL, "where verdictctl reaches the running resolver", NULL },
	{ CLAUSE_VERDICT, "compiled-policy", TYPE_PATH, IN_VERDICT(live.compiled_policy), 0, PATH_OCTETS_MAX, NULL,
		"STATE-DIRECTORY/policy.compiled", NULL, "what verdictctl compile makes of all lists", NULL },
	{ CLAUSE_VERDICT, "control-user", TYPE_STRING, IN_VERDICT(live.control_users), 0, USER_OCTETS_MAX, NULL,
		"none", NULL, "who may change things besides root and the resolver's own user; up to 64", &users },
	{ CLAUSE_VERDICT, "watch", TYPE_FLAG, IN_VERDICT(live.watch), 0, 0, "yes", NULL, NULL,
		"load files again when they change", NULL },
	{ CLAUSE_VERDICT, "deny-share-max", TYPE_PERCENT, IN_VERDICT(live.deny_share_max), 0, 100, "20", NULL,
		"percent", "of the recent questions a new policy may newly deny no more", NULL },
	{ CLAUSE_VERDICT, "protected-name", TYPE_ZONE, IN_VERDICT(live.protected), 0, 0, NULL, "none", NULL,
		"a name that no change while running may deny; up to 1024", &names },
	{ CLAUSE_VERDICT, "sweep-interval", TYPE_NUMBER, IN_VERDICT(live.sweep_interval), 0, 86400, "600", NULL,
		"seconds", "between two looks at the whole cache; 0: none", NULL },
	{ CLAUSE_VERDICT, "denial-log", TYPE_LOG, IN_VERDICT(live.denial_log), 0, PATH_OCTETS_MAX, NULL, "none", NULL,
		"a file, or syslog, that gets a line for each denial", NULL },
	{ CLAUSE_VERDICT, "denial-log-rate", TYPE_NUMBER, IN_VERDICT(live.denial_log_rate), 1, 100000, "100", NULL,
		"lines a second", "the most that the denial log gets", NULL },
	{ CLAUSE_VERDICT, "guarded-msg-cache-size", TYPE_OCTETS, IN_VERDICT(guard.msg_octets), 64 << 10,
		(uint64_t)16 << 30, "4m", NULL, "octets", "for messages that not everybody may have", NULL },
	{ CLAUSE_VERDICT, "guarded-rrset-cache-size", TYPE_OCTETS, IN_VERDICT(guard.rrset_octets), 64 << 10,
		(uint64_t)16 << 30, "8m", NULL, "octets", "for the records of those messages", NULL },
	{ CLAUSE_VERDICT, "unique-per-client", TYPE_NUMBER, IN_VERDICT(guard.unique_per_client), 1, 10000, "32", NULL,
		"questions", "of one client that are resolved for it alone at a time", NULL },
	{ CLAUSE_VERDICT, "fail", TYPE_FAIL, IN_VERDICT(guard.fail), 0, 0, "open", NULL, NULL,
		"whether an answer that could not be judged goes out, or SERVFAIL", NULL },
	{ CLAUSE_VERDICT, "answer-budget", TYPE_NUMBER, IN_VERDICT(guard.answer_budget), 0, 1000000, "10000", NULL,
		"microseconds", "for judging one answer; 0: no limit", NULL },
	{ CLAUSE_GROUP, "name", TYPE_GROUP_NAME, IN_GROUP(name), 0, LIST_NAME_MAX, NULL, "required", NULL,
		"what lists, frames and logs call the group", NULL },
	{ CLAUSE_GROUP, "parent", TYPE_GROUP, IN_GROUP(parent), 0, LIST_NAME_MAX, NULL, "none", NULL,
		"the group whose lists it has, too", NULL },
	{ CLAUSE_GROUP, "network", TYPE_NETWORK, IN_GROUP(networks), 0, 0, NULL, "all", NULL,
		"where its clients are; up to 65536", &networks },
	{ CLAUSE_GROUP, "interface", TYPE_INTERFACE, IN_GROUP(interfaces), 0, 0, NULL, "all", NULL,
		"where its queries come in; up to 256", &interfaces },
	{ CLAUSE_GROUP, "ede", TYPE_EDE_MODE, IN_GROUP(ede), 0, 0, "text", NULL, NULL,
		"how much of a reason goes with a denial", NULL },
	{ CLAUSE_GROUP, "privacy", TYPE_PRIVACY, IN_GROUP(privacy), 0, 0, NULL, "as in dnstap", NULL,
		"what frames show of its clients' addresses", NULL },
	{ CLAUSE_LIST, "name", TYPE_LIST_NAME, IN_LIST(name), 0, LIST_NAME_MAX, NULL, "required", NULL,
		"what frames, logs and EDE texts call the list", NULL },
	{ CLAUSE_LIST, "file", TYPE_PATH, IN_LIST(file), 0, PATH_OCTETS_MAX, NULL, "required", NULL,
		"the list's file", NULL },
	{ CLAUSE_LIST, "format", TYPE_FORMAT, IN_LIST(format), 0, 0, "detect", NULL, NULL,
		"how the file is written", NULL },
	{ CLAUSE_LIST, "trigger", TYPE_TRIGGER, IN_LIST(trigger), 0, 0, NULL, "qname; cidr: ip", NULL,
		"what the names or addresses of the list are compared with", NULL },
	{ CLAUSE_LIST, "column", TYPE_TEXT, IN_LIST(column), 0, COLUMN_MAX, NULL, "by content", NULL,
		"csv: which column, by number from 1 or by its header", NULL },
	{ CLAUSE_LIST, "action", TYPE_ACTION, IN_LIST(action), 0, 0, NULL,
		"nxdomain; rpz, dnsmasq, unbound-local-zone: as its rules say", NULL,
		"what a match does", NULL },
	{ CLAUSE_LIST, "shadow", TYPE_FLAG, IN_LIST(shadow), 0, 0, "no", NULL, NULL,
		"report what the list would do, and do nothing", NULL },
	{ CLAUSE_LIST, "subdomains", TYPE_CHOICE, IN_LIST(subdomains), 0, 0, NULL,
		"no for hosts, wildcard and adblock, else yes", NULL,
		"a plain name covers every name below it", NULL },
	{ CLAUSE_LIST, "sinkhole-address", TYPE_ADDRESS, IN_LIST(sinkholes), 0, 0, NULL, "none", NULL,
		"what `action: sinkhole` answers with; up to 16", &sinkholes },
	{ CLAUSE_LIST, "qtype", TYPE_RRTYPES, IN_LIST(qtypes), 0, RRTYPES_MAX, NULL, "all", NULL,
		"the only question types that the list judges", &in_place },
	{ CLAUSE_LIST, "qtype-exempt", TYPE_RRTYPES, IN_LIST(qtypes_exempt), 0, RRTYPES_MAX, NULL, "none", NULL,
		"question types that the list does not judge", &in_place },
	{ CLAUSE_LIST, "sinkhole-name", TYPE_ZONE, IN_LIST(sinkhole_name), 0, 0, NULL, "none", NULL,
		"the name that `action: sinkhole` leads to, instead of addresses", NULL },
	{ CLAUSE_LIST, "group", TYPE_GROUP, IN_LIST(groups), 0, LIST_NAME_MAX, NULL, "all clients", NULL,
		"a client group that the list serves; up to 64", &groups },
	{ CLAUSE_LIST, "category", TYPE_TEXT, IN_LIST(category), 0, CATEGORY_MAX, NULL, "none", NULL,
		"carried in frames", NULL },
	{ CLAUSE_LIST, "attack", TYPE_ATTACK, IN_LIST(attack), 0, ATTACK_MAX, NULL, "none", NULL,
		"ATT&CK ids, carried in frames", NULL },
	{ CLAUSE_LIST, "ede", TYPE_EDE, IN_LIST(ede), 0, 0, NULL, "by action", NULL,
		"the extended DNS error (RFC 8914) that goes with a denial", NULL },
	{ CLAUSE_LIST, "ttl", TYPE_NUMBER, IN_LIST(ttl), 0, 86400, "300", NULL, "seconds",
		"of the records that the list answers with", NULL },
	{ CLAUSE_LIST, "zone", TYPE_ZONE, IN_LIST(zone), 0, 0, NULL, "as the file says", NULL,
		"rpz: the zone's name, for a file that does not say it", NULL },
	{ CLAUSE_LIST, "size-max", TYPE_OCTETS, IN_LIST(octets_max), 4096, (uint64_t)16 << 30, "1g", NULL, "octets",
		"the most that the list's text may have, decompressed", NULL },
	{ CLAUSE_LIST, "shrink-max", TYPE_PERCENT, IN_LIST(shrink_max), 0, 100, "50", NULL, "percent",
		"a list that lost more of its rules since the last load is an error", NULL },
	{ CLAUSE_LIST, "allow-wide", TYPE_FLAG, IN_LIST(allow_wide), 0, 0, "no", NULL, NULL,
		"take rules for top-level domains, public suffixes and huge networks", NULL },
	{ CLAUSE_LIST, "allow-older", TYPE_FLAG, IN_LIST(allow_older), 0, 0, "no", NULL, NULL,
		"take a zone with an older serial than at the last load", NULL },
	{ CLAUSE_LIST, "https", TYPE_HTTPS, IN_LIST(https), 0, 0, "pass", NULL, NULL,
		"what is taken out of HTTPS and SVCB records of its names", NULL },
	{ CLAUSE_LIST, "enrich", TYPE_TRAIT, IN_LIST(trait), 0, 0, "no", NULL, NULL,
		"the list denies nothing: its names are known to the detectors as such", NULL },
	{ CLAUSE_LIST, "expire", TYPE_EXPIRE, IN_LIST(expire), 0, 0, "keep", NULL, NULL,
		"rpz: what becomes of a zone whose file is older than its SOA's expire", NULL },
	{ CLAUSE_DNSTAP, "socket-path", TYPE_PATH, IN_DNSTAP(socket_path), 0, SOCKET_PATH_MAX, NULL, "none", NULL,
		"the unix socket of a dnstap collector", NULL },
	{ CLAUSE_DNSTAP, "file", TYPE_PATH, IN_DNSTAP(file), 0, PATH_OCTETS_MAX, NULL, "none", NULL,
		"a file that frames are written to", NULL },
	{ CLAUSE_DNSTAP, "frames", TYPE_FRAMES, IN_DNSTAP(frames), 0, 0, "all", NULL, NULL,
		"one for each answer, for verdicts other than a plain allow, or for those and a sample", NULL },
	{ CLAUSE_DNSTAP, "sample-rate", TYPE_NUMBER, IN_DNSTAP(sample_rate), 1, 1000000, "100", NULL, NULL,
		"`frames: sample` has a frame for one in so many plain allows", NULL },
	{ CLAUSE_DNSTAP, "ring-size", TYPE_SIZE, IN_DNSTAP(ring_octets), 64 << 10, 1 << 30, "1m", NULL, "octets",
		"for frames on their way, for each worker; a power of two", NULL },
	{ CLAUSE_DNSTAP, "spool-size", TYPE_OCTETS, IN_DNSTAP(spool_octets), 0, (uint64_t)1 << 44, "256m", NULL,
		"octets", "on disk for frames that have not arrived; 0: none", NULL },
	{ CLAUSE_DNSTAP, "memory-size", TYPE_OCTETS, IN_DNSTAP(memory_octets), 2 << 20, (uint64_t)16 << 30, "32m",
		NULL, "octets", "for the same where there is no disk, or it is full", NULL },
	{ CLAUSE_DNSTAP, "sync-interval", TYPE_NUMBER, IN_DNSTAP(sync_interval), 0, 60000, "1000", NULL,
		"milliseconds", "between two times that the spool is written onto the disk; 0: left to the kernel", NULL },
	{ CLAUSE_DNSTAP, "heartbeat-interval", TYPE_NUMBER, IN_DNSTAP(heartbeat_interval), 0, 3600, "10", NULL,
		"seconds", "between two frames that say how complete the others are; 0: none", NULL },
	{ CLAUSE_DNSTAP, "compat-protocol", TYPE_FLAG, IN_DNSTAP(compat_protocol), 0, 0, "no", NULL, NULL,
		"say TCP for DoT, DoH and DoQ, for readers that fail on these", NULL },
	{ CLAUSE_DNSTAP, "privacy", TYPE_PRIVACY, IN_DNSTAP(privacy), 0, 0, "none", NULL, NULL,
		"what frames show of the addresses of clients whose group does not say", NULL },
	{ CLAUSE_DNSTAP, "privacy-prefix-ipv4", TYPE_NUMBER, IN_DNSTAP(prefix_ipv4), 0, 32, "24", NULL, "bits",
		"of an address that `privacy: mask` leaves", NULL },
	{ CLAUSE_DNSTAP, "privacy-prefix-ipv6", TYPE_NUMBER, IN_DNSTAP(prefix_ipv6), 0, 128, "56", NULL, "bits",
		"of an address that `privacy: mask` leaves", NULL },
	{ CLAUSE_TARGET, "name", TYPE_LIST_NAME, IN_TARGET(name), 0, LIST_NAME_MAX, NULL, "required", NULL,
		"what status, logs and heartbeats call it", NULL },
	{ CLAUSE_TARGET, "socket-path", TYPE_PATH, IN_TARGET(socket_path), 0, SOCKET_PATH_MAX, NULL, "none", NULL,
		"the unix socket of a collector", NULL },
	{ CLAUSE_TARGET, "address", TYPE_INTERFACE, IN_TARGET(address), 0, 0, NULL, "none", NULL,
		"the address and port of a collector, as 192.0.2.1@6000", NULL },
	{ CLAUSE_TARGET, "tls", TYPE_FLAG, IN_TARGET(tls), 0, 0, "no", NULL, NULL,
		"TLS to that address", NULL },
	{ CLAUSE_TARGET, "tls-name", TYPE_STRING, IN_TARGET(tls_name), 0, 255, NULL, "the address", NULL,
		"the name that the collector's certificate is for", NULL },
	{ CLAUSE_TARGET, "tls-ca-file", TYPE_PATH, IN_TARGET(tls_ca_file), 0, PATH_OCTETS_MAX, NULL, "the system's",
		NULL, "who may have signed it (PEM)", NULL },
	{ CLAUSE_TARGET, "tls-certificate", TYPE_PATH, IN_TARGET(tls_certificate), 0, PATH_OCTETS_MAX, NULL, "none",
		NULL, "ours (PEM), with its chain", NULL },
	{ CLAUSE_TARGET, "tls-key", TYPE_PATH, IN_TARGET(tls_key), 0, PATH_OCTETS_MAX, NULL,
		"in the file of tls-certificate", NULL, "its key (PEM)", NULL },
	{ CLAUSE_TARGET, "commit-interval", TYPE_NUMBER, IN_TARGET(commit_interval), 1, 3600, "10", NULL, "seconds",
		"after which a collector is asked to confirm what it has", NULL },
	{ CLAUSE_TARGET, "file", TYPE_PATH, IN_TARGET(file), 0, PATH_OCTETS_MAX, NULL, "none", NULL,
		"a file that frames are written to", NULL },
	{ CLAUSE_TARGET, "rotate-size", TYPE_OCTETS, IN_TARGET(rotate_octets), 0, (uint64_t)1 << 44, "0", NULL,
		"octets", "at which a new file is begun; 0: never", NULL },
	{ CLAUSE_TARGET, "rotate-interval", TYPE_NUMBER, IN_TARGET(rotate_interval), 0, 31536000, "0", NULL, "seconds",
		"after which a new file is begun; 0: never", NULL },
	{ CLAUSE_TARGET, "rotate-keep", TYPE_NUMBER, IN_TARGET(rotate_keep), 1, 1000, "1", NULL, "files",
		"that are kept besides the one that is written", NULL },
	{ CLAUSE_DETECTION, "public-suffix-list", TYPE_PATH, IN_DETECTION(suffixes), 0, PATH_OCTETS_MAX, SUFFIX_LIST,
		NULL, NULL, "the Public Suffix List as text; Debian's package publicsuffix has it", NULL },
	{ CLAUSE_DETECTION, "zones", TYPE_NUMBER, IN_DETECTION(zones), 1024, 16777216, "32768", NULL, "zones",
		"registrable domains that are remembered at a time, 480 octets each", NULL },
	{ CLAUSE_DETECTION, "clients", TYPE_NUMBER, IN_DETECTION(clients), 1024, 16777216, "32768", NULL, "clients",
		"the same for clients, 440 octets each", NULL },
	{ CLAUSE_DETECTION, "pairs", TYPE_NUMBER, IN_DETECTION(pairs), 1024, 16777216, "32768", NULL, "pairs",
		"the same for a client and a zone together, 48 octets each", NULL },
	{ CLAUSE_DETECTION, "names-size", TYPE_OCTETS, IN_DETECTION(names_octets), 64 << 10, (uint64_t)1 << 34, "16m",
		NULL, "octets", "twice that tells which names were asked for within a day", NULL },
	{ CLAUSE_DETECTION, "known-size", TYPE_OCTETS, IN_DETECTION(known_octets), 64 << 10, (uint64_t)1 << 34, "8m",
		NULL, "octets", "twice that tells which zones were asked for within a month", NULL },
	{ CLAUSE_DETECTION, "answers-size", TYPE_OCTETS, IN_DETECTION(answers_octets), 64 << 10, (uint64_t)1 << 34,
		"8m", NULL, "octets", "twice that tells which networks zones led to within a month", NULL },
	{ CLAUSE_DETECTION, "flag-time", TYPE_NUMBER, IN_DETECTION(flag_seconds), 60, 2592000, "3600", NULL, "seconds",
		"that a flag lasts, and the denial that it may become", NULL },
	{ CLAUSE_DETECTION, "flag-rate", TYPE_NUMBER, IN_DETECTION(flag_rate), 1, 10000, "20", NULL, "flags",
		"that may be raised within a minute; those over it are counted", NULL },
	{ CLAUSE_DETECTION, "flag-action", TYPE_FLAG_ACTION, IN_DETECTION(flag_action), 0, 0, "nxdomain", NULL, NULL,
		"what is answered where a flag denies", NULL },
	{ CLAUSE_INVENTORY, "zone", TYPE_ZONE, IN_INVENTORY(zone), 0, 0, NULL, "required", NULL,
		"the zone, with all below it, that known name servers alone may serve", NULL },
	{ CLAUSE_INVENTORY, "name-server", TYPE_ZONE, IN_INVENTORY(servers), 0, 0, NULL, "any", NULL,
		"the name of one; up to 64", &servers },
	{ CLAUSE_INVENTORY, "network", TYPE_NETWORK, IN_INVENTORY(networks), 0, 0, NULL, "all", NULL,
		"an address or a network where they are; up to 64", &places },
	{ CLAUSE_INVENTORY, "action", TYPE_DENIAL, IN_INVENTORY(action), 0, 0, "observe", NULL, NULL,
		"what becomes of answers of others", NULL },
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

static void print_detector(FILE *to, const struct detector_info *info)
{
	for (unsigned i = 0; i < DETECTOR_OPTIONS_MAX && info->options[i].name != NULL; i++) {
		const struct detector_option *option = &info->options[i];

		fprintf(to, "detector %s:\t%s:\tnumber\t%u..%u\t%u\t%s\t%s\n", info->name, option->name, option->min, option->max,
			option->fallback, option->unit, option->help);
	}
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
	for (i = 0; i < DETECTOR_COUNT; i++)
		print_detector(to, &detector_table[i]);
}
