/*
 * list.h: policy list files, read into rules.
 *
 * list_load reads one file in one of the formats and hands each rule to a sink; it keeps nothing. What it cannot use is
 * skipped and counted by reason; what cannot be a list at all (empty, an HTML page, a binary, a directory) is an error.
 * The same function serves the compiler and `verdictctl explain`, which looks for the line of a rule.
 *
 * RPZ: draft-vixie-dnsop-dns-rpz-00, the master file grammar (RFC 1035 section 5) by libldns.
 *
 * A zone past the expire of its SOA is read as any other, but hands on no rule when it is to be withdrawn then. Its
 * age is counted from the file's mtime: a transfer writes the file.
 *
 * Threads: no shared state; one call reads one file.
 */
#ifndef POLICY_LIST_H
#define POLICY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/action.h"
#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/name.h"

/* One rule as a list states it; borrowed for the call. An RPZ owner with several local records is several calls.
 * Triggers that are names (QNAME, NSDNAME) use name, exact and below; those that are addresses (CLIENT-IP, IP, NSIP)
 * use address and prefix_length. */
struct rule {
	enum trigger trigger;     /* TRIGGER_NONE is taken as TRIGGER_QNAME */
	struct address address;   /* octets behind the prefix are not looked at; the port is 0 */
	uint8_t prefix_length;    /* bits: 0 to 32 or 128 */
	struct name name;         /* the owner, without `*.` */
	bool exact;               /* matches the name itself */
	bool below;               /* matches every name below it */
	enum action action;       /* ACTION_ALLOW: the list's own action */
	bool keeps_action;        /* the list's own action does not replace it: an exception from the list */
	/* For ACTION_LOCAL_DATA: one record; else rdata is NULL. */
	uint16_t type;            /* host order */
	const uint8_t *rdata;     /* wire form, uncompressed */
	uint16_t rdata_length;
	uint32_t ttl;             /* seconds */
	unsigned line;            /* in the file, from 1 */
};

/* Takes one rule. False: out of memory, stop. */
typedef bool (*rule_visit)(void *arg, const struct rule *rule);

enum skip_reason {
	SKIP_NAME,            /* not a domain name */
	SKIP_NAME_LONG,       /* a label over 63 or a name over 255 octets */
	SKIP_NON_ASCII,       /* an internationalised name that UTS 46 refuses */
	SKIP_SYNTAX,          /* a line that the format does not know */
	SKIP_APEX,            /* a record of the zone itself: SOA and NS are expected, others not */
	SKIP_OUT_OF_ZONE,
	SKIP_ROOT,            /* would match everything */
	SKIP_TRIGGER,         /* a trigger that RPZ does not have */
	SKIP_ADDRESS,         /* not a network as RPZ writes it, or its prefix length is out of range */
	SKIP_HOST_BITS,       /* bits are set behind the network's prefix */
	SKIP_ACTION,          /* an action of RPZ that is not read */
	SKIP_RECORD,          /* a record type that local data cannot hold, or bad rdata */
	SKIP_CLASS,           /* not class IN */
	SKIP_LINE_LONG,
	SKIP_TOO_MANY,        /* over a limit of the compiled form */
	SKIP_NETWORK,         /* not an address or network */
	SKIP_WIDE,            /* for a top-level domain, a public suffix or a huge network, without allow-wide */
	SKIP_OPTION,          /* an option of the file's own program that is no rule */
	SKIP_PATTERN,         /* AdBlock: a pattern that is no name: a path, a regular expression, a page element */
	SKIP_MODIFIER,        /* AdBlock: a modifier that a resolver cannot honour */
	SKIP_EXCEPTED,        /* AdBlock: covered by an exception, an $important block or a $badfilter of the same list */
	SKIP_COLUMN,          /* csv: a row without that column */
	SKIP_COUNT
};

extern const char *const skip_texts[SKIP_COUNT];   /* for people: "not a domain name" */

#define SKIP_EXAMPLE_MAX 64     /* octets with the NUL */

struct list_stats {
	enum list_format format;          /* as read, never FORMAT_DETECT */
	bool detected;                    /* by content: the configuration leaves it out */
	size_t lines;
	size_t rules;
	size_t skipped[SKIP_COUNT];
	unsigned skipped_line[SKIP_COUNT];  /* the first line of each kind; 0: none */
	char skipped_text[SKIP_COUNT][SKIP_EXAMPLE_MAX];   /* what stands there, cut; any octets but NUL and LF */
	size_t octets;                    /* of the text, decompressed */
	size_t file_octets;               /* of the file */
	int64_t modified;                 /* the file's mtime in seconds since 1970; 0: not known */
	uint32_t serial;                  /* of the SOA; 0: none */
	uint32_t expire;                  /* likewise, seconds; 0: none */
	size_t withheld;                  /* rules not handed on, as the zone has expired; `rules` is 0 then */
};

/* When the zone expires, in seconds since 1970; 0: never. */
static inline int64_t list_expires_at(const struct list_stats *stats)
{
	if (stats->expire == 0 || stats->modified <= 0 || stats->modified > INT64_MAX - stats->expire)
		return 0;
	return stats->modified + stats->expire;
}

/* Reads conf->file as of `now`, in seconds since 1970; 0: before anything expires. 0, or -1 with *diag set and *stats
 * untouched; rules may then have been visited already. */
int list_load(const struct list_conf *conf, int64_t now, rule_visit visit, void *arg, struct list_stats *stats,
	struct diag *diag);

#endif
