/*
 * conf.h: the configuration, parsed.
 *
 * Syntax is unbound.conf's: clauses (`policy-list:`), `key: value`, `#` comments, single or double quotes, `include:`
 * with wildcards, any indentation, tabs. Every option is one row of the table in conf_table.c with its clause, type,
 * limits, default and unit; doc/verdict.conf.5 is checked against that table by a test.
 *
 * Errors name file, line, column, key, what is wrong and what would be right.
 *
 * Threads: parse in one thread; the result is read-only.
 */
#ifndef POLICY_CONF_H
#define POLICY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/action.h"
#include "policy/detection.h"
#include "policy/diag.h"
#include "policy/facts.h"
#include "policy/rrtype.h"
#include "policy/verdict.h"

#define CONF_LISTS_MAX 256
#define CONF_ADDRESSES_MAX 16
#define CONF_GROUPS_MAX 63          /* one more is everybody else */
#define CONF_NETWORKS_MAX 65536     /* of one group */
#define CONF_INTERFACES_MAX 256     /* of one group */
#define CONF_NAT64_MAX 16
#define CONF_TARGETS_MAX 12         /* dnstap-target: clauses */
#define CONF_INVENTORIES_MAX 4096      /* approved-name-server: clauses */
#define CONF_SERVERS_MAX 64            /* of one clause; and as many networks */
#define COLUMN_MAX 64               /* octets of a column's name with the NUL */
#define LIST_OCTETS_MAX ((size_t)1 << 30)   /* of a list's text, when nothing else is said */

enum mode { MODE_ENFORCE, MODE_SHADOW };

enum list_format {
	FORMAT_DOMAINS, FORMAT_HOSTS, FORMAT_WILDCARD, FORMAT_RPZ, FORMAT_ADBLOCK, FORMAT_DNSMASQ, FORMAT_UNBOUND,
	FORMAT_CIDR, FORMAT_CSV,
	FORMAT_DETECT,               /* by the file's content */
	FORMAT_COUNT
};

extern const char *const format_names[FORMAT_COUNT];

/* Can rules of that format ask for an action of their own? FORMAT_DETECT may turn out to be one of those. */
bool format_has_actions(enum list_format format);

enum frames_mode { FRAMES_ALL, FRAMES_VERDICTS, FRAMES_SAMPLE };

/* What becomes of an answer that could not be judged for lack of memory or time. */
enum fail_mode { FAIL_OPEN, FAIL_CLOSED };

/* What a denied client of a group is told in the EDE option (RFC 8914). */
enum ede_mode { EDE_MODE_TEXT, EDE_MODE_CODE, EDE_MODE_NONE };

/* tri-state options whose default depends on the format */
enum choice { CHOICE_DEFAULT, CHOICE_NO, CHOICE_YES };

/* An address with a prefix length. */
struct network {
	struct address address;      /* bits behind the prefix are 0 */
	uint8_t prefix_length;
};

/* What becomes of HTTPS and SVCB records (RFC 9460), which can lead a client past a list. */
enum https_mode { HTTPS_PASS, HTTPS_BLOCK, HTTPS_STRIP_HINTS, HTTPS_STRIP_ECH };

/* What becomes of a zone past the expire of its SOA. */
enum expire_mode { EXPIRE_KEEP, EXPIRE_WITHDRAW };

