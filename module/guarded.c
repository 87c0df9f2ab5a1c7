/* guarded.c: a message cache and an RRset cache of our own, made of Unbound's. */
#include "module/guarded.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "module/servers_note.h"

#define FLUSH_BATCH 64

/* Set and cleared while no worker runs; own threads, which count and flush at any time, hold `lock` meanwhile. */
static struct {
	pthread_mutex_t lock;
	struct slabhash *messages;          /* NULL: nothing is kept */
	struct rrset_cache *rrsets;
	int place;                          /* ours among the modules */
	_Atomic bool used;                  /* something was stored: before that, nobody need look */
} guarded = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* As daemon.c makes the shared ones. The RRsets' keys come from the workers' allocators, which are gone when the
 * cache is deleted; the allocator that env has in init and deinit outlives them and takes what is left. */
bool guarded_start(struct module_env *env, int id, const struct guard_conf *conf)
{
	struct config_file sizes = *env->cfg;
	bool made;

	guarded_stop();
	guarded.place = id;
	if (conf->msg_octets == 0 || conf->rrset_octets == 0)
		return true;
	sizes.rrset_cache_size = conf->rrset_octets;
	pthread_mutex_lock(&guarded.lock);
	guarded.messages = slabhash_create(env->cfg->msg_cache_slabs, HASH_DEFAULT_STARTARRAY, conf->msg_octets,
		msgreply_sizefunc, query_info_compare, query_entry_delete, reply_info_delete, NULL);
	guarded.rrsets = rrset_cache_create(&sizes, env->alloc);
	made = guarded.messages != NULL && guarded.rrsets != NULL;
	pthread_mutex_unlock(&guarded.lock);
	if (!made)
		guarded_stop();
	return made;
}

/* Whenever Unbound loads again: it gives the ids of RRsets away anew then, and a message here would find another's.
 * */
void guarded_stop(void)
{
	pthread_mutex_lock(&guarded.lock);
	slabhash_delete(guarded.messages);
	rrset_cache_delete(guarded.rrsets);
	guarded.messages = NULL;
	guarded.rrsets = NULL;
	pthread_mutex_unlock(&guarded.lock);
	atomic_store_explicit(&guarded.used, false, memory_order_relaxed);
}

/* The state's environment with our caches in it. */
static struct module_env with_our_caches(const struct module_qstate *qstate)
{
	struct module_env env = *qstate->env;

	env.msg_cache = guarded.messages;
	env.rrset_cache = guarded.rrsets;
	return env;
}

static bool is_in_stack(const struct module_stack *stack, int from, int to, const char *name)
{
	for (int i = from; i < to; i++)
		if (strcmp(stack->mod[i]->name, name) == 0)
			return true;
	return false;
}

/* Some modules below us answer different clients differently: what one was given may not be given to another. */
static bool is_for_one_client(const struct module_qstate *qstate)
{
	const struct mesh_area *mesh = qstate->env->mesh;
	const struct module_stack *stack = &mesh->mods;

	return is_in_stack(stack, 0, stack->num, "subnetcache") || ((mesh->use_response_ip || mesh->use_rpz) &&
		is_in_stack(stack, guarded.place, stack->num, "respip"));
}

/* Can it be had in a cache, or be kept in one? A priming query is not; where a module has said no, neither. */
static bool may_use(const struct module_qstate *qstate)
{
	return guarded.messages != NULL && !qstate->is_priming && !qstate->no_cache_lookup && !is_for_one_client(qstate);
}

/* As worker.c has it for the shared caches. */
static bool is_valid_enough(const struct module_qstate *qstate, const struct reply_info *reply)
{
	const struct module_env *env = qstate->env;
	const bool must_validate = (!(qstate->query_flags & BIT_CD) || env->cfg->ignore_cd) && env->need_to_validate;

	switch (reply->security) {
	case sec_status_bogus:
	case sec_status_secure_sentinel_fail:
		return false;
	case sec_status_unchecked:
		return !must_validate;
	case sec_status_indeterminate:
	case sec_status_insecure:
	case sec_status_secure:
		break;
	}
	return true;
}

/* The note stands behind the records of the message. */
static struct ub_packed_rrset_key *take_note_off(struct reply_info *reply)
{
	struct ub_packed_rrset_key *last = reply->rrset_count > 0 ? reply->rrsets[reply->rrset_count - 1] : NULL;

