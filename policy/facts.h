/*
 * facts.h: what is known about one answer, as the judges and the frame writer see it.
 *
 * Facts copy nothing: the question is a value, the records are reached through a visitor that whoever holds them
 * provides (Unbound's RRsets in the resolver, a wire-form message from a capture, an array in a test).
 * A visitor shows at most FACTS_RECORDS_MAX records; what it leaves out is counted in its return value. Only where
 * the verdict can still deny the answer are all of its message shown, or whoever adds records would hide the last ones.
 * Name servers are shown in the same way, FACTS_SERVERS_MAX of them.
 *
 * The answer's path is a fact too. The path table says of each whether a module sees it, whether a verdict can still
 * deny it, and whether it gets a frame; doc/frames.md carries the same table for readers.
 *
 * Threads: facts are built and used inside one event of one thread; nothing here is shared.
 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hash_walk.h"
#include "policy/match_memo.h"
#include "policy/name.h"

#define FACTS_RECORDS_MAX 256
#define FACTS_SERVERS_MAX 64
#define SERVER_ZONE_UNKNOWN UINT8_MAX   /* more labels than any zone has */

enum address_family { ADDRESS_NONE = 0, ADDRESS_INET = 4, ADDRESS_INET6 = 6 };

struct address {
	enum address_family family;
	uint16_t port;        /* host order */
	uint8_t octets[16];   /* network order; INET uses the first four */
};

/* What frames show of a client's address. */
enum privacy_mode { PRIVACY_NONE, PRIVACY_MASK, PRIVACY_PSEUDONYM, PRIVACY_COUNT };

enum transport { TRANSPORT_UNKNOWN, TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_DOT, TRANSPORT_DOH, TRANSPORT_DOQ };

enum record_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

/* One record, borrowed for the length of the visit. */
struct record {
	enum record_section section;
	const uint8_t *owner;     /* uncompressed wire form, any case, valid */
	uint8_t owner_length;     /* octets, root included */
	uint16_t type;            /* host order */
	uint16_t class;           /* host order */
	uint32_t ttl;             /* seconds left */
	const uint8_t *rdata;     /* uncompressed */
	uint16_t rdata_length;
};

/* Returning false ends the visit. */
typedef bool (*record_visit)(void *arg, const struct record *record);

/* One name server with one of its addresses, borrowed for the length of the visit. */
struct server {
	const uint8_t *name;      /* uncompressed wire form, any case, valid */
	uint8_t name_length;      /* octets, root included */
	struct address address;   /* family ADDRESS_NONE: not known; the port says nothing */
	uint8_t chain;            /* which name of the CNAME chain it serves: 0 is the qname */
	uint8_t zone_labels;      /* of the zone that it serves; SERVER_ZONE_UNKNOWN */
	uint8_t configured_labels;   /* of the stub that says where to ask for that name; 0: none, UINT8_MAX: a forward */
};

/* Returning false ends the visit. */
typedef bool (*server_visit)(void *arg, const struct server *server);

/* How an answer came about. Order and names are part of the frame format: add at the end. */
enum answer_path {
	PATH_RESOLVED,      /* the modules ran and an answer leaves */
	PATH_CACHED,        /* from the message cache, no module ran */
	PATH_LOCAL,         /* local-zone, local-data, auth-zone, Unbound's own rpz */
	PATH_CHAOS,         /* version.bind and the like */
	PATH_SERVFAIL,      /* resolution or validation failed */
	PATH_DROPPED,       /* our own drop */
	PATH_TRANSFER,      /* AXFR, IXFR */
	PATH_ACCESS,        /* refused or dropped by access-control */
	PATH_MALFORMED,     /* FORMERR, BADVERS, NOTIMPL, NOTIFY */
	PATH_LIMITED,       /* rate limit, discard-timeout, wait-limit: dropped by Unbound */
	PATH_COUNT
};

struct path_info {
	const char *name;     /* as it stands in frames and metrics */
	bool seen;            /* some hook of a module runs */
	bool can_be_denied;   /* the verdict can change this answer */
	bool framed;          /* a frame is written */
};

extern const struct path_info path_table[PATH_COUNT];

/* A search for the rules about a qname, begun (evaluate_begin). */
struct match_start {
	uint64_t number;             /* of the snapshot; 0: nothing was begun */
	struct hash_walk walk;       /* down to SET_ABOVE_FROM labels; borrows the name, and: */
	struct hash_starts starts;
	struct hash_half half;       /* of those */
	bool has_whole;
	struct hash_half whole;      /* of the name, if it is known */
	struct match_memo *memo;     /* that is to know what is found, by `low`; borrowed; NULL: none */
	uint64_t low;
	uint64_t known;              /* what it knows; 0: nothing, and what stands above is set */
};

struct facts {
	struct address client;      /* behind a proxy: the proxied address */
	struct address server;      /* where the query came in */
	enum transport transport;
	struct name qname;
	const struct match_start *begun;   /* of this qname; borrowed; NULL: no search was begun */
	uint64_t unlisted_in;       /* the number of a snapshot without rules about the qname (verdict.h); 0: not known */
	uint16_t qtype;             /* host order */
	uint16_t qclass;            /* host order */
	uint16_t rcode;             /* extended, 0 to 4095; of the answer as it stands */
	/* Shows the records, one section after the other; NULL when there are none (yet). Returns how many were left out. */
	size_t (*records)(const void *source, record_visit visit, void *arg);
	const void *source;         /* for `records` alone; borrowed */
	bool leads_nowhere;         /* no record of the answer leads to another name; false: not known */
	/* Shows the name servers of the zones that hold the qname (and later names of the chain, as far as known) and its
	 * ancestors, the nearest zone first, one call for each address of a server. Zones with too few labels for the
	 * policy's min-ns-dots are left out by whoever provides it. NULL: not known (yet). Returns how many were left out. */
	size_t (*servers)(const void *source, server_visit visit, void *arg);
	const void *servers_source; /* for `servers` alone; borrowed */
	bool dnssec_ok;             /* the query has the DO bit (RFC 3225) */
	bool recursion_desired;     /* the query has the RD bit */
};

#endif
