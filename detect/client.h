/*
 * client.h: what is remembered of a client (an IPv4 address or an IPv6 /64) for ten minutes at a time.
 *
 * Distinct things are counted by linear counting (Whang, Vander-Zanden, Taylor, "A Linear-Time Probabilistic Counting
 * Algorithm", 1990): a bit for each, out of a keyed hash.
 */
#ifndef DETECT_CLIENT_H
#define DETECT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_WINDOW_S 600
#define CLIENT_PUBLIC 16u            /* names of late that led outside */

struct client {
	uint32_t window_s;           /* when these ten minutes began */
	uint32_t last_s;
	uint32_t answers, missing;   /* all, and NXDOMAIN */
	uint32_t generated;          /* zones among the missing ones whose names look generated */
	uint64_t zones[8];           /* bits: zones that do not exist */
	uint64_t ptr[16];            /* bits: addresses looked up by PTR */
	uint64_t ptr_network[4];     /* of the network below, bit for bit */
	uint32_t network;            /* hash of the /24 that the last PTR was of */
	uint64_t owners[4];          /* bits: names asked for MX, TXT, SRV, NS or SOA */
	uint32_t outside[CLIENT_PUBLIC];     /* hashes of names */
	uint32_t outside_s[CLIENT_PUBLIC];
	uint8_t next;                /* of the two above */
};

void client_age(struct client *client, int64_t now_s);

/* Sets the bit of a hash. Returns whether it was clear. */
bool bits_add(uint64_t *bits, unsigned words, uint64_t hash);

/* How many distinct hashes have most likely been added. */
unsigned bits_count(const uint64_t *bits, unsigned words);

/* table_worth: how recently it was seen, and how much it asked for. */
float client_worth(const void *record, int64_t now_s);

#endif