	if (last == NULL || !servers_is_note(last))
		return NULL;
	reply->ar_numrrsets--;
	reply->rrset_count--;
	return last;
}

/* A copy, but for the records, that has the note, too. NULL: no memory. */
static struct reply_info *with_note(struct module_qstate *qstate, struct ub_packed_rrset_key *note)
{
	const struct reply_info *from = qstate->return_msg->rep;
	/* In a region it has no references at its end. */
	struct reply_info *reply = regional_alloc_init(qstate->region, from, sizeof(*from) - sizeof(from->ref[0]));
	struct ub_packed_rrset_key **rrsets = regional_alloc(qstate->region,
		(from->rrset_count + 1) * sizeof(from->rrsets[0]));

	if (reply == NULL || rrsets == NULL)
		return NULL;
	memcpy(rrsets, from->rrsets, from->rrset_count * sizeof(from->rrsets[0]));
	rrsets[from->rrset_count] = note;
	reply->rrsets = rrsets;
	reply->ar_numrrsets++;
	reply->rrset_count++;
	return reply;
}

bool guarded_is_used(void)
{
	return atomic_load_explicit(&guarded.used, memory_order_relaxed);
}

struct dns_msg *guarded_find(struct module_qstate *qstate, struct ub_packed_rrset_key **note)
{
	struct lruhash_entry *entry;
	struct dns_msg *message;
	struct module_env env;

	/* Somebody wants it anew: a prefetch, or the validator after a bad answer. */
	if (!guarded_is_used() || qstate->blacklist != NULL || !may_use(qstate))
		return NULL;
	entry = slabhash_lookup(guarded.messages, query_info_hash(&qstate->qinfo, qstate->query_flags), &qstate->qinfo, 0);
	if (entry == NULL)
		return NULL;
	env = with_our_caches(qstate);
	/* Never an expired one, whatever serve-expired says: the policy has had time to change since. */
	message = tomsg(&env, &((struct msgreply_entry *)entry->key)->key, entry->data, qstate->region, *env.now, 0,
		env.scratch);
	lock_rw_unlock(&entry->lock);
	if (message == NULL || !is_valid_enough(qstate, message->rep))
		return NULL;
	*note = take_note_off(message->rep);
	return message;
}

/* What Unbound keeps, less its errors: who asks for a name that is denied to others can wait for its servers. */
static bool is_worth_keeping(const struct module_qstate *qstate)
{
	const struct reply_info *reply = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;

	if (reply == NULL || qstate->return_rcode != LDNS_RCODE_NOERROR || reply->ttl == 0 ||
	    (reply->flags & BIT_TC) != 0 || !(qstate->query_flags & BIT_RD))
		return false;
	if (reply->security == sec_status_bogus || reply->security == sec_status_secure_sentinel_fail)
		return false;
	switch (FLAGS_GET_RCODE(reply->flags)) {
	case LDNS_RCODE_NOERROR:
	case LDNS_RCODE_NXDOMAIN:
	case LDNS_RCODE_YXDOMAIN:
		return true;
	default:
		return false;
	}
}

bool guarded_store(struct module_qstate *qstate, struct ub_packed_rrset_key *note)
{
	struct reply_info *reply;
	struct module_env env;

	if (!may_use(qstate) || !is_worth_keeping(qstate))
		return false;
	reply = note != NULL ? with_note(qstate, note) : qstate->return_msg->rep;
	env = with_our_caches(qstate);
	/* Without a region the message that is about to be sent stays as it is. */
	if (reply == NULL || !unbound_cache_store(&env, &qstate->qinfo, reply, NULL, qstate->query_flags,
		qstate->qstarttime))
		return false;
	atomic_store_explicit(&guarded.used, true, memory_order_relaxed);
	return true;
}

/* --- flush ------------------------------------------------------------------------------------------------------ */

/* What goes: keys copied while their bin was locked, to be removed when no lock is held. */
struct batch {
	const struct name *name;
	bool below;
	size_t count;
	struct {
		uint8_t owner[NAME_OCTETS_MAX];
		size_t octets;
		uint16_t type, class;           /* as the key has them */
		uint32_t flags;                 /* of an RRset */
		hashvalue_type hash;
	} found[FLUSH_BATCH];
};

static bool goes(const struct batch *batch, uint8_t *owner)
{
	uint8_t *name = (uint8_t *)(uintptr_t)batch->name->octets;

	return batch->below ? dname_subdomain_c(owner, name) : query_dname_compare(owner, name) == 0;
}

