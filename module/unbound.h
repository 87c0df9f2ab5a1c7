/*
 * unbound.h: every header of Unbound that the module uses, in the one order that works, and what releases call
 * differently (the macros UNBOUND_... are probed by configure).
 *
 * Unbound's config.h decides the layout of its structures, so it comes first; ours has no config.h. Include this header
 * before any other.
 */
#ifndef MODULE_UNBOUND_H
#define MODULE_UNBOUND_H

#include "config.h"

#include <netdb.h>
#include <stdbool.h>

#include "daemon/worker.h"
#include "dynlibmod/dynlibmod.h"
#include "iterator/iter_delegpt.h"
#include "iterator/iter_fwd.h"
#include "iterator/iter_hints.h"
#include "iterator/iterator.h"
#include "services/cache/dns.h"
#include "services/cache/rrset.h"
#include "services/listen_dnsport.h"
#include "services/mesh.h"
#include "sldns/pkthdr.h"
#include "sldns/rrdef.h"
#include "sldns/sbuffer.h"
#include "util/config_file.h"
#include "util/data/dname.h"
#include "util/data/msgencode.h"
#include "util/data/msgreply.h"
#include "util/data/packed_rrset.h"
#include "util/log.h"
#include "util/module.h"
#include "util/net_help.h"
#include "util/netevent.h"
#include "util/regional.h"
#include "util/storage/slabhash.h"
#include "util/ub_event.h"
#include "validator/val_utils.h"

/* A sub-query for what `question` asks, as env->attach_sub() makes it; the client's tags go with it where they can. */
static inline int unbound_attach_sub(struct module_qstate *qstate, struct query_info *question, uint16_t flags,
	struct module_qstate **made)
{
#if UNBOUND_SUBQUERY_TAKES_CLIENT
	return qstate->env->attach_sub(qstate, question, qstate->client_info, flags, 0, 0, made);
#else
	return qstate->env->attach_sub(qstate, question, flags, 0, 0, made);
#endif
}

/* Before comm_point_drop_reply(): nothing that outlives the drop may point to the state. */
static inline void unbound_detach_streams(struct mesh_state *state)
{
	for (struct mesh_reply *reply = state->reply_list; reply != NULL; reply = reply->next) {
		if (reply->query_reply.c->use_h2)
			reply->h2_stream->mesh_state = NULL;
#if UNBOUND_REMOVE_TAKES_STREAM || UNBOUND_REMOVE_TAKES_STREAMS
		else
			doq_stream_remove_mesh_state(reply->query_reply.doq_stream);
#endif
	}
}

/* All replies of that reply's connection; with DoQ, where all clients share one, those of its stream. */
static inline void unbound_remove_reply(struct mesh_area *mesh, struct mesh_state *state, struct mesh_reply *reply)
{
#if UNBOUND_REMOVE_TAKES_STREAMS
	mesh_state_remove_reply(mesh, state, reply->query_reply.c, NULL, reply->query_reply.doq_stream);
#elif UNBOUND_REMOVE_TAKES_STREAM
	mesh_state_remove_reply(mesh, state, reply->query_reply.c, reply->query_reply.doq_stream);
#else
	mesh_state_remove_reply(mesh, state, reply->query_reply.c);
#endif
}

/* Appends a client to those that wait for the state: then it is the first of the list. False: out of memory. */
static inline bool unbound_add_reply(struct mesh_state *state, struct edns_data *edns, struct comm_reply *point,
	uint16_t id, uint16_t flags, const struct query_info *question)
{
#if UNBOUND_ADD_REPLY_GIVES_IT
	struct mesh_reply *added;

	return mesh_state_add_reply(state, edns, point, id, flags, question, &added) != 0;
#else
	return mesh_state_add_reply(state, edns, point, id, flags, question) != 0;
#endif
}

/* The stream of a client that has come to another state points to that one from now on. */
static inline void unbound_move_stream(struct mesh_reply *reply, struct mesh_area *mesh, struct mesh_state *state)
{
	if (reply->query_reply.c->use_h2) {
		http2_stream_add_meshstate(reply->h2_stream, mesh, state);
		return;
	}
#if UNBOUND_REMOVE_TAKES_STREAM || UNBOUND_REMOVE_TAKES_STREAMS
	if (reply->query_reply.doq_stream != NULL)
		doq_stream_add_meshstate(reply->query_reply.doq_stream, mesh, state);
#endif
}

/* Stores an answer that is no referral in the caches that `env` names. False: out of memory. */
static inline bool unbound_cache_store(struct module_env *env, struct query_info *question, struct reply_info *reply,
	struct regional *region, uint16_t flags, time_t asked)
{
#if UNBOUND_STORE_TAKES_VALREC
	return dns_cache_store(env, question, reply, 0, 0, 0, region, flags, asked, 0) != 0;
#else
	return dns_cache_store(env, question, reply, 0, 0, 0, region, flags, asked) != 0;
#endif
}

#endif
