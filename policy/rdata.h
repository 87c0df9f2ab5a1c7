/*
 * rdata.h: the names and addresses that a record's data brings to a client.
 *
 * A (RFC 1035), AAAA (RFC 3596), ipv4hint and ipv6hint of SVCB and HTTPS (RFC 9460 section 2.2 and 7.3), and the
 * targets of NS, PTR, MX, SRV, SVCB and HTTPS. The octets come from anywhere: what does not have the form of its type
 * brings nothing from there on.
 *
 * Threads: values only, no shared state.
 */
#ifndef POLICY_RDATA_H
#define POLICY_RDATA_H

#include <stdbool.h>

#include "policy/facts.h"
#include "policy/name.h"

typedef void (*address_visit)(void *arg, const struct address *address);

/* Visits the addresses of a record of class IN. */
void rdata_addresses(const struct record *record, address_visit visit, void *arg);

/* Takes the target of a CNAME or DNAME: a name and nothing else. False, and *target untouched: it is none. */
bool rdata_alias(const struct record *record, struct name *target);

/* Does rdata_target know that type? */
bool rdata_has_target(uint16_t type);

/* Takes the name that a record of another type leads to. False, and *target untouched: none, or the root. */
bool rdata_target(const struct record *record, struct name *target);

#endif
