/*
 * extract.h: facts from Unbound's structures. Nothing is copied but the question and the addresses.
 *
 * Threads: reads what the calling worker holds: its query state, or a cache entry and RRsets under Unbound's own
 * read locks (the cached path), which it never writes to and for which it never takes a lock.
 */
#ifndef MODULE_EXTRACT_H
#define MODULE_EXTRACT_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/facts.h"

struct budget;

/* The records behind `facts`; must live as long as they are used. */
struct extract {
	const struct reply_info *reply;   /* NULL: no records */
	time_t now;                       /* 0: TTLs are relative already (query states); else they are absolute */
	bool dnssec;                      /* DO: signatures leave with the answer */
	struct budget *budget;            /* of the event, or NULL: when it is over no more records are shown */
	bool all;                         /* for a verdict that denies: no limit but that of the message */
};

/* Takes address and port; ADDRESS_NONE for what is neither IPv4 nor IPv6, and for NULL. */
void extract_address(struct address *address, const void *from, socklen_t length);

/* Fills everything about the client that `repinfo` knows; NULL: nobody. */
void extract_client(struct facts *facts, const struct comm_reply *repinfo);

/* Takes name, type and class. False when the name is not valid. */
bool extract_question(struct facts *facts, const struct query_info *qinfo);

/* The same where its name is known. */
void extract_question_of(struct facts *facts, const struct query_info *qinfo, const struct name *qname);

/* The question of a query packet; for CHAOS, where the callback is given none. */
bool extract_packet_question(struct facts *facts, struct sldns_buffer *packet);

/* Is it the same name, in whatever case? */
bool extract_is_same_name(const struct query_info *a, const struct query_info *b);

/* What the iterator knows of the query; NULL: it did not run. */
const struct iter_qstate *extract_iterator(const struct module_qstate *qstate);

/* Are all records of the answer section addresses? Then none leads to another name. */
bool extract_leads_nowhere(const struct reply_info *reply);

/* Puts the records of `extract->reply` and its rcode behind `facts`. */
void extract_records(struct facts *facts, const struct extract *extract);

#endif
