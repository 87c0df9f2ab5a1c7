/* left.c: remembers who asked. */
#include "module/left.h"

#include <string.h>

#include "module/respond.h"
#include "policy/hot.h"

HOT void left_note(struct module_qstate *qstate, int id)
{
	struct query *query = query_make(qstate, id);
	const struct mesh_reply *client = first_client(qstate);

	if (query == NULL || client == NULL || client->query_reply.client_addrlen > sizeof(query->client))
		return;
	memcpy(&query->client, &client->query_reply.client_addr, sizeof(query->client));
	query->client_octets = (uint8_t)client->query_reply.client_addrlen;
	query->point = client->query_reply.c;
}

/* Unbound keeps its points for as long as a worker runs, and gives each to other clients of the same listener. So nothing
 * of a connection may be read; whether it has TLS says the listener. */
static void make_point(struct left *left, const struct comm_point *from)
{
	left->point.type = from->type;
	left->point.socket = from->socket;
	left->point.ssl = from->tcp_parent != NULL ? from->tcp_parent->ssl : NULL;
	left->point.buffer = &left->packet;
}

static __attribute__((noinline)) void make(struct left *left, const struct query *query, uint16_t flags)
{
	memset(left, 0, sizeof(*left));
	sldns_write_uint16(left->header + 2, flags);
	left->packet._data = left->header;
	left->packet._limit = left->packet._capacity = sizeof(left->header);
	make_point(left, query->point);
	left->reply.query_reply.c = &left->point;
	memcpy(&left->reply.query_reply.client_addr, &query->client, sizeof(query->client));
	left->reply.query_reply.client_addrlen = query->client_octets;
	left->reply.qflags = flags;
}

HOT bool left_is(const struct module_qstate *qstate, int id)
{
	const struct query *query = query_get(qstate, id);

	return first_client(qstate) == NULL && query != NULL && query->client_octets != 0 && !query->told;
}

HOT bool left_make(struct left *left, const struct module_qstate *qstate, int id)
{
	if (!left_is(qstate, id))
		return false;
	make(left, query_get(qstate, id), qstate->query_flags);
	return true;
}
