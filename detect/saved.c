/* saved.c: what is remembered, written and read. */
#include "detect/saved.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "detect/look.h"
#include "detect/saved_records.h"

#define SAVED_VERSION 3u
#define ORDER 0x01020304u
#define PIECE 4096u                  /* octets of a Bloom filter */
#define BUFFER 65536u                /* octets that are summed at a time */
#define NO_PIECE UINT32_MAX
#define SUM_SEED UINT64_C(0x64657465637431)

static const char magic[8] = "uv-state";

struct header {
	char magic[8];
	uint32_t version, order;
	struct hash_key key;
	int64_t started_s, saved_s;  /* as of the last turn */
	uint32_t record_octets[4];
	uint64_t capacity[4];
	uint64_t bloom_octets[3];
};

_Static_assert(sizeof(struct header) == SAVED_HEADER_OCTETS, "without padding");

/* --- what there is ------------------------------------------------------------------------------------------------ */

static struct table *table_of(const struct detect *detect, unsigned kind)
{
	struct table *const tables[4] = { detect->zones, detect->clients, detect->pairs, detect->reports };

	return tables[kind];
}

static struct bloom *bloom_of(const struct detect *detect, unsigned index)
{
	struct bloom *const blooms[3] = { detect->names, detect->known, detect->answers };

	return blooms[index];
}

static struct header header_of(const struct detect *detect)
{
	struct header header;

	memset(&header, 0, sizeof(header));
	memcpy(header.magic, magic, sizeof(magic));
	header.version = SAVED_VERSION;
	header.order = ORDER;
	header.key = detect->key;
	header.started_s = atomic_load_explicit(&detect->started_s, memory_order_relaxed);
	header.saved_s = atomic_load_explicit(&detect->turned_s, memory_order_relaxed);
	for (unsigned i = 0; i < 4; i++) {
		header.record_octets[i] = saved_kinds[i].octets;
		header.capacity[i] = table_counts(table_of(detect, i)).capacity;
	}
	for (unsigned i = 0; i < 3; i++)
		header.bloom_octets[i] = bloom_image(bloom_of(detect, i)).octets;
	return header;
}

