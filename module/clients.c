/* clients.c: classes of clients, states of their own, and moving a waiting client from one state to another. */
#include "module/clients.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "module/limits.h"
#include "policy/evaluate.h"
#include "policy/hash.h"
#include "policy/hot.h"

#define COUNTERS 4096u   /* a power of two */

/* States of their own by client address, over all workers. A client is counted at two places of a keyed hash and has
 * the lower count: it takes two others at the same two places to make it look busier than it is. */
static struct {
	struct hash_key key;
	_Atomic uint16_t counts[2][COUNTERS];
} clients;

void clients_start(void)
{
	if (getrandom(&clients.key, sizeof(clients.key), GRND_NONBLOCK) != sizeof(clients.key))
		clients.key = (struct hash_key){ .k0 = (uintptr_t)&clients, .k1 = (uintptr_t)getrandom };
}

/* What the verdict can depend on, besides question and answer. */
struct class_key {
	const struct snapshot *snapshot;
	uint64_t group;
	uint8_t address[16];
	uint8_t family;
	uint8_t udp;
	uint8_t dnssec_ok;
	uint8_t recursion_desired;
};

uintptr_t clients_class(const struct snapshot *snapshot, const struct facts *facts)
{
	struct class_key key;

	memset(&key, 0, sizeof(key));
	key.snapshot = snapshot;
	key.group = evaluate_group(snapshot, facts);
	key.udp = facts->transport == TRANSPORT_UDP;
	key.dnssec_ok = facts->dnssec_ok;
	key.recursion_desired = facts->recursion_desired;
	if (snapshot_triggers(snapshot) & 1u << TRIGGER_CLIENT_IP) {
		key.family = (uint8_t)facts->client.family;
		memcpy(key.address, facts->client.octets, facts->client.family == ADDRESS_INET ? 4 : 16);
	}
	/* Odd, as no address of a state is. */
	return (uintptr_t)hash_octets(&clients.key, &key, sizeof(key)) | 1;
}

static void count_places(const struct address *client, uint16_t at[2])
{
	const uint64_t hash = hash_octets(&clients.key, client->octets, client->family == ADDRESS_INET ? 4 : 16);

	at[0] = (uint16_t)(hash % COUNTERS);
	at[1] = (uint16_t)((hash >> 32) % COUNTERS);
}

static bool count_one_more(const struct address *client, struct client_share *share)
{
	uint32_t most = limits_unique_per_client();

	if (client->family == ADDRESS_NONE)
		return false;
	count_places(client, share->at);
	if (most > UINT16_MAX / 2)
		most = UINT16_MAX / 2;   /* no counter can run over: two workers may count at the same time */
	if (atomic_load_explicit(&clients.counts[0][share->at[0]], memory_order_relaxed) >= most &&
	    atomic_load_explicit(&clients.counts[1][share->at[1]], memory_order_relaxed) >= most)
		return false;
	for (unsigned i = 0; i < 2; i++)
		atomic_fetch_add_explicit(&clients.counts[i][share->at[i]], 1, memory_order_relaxed);
	share->counted = true;
	return true;
}

HOT void clients_release(struct client_share *share)
{
	if (!share->counted)
		return;
	share->counted = false;
	for (unsigned i = 0; i < 2; i++)
		atomic_fetch_sub_explicit(&clients.counts[i][share->at[i]], 1, memory_order_relaxed);
}

/* --- states ----------------------------------------------------------------------------------------------------- */

/* The state of that class for the same question. */
static struct mesh_state *find(const struct module_qstate *qstate, uintptr_t class)
{
	struct mesh_state key;

	memset(&key, 0, sizeof(key));
	key.node.key = &key;
	key.unique = (struct mesh_state *)class;
	key.s.qinfo = qstate->qinfo;
	key.s.query_flags = qstate->query_flags;
	key.s.client_info = qstate->client_info;
	return (struct mesh_state *)rbtree_search(&qstate->env->mesh->all, &key);
}

static void set_class(struct mesh_area *mesh, struct mesh_state *state, uintptr_t class)
{
	/* It is part of the tree's key: it may change only while the state is outside. */
	rbtree_delete(&mesh->all, &state->node);
	state->unique = class != 0 ? (struct mesh_state *)class : state;
	rbtree_insert(&mesh->all, &state->node);
}

static void enlist(struct mesh_area *mesh, struct mesh_state *state)
{
	if (mesh->num_forever_states < mesh->max_forever_states) {
		mesh->num_forever_states++;
		mesh_list_insert(state, &mesh->forever_first, &mesh->forever_last);
		state->list_select = mesh_forever_list;
	} else {
		mesh_list_insert(state, &mesh->jostle_first, &mesh->jostle_last);
		state->list_select = mesh_jostle_list;
	}
}

