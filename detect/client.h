/*
 * client.h: what is remembered of a client (address_client) for ten minutes at a time.
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

#define CLIENT_SWEPT 2u              /* networks, the ones that most was looked up of */
#define CLIENT_SWEPT_WORDS 4u        /* of 64 bits */

struct client_swept {
	uint64_t addresses[CLIENT_SWEPT_WORDS];  /* bits: addresses looked up by PTR */
	uint64_t network;                        /* hash of their /24, or what is above a name of IPv6 */
};

struct client {
	uint32_t window_s;           /* when these ten minutes began */
	uint32_t last_s;
	uint32_t answers, missing;   /* all, and NXDOMAIN */
	uint32_t generated;          /* zones among the missing ones whose names look generated */
	uint32_t next;               /* of the two below */
	uint64_t owners[4];          /* bits: names asked for MX, TXT, SRV, NS or SOA */
	/* What led outside is looked back at for longer than a window. */
	uint32_t outside[CLIENT_PUBLIC];     /* hashes of names */
	uint32_t outside_s[CLIENT_PUBLIC];

	uint64_t zones[8];           /* bits: zones that do not exist */
	uint64_t ptr[16];            /* bits: addresses looked up by PTR */
	struct client_swept swept[CLIENT_SWEPT];
};

#define CLIENT_HOT_OCTETS 184u       /* what most answers want, to the end of outside_s */

void client_age(struct client *client, int64_t now_s);

/* Sets the bit of a hash. Returns whether it was clear. */
bool bits_add(uint64_t *bits, unsigned words, uint64_t hash);

/* How many distinct hashes have most likely been added. */
unsigned bits_count(const uint64_t *bits, unsigned words);

/* Notes an address that was not looked up before. A new network takes the place of the one with the fewest, so that
 * going from one to another and back hides nothing. Returns how many of that network are known. */
unsigned client_sweep(struct client *client, uint64_t network, uint64_t address);

/* The most of one network. */
unsigned client_swept(const struct client *client);

/* table_worth: how recently it was seen, and how much it asked for. */
float client_worth(const void *record, int64_t now_s);

#endif
