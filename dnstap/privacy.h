/*
 * privacy.h: what of a client's address goes into frames.
 *
 * A mask sets all bits behind a prefix length to zero. A pseudonym is an address of 0100::/64, which no host has (RFC
 * 6666), so that every reader takes it for one: its low 64 bits are the first of AES-128 (FIPS 197, OpenSSL's) of the
 * client's 16 octets, an IPv4 address as ::ffff:a.b.c.d. Who has the key can look for the address behind a pseudonym,
 * nobody else. Resolvers that share the key give a client the same pseudonym. The port becomes 0 in both.
 *
 * Threads: privacy_hide from one thread for each worker at a time, the others from one.
 */
#ifndef DNSTAP_PRIVACY_H
#define DNSTAP_PRIVACY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/diag.h"
#include "policy/facts.h"

#define PRIVACY_KEY_OCTETS 16
#define PRIVACY_KEY_FILE "privacy.key"

struct privacy;

/* Owned; NULL: no memory. The prefix lengths are those of masks. */
struct privacy *privacy_create(const uint8_t key[PRIVACY_KEY_OCTETS], unsigned prefix_ipv4, unsigned prefix_ipv6,
	unsigned workers);
void privacy_destroy(struct privacy **privacy);

/* Changes *client as `mode` has it; where that can not be done, all of it becomes zero. Allocates at a worker's first
 * pseudonym, never after. */
void privacy_hide(struct privacy *privacy, unsigned worker, enum privacy_mode mode, struct address *client);

/* Reads the key from PRIVACY_KEY_FILE in `directory`, 32 hexadecimal digits, or makes that file with mode 0640. 0; -1:
 * *diag says what is wrong with a file that is there (no key, a link, others can read it); 1: none is there and none can
 * be made: the key is a new one and goes with the process. */
int privacy_key_load(const char *directory, uint8_t key[PRIVACY_KEY_OCTETS], struct diag *diag);

/* Reads one that is there. 0; -1: *diag, also where there is none. */
int privacy_key_read(const char *path, uint8_t key[PRIVACY_KEY_OCTETS], struct diag *diag);

#endif
