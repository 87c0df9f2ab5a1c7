/* https.c: finds the SVCB and HTTPS records of a message and copies them without some of their parameters. */
#include "module/https.h"

#include <string.h>

#include "policy/evaluate.h"
#include "policy/https.h"
#include "policy/https_mode.h"

#define RDATA_HEAD 2u   /* each rdata of Unbound's begins with its length */

static enum https_mode mode_of(const struct snapshot *snapshot, const struct ub_packed_rrset_key *key)
{
	struct name owner;

	if (!name_from_wire(&owner, key->rk.dname, key->rk.dname_len))
		return snapshot_options(snapshot)->https;
	return https_mode_of(snapshot, &owner, ntohs(key->rk.type));
}

/* Does a rule let everybody have what its owner has? */
static bool is_passed(const struct snapshot *snapshot, const struct ub_packed_rrset_key *key)
{
	struct facts facts = { .qtype = ntohs(key->rk.type), .qclass = ntohs(key->rk.rrset_class),
		.recursion_desired = true };
	struct verdict verdict;

	if (!name_from_wire(&facts.qname, key->rk.dname, key->rk.dname_len))
		return false;
	evaluate_question(snapshot, &facts, &verdict);
	return verdict.action == ACTION_PASS && !verdict.differs;
}

static uint16_t rdata_length(const struct packed_rrset_data *data, size_t index)
{
	return (uint16_t)(data->rr_len[index] - RDATA_HEAD);
}

/* Apart, as it needs much stack and few records are of this kind. */
static __attribute__((noinline)) bool has_more(const struct snapshot *snapshot, const struct ub_packed_rrset_key *key)
{
	const struct packed_rrset_data *data = key->entry.data;
	const enum https_mode mode = mode_of(snapshot, key);

	for (size_t i = 0; i < data->count; i++)
		if (https_has(mode, data->rr_data[i] + RDATA_HEAD, rdata_length(data, i)))
			return !is_passed(snapshot, key);
	return false;
}

/* Is there something to take out? */
static inline bool needs_edit(const struct snapshot *snapshot, const struct ub_packed_rrset_key *key)
{
	return https_is_record(ntohs(key->rk.type)) && has_more(snapshot, key);
}

/* The records without it and without signatures, in the one block that Unbound's caches expect. NULL: no memory. */
static struct packed_rrset_data *edited(enum https_mode mode, struct packed_rrset_data *from,
	struct regional *region)
{
	struct packed_rrset_data *data = regional_alloc_init(region, from, packed_rrset_sizeof(from));
	uint8_t *to;

	if (data == NULL)
		return NULL;
	data->rrsig_count = 0;
	packed_rrset_ptr_fixup(data);
	to = (uint8_t *)&data->rr_ttl[data->count];
	for (size_t i = 0; i < data->count; i++) {
		uint16_t left;

		https_strip(mode, from->rr_data[i] + RDATA_HEAD, rdata_length(from, i), to + RDATA_HEAD, &left);
		sldns_write_uint16(to, left);
		data->rr_ttl[i] = from->rr_ttl[i];
		data->rr_len[i] = left + RDATA_HEAD;
		data->rr_data[i] = to;
		to += data->rr_len[i];
	}
	return data;
}

enum https_found https_edit_response(const struct snapshot *snapshot, struct reply_info *reply,
	struct regional *region)
{
	enum https_found found = HTTPS_FINE;

	for (size_t i = 0; i < reply->rrset_count; i++) {
		struct ub_packed_rrset_key *key = reply->rrsets[i];
		struct packed_rrset_data *data = key->entry.data;

		if (!needs_edit(snapshot, key))
			continue;
		if (data->rrsig_count > 0) {
			found = HTTPS_SIGNED;
			continue;
		}
		data = edited(mode_of(snapshot, key), data, region);
		if (data == NULL)
			return HTTPS_NO_MEMORY;
		key->entry.data = data;
	}
	return found;
}

bool https_has_more(const struct snapshot *snapshot, const struct reply_info *reply)
{
	for (size_t i = 0; i < reply->rrset_count; i++)
		if (needs_edit(snapshot, reply->rrsets[i]))
			return true;
	return false;
}

static struct ub_packed_rrset_key *edited_key(const struct snapshot *snapshot, const struct ub_packed_rrset_key *from,
	struct regional *region)
{
	struct ub_packed_rrset_key *key = regional_alloc_init(region, from, sizeof(*from));

	if (key == NULL)
		return NULL;
	key->entry.key = key;
	key->entry.data = edited(mode_of(snapshot, from), from->entry.data, region);
	return key->entry.data != NULL ? key : NULL;
}

bool https_strip_answer(const struct snapshot *snapshot, struct module_qstate *qstate)
{
	const struct reply_info *from = qstate->return_msg->rep;
	struct dns_msg *message = regional_alloc_init(qstate->region, qstate->return_msg, sizeof(*message));
	/* In a region it has no references at its end. */
	struct reply_info *reply = regional_alloc_init(qstate->region, from, sizeof(*from) - sizeof(from->ref[0]));

	if (message == NULL || reply == NULL)
		return false;
	reply->rrsets = regional_alloc_init(qstate->region, from->rrsets,
		(from->rrset_count) * sizeof(from->rrsets[0]));
	if (reply->rrsets == NULL)
		return false;
	for (size_t i = 0; i < reply->rrset_count; i++) {
		if (!needs_edit(snapshot, reply->rrsets[i]))
			continue;
		reply->rrsets[i] = edited_key(snapshot, reply->rrsets[i], qstate->region);
		if (reply->rrsets[i] == NULL)
			return false;
	}
	reply->security = sec_status_insecure;
	message->rep = reply;
	qstate->return_msg = message;
	return true;
}
