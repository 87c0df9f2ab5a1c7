/* extract.c: what Unbound knows about a question, its client and its answer, as facts. */
#include "module/extract.h"

#include <stdatomic.h>
#include <string.h>

#include "module/limits.h"
#include "policy/hot.h"

void extract_address(struct address *address, const void *from, socklen_t length)
{
	const struct sockaddr *any = from;
	const struct sockaddr_in *in = from;
	const struct sockaddr_in6 *in6 = from;

	address->family = ADDRESS_NONE;
	if (from == NULL)
		return;
	if (any->sa_family == AF_INET && length >= sizeof(*in)) {
		address->family = ADDRESS_INET;
		address->port = ntohs(in->sin_port);
		memcpy(address->octets, &in->sin_addr, 4);
	} else if (any->sa_family == AF_INET6 && length >= sizeof(*in6)) {
		address->family = ADDRESS_INET6;
		address->port = ntohs(in6->sin6_port);
		memcpy(address->octets, &in6->sin6_addr, 16);
	}
}

static enum transport transport_of(const struct comm_point *point)
{
	switch (point->type) {
	case comm_udp:
		return TRANSPORT_UDP;
	case comm_http:
		return TRANSPORT_DOH;
#if UNBOUND_HAS_DOQ
	case comm_doq:
		return TRANSPORT_DOQ;
#endif
	case comm_tcp_accept:
	case comm_tcp:
		return point->ssl != NULL ? TRANSPORT_DOT : TRANSPORT_TCP;
	default:
		return TRANSPORT_UNKNOWN;
	}
}

/* The address that the query came in on. */
static void server_address(struct facts *facts, const struct unbound_socket *socket)
{
	if (socket == NULL || socket->addr == NULL)
		return;
#if UNBOUND_SOCKET_HAS_ADDRLEN
	extract_address(&facts->server, socket->addr, socket->addrlen);
#else
	extract_address(&facts->server, socket->addr->ai_addr, socket->addr->ai_addrlen);
#endif
}

HOT void extract_client(struct facts *facts, const struct comm_reply *repinfo)
{
	facts->client.family = ADDRESS_NONE;
	facts->server.family = ADDRESS_NONE;
	facts->transport = TRANSPORT_UNKNOWN;
	facts->dnssec_ok = false;
	facts->recursion_desired = true;
	facts->servers = NULL;
	facts->servers_source = NULL;
	if (repinfo == NULL)
		return;
	extract_address(&facts->client, &repinfo->client_addr, repinfo->client_addrlen);
	if (repinfo->c == NULL)
		return;
	facts->transport = transport_of(repinfo->c);
	server_address(facts, repinfo->c->socket);
}

static void question_rest(struct facts *facts, const struct query_info *qinfo)
{
	facts->begun = NULL;
	facts->unlisted_in = 0;
	facts->qtype = qinfo->qtype;
	facts->qclass = qinfo->qclass;
}

HOT bool extract_question(struct facts *facts, const struct query_info *qinfo)
{
	if (!name_from_wire(&facts->qname, qinfo->qname, qinfo->qname_len))
		return false;
	question_rest(facts, qinfo);
	return true;
}

HOT void extract_question_of(struct facts *facts, const struct query_info *qinfo, const struct name *qname)
{
	name_copy(&facts->qname, qname);
	question_rest(facts, qinfo);
}

bool extract_is_same_name(const struct query_info *a, const struct query_info *b)
{
	/* As a rule in the same case, too, which is quick to see. */
	return a == b || (a->qname_len == b->qname_len && memcmp(a->qname, b->qname, a->qname_len) == 0) ||
		query_dname_compare(a->qname, b->qname) == 0;
}

bool extract_packet_question(struct facts *facts, struct sldns_buffer *packet)
{
	const uint8_t *start = sldns_buffer_begin(packet);
	size_t octets = sldns_buffer_limit(packet);
	const uint8_t *behind;

	if (octets < LDNS_HEADER_SIZE || !name_from_wire(&facts->qname, start + LDNS_HEADER_SIZE,
		octets - LDNS_HEADER_SIZE))
		return false;
	behind = start + LDNS_HEADER_SIZE + facts->qname.length;
	if (octets - (size_t)(behind - start) < 4)
		return false;
	facts->begun = NULL;
	facts->unlisted_in = 0;
	facts->qtype = sldns_read_uint16(behind);
	facts->qclass = sldns_read_uint16(behind + 2);
	return true;
}

