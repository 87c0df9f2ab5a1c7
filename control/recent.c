/* recent.c: a lossy table of questions for each worker, readable while it is written. */
#include "control/recent.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "policy/hash.h"
#include "policy/hot.h"

#define NAME_WORDS ((NAME_OCTETS_MAX + 7) / 8)
#define GROUP_WORDS ((LIST_NAME_MAX + 7) / 8)

/* A seqlock of words: `sequence` is odd while its worker writes. All is atomic, so that a reader that comes at the
 * wrong moment reads nonsense, sees that it did, and nothing worse. */
struct entry {
	_Atomic uint64_t sequence;
	_Atomic uint64_t tag;                 /* of name, type and group; 0: empty */
	_Atomic uint64_t last;                /* the worker's note that was the last of this question */
	_Atomic uint64_t facts;               /* count, type, lengths of group and name */
};

/* Apart: which place a question has is looked up often, and then lies in few pages. */
struct texts {
	_Atomic uint64_t octets[NAME_WORDS];
	_Atomic uint64_t group[GROUP_WORDS];
};

struct table {
	struct entry entries[RECENT_PLACES];
	struct texts texts[RECENT_PLACES];    /* under the sequence of the entry with that index */
};

struct worker {
	_Alignas(64) struct table *_Atomic table;   /* owned; NULL until the first note */
	uint64_t calls;                       /* the worker's own */
	uint64_t notes;                       /* likewise */
	bool no_memory;                       /* likewise: it is not tried again */
};

struct recent {
	struct hash_key key;                  /* nobody can choose who pushes whom out */
	struct worker workers[RECENT_WORKERS_MAX];
};

struct recent *recent_create(void)
{
	struct recent *recent = aligned_alloc(64, sizeof(*recent));

	if (recent == NULL)
		return NULL;
	memset(recent, 0, sizeof(*recent));
	/* Without randomness the places can be foreseen, which costs nothing but questions to try a policy on. */
	if (getrandom(&recent->key, sizeof(recent->key), GRND_NONBLOCK) != (ssize_t)sizeof(recent->key))
		recent->key.k0 = (uint64_t)(uintptr_t)recent;
	return recent;
}

void recent_destroy(struct recent **recent)
{
	if (*recent == NULL)
		return;
	for (unsigned i = 0; i < RECENT_WORKERS_MAX; i++)
		free(atomic_load_explicit(&(*recent)->workers[i].table, memory_order_relaxed));
	free(*recent);
	*recent = NULL;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static uint64_t facts_pack(uint32_t count, uint16_t qtype, size_t group_length, uint8_t length)
{
	return (uint64_t)count << 32 | (uint64_t)qtype << 16 | (uint64_t)group_length << 8 | length;
}

/* Never 0. */
static uint64_t tag_of(const struct recent *recent, const struct name *qname, uint16_t qtype, const char *group,
	size_t group_length)
{
	uint64_t salt = qtype;
	uint64_t tag;

	if (group_length > 0)
		salt += hash_octets(&recent->key, (const uint8_t *)group, group_length);
	tag = hash_octets(&recent->key, qname->octets, qname->length) ^ salt * UINT64_C(0x9e3779b97f4a7c15);

	return tag != 0 ? tag : 1;
}

static struct table *table_of(struct worker *worker)
{
	struct table *table = atomic_load_explicit(&worker->table, memory_order_relaxed);

	if (table != NULL || worker->no_memory)
		return table;
	table = calloc(1, sizeof(*table));
	worker->no_memory = table == NULL;
	/* Pairs with the load in recent_visit. */
	atomic_store_explicit(&worker->table, table, memory_order_release);
	return table;
}

/* The question's place; else the one of its two places that was used longer ago. */
static struct entry *entry_for(struct table *table, uint64_t tag)
{
	struct entry *one = &table->entries[tag % RECENT_PLACES];
	struct entry *two = &table->entries[(tag >> 32) % RECENT_PLACES];

	if (atomic_load_explicit(&one->tag, memory_order_relaxed) == tag)
		return one;
	if (atomic_load_explicit(&two->tag, memory_order_relaxed) == tag)
		return two;
	return atomic_load_explicit(&one->last, memory_order_relaxed) <=
		atomic_load_explicit(&two->last, memory_order_relaxed) ? one : two;
}

static void write_octets(_Atomic uint64_t *to, const void *octets, size_t length)
{
	for (size_t i = 0; i * 8 < length; i++) {
		uint64_t word = 0;
		const size_t left = length - i * 8;

		memcpy(&word, (const uint8_t *)octets + i * 8, left < 8 ? left : 8);
		atomic_store_explicit(&to[i], word, memory_order_release);
	}
}

/* Without texts: name and group stay what they are. */
static void entry_write(struct entry *entry, uint64_t tag, uint64_t note, uint64_t facts, struct texts *texts,
	const struct name *qname, const char *group)
{
	const uint64_t sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);

	/* Each release store below keeps this one before itself; pairs with the acquire loads in entry_read. */
	atomic_store_explicit(&entry->sequence, sequence + 1, memory_order_relaxed);
	atomic_store_explicit(&entry->tag, tag, memory_order_release);
	atomic_store_explicit(&entry->last, note, memory_order_release);
	atomic_store_explicit(&entry->facts, facts, memory_order_release);
	if (texts != NULL) {
		write_octets(texts->octets, qname->octets, qname->length);
		write_octets(texts->group, group, (uint8_t)(facts >> 8));
	}
	atomic_store_explicit(&entry->sequence, sequence + 2, memory_order_release);
}

