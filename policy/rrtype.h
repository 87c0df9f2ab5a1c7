/*
 * rrtype.h: DNS record types by name (IANA's registry of RR types; RFC 3597 section 5 for TYPEnnn).
 *
 * Threads: constant data.
 */
#ifndef POLICY_RRTYPE_H
#define POLICY_RRTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RRTYPE_A = 1, RRTYPE_NS = 2, RRTYPE_MD = 3, RRTYPE_MF = 4, RRTYPE_CNAME = 5, RRTYPE_SOA = 6, RRTYPE_MB = 7,
	RRTYPE_NULL = 10, RRTYPE_PTR = 12, RRTYPE_MX = 15, RRTYPE_TXT = 16, RRTYPE_SIG = 24, RRTYPE_KEY = 25,
	RRTYPE_AAAA = 28, RRTYPE_SRV = 33, RRTYPE_DNAME = 39, RRTYPE_DS = 43, RRTYPE_RRSIG = 46, RRTYPE_NSEC = 47,
	RRTYPE_DNSKEY = 48, RRTYPE_NSEC3 = 50, RRTYPE_SVCB = 64, RRTYPE_HTTPS = 65, RRTYPE_ANY = 255, RRTYPE_PRIVATE_FIRST = 65280
};

#define RRTYPES_MAX 32

/* A few types, in no order. */
struct rrtypes {
	uint16_t types[RRTYPES_MAX];   /* host order */
	uint8_t count;
};

/* Reads a name of `octets` letters, any case. False: there is no such type, *type untouched. */
bool rrtype_from_text(uint16_t *type, const char *text, size_t octets);

/* Its name, or TYPEnnn. `to` holds RRTYPE_TEXT_MAX. Returns `to`. */
#define RRTYPE_TEXT_MAX 16
char *rrtype_to_text(uint16_t type, char *to);

bool rrtypes_have(const struct rrtypes *types, uint16_t type);

/* False: there is no room. A type that is there already takes none. */
bool rrtypes_add(struct rrtypes *types, uint16_t type);

/* Adds types whose names are separated by blanks, at least one. NULL; else a constant text that says what is wrong,
 * *types untouched. */
const char *rrtypes_from_text(struct rrtypes *types, const char *text);

#endif
