/* sweep_batch.c: copies cached messages and RRsets, and says which of them a policy denies to somebody. */
#include "module/sweep_batch.h"

#include <string.h>

#include "module/extract.h"
#include "policy/evaluate.h"
#include "policy/https.h"
#include "policy/https_mode.h"
#include "policy/rdata.h"
#include "policy/rrtype.h"

#define RDATA_HEAD 2u   /* each rdata of Unbound's begins with its length */

void batch_clear(struct batch *batch)
{
	batch->entry_count = 0;
	batch->record_count = 0;
	batch->octet_count = 0;
}

/* --- copying ---------------------------------------------------------------------------------------------------- */

/* NULL: does not fit. */
static uint8_t *keep(struct batch *batch, const uint8_t *from, size_t octets)
{
	uint8_t *to = batch->octets + batch->octet_count;

	if (octets > sizeof(batch->octets) - batch->octet_count)
		return NULL;
	memcpy(to, from, octets);
	batch->octet_count += octets;
	return to;
}

static bool is_meant(const struct sweep_goal *goal, uint8_t *name)
{
	uint8_t *wanted;

	if (goal->name == NULL)
		return true;
	wanted = (uint8_t *)(uintptr_t)goal->name->octets;
	return goal->below ? dname_subdomain_c(name, wanted) : query_dname_compare(name, wanted) == 0;
}

/* NULL: there is no room for another. */
static struct batch_entry *add_entry(struct batch *batch, hashvalue_type hash, const uint8_t *name, size_t octets)
{
	struct batch_entry *entry = &batch->entries[batch->entry_count];

	if (batch->entry_count == BATCH_ENTRIES_MAX)
		return NULL;
	*entry = (struct batch_entry){ .hash = hash, .name_octets = octets, .record = batch->record_count };
	entry->name = keep(batch, name, octets);
	if (entry->name == NULL)
		return NULL;
	batch->entry_count++;
	return entry;
}

/* Can a rule ask for what such a record holds? Of the others the owner is enough. */
static bool is_asked_for(uint16_t type)
{
	return type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_CNAME || type == RRTYPE_DNAME ||
	       https_is_record(type) || rdata_has_target(type);
}

static bool copy_record(struct batch *batch, struct record *record, const uint8_t *rdata, size_t octets)
{
	if (batch->record_count == BATCH_RECORDS_MAX)
		return false;
	record->rdata = keep(batch, rdata, octets);
	if (record->rdata == NULL)
		return false;
	record->rdata_length = (uint16_t)octets;
	batch->records[batch->record_count++] = *record;
	return true;
}

static bool copy_rrset(struct batch *batch, const struct ub_packed_rrset_key *key, const uint8_t *owner)
{
	const struct packed_rrset_data *data = key->entry.data;
	struct record record = {
		.section = SECTION_ANSWER,
		.owner = owner != NULL ? owner : keep(batch, key->rk.dname, key->rk.dname_len),
		.owner_length = (uint8_t)key->rk.dname_len,
		.type = ntohs(key->rk.type),
		.class = ntohs(key->rk.rrset_class),
	};

	if (record.owner == NULL)
		return false;
	if (!is_asked_for(record.type))
		return copy_record(batch, &record, record.owner, 0);
	for (size_t i = 0; i < data->count; i++)
		if (!copy_record(batch, &record, data->rr_data[i] + RDATA_HEAD, data->rr_len[i] - RDATA_HEAD))
			return false;
	return true;
}

/* False: it cannot be judged. */
static bool copy_answer(struct batch *batch, struct reply_info *reply)
{
	bool done = true;

	/* 0: whatever has expired is served as well, if Unbound is told so. */
	if (!rrset_array_lock(reply->ref, reply->rrset_count, 0))
		return false;
	for (size_t i = 0; i < reply->an_numrrsets && done; i++)
		done = copy_rrset(batch, reply->rrsets[i], NULL);
	rrset_array_unlock(reply->ref, reply->rrset_count);
	return done;
}

