/* answering.c: the event that tells of an answer. */
#include "module/answering.h"

#include "module/state.h"
#include "policy/group.h"
#include "policy/hot.h"

static struct timespec timespec_of(const struct timeval *time)
{
	if (time == NULL)
		return (struct timespec){ 0 };
	return (struct timespec){ .tv_sec = time->tv_sec, .tv_nsec = time->tv_usec * 1000L };
}

struct mesh_reply *answering_client(struct module_qstate *qstate, struct query *query, const struct comm_reply *repinfo)
{
	struct mesh_reply *reply = query != NULL && query->last != NULL ? query->last->next : NULL;

	if (reply == NULL || &reply->query_reply != repinfo)
		for (reply = qstate->mesh_info->reply_list; reply != NULL; reply = reply->next)
			if (&reply->query_reply == repinfo)
				break;
	if (query != NULL)
		query->last = reply;
	return reply;
}

HOT void answering_header(struct event *event, const struct mesh_reply *reply, const struct comm_reply *repinfo)
{
	struct sldns_buffer *packet = repinfo->c->buffer;

	event->id = 0;
	event->query_flags = 0;
	if (reply != NULL) {
		event->id = ntohs(reply->qid);
		event->query_flags = reply->qflags;
	} else if (packet != NULL && sldns_buffer_limit(packet) >= LDNS_HEADER_SIZE) {
		event->id = sldns_buffer_read_u16_at(packet, 0);
		event->query_flags = sldns_buffer_read_u16_at(packet, 2);
	}
	event->query_flags &= BIT_RD | BIT_CD | BIT_AD;
}

void answering_flags(struct answer *answer)
{
	const struct reply_info *reply = answer->extract.reply;
	struct event *event = &answer->event;
	uint16_t flags = (uint16_t)(BIT_QR | BIT_RA | (event->query_flags & (BIT_RD | BIT_CD)));

	if (reply != NULL) {
		flags |= reply->flags & (BIT_AA | BIT_TC);
		if (reply->security == sec_status_secure && (event->edns_do || (event->query_flags & BIT_AD)))
			flags |= BIT_AD;
	}
	event->response_flags = (uint16_t)(flags | (answer->facts.rcode & 0xf));
}

/* Field by field: most of it is set anyway. */
HOT void answering_event(struct answer *answer)
{
	const struct edns_data *edns = answer->edns;
	struct event *event = &answer->event;

	event->path = answer->path;
	event->facts = &answer->facts;
	event->query_time = timespec_of(answer->start_time);
	event->response_time = (struct timespec){ 0 };
	event->edns = edns->edns_present;
	event->edns_do = edns->edns_present && (edns->bits & EDNS_DO);
	event->udp_size = edns->udp_size;
	event->response_flags = 0;
	event->ede = EDE_NONE;
	event->ede_text = NULL;
	event->detections = NULL;
	event->behind = NULL;
	event->dropped = 0;
	event->left_out = 0;
	event->unsent = false;
	event->privacy = PRIVACY_NONE;
	event->shown = NULL;
}

enum security answering_security(const struct reply_info *reply)
{
	switch (reply != NULL ? reply->security : sec_status_unchecked) {
	case sec_status_secure: return SECURITY_SECURE;
	case sec_status_insecure: return SECURITY_INSECURE;
	case sec_status_bogus: case sec_status_secure_sentinel_fail: return SECURITY_BOGUS;
	case sec_status_unchecked: case sec_status_indeterminate: break;
	}
	return SECURITY_UNKNOWN;
}

void answering_hide(struct answer *answer, struct slot *slot)
{
	const struct group_table *groups = snapshot_groups(state_enter(slot));

	answer->event.privacy = group_privacy(groups, group_find(groups, &answer->facts));
	state_leave(slot);
}
