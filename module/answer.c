/* answer.c: RRsets and the message around them. */
#include "module/answer.h"

#include <string.h>

#include "policy/name.h"

#define RDATA_HEAD 2u   /* each rdata of Unbound's begins with its length */

/* MNAME and RNAME of the SOA in negative answers, as Unbound's own local zones have it: nobody to write to. */
static const uint8_t soa_names[] = "\011localhost\000\006nobody\007invalid";
static const uint32_t soa_refresh = 3600, soa_retry = 1200, soa_expire = 604800;

static struct ub_packed_rrset_key *rrset_key(struct answer_builder *builder, const uint8_t *owner, size_t length,
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

/* Room for `count` records of together `octets` of RDATA, in one block: modules above this one copy RRsets as such. */
static struct packed_rrset_data *rrset_data(struct regional *region, size_t count, size_t octets)
{
	struct packed_rrset_data *data = regional_alloc_zero(region, sizeof(*data) + octets +
		count * (sizeof(data->rr_len[0]) + sizeof(data->rr_data[0]) + sizeof(data->rr_ttl[0]) + RDATA_HEAD));

	if (data == NULL)
		return NULL;
	data->rr_len = (size_t *)(data + 1);
	data->rr_data = (uint8_t **)&data->rr_len[count];
	data->rr_ttl = (time_t *)&data->rr_data[count];
	data->rr_data[0] = (uint8_t *)&data->rr_ttl[count];
	data->trust = rrset_trust_ultimate;
	data->security = sec_status_insecure;
	data->ttl = INT32_MAX;
	return data;
}

/* The room is there. In the end there are as many as it was made for. */
static void rrset_add(struct packed_rrset_data *data, const uint8_t *rdata, uint16_t length, uint32_t ttl)
{
	const size_t last = data->count++;

	if (last > 0)
		data->rr_data[last] = data->rr_data[last - 1] + data->rr_len[last - 1];
	sldns_write_uint16(data->rr_data[last], length);
	memcpy(data->rr_data[last] + RDATA_HEAD, rdata, length);
	data->rr_len[last] = (size_t)length + RDATA_HEAD;
	data->rr_ttl[last] = (time_t)ttl;
	if ((time_t)ttl < data->ttl)
		data->ttl = (time_t)ttl;
}

bool answer_add_soa(struct answer_builder *builder, const struct verdict *verdict)
{
	const struct rule_match *rule = &verdict->rule;
	/* Of the rule's name, where the denied name is at or below it: a rule for something else in the answer says
	 * nothing about zones. */
	const bool by_name = rule->trigger == TRIGGER_QNAME && rule->rule_name.labels > 0 &&
		dname_subdomain_c((uint8_t *)(uintptr_t)builder->owner, (uint8_t *)(uintptr_t)rule->rule_name.octets);
	struct packed_rrset_data *data = rrset_data(builder->region, 1, sizeof(soa_names) + 20);
	struct ub_packed_rrset_key *key = rrset_key(builder, by_name ? rule->rule_name.octets : builder->owner,
		by_name ? rule->rule_name.length : builder->owner_length, LDNS_RR_TYPE_SOA, data);
	uint8_t rdata[sizeof(soa_names) + 20];
	const uint32_t numbers[5] = { rule->serial != 0 ? rule->serial : 1, soa_refresh, soa_retry, soa_expire,
		verdict->ttl };

	memcpy(rdata, soa_names, sizeof(soa_names));
	for (unsigned i = 0; i < 5; i++)
		sldns_write_uint32(rdata + sizeof(soa_names) + 4 * i, numbers[i]);
	if (key == NULL)
		return false;
	rrset_add(data, rdata, sizeof(rdata), verdict->ttl);
	builder->rrsets[builder->answers + builder->authorities++] = key;
	return true;
}

/* Adds the selected records of one type as one RRset; they need not stand together. */
static bool add_type(struct answer_builder *builder, const struct local_data *local, const size_t *found,
	size_t count, size_t first)
{
	uint16_t type = local_data_at(local, found[first]).type;
	size_t records = 0, octets = 0;
	struct packed_rrset_data *data;
	struct ub_packed_rrset_key *key;

	for (size_t i = first; i < count; i++) {
		struct local_record record = local_data_at(local, found[i]);

		records += record.type == type;
		octets += record.type == type ? record.rdata_length : 0;
	}
	data = rrset_data(builder->region, records, octets);
	key = rrset_key(builder, builder->owner, builder->owner_length, type, data);
	if (key == NULL)
		return false;
	for (size_t i = first; i < count; i++) {
		struct local_record record = local_data_at(local, found[i]);

		if (record.type == type)
			rrset_add(data, record.rdata, record.rdata_length, record.ttl);
	}
	builder->rrsets[builder->answers++] = key;
	return true;
}

static int add_cname(struct answer_builder *builder, const struct local_record *record)
{
	struct packed_rrset_data *data;
	struct ub_packed_rrset_key *key;
	struct name owner, target;

	if (!name_from_wire(&owner, builder->owner, builder->owner_length) ||
	    !local_data_target(record, &owner, &target))
		return ANSWER_TOO_LONG;
	data = rrset_data(builder->region, 1, target.length);
	key = rrset_key(builder, builder->owner, builder->owner_length, LDNS_RR_TYPE_CNAME, data);
	if (key == NULL)
		return ANSWER_NO_MEMORY;
	rrset_add(data, target.octets, target.length, record->ttl);
	builder->rrsets[builder->answers++] = key;
	return 1;
}

static bool seen_before(const struct local_data *local, const size_t *found, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (local_data_at(local, found[i]).type == local_data_at(local, found[index]).type)
			return true;
	return false;
}

int answer_add_local(struct answer_builder *builder, const struct verdict *verdict, uint16_t qtype)
{
	const size_t answers = builder->answers;
	size_t found[LOCAL_RECORDS_MAX];
	size_t count;

	/* The form of RDATA depends on the class, and lists speak of IN. */
	if (verdict->data == NULL || builder->class != htons(LDNS_RR_CLASS_IN))
		return 0;
	count = local_data_select(verdict->data, qtype, found, LOCAL_RECORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct local_record record = local_data_at(verdict->data, found[i]);
		int added = 1;

		if (record.type == LDNS_RR_TYPE_CNAME)
			added = add_cname(builder, &record);
		else if (!seen_before(verdict->data, found, i) &&
			 !add_type(builder, verdict->data, found, count, i))
			added = ANSWER_NO_MEMORY;
		if (added < 0) {
			builder->answers = answers;
			return added;
		}
	}
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

/* The DNAME that the alias of `owner` was made from. */
static struct ub_packed_rrset_key *find_dname(const struct reply_info *chain, const uint8_t *owner)
{
	for (size_t i = 0; i < chain->an_numrrsets; i++) {
		struct ub_packed_rrset_key *key = chain->rrsets[i];

		if (key->rk.type == htons(LDNS_RR_TYPE_DNAME) &&
			dname_strict_subdomain_c((uint8_t *)(uintptr_t)owner, key->rk.dname))
			return key;
	}
	return NULL;
}

/* Several aliases can come from one DNAME, which stays once. */
static void keep_dname(struct answer_builder *builder, const struct reply_info *chain)
{
	struct ub_packed_rrset_key *key = find_dname(chain, builder->owner);

	for (size_t i = 0; i < builder->answers; i++)
		if (builder->rrsets[i] == key)
			return;
	if (key != NULL)
		builder->rrsets[builder->answers++] = key;
}

void answer_begin(struct answer_builder *builder, const struct module_qstate *qstate, const struct verdict *verdict,
	const struct reply_info *chain)
{
	/* The places for RRsets are many, and none is read before it is filled. */
	builder->region = qstate->region;
	builder->class = htons(qstate->qinfo.qclass);
	builder->answers = 0;
	builder->authorities = 0;
	builder->ttl = verdict->ttl;
	builder->owner = qstate->qinfo.qname;
	builder->owner_length = qstate->qinfo.qname_len;
	for (unsigned hops = verdict->rule.chain; hops > 0; hops--) {
		struct ub_packed_rrset_key *key = find_cname(chain, builder->owner);
		const struct packed_rrset_data *data = key != NULL ? key->entry.data : NULL;

		if (data == NULL || data->count == 0)
			break;
		keep_dname(builder, chain);
		builder->rrsets[builder->answers++] = key;
		builder->owner = data->rr_data[0] + RDATA_HEAD;
		builder->owner_length = data->rr_len[0] - RDATA_HEAD;
	}
}

/* The same records without signatures; NULL: no memory. */
static struct ub_packed_rrset_key *unsigned_copy(struct answer_builder *builder,
	const struct ub_packed_rrset_key *from)
{
	struct ub_packed_rrset_key *key = regional_alloc_init(builder->region, from, sizeof(*from));
	const struct packed_rrset_data *old = from->entry.data;
	struct packed_rrset_data *data;
	size_t octets = 0;

	for (size_t i = 0; i < old->count; i++)
		octets += old->rr_len[i] - RDATA_HEAD;
	data = rrset_data(builder->region, old->count, octets);
	if (key == NULL || data == NULL)
		return NULL;
	for (size_t i = 0; i < old->count; i++)
		rrset_add(data, old->rr_data[i] + RDATA_HEAD, (uint16_t)(old->rr_len[i] - RDATA_HEAD),
			(uint32_t)old->rr_ttl[i]);
	key->entry.data = data;
	key->entry.key = key;
	return key;
}

static bool is_proof(uint16_t type)
{
	return type == LDNS_RR_TYPE_NSEC || type == LDNS_RR_TYPE_NSEC3 || type == LDNS_RR_TYPE_RRSIG;
}

void answer_add_reply(struct answer_builder *builder, const struct reply_info *reply)
{
	for (size_t i = 0; i < reply->an_numrrsets + reply->ns_numrrsets; i++) {
		const bool in_answer = i < reply->an_numrrsets;
		const uint16_t type = ntohs(reply->rrsets[i]->rk.type);
		struct ub_packed_rrset_key *key;

		/* Beside an answer the authority section helps nobody. */
		if (builder->answers + builder->authorities == ANSWER_RRSETS_MAX || is_proof(type) ||
		    (!in_answer && type != LDNS_RR_TYPE_SOA))
			continue;
		key = unsigned_copy(builder, reply->rrsets[i]);
		if (key == NULL)
			return;
		builder->rrsets[builder->answers + builder->authorities] = key;
		*(in_answer ? &builder->answers : &builder->authorities) += 1;
	}
}

static struct reply_info *make_reply(const struct answer_builder *builder, uint16_t flags)
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

bool answer_finish(const struct answer_builder *builder, struct module_qstate *qstate, uint16_t flags)
{
	struct dns_msg *message = regional_alloc_zero(qstate->region, sizeof(*message));

	if (message == NULL)
		return false;
	message->qinfo = qstate->qinfo;
	message->rep = make_reply(builder, flags);
	if (message->rep == NULL)
		return false;
	qstate->return_msg = message;
	qstate->return_rcode = LDNS_RCODE_NOERROR;
	return true;
}
