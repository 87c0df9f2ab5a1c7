/* class_table.c: numbers classes by their content. */
#include "policy/class_table.h"

#include <stdlib.h>
#include <string.h>

/* A power of two, at least twice SET_CLASSES_MAX. */
#define NUMBER_SLOTS 131072
#define FIRST_CLASSES 16

bool class_table_init(struct class_table *table, const struct hash_key *key)
{
	*table = (struct class_table){ .key = *key, .count = 1, .cap = FIRST_CLASSES };
	table->classes = calloc(FIRST_CLASSES, sizeof(*table->classes));
	table->numbers = calloc(NUMBER_SLOTS, sizeof(*table->numbers));
	if (table->classes != NULL && table->numbers != NULL)
		return true;
	class_table_fini(table);
	return false;
}

void class_table_fini(struct class_table *table)
{
	free(table->classes);
	free(table->numbers);
	table->classes = NULL;
	table->numbers = NULL;
}

struct class *class_table_take(struct class_table *table)
{
	struct class *classes = table->classes;

	table->classes = NULL;
	return classes;
}

static bool same(const struct class *a, const struct class *b)
{
	return a->data == b->data && a->list == b->list && a->exact == b->exact && a->below == b->below &&
	       a->also == b->also && a->action == b->action;
}

static size_t slot_of(const struct class_table *table, const struct class *class)
{
	uint64_t words[3] = {
		(uint64_t)(uintptr_t)class->data,
		(uint64_t)class->list << 2 | (uint64_t)class->exact << 1 | (uint64_t)class->below,
		(uint64_t)class->action << 16 | class->also,
	};

	return hash_octets(&table->key, words, sizeof(words)) & (NUMBER_SLOTS - 1);
}

static uint16_t append(struct class_table *table, const struct class *class)
{
	if (table->count > (class->action == ACTION_LOCAL_DATA ? CLASSES_OF_DATA_MAX : SET_CLASSES_MAX))
		return 0;
	if (table->count == table->cap) {
		struct class *moved = realloc(table->classes, table->cap * 2 * sizeof(*moved));

		if (moved == NULL) {
			table->no_memory = true;
			return 0;
		}
		table->classes = moved;
		table->cap *= 2;
	}
	table->classes[table->count] = *class;
	return (uint16_t)table->count++;
}

static uint16_t number_of(struct class_table *table, const struct class *class)
{
	size_t slot = slot_of(table, class);

	while (table->numbers[slot] != 0) {
		if (same(&table->classes[table->numbers[slot]], class))
			return table->numbers[slot];
		slot = (slot + 1) & (NUMBER_SLOTS - 1);
	}
	table->numbers[slot] = append(table, class);
	return table->numbers[slot];
}

uint16_t class_table_number(struct class_table *table, const struct class *class)
{
	uint16_t *recent = &table->recent[class->exact][class->below];

	if (*recent == 0 || !same(&table->classes[*recent], class))
		*recent = number_of(table, class);
	return *recent;
}
