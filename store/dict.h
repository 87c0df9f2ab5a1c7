/*
 * dict.h: a bounded memory of which id a key has, so that most events ask SQLite nothing.
 *
 * Keys are octets; kept of them are 128 bits of XXH3 with a secret of the process, so that nobody outside can make
 * two keys that meet (libxxhash; SipHash of policy/hash.h costs three times as much for an answer's records). Four places
 * for each set of keys: what is asked for again stays, what is not makes room.
 *
 * Threads: belongs to its caller.
 */
#ifndef STORE_DICT_H
#define STORE_DICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DICT_SECRET_OCTETS 192

struct dict_secret {
	uint8_t octets[DICT_SECRET_OCTETS];
};

struct dict_key {
	uint64_t low, high;
};

struct dict_row {
	struct dict_key key;
	uint32_t id;                     /* 0: a free place */
	uint32_t more;                   /* the owner's */
};

struct dict;

/* Owned; NULL: no memory. Holds 2 to the power of `bits` rows, 24 octets each; bits: 4 to 24. */
struct dict *dict_create(unsigned bits);
void dict_destroy(struct dict **dict);

struct dict_key dict_key_of(const struct dict_secret *secret, const void *octets, size_t count);

/* Valid until the next dict_put. NULL: not known here. */
struct dict_row *dict_find(struct dict *dict, struct dict_key key);
void dict_put(struct dict *dict, struct dict_key key, uint32_t id, uint32_t more);

#endif
