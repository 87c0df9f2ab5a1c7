/*
 * behind.h: what stands behind an answer and in none of its records, as far as a detector looked at it: who serves the
 * zone of the question, and what validation said.
 *
 * It goes with the answer into its frame, so that whoever has the frames can tell detectors all that they were told.
 * Servers are kept in few octets, each with one address: the length of the name and the name in wire form (0: that of
 * the one before, where the addresses of both are known; only the root: not known), the address' family and its 4 or 16
 * octets. What has no room here is no detector told of: recorded or not, they see the same.
 *
 * Threads: values only.
 */
#ifndef POLICY_BEHIND_H
#define POLICY_BEHIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"
#include "policy/name.h"

#define BEHIND_OCTETS_MAX 2048u
#define BEHIND_SERVERS_MAX 64u

/* What validation (RFC 4033 section 5) made of an answer. */
enum security { SECURITY_UNKNOWN, SECURITY_BOGUS, SECURITY_INSECURE, SECURITY_SECURE, SECURITY_COUNT };

/* As they stand in frames. */
extern const char *const security_names[SECURITY_COUNT];

struct behind {
	enum security security;      /* SECURITY_UNKNOWN: no detector asked, or nobody knows */
	bool has_servers;            /* a detector asked; there may be none */
	uint8_t count;               /* of servers */
	uint16_t used;               /* octets */
	bool last_known;             /* the last server's address is, */
	struct name last;            /* and this is its name */
	uint8_t octets[BEHIND_OCTETS_MAX];
};

/* Nothing is known, and nobody asked. */
void behind_init(struct behind *behind);

/* Adds a server by its name (the root: not known) and its address (family ADDRESS_NONE: not known). False: there is no
 * room. */
bool behind_add(struct behind *behind, const struct name *name, const struct address *address);

struct behind_server {
	struct name name;
	struct address address;
};

/* Reads the next server of `count` octets as behind_add writes them; `*at` is 0 and *server any first, and both are to
 * be left alone in between. False: there are no more, and then `*at` is `count`, or it is no server. */
bool behind_next(const uint8_t *octets, size_t count, size_t *at, struct behind_server *server);

/* A `servers` function of facts, its source a struct behind_zone. */
struct behind_zone {
	const struct behind *behind; /* borrowed */
	uint8_t labels;              /* of the zone that they serve */
};
size_t behind_visit(const void *zone, server_visit visit, void *arg);

#endif
