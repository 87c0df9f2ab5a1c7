/*
 * set.h: which classes a hashed name belongs to: an immutable table in which a miss reads one cache line.
 *
 *     bucket, 64 octets:  7 tags of 56 bits | 7 classes of 16 bits | 1 octet of "went past here" bits
 *
 * A hash is 128 keyed bits (policy/hash.h). The upper 32 bits of `low` choose the bucket, the lower 3 bits of `low`
 * one of the 8 bits, the upper 56 bits of `high` are the tag: no bit is used twice. An entry whose bucket is full
 * goes to the next one with room and leaves its bit in every bucket that it passed; a search goes on only where its
 * own bit is set. Three slots of four are filled: 12.2 octets an entry.
 *
 * False matches: a search for a name that is not in the table compares its tag with about 6 others, each equal by
 * chance with probability 2^-56, however large the table is: 8e-17 a search. 100,000 queries a second of 3 suffixes
 * each are 1e13 searches a year: one false match in about 1,250 years, and nobody without the key can bring one
 * about.
 *
 * Classes are numbers from 1 to 65,535 that mean something to the caller alone; a name may have several.
 *
 * Memory is mapped, not from the heap, so that what building took goes back to the system. A set is read-only once
 * built: any number of threads may search it. A builder belongs to one thread.
 */
#ifndef POLICY_SET_H
#define POLICY_SET_H

#include <stddef.h>
#include <stdint.h>

#include "policy/hash.h"

#define SET_CLASSES_MAX 65535
/* The most classes of one name that a merge is shown; a name with more keeps all of them. */
#define SET_SAME_MAX 512

struct set;
struct set_builder;

enum set_step { SET_ADD, SET_DROP, SET_REPLACE };

/* Asked when the name of a new entry has `count` classes already, in the order in which they were added: add the new
 * one, drop it, or put *merged in the place of present[*index]? */
typedef enum set_step (*set_merge)(void *arg, const uint16_t *present, size_t count, uint16_t class, size_t *index,
				   uint16_t *merged);

/* NULL: no memory. */
struct set_builder *set_builder_create(void);
void set_builder_destroy(struct set_builder **builder);

/* `labels`: how many the name has. False, and nothing added: no memory. */
bool set_builder_add(struct set_builder *builder, const struct hash *hash, unsigned labels, uint16_t class);

size_t set_builder_count(const struct set_builder *builder);

/* Makes a set with room for `entries` of what was added, as many as are left after merging. Returns the owned set, or
 * NULL (no memory, or more were left). The builder stays as it was. */
struct set *set_build(const struct set_builder *builder, size_t entries, set_merge merge, void *arg);
void set_destroy(struct set **set);

/* Starts to fetch what set_find for that hash will read. */
void set_prefetch(const struct set *set, const struct hash *hash);

/* Writes the classes of that name, at most `cap`, in the order in which they were added. Returns how many. */
size_t set_find(const struct set *set, const struct hash *hash, uint16_t *classes, size_t cap);

/* The numbers of labels that the names in the set have. */
const struct hash_depths *set_depths(const struct set *set);

size_t set_entries(const struct set *set);
size_t set_octets(const struct set *set);

#endif
