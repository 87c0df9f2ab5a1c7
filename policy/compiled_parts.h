/*
 * compiled_parts.h: how the compiled file lies, for policy/compiled*.c alone. Its structures have no holes but for
 * named ones, which are zero.
 *
 * Threads: values only.
 */
#ifndef POLICY_COMPILED_PARTS_H
#define POLICY_COMPILED_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/compiled.h"
#include "policy/set_file.h"
#include "policy/snapshot_parts.h"

#define COMPILED_MAGIC "VERDICT\n"
#define COMPILED_ORDER UINT32_C(0x01020304)
#define COMPILED_FORMAT 1
#define COMPILED_SOURCES_MAX 65536
#define COMPILED_DATA_MAX (SET_CLASSES_MAX * (uint64_t)(LOCAL_OCTETS_MAX + 16))
#define COMPILED_CHUNK ((size_t)256 << 10)   /* fits the nearest cache but one: read, summed and checked there */

struct compiled_header {
	char magic[8];
	uint32_t order;              /* of octets in a word */
	uint16_t format;
	uint16_t word_octets;        /* of size_t */
	uint32_t list_octets;        /* of one struct compiled_list */
	uint32_t trigger_count;
	char made_by[32];            /* this program's release, padded with NULs */
	uint64_t octets;             /* of the whole file */
	uint64_t checksum;
	uint64_t source_count;
	uint64_t list_count;
	uint64_t class_count;        /* with number 0, which is of no rule */
	uint64_t data_count;
	uint64_t data_octets;
	uint64_t key[2];
	uint64_t server_depths[2];
	uint64_t prefixes[TRIGGER_COUNT][2][PREFIX_WORDS];
	struct set_form set;
};

/* struct list_stats and struct list_report with one width everywhere, and what a list's rules mean for clients. */
struct compiled_list {
	char name[LIST_NAME_MAX];
	uint64_t lines, rules, octets, file_octets, withheld, duplicates;
	int64_t modified;
	uint64_t skipped[SKIP_COUNT];
	uint32_t skipped_line[SKIP_COUNT];
	char skipped_text[SKIP_COUNT][SKIP_EXAMPLE_MAX];
	uint32_t serial, expire, triggers, format;
	uint8_t detected, decides_clients, denies_clients, observes_clients;
	uint32_t pad;
};

struct compiled_class {
	uint32_t data;               /* number from 1; 0: none, or the sinkhole of its list */
	uint16_t list;
	uint16_t also;
	uint8_t action, exact, below, pad;
};

_Static_assert(sizeof(struct compiled_class) == 12, "classes have no holes");
_Static_assert(sizeof(struct compiled_source) == 32, "sources have no holes");
_Static_assert(sizeof(struct compiled_list) % 8 == 0, "what follows the lists is aligned");
_Static_assert(sizeof(struct compiled_header) % 8 == 0, "what follows the header is aligned");

/* Up to whole words. */
static inline uint64_t compiled_padded(uint64_t octets)
{
	return (octets + 7) / 8 * 8;
}

static inline bool compiled_is_flag(uint8_t octet)
{
	return octet <= 1;
}

/* Where the small sections begin, and the whole. The counts are bounded already. */
struct compiled_places {
	uint64_t sources, lists, classes, data, lines, filter, end;
};

static inline struct compiled_places compiled_places(const struct compiled_header *header)
{
	struct compiled_places places;

	places.sources = sizeof(*header);
	places.lists = places.sources + header->source_count * sizeof(struct compiled_source);
	places.classes = places.lists + header->list_count * sizeof(struct compiled_list);
	places.data = places.classes + compiled_padded(header->class_count * sizeof(struct compiled_class));
	places.lines = places.data + header->data_octets;
	places.filter = places.lines + set_form_lines(&header->set);
	places.end = places.filter + set_form_filter(&header->set);
	return places;
}

#define HEADER_AT(field) offsetof(struct compiled_header, field)

/* --- while it is read; compiled_read.c, compiled_tables.c --- */

struct XXH3_state_s;

struct compiled_reading {
	const struct compiled_order *order;
	struct compiled_header header;
	struct compiled_places places;
	struct XXH3_state_s *sum;                  /* owned */
	uint64_t at;                         /* octets read so far */
	struct compiled_source *sources;     /* owned, as are the next three */
	struct compiled_list *lists;
	struct compiled_class *classes;
	const struct local_data **data;      /* by number from 1; what they point to lies in snapshot->records */
	struct snapshot *snapshot;           /* owned */
	struct list_report *reports;         /* owned */
	struct diag *diag;
};

/* Set the diag and return -1. */
int compiled_wrong_at(const struct compiled_reading *reading, uint64_t offset, const char *what);
int compiled_no_memory(const struct compiled_reading *reading);

/* The next octets, summed; the second takes memory for them, owned by the caller whatever is returned. */
int compiled_take_summed(struct compiled_reading *reading, void *to, size_t length);
int compiled_take_new(struct compiled_reading *reading, void **to, uint64_t length);

/* Local data and classes; then the tables and the checksum. */
int compiled_read_classes(struct compiled_reading *reading);
int compiled_read_set(struct compiled_reading *reading);

#endif