/* A state for the same question that runs when the workers' current one is done, as Unbound makes one for a client.
 * class 0: one that nobody finds. */
static struct mesh_state *create(struct module_qstate *qstate, const struct mesh_reply *reply, uintptr_t class)
{
	struct mesh_area *mesh = qstate->env->mesh;
	struct mesh_state *state;

	if (mesh->num_reply_states >= mesh->max_reply_states)
		return NULL;
	state = mesh_state_create(qstate->env, &qstate->qinfo, qstate->client_info, qstate->query_flags, 0, 0);
	if (state == NULL)
		return NULL;
	mesh->num_detached_states++;
	state->unique = class != 0 ? (struct mesh_state *)class : state;
	state->s.rpz_passthru = qstate->rpz_passthru;
	rbtree_insert(&mesh->all, &state->node);
	if (reply->edns.opt_list_in != NULL) {
		state->s.edns_opts_front_in = edns_opt_copy_region(reply->edns.opt_list_in, state->s.region);
		if (state->s.edns_opts_front_in == NULL) {
			mesh_state_delete(&state->s);
			return NULL;
		}
	}
	enlist(mesh, state);
	rbtree_insert(&mesh->run, &state->run_node);
	return state;
}

/* --- clients ---------------------------------------------------------------------------------------------------- */

/* Appends a copy of the waiting client; it counts as before. False: no memory, nothing has changed. */
static bool add(struct mesh_area *mesh, struct mesh_state *to, const struct mesh_reply *reply)
{
	struct comm_reply point = reply->query_reply;
	struct edns_data edns = reply->edns;
	struct query_info question = to->s.qinfo;
	const bool waited = to->reply_list != NULL || to->cb_list != NULL;
	struct mesh_reply *before = to->reply_list;

	question.qname = reply->qname;
	question.local_alias = reply->local_alias;
	if (!unbound_add_reply(to, &edns, &point, reply->qid, reply->qflags, &question))
		return false;
	if (point.c->tcp_req_info != NULL && !tcp_req_info_add_meshstate(point.c->tcp_req_info, mesh, to)) {
		to->reply_list = before;
		return false;
	}
	to->reply_list->start_time = reply->start_time;
	to->reply_list->h2_stream = reply->h2_stream;
	unbound_move_stream(to->reply_list, mesh, to);
	if (waited)
		return true;
	mesh->num_reply_states++;
	if (to->super_set.count == 0)
		mesh->num_detached_states--;
	return true;
}

/* The client waits elsewhere now. */
static void take_out(struct mesh_area *mesh, struct mesh_state *from, struct mesh_reply *reply)
{
	struct mesh_reply **link = &from->reply_list;

	while (*link != reply)
		link = &(*link)->next;
	*link = reply->next;
	if (reply->query_reply.c->tcp_req_info != NULL)
		tcp_req_info_remove_mesh_state(reply->query_reply.c->tcp_req_info, from);
	if (from->reply_list != NULL || from->cb_list != NULL)
		return;
	mesh->num_reply_states--;
	if (from->super_set.count == 0)
		mesh->num_detached_states++;
}

bool clients_move(struct module_qstate *qstate, struct mesh_reply *reply, uintptr_t class)
{
	struct mesh_area *mesh = qstate->env->mesh;
	struct mesh_state *from = qstate->mesh_info;
	struct mesh_state *to = find(qstate, class);
	const bool made = to == NULL || to == from;

	if (made)
		to = create(qstate, reply, to == NULL ? class : 0);
	if (to == NULL)
		return false;
	if (!add(mesh, to, reply)) {
		if (made)
			mesh_state_delete(&to->s);
		return false;
	}
	take_out(mesh, from, reply);
	return true;
}

enum clients_alone clients_be_alone(struct module_qstate *qstate, uintptr_t class, const struct facts *facts,
	struct client_share *share, struct slot *slot)
{
	struct mesh_state *state = qstate->mesh_info;
	struct mesh_state *other;

	if (state->unique != NULL)
		return CLIENTS_ALONE;
	if (state->super_set.count != 0)
		return CLIENTS_SHARED;
	other = find(qstate, class);
	if (other != NULL && add(qstate->env->mesh, other, state->reply_list)) {
		take_out(qstate->env->mesh, state, state->reply_list);
		return CLIENTS_MOVED;
	}
	if (other != NULL || !count_one_more(&facts->client, share)) {
		slot->unique_refused++;
		return CLIENTS_SHARED;
	}
	slot->unique_made++;
	set_class(qstate->env->mesh, state, class);
	return CLIENTS_ALONE;
}
