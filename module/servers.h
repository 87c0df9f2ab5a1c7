/*
 * servers.h: the name servers behind an answer, as Unbound's caches know them.
 *
 * For each name of the CNAME chain, the zones at and above it whose NS records are in the message or in the RRset
 * cache, the nearest first, with the addresses of each server that are known there; and where the iterator asked
 * last. Nothing is asked for.
 *
 * It looks into caches: for `operate` and what runs inside it, and for the callback of answers that were resolved; never
 * for those of others on their way out.
 *
 * Threads: the worker that owns the query state; every lock that is taken is given back before servers_attach returns.
 */
#ifndef MODULE_SERVERS_H
#define MODULE_SERVERS_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/facts.h"
#include "policy/name.h"
#include "policy/snapshot.h"

#define SERVERS_ADDRESSES_MAX 256   /* of all servers */

/* What `facts` borrows; must live as long as they are used. */
struct servers {
	struct module_env *env;
	const struct module_qstate *qstate;   /* NULL: none, and expired records count */
	const struct reply_info *reply;   /* NULL: none */
	const struct facts *facts;   /* the question, and the records that alias it */
	uint32_t dots_min;           /* zones with fewer are left out */
	bool late;                   /* not collected yet */
	bool first_alone;            /* of the chain */
	bool by_upstream;            /* it matters whether forwards and stubs are in use */
	bool by_address;             /* some rule asks for addresses of servers */
	bool unknown;                /* without `qstate`: of some name of the chain nothing is known that should be */
	/* Found once: the policy looks at them for each name of a chain, and each look into a cache costs. */
	size_t name_count;
	size_t count;
	size_t left_out;
	struct name names[FACTS_SERVERS_MAX];
	struct {
		struct address address;
		uint8_t name;        /* of `names` */
		uint8_t chain;
		uint8_t zone_labels;
		uint8_t configured_labels;
	} found[SERVERS_ADDRESSES_MAX];
};

/* Does any rule of the snapshot ask for them? */
bool servers_wanted(const struct snapshot *snapshot);

/* Puts what is found already behind `facts`. */
void servers_show(const struct servers *servers, struct facts *facts);

/* Looks for the servers and puts them behind `facts`, whose records are set already, if any rule of the snapshot asks
 * for them. What `reply` (NULL: none) says of them counts before it is stored. */
void servers_attach(struct servers *servers, struct facts *facts, struct module_qstate *qstate,
		    const struct reply_info *reply, const struct snapshot *snapshot);

/* The same for whoever is curious, whatever the rules are: of the qname alone, and nothing is looked for until somebody
 * asks. `facts` has to stay where it is. */
void servers_attach_late(struct servers *servers, struct facts *facts, struct module_qstate *qstate,
			 const struct reply_info *reply);

/* The same for what is cached itself, which nobody asks for now: expired records are taken as they are. What served it
 * then may be gone, or was never cached (stubs): then servers->unknown is set. Forwarded names have no servers. No entry
 * of a cache may be locked. */
void servers_attach_cached(struct servers *servers, struct facts *facts, struct module_env *env,
			   const struct snapshot *snapshot);

#endif