static uint64_t sum_on(uint64_t sum, const void *octets, size_t length)
{
	const struct hash_key key = { sum, SUM_SEED };

	return hash_octets(&key, octets, length);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct saving {
	saved_write write;
	void *arg;
	uint64_t sum;
	size_t filled;
	bool failed;
	uint32_t record_octets;
	uint8_t buffer[BUFFER];
};

static void flush(struct saving *saving)
{
	if (saving->failed || saving->filled == 0)
		return;
	saving->sum = sum_on(saving->sum, saving->buffer, saving->filled);
	saving->failed = !saving->write(saving->arg, saving->buffer, saving->filled);
	saving->filled = 0;
}

static void put(struct saving *saving, const void *octets, size_t length)
{
	const uint8_t *from = octets;

	while (length > 0 && !saving->failed) {
		const size_t room = BUFFER - saving->filled, part = length < room ? length : room;

		memcpy(saving->buffer + saving->filled, from, part);
		saving->filled += part;
		from += part;
		length -= part;
		if (saving->filled == BUFFER)
			flush(saving);
	}
}

static void put_record(void *arg, uint64_t hash, const void *record)
{
	struct saving *saving = arg;
	const uint8_t one = 1;

	put(saving, &one, 1);
	put(saving, &hash, sizeof(hash));
	put(saving, record, saving->record_octets);
}

static void put_table(struct saving *saving, const struct detect *detect, unsigned kind)
{
	const uint8_t none = 0;

	saving->record_octets = saved_kinds[kind].octets;
	if (!table_read(table_of(detect, kind), put_record, saving))
		saving->failed = true;
	put(saving, &none, 1);
}

/* Others add to it meanwhile. */
static bool copy_piece(uint64_t *to, const _Atomic uint64_t *from, size_t words)
{
	uint64_t any = 0;

	for (size_t i = 0; i < words; i++)
		any |= to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	return any != 0;
}

static void put_words(struct saving *saving, const void *all, size_t octets)
{
	const size_t piece = octets < PIECE ? octets : PIECE;
	const uint32_t end = NO_PIECE;
	uint64_t words[PIECE / sizeof(uint64_t)];

	for (size_t at = 0; at < octets; at += piece) {
		const uint32_t index = (uint32_t)(at / piece);

		if (!copy_piece(words, (const _Atomic uint64_t *)all + at / sizeof(uint64_t), piece / sizeof(uint64_t)))
			continue;
		put(saving, &index, sizeof(index));
		put(saving, words, piece);
	}
	put(saving, &end, sizeof(end));
}

static void put_bloom(struct saving *saving, struct bloom *bloom)
{
	const struct bloom_image image = bloom_image(bloom);

	put(saving, &image.turned_s, sizeof(image.turned_s));
	put(saving, &image.current, sizeof(image.current));
	put_words(saving, image.words, image.octets);
}

bool detect_save(struct detect *detect, const void *more, size_t more_length, saved_write write, void *arg)
{
	struct saving *saving = malloc(sizeof(*saving));
	const struct header header = header_of(detect);
	const uint64_t length = more_length;
	bool done;

	if (saving == NULL)
		return false;
	saving->write = write;
	saving->arg = arg;
	saving->sum = 0;
	saving->filled = 0;
	saving->failed = false;
	put(saving, &header, sizeof(header));
	for (unsigned i = 0; i < 4; i++)
		put_table(saving, detect, i);
	for (unsigned i = 0; i < 3; i++)
		put_bloom(saving, bloom_of(detect, i));
	put(saving, &length, sizeof(length));
	put(saving, more, more_length);
	flush(saving);
	done = !saving->failed && write(arg, &saving->sum, sizeof(saving->sum));
	free(saving);
	return done;
}

/* Sizes are at most doubled where they become powers of two. */
size_t detect_saved_max(const struct detect_sizes *sizes, size_t more_length)
{
	const size_t records = 2 * (sizes->zones + sizes->clients + sizes->pairs) + 2 * 16384 + 64;
	const size_t blooms = sizes->names_octets + sizes->known_octets + sizes->answers_octets + 3 * PIECE;

	return sizeof(struct header) + records * (sizeof(union saved_record) + 9) + 2 * (blooms + blooms / PIECE * 4) +
		1024 + more_length;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

const char *saved_check(const uint8_t *octets, size_t length, struct hash_key *key)
{
	struct header header;
	uint64_t sum = 0, said;

	if (length < sizeof(header) + sizeof(said))
		return "it is too short";
	memcpy(&header, octets, sizeof(header));
	if (memcmp(header.magic, magic, sizeof(magic)) != 0)
		return "it is something else";
	if (header.version != SAVED_VERSION || header.order != ORDER)
		return "it is of another version or machine";
	length -= sizeof(said);
	memcpy(&said, octets + length, sizeof(said));
	for (size_t at = 0; at < length; at += BUFFER)
		sum = sum_on(sum, octets + at, length - at < BUFFER ? length - at : BUFFER);
	if (sum != said)
		return "its checksum is wrong";
	*key = header.key;
	return NULL;
}

struct loading {
	const uint8_t *at;
	size_t left;
};

static bool get(struct loading *loading, void *to, size_t length)
{
	if (length > loading->left)
		return false;
	memcpy(to, loading->at, length);
	loading->at += length;
	loading->left -= length;
	return true;
}

static bool get_record(struct loading *loading, struct table *table, unsigned kind)
{
	union saved_record record;
	uint64_t hash;
	bool fresh;
	void *to;

	if (!get(loading, &hash, sizeof(hash)) || !get(loading, &record, saved_kinds[kind].octets))
		return false;
	saved_kinds[kind].mend(&record);
	to = table_enter(table, hash, 0, &fresh);
	if (to == NULL)
		return false;
	memcpy(to, &record, saved_kinds[kind].octets);
	table_leave(table, hash);
	return true;
}

static bool get_table(struct loading *loading, const struct detect *detect, unsigned kind)
{
	uint8_t more;

	while (get(loading, &more, 1)) {
		if (more == 0)
			return true;
		if (!get_record(loading, table_of(detect, kind), kind))
			return false;
	}
	return false;
}

static bool get_words(struct loading *loading, void *all, size_t octets)
{
	const size_t piece = octets < PIECE ? octets : PIECE;
	uint32_t index;

	while (get(loading, &index, sizeof(index))) {
		if (index == NO_PIECE)
			return true;
		if (index >= octets / piece || !get(loading, (uint8_t *)all + index * piece, piece))
			return false;
	}
	return false;
}

static bool get_bloom(struct loading *loading, struct bloom *bloom)
{
	const struct bloom_image image = bloom_image(bloom);
	int64_t turned_s;
	unsigned current;

	if (!get(loading, &turned_s, sizeof(turned_s)) || !get(loading, &current, sizeof(current)) ||
	    !get_words(loading, image.words, image.octets))
		return false;
	bloom_restore(bloom, turned_s > 0 ? turned_s & INT64_C(0xffffffff) : 0, current);
	return true;
}

static const char *is_other(const struct detect *detect, const struct header *header)
{
	struct header own = header_of(detect);

	own.started_s = header->started_s;
	own.saved_s = header->saved_s;
	if (memcmp(own.record_octets, header->record_octets, sizeof(own.record_octets)) != 0)
		return "it is of another build";
	return memcmp(&own, header, sizeof(own)) != 0 ? "it is of other sizes" : NULL;
}

const char *detect_restore(struct detect *detect, const uint8_t *octets, size_t length, const uint8_t **more,
	size_t *more_length)
{
	struct loading loading = { octets, length };
	struct header header;
	const char *wrong;
	uint64_t octets_more;
	bool fine = true;

	if (!get(&loading, &header, sizeof(header)))
		return "it is too short";
	wrong = is_other(detect, &header);
	if (wrong != NULL)
		return wrong;
	for (unsigned i = 0; i < 4 && fine; i++)
		fine = get_table(&loading, detect, i);
	for (unsigned i = 0; i < 3 && fine; i++)
		fine = get_bloom(&loading, bloom_of(detect, i));
	if (!fine || !get(&loading, &octets_more, sizeof(octets_more)) || loading.left < sizeof(uint64_t) ||
	    octets_more != loading.left - sizeof(uint64_t))
		return "it is damaged inside";
	detect_resume(detect, header.started_s, header.saved_s);
	*more = loading.at;
	*more_length = (size_t)octets_more;
	return NULL;
}
