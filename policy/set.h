/*
 * set.h: which classes a hashed name belongs to: an immutable table behind a filter, so that a name of which no
 * suffix is listed costs one cache line, however many labels it has and however many rules there are.
 *
 *     filter block, 64 octets:  4 bits for each rule, 4 others for each name of 2 to 5 labels that rules are below
 *     table line,   64 octets:  7 tags of 16 bits | 7 classes of 16 bits | 7 tags of 40 bits | "went past here" bits
 *
 * A hash is 128 keyed bits (policy/hash.h). The upper 32 bits of `low`, its place, choose the filter's block and
 * bits, one of 256 parts of the table and a line in it; the next 16 bits of `low` are the short tag, 40 bits of
 * `high` the long one, the lower 3 bits of the short tag choose one of the 8 bits of a line. An entry whose line is
 * full goes to the next one of its part with room and leaves its bit in every line that it passed; a search goes on
 * only where its own bit is set. Seven slots of eight are filled.
 *
 * False matches: a search that the filter lets through compares its tags with about 6 others, each equal by chance
 * with probability 2^-56, whatever the size of the table: 9e-17, and the filter lets one in forty through. 100,000
 * queries a second, all different, of 3 suffixes each are 1e13 searches a year: one false match in more than 1,000
 * years if the filter stopped nothing, and nobody without the key can bring one about. A filter that errs costs time
 * alone: what it lets through is compared in the table.
 *
 * Classes are numbers from 1 to 65,535 that mean something to the caller alone; a name may have several.
 *
 * Memory is mapped, not from the heap, so that what building took goes back to the system. A set is read-only once
 * built: any number of threads may search it. A builder belongs to one thread.
 */
#ifndef POLICY_SET_H
#define POLICY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hash.h"
#include "policy/hash_walk.h"

#define SET_CLASSES_MAX 65535
/* The most classes of one name that a merge is shown; a name with more keeps all of them. */
#define SET_SAME_MAX 512
/* Names of so many labels are known to the filter as having rules below them. */
#define SET_ABOVE_FROM 2
#define SET_ABOVE_TO 5
#define SET_ABOVE_MAX (SET_ABOVE_TO - SET_ABOVE_FROM + 1)

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

/* `labels`: how many the name has. `above`: of its parents, as hash_name_above makes them from SET_ABOVE_FROM to
 * SET_ABOVE_TO labels. False: no memory, nothing added. */
bool set_builder_add(struct set_builder *builder, const struct hash *hash, unsigned labels, uint16_t class);
bool set_builder_add_above(struct set_builder *builder, const uint64_t *above, unsigned labels);

size_t set_builder_count(const struct set_builder *builder);

/* Makes a set of what was added, with room for what is left after merging. The entries of one name are merged in the
 * order in which they were added, names in any order. Returns the owned set, or NULL: no memory. The builder is empty
 * afterwards: what it held is given back while the set grows, so that both together are hardly more than one. */
struct set *set_build(struct set_builder *builder, set_merge merge, void *arg);
void set_destroy(struct set **set);

/* May some rule be of that name, may some be below it? By `low` alone; false is certain. The second is known for
 * names of SET_ABOVE_FROM to SET_ABOVE_TO labels. */
struct set_hint {
	bool here;
	bool below;
};
struct set_hint set_hint(const struct set *set, uint64_t low);

/* Starts to fetch what set_find will read, and what set_hint will. */
void set_prefetch(const struct set *set, uint64_t low);
void set_prefetch_hint(const struct set *set, uint64_t low);

/* Writes the classes of that name, at most `cap`, in the order in which they were added. Returns how many. */
size_t set_find(const struct set *set, const struct hash_half *half, uint16_t *classes, size_t cap);

/* The numbers of labels that the names in the set have. */
const struct hash_depths *set_depths(const struct set *set);

size_t set_entries(const struct set *set);
size_t set_octets(const struct set *set);

#endif