/* policy-list: */
struct list_conf {
	char name[LIST_NAME_MAX];
	char *file;                  /* owned */
	enum list_format format;
	enum trigger trigger;        /* TRIGGER_NONE: as the format has it: names QNAME, addresses IP */
	char column[COLUMN_MAX];     /* csv: its number from 1, or its header; empty: by content */
	enum action action;          /* ACTION_ALLOW: as the rules say (formats that do); other formats: nxdomain */
	bool shadow;
	enum choice subdomains;      /* a plain name covers what is below it: domains yes, hosts no */
	struct address sinkholes[CONF_ADDRESSES_MAX];   /* ports are 0 */
	size_t sinkhole_count;
	struct name sinkhole_name;   /* CNAME instead of addresses; `*.` gets the denied name in front; length 0: not set */
	char category[CATEGORY_MAX];
	char attack[ATTACK_MAX];
	int16_t ede;                 /* EDE code; EDE_NONE: send none; EDE_BY_ACTION: as the action has it */
	uint32_t ttl;                /* seconds, of records we make; default 300, 0 to 86400 */
	struct name zone;            /* rpz: the zone's name when the file does not say it; length 0: not set */
	char (*groups)[LIST_NAME_MAX];   /* owned; client groups that it serves; none: all clients */
	size_t group_count;
	struct rrtypes qtypes;       /* its rules apply to questions of these types only; none: of all */
	struct rrtypes qtypes_exempt;   /* and to these never */
	size_t octets_max;           /* of the text, decompressed; 0: LIST_OCTETS_MAX */
	uint32_t shrink_max;         /* percent that the list may lose from one load to the next */
	bool allow_wide;             /* take rules for public suffixes and top-level domains */
	bool allow_older;            /* take a file whose SOA has an older serial than the one before */
	enum expire_mode expire;
	enum trait trait;            /* that its names have; then it never decides */
	enum https_mode https;       /* of its names' HTTPS and SVCB records; never HTTPS_BLOCK */
	unsigned line;               /* where the clause begins */
};

#define EDE_BY_ACTION (-2)

/* dnstap: */
struct dnstap_conf {
	char *socket_path;           /* owned; NULL: none; a target `socket` with the defaults */
	char *file;                  /* owned; NULL: none; a target `file` */
	enum frames_mode frames;
	uint32_t sample_rate;        /* one in so many plain allows has a frame */
	size_t ring_octets;          /* for each worker; default 1 MiB, 64 KiB to 1 GiB; a power of two */
	size_t spool_octets;         /* on disk; 0: memory only */
	size_t memory_octets;        /* of the spool, where there is no disk */
	uint32_t sync_interval;      /* milliseconds; 0: left to the kernel */
	uint32_t heartbeat_interval; /* seconds; 0: none */
	bool compat_protocol;        /* TCP for DoT, DoH and DoQ */
	enum privacy_mode privacy;   /* of clients in no group, or in one that does not say */
	uint32_t prefix_ipv4;        /* of PRIVACY_MASK */
	uint32_t prefix_ipv6;
};

/* dnstap-target: */
struct target_conf {
	char name[LIST_NAME_MAX];
	char *socket_path;           /* owned; one of this, `address` and `file` */
	struct network address;      /* with a port; family ADDRESS_NONE: not set */
	bool tls;
	char *tls_name;              /* owned; NULL: the address */
	char *tls_ca_file;           /* owned; NULL: the system's */
	char *tls_certificate;       /* owned; NULL: none */
	char *tls_key;               /* owned; NULL: in the certificate's file */
	uint32_t commit_interval;    /* seconds */
	char *file;                  /* owned */
	size_t rotate_octets;        /* 0: not by size */
	uint32_t rotate_interval;    /* seconds; 0: not by age */
	uint32_t rotate_keep;
	unsigned line;               /* where the clause begins */
};

/* detection: what the detectors may remember (detect/detect.h). */
struct detection_conf {
	bool wanted;                 /* there is such a clause, or one of a detector */
	char *suffixes;              /* owned; the Public Suffix List's text */
	uint32_t zones, clients, pairs;
	size_t names_octets, known_octets, answers_octets;
	uint32_t flag_seconds;       /* that a flag lasts */
	uint32_t flag_rate;          /* new ones a minute */
	enum action flag_action;     /* of the denial that one becomes: ACTION_NXDOMAIN or ACTION_REFUSE */
};

/* approved-name-server: */
struct inventory_conf {
	struct name zone;            /* length 0: not set */
	struct name *servers;        /* owned; none: any */
	size_t server_count;
	struct network *networks;    /* owned; where they are; none: anywhere */
	size_t network_count;
	enum action action;          /* of those that are not approved; observes or denies */
	unsigned line;               /* where the clause begins */
};

