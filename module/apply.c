/* apply.c: what a denial does to a query state. */
#include "module/apply.h"

#include <string.h>

#include "module/answer.h"

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

bool apply_denial(struct module_qstate *qstate, const struct verdict *verdict, const struct reply_info *chain)
{
	struct answer_builder builder;
	int flags;

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

void apply_forget(struct module_qstate *qstate)
{
	const uint16_t flags = qstate->query_flags & BIT_RD;
	struct query_info *qinfo = &qstate->qinfo;

	/* AAAA answers with CD are kept apart from those without (dns64). */
	msg_cache_remove(qstate->env, qinfo->qname, qinfo->qname_len, qinfo->qtype, qinfo->qclass, flags);
	msg_cache_remove(qstate->env, qinfo->qname, qinfo->qname_len, qinfo->qtype, qinfo->qclass, flags | BIT_CD);
}

bool apply_ede(struct edns_option **list, int16_t code, const char *text, size_t length, struct regional *region)
{
	struct edns_option *option = regional_alloc(region, sizeof(*option));
	uint8_t *data = regional_alloc(region, length + 2);

	if (option == NULL || data == NULL)
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
