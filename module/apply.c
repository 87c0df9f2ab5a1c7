/* apply.c: builds the answers of denials. */
#include "module/apply.h"

#include <string.h>

#include "policy/local_data.h"

#define RECORDS_MAX 64

/* MNAME and RNAME of the SOA in negative answers, as Unbound's own local zones have it: nobody to write to. */
static const uint8_t soa_names[] = "\011localhost\000\006nobody\007invalid";
static const uint32_t soa_refresh = 3600, soa_retry = 1200, soa_expire = 604800;

struct reply_builder {
	struct regional *region;
	uint16_t class;                       /* network order */
	struct ub_packed_rrset_key *rrsets[RECORDS_MAX + UINT8_MAX + 2];
	size_t answers;
	size_t authorities;
	time_t ttl;
};

static struct ub_packed_rrset_key *rrset_key(struct reply_builder *builder, const uint8_t *owner, size_t length,
	uint16_t type, struct packed_rrset_data *data)
{
	struct ub_packed_rrset_key *key = regional_alloc_zero(builder->region, sizeof(*key));

	if (key == NULL || data == NULL)
		return NULL;
	key->rk.dname = regional_alloc_init(builder->region, owner, length);
	if (key->rk.dname == NULL)
		return NULL;
	key->rk.dname_len = length;
	key->rk.type = htons(type);
	key->rk.rrset_class = builder->class;
	key->entry.key = key;
	key->entry.data = data;
	key->entry.hash = rrset_key_hash(&key->rk);
	return key;
}

static struct packed_rrset_data *rrset_data(struct regional *region, size_t count)
{
	struct packed_rrset_data *data = regional_alloc_zero(region, sizeof(*data));

	if (data == NULL)
		return NULL;
	data->rr_len = regional_alloc(region, count * sizeof(*data->rr_len));
	data->rr_ttl = regional_alloc(region, count * sizeof(*data->rr_ttl));
	data->rr_data = regional_alloc(region, count * sizeof(*data->rr_data));
	if (data->rr_len == NULL || data->rr_ttl == NULL || data->rr_data == NULL)
		return NULL;
	data->trust = rrset_trust_ultimate;
	data->security = sec_status_insecure;
	data->ttl = INT32_MAX;
	return data;
}

/* The room for `count` records is there. */
static bool rrset_add(struct regional *region, struct packed_rrset_data *data, const uint8_t *rdata, uint16_t length,
	uint32_t ttl)
{
	uint8_t *copy = regional_alloc(region, (size_t)length + 2);

	if (copy == NULL)
		return false;
	sldns_write_uint16(copy, length);
	memcpy(copy + 2, rdata, length);
	data->rr_data[data->count] = copy;
	data->rr_len[data->count] = (size_t)length + 2;
	data->rr_ttl[data->count] = (time_t)ttl;
	if ((time_t)ttl < data->ttl)
		data->ttl = (time_t)ttl;
	data->count++;
	return true;
}

static bool add_soa(struct reply_builder *builder, const struct verdict *verdict)
{
	const struct rule_match *rule = &verdict->rule;
	struct packed_rrset_data *data = rrset_data(builder->region, 1);
	struct ub_packed_rrset_key *key = rrset_key(builder, rule->rule_name.octets, rule->rule_name.length,
		LDNS_RR_TYPE_SOA, data);
	uint8_t rdata[sizeof(soa_names) + 20];
	const uint32_t numbers[5] = { rule->serial != 0 ? rule->serial : 1, soa_refresh, soa_retry, soa_expire,
		verdict->ttl };

	memcpy(rdata, soa_names, sizeof(soa_names));
	for (unsigned i = 0; i < 5; i++)
		sldns_write_uint32(rdata + sizeof(soa_names) + 4 * i, numbers[i]);
	if (key == NULL || !rrset_add(builder->region, data, rdata, sizeof(rdata), verdict->ttl))
		return false;
	builder->rrsets[builder->answers + builder->authorities++] = key;
	return true;
}

/* Adds the selected records of one type as one RRset; they need not stand together. */
static bool add_type(struct reply_builder *builder, const struct local_data *local, const size_t *found, size_t count,
	size_t first, const uint8_t *owner, size_t owner_length)
{
	uint16_t type = local_data_at(local, found[first]).type;
	struct packed_rrset_data *data = rrset_data(builder->region, count);
	struct ub_packed_rrset_key *key = rrset_key(builder, owner, owner_length, type, data);

	if (key == NULL)
		return false;
	for (size_t i = first; i < count; i++) {
		struct local_record record = local_data_at(local, found[i]);

		if (record.type == type &&
			!rrset_add(builder->region, data, record.rdata, record.rdata_length, record.ttl))
			return false;
	}
	builder->rrsets[builder->answers++] = key;
	return true;
}

static bool seen_before(const struct local_data *local, const size_t *found, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (local_data_at(local, found[i]).type == local_data_at(local, found[index]).type)
			return true;
	return false;
}