/* client-group: */
struct group_conf {
	char name[LIST_NAME_MAX];
	char parent[LIST_NAME_MAX];  /* of which it has all lists; empty: none */
	struct network *networks;    /* owned; of clients */
	size_t network_count;
	struct network *interfaces;  /* owned; addresses, and ports unless 0, that the query came in on */
	size_t interface_count;
	enum ede_mode ede;
	enum privacy_mode privacy;   /* of its clients in frames; PRIVACY_COUNT: as in `dnstap` */
	unsigned line;               /* where the clause begins */
};

/* verdict: what the running resolver does with changes, and what it keeps for them. */
struct live_conf {
	char *control_socket;        /* owned; NULL: STATE-DIRECTORY/control.sock */
	char *compiled_policy;       /* owned; NULL: STATE-DIRECTORY/policy.compiled */
	char **control_users;        /* owned; who may change things besides root and the resolver's own user */
	size_t control_user_count;
	bool watch;                  /* load files again when they change */
	uint32_t deny_share_max;     /* percent of the recent distinct questions that a new policy may newly deny */
	struct name *protected;      /* owned; names that no change while running may deny */
	size_t protected_count;
	uint32_t sweep_interval;     /* seconds between two looks at the whole cache; 0: none */
	char *denial_log;            /* owned; a file, or "syslog"; NULL: none */
	uint32_t denial_log_rate;    /* lines a second */
};

/* verdict: the second cache and its bounds. */
struct guard_conf {
	size_t msg_octets;           /* of messages that not everybody may have */
	size_t rrset_octets;
	uint32_t unique_per_client;  /* questions of one client address that are resolved for it alone, at a time */
	enum fail_mode fail;
	uint32_t answer_budget;      /* microseconds for judging one answer; 0: no limit */
};

/* verdict: how and when rules apply; the choices that BIND has as options of response-policy. */
struct policy_options {
	bool qname_wait_recurse;     /* resolve before a rule for the question denies it */
	bool nsip_wait_recurse;      /* find out addresses of name servers before later rules decide */
	bool nsdname_wait_recurse;   /* and their names */
	bool recursive_only;         /* queries without RD are not judged */
	bool keep_dnssec;            /* break-dnssec: no */
	uint32_t min_ns_dots;        /* name servers of zones with fewer dots are not judged; 0 to 126 */
	enum https_mode https;
	uint32_t max_policy_ttl;     /* seconds, of every record that we make; 0: no limit */
	struct network nat64[CONF_NAT64_MAX];   /* prefixes behind which IPv4 addresses are (RFC 6052) */
	size_t nat64_count;
	struct detector_conf detectors[DETECTOR_COUNT];
	bool folds_case;             /* servers are asked in lower case: a tunnel is to be denied. By snapshot_take_conf */
};

/* verdict: */
struct conf {
	char *path;                  /* owned: the file it was read from */
	char **sources;              /* owned: that file, and what `include:` names, wildcards and all */
	size_t source_count;
	char *identity;              /* owned; NULL: the host's name */
	enum mode mode;
	char *state_directory;       /* owned; "/var/lib/unbound/verdict" */
	struct policy_options options;
	struct live_conf live;
	struct guard_conf guard;
	struct list_conf *lists;     /* owned */
	size_t list_count;
	struct group_conf *groups;   /* owned; without the one of everybody else */
	size_t group_count;
	struct inventory_conf *inventories;   /* owned */
	size_t inventory_count;
	struct dnstap_conf dnstap;
	struct target_conf *targets; /* owned; besides those in `dnstap` */
	size_t target_count;
	struct detection_conf detection;
};

/* Reads the file at `path` and what it includes. Returns the owned configuration, or NULL with *diag set. */
struct conf *conf_load(const char *path, struct diag *diag);

/* Frees and sets *conf to NULL. */
void conf_destroy(struct conf **conf);

/* Calls `translate` on every path in the configuration (a chroot's prefix is cut there); takes ownership of what it
 * returns and frees the old one. 0, or -1 when `translate` returned NULL (no memory). */
int conf_translate_paths(struct conf *conf, char *(*translate)(void *arg, const char *path), void *arg);

/* Prints the option table, one line each, with tabs between clause, key, type, limits, default, unit ("-": none) and
 * meaning; for the manual and its test. */
void conf_print_options(FILE *to);

#endif
