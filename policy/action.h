/*
 * action.h: what can be done to an answer, and what makes a rule match: two tables.
 *
 * The names are those of the configuration, of frames and of metrics; `rpz` is the word of
 * draft-vixie-dnsop-dns-rpz-00 for the same thing, NULL where it has none. EDE codes: RFC 8914.
 */
#ifndef POLICY_ACTION_H
#define POLICY_ACTION_H

#include <stdbool.h>
#include <stdint.h>

enum action {
	ACTION_ALLOW,       /* no list said anything */
	ACTION_PASS,        /* exempt: final */
	ACTION_OBSERVE,     /* reported, and later lists go on deciding */
	ACTION_NXDOMAIN,
	ACTION_NODATA,
	ACTION_REFUSE,
	ACTION_DROP,
	ACTION_TRUNCATE,    /* TC=1 over UDP, allowed over anything else */
	ACTION_LOCAL_DATA,
	ACTION_SINKHOLE,
	ACTION_COUNT
};

enum trigger {
	TRIGGER_NONE,
	TRIGGER_CLIENT_IP,
	TRIGGER_QNAME,
	TRIGGER_IP,
	TRIGGER_NSDNAME,
	TRIGGER_NSIP,
	TRIGGER_COUNT
};

enum { EDE_NONE = -1, EDE_FORGED = 4, EDE_BLOCKED = 15, EDE_CENSORED = 16, EDE_FILTERED = 17, EDE_PROHIBITED = 18 };

struct action_info {
	const char *name;
	const char *rpz;
	bool denies;        /* the client does not get the answer as it was */
	int16_t ede;        /* default EDE code, or EDE_NONE */
};

extern const struct action_info action_table[ACTION_COUNT];
extern const char *const trigger_names[TRIGGER_COUNT];   /* "none", "CLIENT-IP", "QNAME", ... */

/* The action of that name; ACTION_COUNT when there is none. */
enum action action_by_name(const char *name);

#endif
