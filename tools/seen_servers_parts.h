/*
 * seen_servers_parts.h: what the files of tools/seen_servers.h share. For these alone.
 */
#ifndef TOOLS_SEEN_SERVERS_PARTS_H
#define TOOLS_SEEN_SERVERS_PARTS_H

#include <arpa/inet.h>
#include <string.h>

#include "tools/evidence.h"
#include "tools/seen_servers.h"

#define DIFFERENT_MAX ((size_t)1 << 20)      /* of each kind */
#define ADDRESS_OCTETS 17u                   /* family and octets */
#define NUMBER_OCTETS 4u                     /* of a zone, before what belongs to it */
#define KEY_MAX (NUMBER_OCTETS + 2 * NAME_OCTETS_MAX + ADDRESS_OCTETS)

_Static_assert(KEY_MAX <= EVIDENCE_KEY_MAX, "every key fits");

struct seen_servers {
	struct seen_options options;
	uint64_t answers;                    /* that show a server */
	int64_t first_ms, last_ms;
	struct evidence *names, *pairs;      /* zone, server; zone, server, address; as they came */
	struct evidence *hosts, *asked;      /* owner, address; question */
	struct name *zones;                  /* wanted, sorted */
	size_t zone_count;
	struct evidence *servers, *places, *both, *below;   /* of wanted zones: number, then server, network, both, zone */
};

struct key {
	size_t octets;
	uint8_t at[KEY_MAX];
};

static inline void put(struct key *key, const void *from, size_t octets)
{
	if (octets > sizeof(key->at) - key->octets)
		return;
	memcpy(key->at + key->octets, from, octets);
	key->octets += octets;
}

static inline void put_address(struct key *key, const struct address *address)
{
	const uint8_t family = (uint8_t)address->family;

	put(key, &family, 1);
	put(key, address->octets, address->family == ADDRESS_INET ? 4 : 16);
}

/* The number of a wanted zone, and room for more. */
static inline struct key key_of(size_t number)
{
	struct key key = { 0 };
	const uint32_t octets = htonl((uint32_t)number);

	put(&key, &octets, sizeof(octets));
	return key;
}

/* Chooses the wanted zones, and gathers what belongs to each. 0; -1: no memory. */
int seen_servers_gather(struct seen_servers *seen);

#endif
