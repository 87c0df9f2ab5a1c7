/* garden.c: a sub-query for the target of a CNAME of ours, and the answer made of both. */
#include "module/garden.h"

#include <string.h>

#include "module/answer.h"
#include "module/apply.h"
#include "policy/hot.h"

struct garden {
	struct answer_builder builder;      /* the chain and our CNAME */
	struct query_info question;         /* for the target */
	bool done;                          /* the sub-query */
	struct reply_info *target;          /* in the region of the waiting state; NULL: SERVFAIL */
};

/* Is it a CNAME that answers this type, as opposed to one that was asked for? */
static bool leads_on(const struct verdict *verdict, const struct query_info *qinfo, struct local_record *cname)
{
	size_t found;

	if (verdict->data == NULL || qinfo->qclass != LDNS_RR_CLASS_IN || qinfo->qtype == LDNS_RR_TYPE_CNAME ||
	    qinfo->qtype == LDNS_RR_TYPE_ANY || (verdict->action != ACTION_LOCAL_DATA && verdict->action != ACTION_SINKHOLE) ||
	    local_data_select(verdict->data, qinfo->qtype, &found, 1) == 0)
		return false;
	*cname = local_data_at(verdict->data, found);
	return cname->type == LDNS_RR_TYPE_CNAME;
}

static bool ask(struct garden *garden, struct module_qstate *qstate, const struct name *target)
{
	struct query_info *question = &garden->question;
	struct module_qstate *made;

	question->qname = regional_alloc_init(qstate->region, target->octets, target->length);
	question->qname_len = target->length;
	question->qtype = qstate->qinfo.qtype;
	question->qclass = qstate->qinfo.qclass;
	return question->qname != NULL && unbound_attach_sub(qstate, question, BIT_RD, &made) != 0;
}

HOT enum garden_start garden_start(struct module_qstate *qstate, int id, const struct verdict *verdict,
	const struct reply_info *chain, struct garden **garden)
{
	struct local_record cname;
	struct name owner, target;
	struct garden *made;

	if (!leads_on(verdict, &qstate->qinfo, &cname))
		return GARDEN_NONE;
	made = regional_alloc_zero(qstate->region, sizeof(*made));
	if (made == NULL)
		return GARDEN_FAILED;
	answer_begin(&made->builder, qstate, verdict, chain);
	if (!name_from_wire(&owner, made->builder.owner, made->builder.owner_length) ||
	    !local_data_target(&cname, &owner, &target))
		return GARDEN_NONE;
	if (answer_add_local(&made->builder, verdict, qstate->qinfo.qtype) < 0)
		return GARDEN_FAILED;
	/* Who joined a waiting state, a resolution of Unbound's own most of all, would get our answer. */
	apply_unique(qstate);
	if (!ask(made, qstate, &target))
		return GARDEN_FAILED;
	*garden = made;
	qstate->ext_state[id] = module_wait_subquery;
	return GARDEN_WAITS;
}

static bool is_usable(const struct module_qstate *done)
{
	const struct reply_info *reply = done->return_msg != NULL ? done->return_msg->rep : NULL;
	unsigned rcode;

	if (done->return_rcode != LDNS_RCODE_NOERROR || reply == NULL || reply->security == sec_status_bogus ||
	    reply->security == sec_status_secure_sentinel_fail)
		return false;
	rcode = FLAGS_GET_RCODE(reply->flags);
	return rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
}

void garden_inform(struct garden *garden, const struct module_qstate *done, struct module_qstate *waiting)
{
	/* What the iterator asked for, for this state, may come in late. */
	if (query_info_compare((void *)(uintptr_t)&done->qinfo, &garden->question) != 0)
		return;
	garden->done = true;
	if (is_usable(done))
		garden->target = reply_info_copy(done->return_msg->rep, NULL, waiting->region);
}

bool garden_is_done(const struct garden *garden)
{
	return garden->done;
}

bool garden_finish(const struct garden *garden, struct module_qstate *qstate)
{
	struct answer_builder builder = garden->builder;
	const uint16_t flags = BIT_QR | BIT_RA;

	if (garden->target == NULL) {
		builder.answers = 0;
		return answer_finish(&builder, qstate, flags | LDNS_RCODE_SERVFAIL);
	}
	answer_add_reply(&builder, garden->target);
	return answer_finish(&builder, qstate, (uint16_t)(flags | FLAGS_GET_RCODE(garden->target->flags)));
}