static void take(struct batch *batch, const struct packed_rrset_key *key, hashvalue_type hash)
{
	if (!goes(batch, key->dname) || key->dname_len > NAME_OCTETS_MAX)
		return;
	memcpy(batch->found[batch->count].owner, key->dname, key->dname_len);
	batch->found[batch->count].octets = key->dname_len;
	batch->found[batch->count].type = key->type;
	batch->found[batch->count].class = key->rrset_class;
	batch->found[batch->count].flags = key->flags;
	batch->found[batch->count++].hash = hash;
}

static void take_message(struct batch *batch, const struct lruhash_entry *entry)
{
	const struct query_info *question = &((const struct msgreply_entry *)entry->key)->key;
	const struct packed_rrset_key key = { .dname = question->qname, .dname_len = question->qname_len,
		.type = question->qtype, .rrset_class = question->qclass };

	take(batch, &key, entry->hash);
}

static void take_rrset(struct batch *batch, const struct lruhash_entry *entry)
{
	take(batch, &((const struct ub_packed_rrset_key *)entry->key)->rk, entry->hash);
}

static void remove_messages(struct slabhash *table, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct query_info key = { .qname = batch->found[i].owner, .qname_len = batch->found[i].octets,
			.qtype = batch->found[i].type, .qclass = batch->found[i].class };

		slabhash_remove(table, batch->found[i].hash, &key);
	}
}

static void remove_rrsets(struct slabhash *table, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct ub_packed_rrset_key key = { .rk = { .dname = batch->found[i].owner,
			.dname_len = batch->found[i].octets, .flags = batch->found[i].flags,
			.type = batch->found[i].type, .rrset_class = batch->found[i].class } };

		slabhash_remove(table, batch->found[i].hash, &key);
	}
}

/* What differs between the two caches. */
struct kind {
	void (*take)(struct batch *batch, const struct lruhash_entry *entry);
	void (*remove)(struct slabhash *table, struct batch *batch);
};

/* One bin, from its first entry; false: there are more than fit the batch, so come again. */
static bool read_bin(struct lruhash *table, size_t index, const struct kind *kind, struct batch *batch, bool *inside)
{
	const struct lruhash_entry *entry;
	struct lruhash_bin *bin;

	batch->count = 0;
	lock_quick_lock(&table->lock);
	*inside = index < table->size;
	if (!*inside) {
		lock_quick_unlock(&table->lock);
		return true;
	}
	bin = &table->array[index];
	lock_quick_lock(&bin->lock);
	lock_quick_unlock(&table->lock);
	for (entry = bin->overflow_list; entry != NULL && batch->count < FLUSH_BATCH; entry = entry->overflow_next)
		kind->take(batch, entry);
	lock_quick_unlock(&bin->lock);
	return entry == NULL;
}

/* Bin by bin, as nobody may wait for long. A table that grows in between moves entries to later bins only. */
static size_t flush(struct slabhash *cache, const struct kind *kind, const struct name *name, bool below)
{
	struct batch batch = { .name = name, .below = below };
	size_t removed = 0;

	for (size_t slab = 0; slab < cache->size; slab++) {
		bool inside = true;

		for (size_t index = 0; inside;) {
			const bool all = read_bin(cache->array[slab], index, kind, &batch, &inside);

			kind->remove(cache, &batch);
			removed += batch.count;
			index += all ? 1 : 0;
		}
	}
	return removed;
}

size_t guarded_flush(const struct name *name, bool below)
{
	static const struct kind messages = { take_message, remove_messages }, rrsets = { take_rrset, remove_rrsets };
	size_t removed = 0;

	pthread_mutex_lock(&guarded.lock);
	if (guarded.messages != NULL) {
		removed = flush(guarded.messages, &messages, name, below);
		flush(&guarded.rrsets->table, &rrsets, name, below);
	}
	pthread_mutex_unlock(&guarded.lock);
	return removed;
}

void guarded_count(size_t *messages, size_t *octets)
{
	*messages = *octets = 0;
	pthread_mutex_lock(&guarded.lock);
	if (guarded.messages != NULL) {
		*messages = count_slabhash_entries(guarded.messages);
		*octets = slabhash_get_mem(guarded.messages) + slabhash_get_mem(&guarded.rrsets->table);
	}
	pthread_mutex_unlock(&guarded.lock);
}