/* A module's name is one text for as long as the process lives. */
static HOT bool is_iterator(const char *name)
{
	static const char *_Atomic known;

	if (name == atomic_load_explicit(&known, memory_order_relaxed))
		return true;
	if (strcmp(name, "iterator") != 0)
		return false;
	atomic_store_explicit(&known, name, memory_order_relaxed);
	return true;
}

HOT const struct iter_qstate *extract_iterator(const struct module_qstate *qstate)
{
	const struct module_stack *stack = &qstate->env->mesh->mods;

	/* It is the last, as a rule. */
	for (int i = stack->num - 1; i >= 0; i--)
		if (is_iterator(stack->mod[i]->name))
			return qstate->minfo[i];
	return NULL;
}

/* Unbound's encoder sends positive answers without the other sections when `minimal-responses` is on. */
static size_t visible_rrsets(const struct reply_info *reply)
{
	if (MINIMAL_RESPONSES && reply->an_numrrsets > 0 && FLAGS_GET_RCODE(reply->flags) == LDNS_RCODE_NOERROR)
		return reply->an_numrrsets;
	return reply->rrset_count;
}

static uint32_t ttl_left(time_t ttl, time_t now)
{
	if (now == 0)
		return ttl > 0 ? (uint32_t)ttl : 0;
	return ttl >= now ? (uint32_t)(ttl - now) : (uint32_t)SERVE_EXPIRED_REPLY_TTL;
}

static enum record_section section_of(const struct reply_info *reply, size_t rrset)
{
	if (rrset < reply->an_numrrsets)
		return SECTION_ANSWER;
	return rrset < reply->an_numrrsets + reply->ns_numrrsets ? SECTION_AUTHORITY : SECTION_ADDITIONAL;
}

struct walk {
	record_visit visit;
	void *arg;
	size_t shown;
	size_t left_out;
	bool stopped;
};

static void walk_rrset(struct walk *walk, const struct extract *extract, size_t index)
{
	const struct ub_packed_rrset_key *key = extract->reply->rrsets[index];
	const struct packed_rrset_data *data = key->entry.data;
	size_t count = data->count + (extract->dnssec ? data->rrsig_count : 0);
	struct record record = {
		.section = section_of(extract->reply, index),
		.owner = key->rk.dname,
		.owner_length = (uint8_t)key->rk.dname_len,
		.class = ntohs(key->rk.rrset_class),
	};

	for (size_t i = 0; i < count && !walk->stopped; i++) {
		if (walk->shown == FACTS_RECORDS_MAX && !extract->all) {
			walk->left_out += count - i;
			return;
		}
		if (extract->budget != NULL && budget_tick(extract->budget)) {
			walk->stopped = true;
			return;
		}
		record.type = i < data->count ? ntohs(key->rk.type) : LDNS_RR_TYPE_RRSIG;
		record.ttl = ttl_left(data->rr_ttl[i], extract->now);
		record.rdata = data->rr_data[i] + 2;
		record.rdata_length = (uint16_t)(data->rr_len[i] - 2);
		walk->shown++;
		walk->stopped = !walk->visit(walk->arg, &record);
	}
}

static size_t walk_reply(const void *source, record_visit visit, void *arg)
{
	const struct extract *extract = source;
	struct walk walk = { .visit = visit, .arg = arg };
	size_t rrsets = visible_rrsets(extract->reply);

	for (size_t i = 0; i < rrsets && !walk.stopped; i++)
		walk_rrset(&walk, extract, i);
	return walk.left_out;
}

HOT bool extract_leads_nowhere(const struct reply_info *reply)
{
	for (size_t i = 0; i < reply->an_numrrsets; i++) {
		const uint16_t type = ntohs(reply->rrsets[i]->rk.type);

		if (type != LDNS_RR_TYPE_A && type != LDNS_RR_TYPE_AAAA)
			return false;
	}
	return true;
}

HOT void extract_records(struct facts *facts, const struct extract *extract)
{
	facts->leads_nowhere = extract->reply != NULL && extract_leads_nowhere(extract->reply);
	facts->records = extract->reply != NULL ? walk_reply : NULL;
	facts->source = extract;
	facts->rcode = extract->reply != NULL ? FLAGS_GET_RCODE(extract->reply->flags) : 0;
}