/* Returns how many records answer; -1: no memory. */
static int add_local(struct reply_builder *builder, const struct verdict *verdict, uint16_t qtype,
	const uint8_t *owner, size_t owner_length)
{
	size_t found[RECORDS_MAX];
	size_t count;

	/* The form of RDATA depends on the class, and lists speak of IN. */
	if (verdict->data == NULL || builder->class != htons(LDNS_RR_CLASS_IN))
		return 0;
	count = local_data_select(verdict->data, qtype, found, RECORDS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!seen_before(verdict->data, found, i) &&
			!add_type(builder, verdict->data, found, count, i, owner, owner_length))
			return -1;
	return (int)count;
}

static struct ub_packed_rrset_key *find_cname(const struct reply_info *chain, const uint8_t *owner)
{
	for (size_t i = 0; chain != NULL && i < chain->an_numrrsets; i++) {
		struct ub_packed_rrset_key *key = chain->rrsets[i];

		if (key->rk.type == htons(LDNS_RR_TYPE_CNAME) &&
			query_dname_compare(key->rk.dname, (uint8_t *)(uintptr_t)owner) == 0)
			return key;
	}
	return NULL;
}

/* Follows `hops` CNAME records from the qname, keeping them. Returns the name where that ends, and its length. */
static const uint8_t *keep_chain(struct reply_builder *builder, const struct module_qstate *qstate,
	const struct reply_info *chain, unsigned hops, size_t *length)
{
	const uint8_t *name = qstate->qinfo.qname;

	*length = qstate->qinfo.qname_len;
	while (hops-- > 0) {
		struct ub_packed_rrset_key *key = find_cname(chain, name);
		const struct packed_rrset_data *data = key != NULL ? key->entry.data : NULL;

		if (data == NULL || data->count == 0)
			break;
		builder->rrsets[builder->answers++] = key;
		name = data->rr_data[0] + 2;
		*length = data->rr_len[0] - 2;
	}
	return name;
}

static struct reply_info *builder_finish(struct reply_builder *builder, uint16_t flags)
{
	size_t count = builder->answers + builder->authorities;
	struct reply_info *reply = regional_alloc_zero(builder->region, sizeof(*reply));

	if (reply == NULL)
		return NULL;
	reply->flags = flags;
	reply->qdcount = 1;
	reply->ttl = builder->ttl;
	reply->security = sec_status_insecure;
	reply->an_numrrsets = builder->answers;
	reply->ns_numrrsets = builder->authorities;
	reply->rrset_count = count;
	/* Never zero octets: an empty answer has an array too. */
	reply->rrsets = regional_alloc_init(builder->region, builder->rrsets, (count + 1) * sizeof(builder->rrsets[0]));
	return reply->rrsets != NULL ? reply : NULL;
}

/* The shape of each denial. Returns the header flags; -1: no memory. */
static int build(struct reply_builder *builder, const struct verdict *verdict, const struct module_qstate *qstate,
	const uint8_t *owner, size_t owner_length)
{
	const int flags = BIT_QR | BIT_RA;
	int records;

	switch (verdict->action) {
	case ACTION_NXDOMAIN:
		return add_soa(builder, verdict) ? flags | LDNS_RCODE_NXDOMAIN : -1;
	case ACTION_NODATA:
		return add_soa(builder, verdict) ? flags : -1;
	case ACTION_LOCAL_DATA:
	case ACTION_SINKHOLE:
		records = add_local(builder, verdict, qstate->qinfo.qtype, owner, owner_length);
		return records > 0 || (records == 0 && add_soa(builder, verdict)) ? flags : -1;
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
	struct reply_builder builder = { .region = qstate->region, .class = htons(qstate->qinfo.qclass),
		.ttl = verdict->ttl };
	struct dns_msg *message = regional_alloc_zero(qstate->region, sizeof(*message));
	size_t owner_length;
	const uint8_t *owner = keep_chain(&builder, qstate, chain, verdict->rule.chain, &owner_length);
	int flags = build(&builder, verdict, qstate, owner, owner_length);

	if (message == NULL || flags < 0)
		return false;
	message->qinfo = qstate->qinfo;
	message->rep = builder_finish(&builder, (uint16_t)flags);
	if (message->rep == NULL)
		return false;
	qstate->return_msg = message;
	qstate->return_rcode = LDNS_RCODE_NOERROR;
	return true;
}

/* Not by qstate->is_drop: that forgets to give the clients' places in the mesh back, gives a connection that waits
 * more than once back twice, and leaves HTTP/2 streams pointing to the state. */
void apply_drop(struct module_qstate *qstate)
{
	struct mesh_state *state = qstate->mesh_info;

	for (struct mesh_reply *reply = state->reply_list; reply != NULL; reply = reply->next)
		if (reply->query_reply.c->use_h2)
			reply->h2_stream->mesh_state = NULL;
	while (state->reply_list != NULL) {
		struct mesh_reply *reply = state->reply_list;   /* lies in the region: good after its removal */
		struct comm_point *point = reply->query_reply.c;

		comm_point_drop_reply(&reply->query_reply);
		mesh_state_remove_reply(qstate->env->mesh, state, point);
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
