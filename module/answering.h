/*
 * answering.h: one answer on its way to one client, and the event that tells of it.
 *
 * Threads: the worker that sends it.
 */
#ifndef MODULE_ANSWERING_H
#define MODULE_ANSWERING_H

#include "module/unbound.h"

#include <time.h>

#include "dnstap/event.h"
#include "module/extract.h"
#include "module/respond.h"

/* All but what it owns by value is borrowed for as long as Unbound's callback runs. */
struct answer {
	enum answer_path path;
	/* What Unbound says of it. */
	struct module_qstate *qstate;      /* NULL: none */
	struct query *query;               /* its record; NULL: none */
	const struct edns_data *edns;
	const struct comm_reply *repinfo;
	const struct timeval *start_time;  /* NULL: not known */
	/* What we make of that. */
	struct facts facts;
	struct extract extract;
	enum security security;
	struct event event;
	const struct verdict *verdict;     /* &own, or the query state's */
	struct verdict own;
	struct timespec looked;        /* when detectors did, for: */
	struct detections detections;
	struct behind behind;          /* last: most answers leave it untouched */
};

/* Whatever needs neither question nor verdict: it runs for every answer that is told of. */
void answering_event(struct answer *answer);

/* The waiting client that Unbound is answering: it goes through the list in order. `query` may be NULL; of `qstate`. */
struct mesh_reply *answering_client(struct module_qstate *qstate, struct query *query, const struct comm_reply *repinfo);

/* Message id and header flags of the query: kept with a waiting client, else still in the connection's buffer. */
void answering_header(struct event *event, const struct mesh_reply *reply, const struct comm_reply *repinfo);

/* The flags of the response, of those and of what Unbound has. */
void answering_flags(struct answer *answer);

/* How the client is hidden: by its own group, whatever the verdict was made for, and where there is none, too. */
void answering_hide(struct answer *answer, struct slot *slot);

enum security answering_security(const struct reply_info *reply);

#endif
