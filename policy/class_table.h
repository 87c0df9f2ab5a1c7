/*
 * class_table.h: the classes of a policy in the making, each once.
 *
 * A class says what one list's rules about one name ask for. The set maps the hash of a name to its classes. There
 * are few (a handful for each list, and one for each different local data), so they are numbered with 16 bits.
 *
 * Threads: belongs to one thread.
 */
#ifndef POLICY_CLASS_TABLE_H
#define POLICY_CLASS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/action.h"
#include "policy/conf.h"
#include "policy/hash.h"
#include "policy/local_data.h"
#include "policy/set.h"

/* The most classes of local data. What is left is enough for all that 256 lists can ask for without any, so that no
 * list with much data takes another's rules away. */
#define CLASSES_OF_DATA_MAX (SET_CLASSES_MAX - CONF_LISTS_MAX * ACTION_COUNT * 3)

struct class {
	const struct local_data *data;   /* for SINKHOLE and LOCAL_DATA; borrowed from the snapshot's pool */
	uint16_t list;                   /* index */
	bool exact;
	bool below;
	uint16_t also;                   /* number of what an earlier list says about the same name; 0: none */
	enum action action;              /* the list's own action is applied already */
};

struct class_table {
	struct hash_key key;
	struct class *classes;           /* owned; number 0 is of no rule */
	size_t count;
	size_t cap;
	uint16_t *numbers;               /* owned; by the hash of their content; 0: free */
	uint16_t recent[2][2];           /* the last with that [exact][below]: lists say the same again and again */
	bool no_memory;                  /* some call failed for it */
};

/* Copies the key. False: no memory, nothing to free. */
bool class_table_init(struct class_table *table, const struct hash_key *key);
void class_table_fini(struct class_table *table);

/* The number of that class, from 1; 0: there are 65,535 already, or CLASSES_OF_DATA_MAX for one of local data, or no
 * memory. */
uint16_t class_table_number(struct class_table *table, const struct class *class);

/* Returns the owned array of table->count classes and leaves the table without any. */
struct class *class_table_take(struct class_table *table);

#endif