HOT void recent_note(struct recent *recent, unsigned worker, const struct name *qname, uint16_t qtype, const char *group)
{
	struct worker *own;
	struct table *table;
	struct entry *entry;
	uint64_t tag, facts;
	size_t group_length;

	if (worker >= RECENT_WORKERS_MAX)
		return;
	own = &recent->workers[worker];
	if (++own->calls % RECENT_EVERY != 0)
		return;
	table = table_of(own);
	if (table == NULL)
		return;
	group_length = strnlen(group, LIST_NAME_MAX - 1);
	tag = tag_of(recent, qname, qtype, group, group_length);
	entry = entry_for(table, tag);
	facts = atomic_load_explicit(&entry->facts, memory_order_relaxed);
	if (atomic_load_explicit(&entry->tag, memory_order_relaxed) == tag)
		entry_write(entry, tag, ++own->notes, facts >> 32 == UINT32_MAX ? facts : facts + (UINT64_C(1) << 32), NULL,
			NULL, NULL);
	else
		entry_write(entry, tag, ++own->notes, facts_pack(1, qtype, group_length, qname->length),
			&table->texts[entry - table->entries], qname, group);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void read_octets(const _Atomic uint64_t *from, size_t length, uint64_t *words)
{
	for (size_t i = 0; i * 8 < length; i++)
		words[i] = atomic_load_explicit(&from[i], memory_order_acquire);
}

/* False: empty, or written meanwhile. */
static bool entry_read(const struct entry *entry, const struct texts *texts, struct recent_question *question)
{
	const uint64_t sequence = atomic_load_explicit(&entry->sequence, memory_order_acquire);
	uint64_t octets[NAME_WORDS] = { 0 }, group[GROUP_WORDS] = { 0 };
	uint64_t tag, facts;
	uint8_t length, group_length;

	if (sequence % 2 != 0)
		return false;
	tag = atomic_load_explicit(&entry->tag, memory_order_acquire);
	facts = atomic_load_explicit(&entry->facts, memory_order_acquire);
	length = (uint8_t)facts;
	group_length = (uint8_t)(facts >> 8) % LIST_NAME_MAX;   /* may be torn until it is checked */
	read_octets(texts->octets, length, octets);
	read_octets(texts->group, group_length, group);
	/* After the loads above, as they acquire. */
	if (tag == 0 || atomic_load_explicit(&entry->sequence, memory_order_relaxed) != sequence)
		return false;
	question->qtype = (uint16_t)(facts >> 16);
	memcpy(question->group, group, group_length);
	question->group[group_length] = '\0';
	question->count = (uint32_t)(facts >> 32);
	return name_from_wire(&question->qname, (const uint8_t *)octets, length);
}

void recent_visit(const struct recent *recent, recent_visitor visit, void *arg)
{
	struct recent_question question;

	for (unsigned i = 0; i < RECENT_WORKERS_MAX; i++) {
		/* Pairs with the store in table_of. */
		const struct table *table = atomic_load_explicit(&recent->workers[i].table, memory_order_acquire);

		for (unsigned place = 0; table != NULL && place < RECENT_PLACES; place++)
			if (entry_read(&table->entries[place], &table->texts[place], &question) &&
			    !visit(arg, &question))
				return;
	}
}
