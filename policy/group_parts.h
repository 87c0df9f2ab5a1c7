/*
 * group_parts.h: what a table of client groups is made of, for policy/group*.c alone.
 *
 * Prefixes lie inside each other or apart, so all of them together cut the addresses into segments, each with one
 * longest prefix: one binary search finds it, however many lengths there are. What does not fit there, because of the
 * interface, is tried at the next shorter prefix around it. IPv4 stands in the same order as IPv4-mapped IPv6.
 */
#ifndef POLICY_GROUP_PARTS_H
#define POLICY_GROUP_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/group.h"

#define MAPPED_BITS 96
#define NOBODY 0                   /* the node of whom no prefix fits */

/* A prefix as two numbers in host order. */
struct key {
	uint64_t high, low;
};

/* What some group has said; an interface, or a network on its way into the table. */
struct prefix {
	struct key key;
	uint8_t length;                /* 0 to 128 */
	uint8_t group;
	uint16_t port;                 /* 0: any */
};

struct segment {
	struct key from;               /* up to where the next one begins */
	uint32_t node;
};

/* A prefix that one group or several have. */
struct node {
	uint32_t around;               /* the longest other prefix that this one lies in */
	uint32_t first;                /* of its members */
	uint8_t count;
	uint8_t length;
};

struct group {
	char name[LIST_NAME_MAX];
	enum ede_mode ede;
	enum privacy_mode privacy;
	unsigned parent;               /* itself: none */
	struct prefix *interfaces;     /* owned */
	size_t interface_count;
};

struct group_table {
	struct group groups[CONF_GROUPS_MAX + 1];
	unsigned count;
	struct segment *segments;      /* owned, by `from`; the first begins at 0 */
	size_t segment_count;
	struct node *nodes;            /* owned; the first is NOBODY */
	size_t node_count;
	uint8_t *members;              /* owned: groups, of each node in the order of the configuration */
	size_t member_count;
};

static inline uint64_t key_number(const uint8_t *octets)
{
	uint64_t number = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		number = number << 8 | octets[i];
	return number;
}

static inline struct key key_of(const struct address *address)
{
	const uint8_t *octets = address->octets;

	if (address->family == ADDRESS_INET)
		return (struct key){ 0, UINT64_C(0xffff) << 32 | (uint64_t)octets[0] << 24 |
			(uint64_t)octets[1] << 16 | (uint64_t)octets[2] << 8 | octets[3] };
	return (struct key){ key_number(octets), key_number(octets + 8) };
}

static inline bool is_mapped(const struct key *key)
{
	return key->high == 0 && key->low >> 32 == 0xffff;
}

static inline int compare_keys(const struct key *a, const struct key *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return a->low < b->low ? -1 : a->low > b->low;
}

/* What is behind the first `length` bits. */
static inline struct key rest_mask(unsigned length)
{
	return (struct key){
		length >= 64 ? 0 : UINT64_MAX >> length,
		length >= 128 ? 0 : length <= 64 ? UINT64_MAX : UINT64_MAX >> (length - 64),
	};
}

static inline bool is_inside(const struct key *key, const struct key *from, unsigned length)
{
	const struct key rest = rest_mask(length);

	return (key->high & ~rest.high) == from->high && (key->low & ~rest.low) == from->low;
}

/* The group of that name; table->count: there is none. */
unsigned group_find_name(const struct group_table *table, const char *name);

#endif
