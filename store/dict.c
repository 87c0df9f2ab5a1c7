/* dict.c: sets of four places. */
#include "store/dict.h"

#include <stdlib.h>

#include <xxhash.h>

#define WAYS 4u

struct dict {
	uint64_t mask;                   /* of sets */
	struct dict_row rows[];
};

struct dict *dict_create(unsigned bits)
{
	size_t rows = (size_t)1 << bits;
	struct dict *dict = calloc(1, sizeof(*dict) + rows * sizeof(dict->rows[0]));

	if (dict != NULL)
		dict->mask = rows / WAYS - 1;
	return dict;
}

void dict_destroy(struct dict **dict)
{
	free(*dict);
	*dict = NULL;
}

struct dict_key dict_key_of(const struct dict_secret *secret, const void *octets, size_t count)
{
	XXH128_hash_t hash = XXH3_128bits_withSecret(octets, count, secret->octets, sizeof(secret->octets));

	return (struct dict_key){ hash.low64, hash.high64 };
}

static struct dict_row *set_of(struct dict *dict, struct dict_key key)
{
	return &dict->rows[(key.low & dict->mask) * WAYS];
}

struct dict_row *dict_find(struct dict *dict, struct dict_key key)
{
	struct dict_row *set = set_of(dict, key);

	for (unsigned i = 0; i < WAYS; i++) {
		struct dict_row found = set[i];

		if (found.id == 0 || found.key.low != key.low || found.key.high != key.high)
			continue;
		if (i == 0)
			return set;
		set[i] = set[i - 1];
		set[i - 1] = found;
		return &set[i - 1];
	}
	return NULL;
}

/* A new row does not take the first place, which is that of the key that is asked for most. */
void dict_put(struct dict *dict, struct dict_key key, uint32_t id, uint32_t more)
{
	struct dict_row *set = set_of(dict, key);
	unsigned at = set[0].id == 0 ? 0 : 1;

	for (unsigned i = WAYS - 1; i > at; i--)
		set[i] = set[i - 1];
	set[at] = (struct dict_row){ key, id, more };
}