bool batch_add_message(struct batch *batch, const struct sweep_goal *goal, struct lruhash_entry *entry)
{
	const struct query_info *question = entry->key;
	struct batch_entry *copy;
	struct reply_info *reply;

	/* A key does not change while its bin is locked. */
	if (!is_meant(goal, question->qname))
		return true;
	copy = add_entry(batch, entry->hash, question->qname, question->qname_len);
	if (copy == NULL)
		return false;
	copy->type = question->qtype;
	copy->class = question->qclass;
	lock_rw_rdlock(&entry->lock);
	reply = entry->data;
	copy->rcode = FLAGS_GET_RCODE(reply->flags);
	copy->goes = goal->name != NULL || !copy_answer(batch, reply);
	lock_rw_unlock(&entry->lock);
	copy->record_count = batch->record_count - copy->record;
	return true;
}

bool batch_add_rrset(struct batch *batch, const struct sweep_goal *goal, struct lruhash_entry *entry)
{
	const struct ub_packed_rrset_key *key = entry->key;
	struct batch_entry *copy;

	if (!is_meant(goal, key->rk.dname))
		return true;
	copy = add_entry(batch, entry->hash, key->rk.dname, key->rk.dname_len);
	if (copy == NULL)
		return false;
	copy->type = ntohs(key->rk.type);
	copy->class = ntohs(key->rk.rrset_class);
	copy->flags = key->rk.flags;
	lock_rw_rdlock(&entry->lock);
	copy->goes = goal->name != NULL || !copy_rrset(batch, key, copy->name);
	lock_rw_unlock(&entry->lock);
	copy->record_count = batch->record_count - copy->record;
	return true;
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

struct shown {
	const struct record *records;
	size_t count;
};

static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct shown *shown = source;

	for (size_t i = 0; i < shown->count && visit(arg, &shown->records[i]); i++)
		;
	return 0;
}

static bool has_denied_parameters(const struct snapshot *snapshot, const struct record *record)
{
	enum https_mode mode;
	struct name owner;

	if (!https_is_record(record->type) || !name_from_wire(&owner, record->owner, record->owner_length))
		return false;
	mode = https_mode_of(snapshot, &owner, record->type);
	return mode == HTTPS_BLOCK || https_has(mode, record->rdata, record->rdata_length);
}

/* What `https:` would have kept out, or taken out before it was stored. A rule may let a name have it all the same: it
 * is asked for again. */
static bool is_https_denied(const struct snapshot *snapshot, const struct shown *shown)
{
	for (size_t i = 0; i < shown->count; i++)
		if (has_denied_parameters(snapshot, &shown->records[i]))
			return true;
	return false;
}

/* RRsets of other types are not put together to new messages behind the guards. */
static bool leads_on(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_DNAME;
}

bool batch_judge(struct batch *batch, const struct batch_entry *entry, const struct sweep_goal *goal,
		 struct module_env *env, bool as_message)
{
	const struct shown shown = { .records = &batch->records[entry->record], .count = entry->record_count };
	struct facts facts = { .qtype = entry->type, .qclass = entry->class };

	if (entry->goes)
		return true;
	extract_client(&facts, NULL);
	if (!name_from_wire(&facts.qname, entry->name, entry->name_octets))
		return true;
	if (is_https_denied(goal->snapshot, &shown))
		return true;
	facts.rcode = entry->rcode;
	facts.records = show;
	facts.source = &shown;
	if (as_message || leads_on(entry->type))
		servers_attach_cached(&batch->servers, &facts, env, goal->snapshot);
	/* Who served it could be denied. It is asked for again, and judged with all that is known then. */
	if (facts.servers != NULL && batch->servers.unknown)
		return true;
	return evaluate_denied_to_some(goal->snapshot, &facts);
}

/* --- removing --------------------------------------------------------------------------------------------------- */

void batch_remove_message(const struct batch_entry *entry, struct module_env *env)
{
	struct query_info key = { .qname = entry->name, .qname_len = entry->name_octets, .qtype = entry->type,
		.qclass = entry->class };

	/* By the hash that it is stored with: the CD flag is part of it, but not of the key. */
	slabhash_remove(env->msg_cache, entry->hash, &key);
}

void batch_remove_rrset(const struct batch_entry *entry, struct module_env *env)
{
	struct ub_packed_rrset_key key = { .entry.hash = entry->hash };

	key.entry.key = &key;
	key.rk.dname = entry->name;
	key.rk.dname_len = entry->name_octets;
	key.rk.type = htons(entry->type);
	key.rk.rrset_class = htons(entry->class);
	key.rk.flags = entry->flags;
	slabhash_remove(&env->rrset_cache->table, entry->hash, &key);
}
