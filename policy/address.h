/*
 * address.h: what can be done to an address (struct address, policy/facts.h).
 *
 * Threads: values only, no shared state.
 */
#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/facts.h"
#include "policy/name.h"

/* Bits of an address of that family: 32 or 128; 0: of none. */
unsigned address_bits(enum address_family family);

/* Clears what is behind the first `length` bits. Needs length <= address_bits. */
void address_mask(struct address *address, unsigned length);

/* The IPv4 address inside an IPv4-mapped one (::ffff:0:0/96, RFC 4291) or one of NAT64 (64:ff9b::/96, RFC 6052).
 * False, and *inner untouched: there is none. */
bool address_embedded(const struct address *address, struct address *inner);

/* Has NAT64 prefixes that many bits (RFC 6052 section 2.2)? */
bool address_nat64_length(unsigned length);

/* The IPv4 address inside one below such an IPv6 prefix. The octet that has to be 0 and what is behind the address are
 * not looked at: a translator may not look either. False, and *inner untouched: it is not below it. */
bool address_nat64(const struct address *address, const struct address *prefix, unsigned length,
	struct address *inner);

/* An IPv4-mapped prefix of 96 bits or more as the IPv4 prefix that it is; others stay as they are. */
void prefix_unmap(struct address *address, uint8_t *length);

/* Makes it the client that it stands for, and returns how many bits are left: an IPv4 address (32), mapped or not, the /64
 * of an IPv6 one, where one host has many, or all of it (128) where all hosts have the same /64: on a link, and as
 * pseudonyms of frames (0100::/64). */
unsigned address_client(struct address *address);

/* Numeric order, IPv4 as IPv4-mapped; ports are not looked at. */
int address_compare(const struct address *a, const struct address *b);

/* Family, length and masked octets as one label: a prefix can be hashed like a name. */
struct name prefix_name(const struct address *address, unsigned length);

#endif
