/* apply.c: what a denial does to a query state. */
#include "module/apply.h"

#include <string.h>

#include "module/answer.h"
#include "policy/hot.h"

/* The shape of each denial. Returns the header flags, or ANSWER_NO_MEMORY. */
static int build(struct answer_builder *builder, const struct verdict *verdict, uint16_t qtype)
{
	const int flags = BIT_QR | BIT_RA;
	int records;

	switch (verdict->action) {
	case ACTION_NXDOMAIN:
		return answer_add_soa(builder, verdict) ? flags | LDNS_RCODE_NXDOMAIN : ANSWER_NO_MEMORY;
	case ACTION_NODATA:
		return answer_add_soa(builder, verdict) ? flags : ANSWER_NO_MEMORY;
	case ACTION_LOCAL_DATA:
	case ACTION_SINKHOLE:
		records = answer_add_local(builder, verdict, qtype);
		if (records == ANSWER_TOO_LONG)
			return flags | LDNS_RCODE_YXDOMAIN;
		return records > 0 || (records == 0 && answer_add_soa(builder, verdict)) ? flags : ANSWER_NO_MEMORY;
	case ACTION_TRUNCATE:
		builder->answers = 0;
		return flags | BIT_TC;
	case ACTION_REFUSE:
	case ACTION_ALLOW:
	case ACTION_PASS:
	case ACTION_OBSERVE:
	case ACTION_DROP:
	case ACTION_COUNT:
		break;
	}
	builder->answers = 0;
	return flags | LDNS_RCODE_REFUSED;
}

HOT bool apply_denial(struct module_qstate *qstate, const struct verdict *verdict, const struct reply_info *chain)
{
	struct answer_builder builder;
	int flags;

	if (verdict->action == ACTION_REFUSE) {
		/* Unbound writes an error from its code alone, for less than from a message without records. */
		qstate->return_msg = NULL;
		qstate->return_rcode = LDNS_RCODE_REFUSED;
		return true;
	}
	answer_begin(&builder, qstate, verdict, chain);
	flags = build(&builder, verdict, qstate->qinfo.qtype);
	return flags >= 0 && answer_finish(&builder, qstate, (uint16_t)flags);
}

/* Not by qstate->is_drop: that forgets to give the clients' places in the mesh back, gives a connection that waits
 * more than once back twice, and leaves HTTP/2 streams pointing to the state. */
void apply_drop(struct module_qstate *qstate)
{
	struct mesh_state *state = qstate->mesh_info;

	unbound_detach_streams(state);
	while (state->reply_list != NULL) {
		struct mesh_reply *reply = state->reply_list;   /* lies in the region: good after its removal */

		comm_point_drop_reply(&reply->query_reply);
		unbound_remove_reply(qstate->env->mesh, state, reply);
	}
}

void apply_unique(struct module_qstate *qstate)
{
	struct mesh_state *state = qstate->mesh_info;
	struct mesh_area *mesh = qstate->env->mesh;

	if (state->unique != NULL || state->super_set.count != 0)
		return;
	/* `unique` is part of the tree's key: it may change only while the state is outside. */
	rbtree_delete(&mesh->all, &state->node);
	mesh_state_make_unique(state);
	rbtree_insert(&mesh->all, &state->node);
}

/* Whatever no_cache_store says, the validator keeps the wildcard that a signed answer was expanded from, and with
 * aggressive-nsec Unbound makes answers for other names of it. */
static void forget_wildcard(struct module_qstate *qstate, struct ub_packed_rrset_key *expanded)
{
	struct ub_packed_rrset_key key = { .rk = expanded->rk };
	uint8_t wildcard[LDNS_MAX_DOMAINLEN + 2];
	uint8_t *closest = NULL;
	size_t octets = 0;

	if (!val_rrset_wildcard(expanded, &closest, &octets) || closest == NULL || octets > LDNS_MAX_DOMAINLEN)
		return;
	wildcard[0] = 1;
	wildcard[1] = '*';
	memcpy(wildcard + 2, closest, octets);
	key.rk.dname = wildcard;
	key.rk.dname_len = octets + 2;
	key.entry.key = &key;
	key.entry.hash = rrset_key_hash(&key.rk);
	slabhash_remove(&qstate->env->rrset_cache->table, key.entry.hash, &key);
}

void apply_forget(struct module_qstate *qstate)
{
	const uint16_t flags = qstate->query_flags & BIT_RD;
	const struct reply_info *reply = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;
	struct query_info *qinfo = &qstate->qinfo;

	for (size_t i = 0; reply != NULL && i < reply->an_numrrsets; i++)
		forget_wildcard(qstate, reply->rrsets[i]);

	/* AAAA answers with CD are kept apart from those without (dns64). */
	msg_cache_remove(qstate->env, qinfo->qname, qinfo->qname_len, qinfo->qtype, qinfo->qclass, flags);
	msg_cache_remove(qstate->env, qinfo->qname, qinfo->qname_len, qinfo->qtype, qinfo->qclass, flags | BIT_CD);
}

HOT bool apply_ede(struct edns_option **list, int16_t code, const char *text, size_t length, struct regional *region)
{
	struct edns_option *option = regional_alloc(region, sizeof(*option) + 2 + length);
	uint8_t *data = (uint8_t *)(option + 1);

	if (option == NULL)
		return false;
	sldns_write_uint16(data, (uint16_t)code);
	memcpy(data + 2, text, length);
	option->opt_code = LDNS_EDNS_EDE;
	option->opt_len = length + 2;
	option->opt_data = data;
	option->next = *list;
	*list = option;
	return true;
}
