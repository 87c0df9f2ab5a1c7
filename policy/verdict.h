/*
 * verdict.h: the verdict on one answer, a plain value.
 *
 * It holds copies of all texts, so it outlives the snapshot it came from and can be kept in a query state, written to
 * a ring or printed. Only `data` borrows: it is good until the snapshot is released, and NULL in a kept copy.
 *
 * A denial on a path that cannot be denied any more is moved to `shadow` by verdict_demote: the frame then says what
 * was done (allow) and what would have been.
 */
#ifndef POLICY_VERDICT_H
#define POLICY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/action.h"
#include "policy/facts.h"
#include "policy/name.h"

#define LIST_NAME_MAX 64        /* octets with the NUL, as are the next two */
#define CATEGORY_MAX 32
#define ATTACK_MAX 48           /* ATT&CK ids, separated by blanks */
#define EDE_TEXT_MAX 384        /* octets with the NUL; RFC 8914 sets no limit, UDP does */
#define FRAME_NUMBER_TEXT_MAX 48

struct local_data;

/* The rule that matched. All empty when trigger is TRIGGER_NONE. */
struct rule_match {
	enum trigger trigger;
	enum action action;             /* what the rule asks for */
	char list[LIST_NAME_MAX];
	char category[CATEGORY_MAX];
	char attack[ATTACK_MAX];
	uint32_t serial;                /* of the list's SOA; 0: none */
	int16_t ede;                    /* EDE code to send, or EDE_NONE */
	bool wildcard;                  /* the rule is *.rule_name */
	uint8_t chain;                  /* which name of the CNAME chain: 0 is the qname */
	uint8_t prefix_length;          /* of `address` */
	struct address address;         /* the rule's, for CLIENT-IP, IP and NSIP; else the family is ADDRESS_NONE */
	struct address matched_address; /* what matched it */
	struct name rule_name;          /* the owner of the rule, without `*.`, for QNAME and NSDNAME; else the root */
	struct name matched_name;       /* what matched it; else its length is 0 */
};

struct verdict {
	enum action action;             /* what is done for this client: ACTION_ALLOW when rule is empty, unless the rule
	                                 * could not be kept for lack of memory */
	bool denied_to_some;            /* some client, this one or another, is denied: keep it out of shared caches */
	bool differs;                   /* clients of different groups get different verdicts */
	bool final;                     /* decided, and the answer cannot change it: what is denied needs no resolution */
	uint8_t traits;                 /* of enum trait (policy/detection.h): what lists say of the qname */
	uint8_t group;                  /* the client's (policy/group.h) */
	uint32_t ttl;                   /* seconds, of every record we make */
	uint64_t unlisted_in;           /* at the question: the snapshot's number, if no rule of a list matches; else 0 */
	char group_name[LIST_NAME_MAX]; /* empty when no groups are configured */
	const struct local_data *data;  /* for SINKHOLE and LOCAL_DATA; borrowed from the snapshot */
	struct rule_match rule;         /* what decided */
	struct rule_match shadow;       /* the first that would have decided, but is in shadow mode or came too late */
};

/* Makes `verdict` a plain allow. */
void verdict_init(struct verdict *verdict);

/* Copies what is set and leaves the rest alone: most of a verdict is room for names. */
void verdict_copy(struct verdict *to, const struct verdict *from);

/* For a path that cannot be denied: a denying action becomes ACTION_ALLOW and its rule moves to `shadow` (unless there
 * is one already that would have decided). Returns whether it denied. */
bool verdict_demote(struct verdict *verdict);

/* Writes the EDE EXTRA-TEXT: list, rule and incident number. Returns its length without the NUL; 0 when there is
 * nothing to say. Always NUL-terminated, ASCII. */
size_t verdict_ede_text(const struct verdict *verdict, const char *incident, char *to, size_t cap);

/* The rule as text: `example.com`, `*.example.com` or `192.0.2.0/24`. `to` holds NAME_TEXT_MAX + 2. Returns `to`. */
char *rule_match_text(const struct rule_match *match, char *to);

#endif
