/*
 * https.h: taking parameters out of SVCB and HTTPS records (RFC 9460).
 *
 * ipv4hint and ipv6hint let a client connect without asking for addresses, which is where lists on addresses judge;
 * `ech` hides the name that it connects to from filters on the way.
 *
 * Threads: values only.
 */
#ifndef POLICY_HTTPS_H
#define POLICY_HTTPS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conf.h"

#define TYPE_SVCB 64
#define TYPE_HTTPS_RECORD 65

bool https_is_record(uint16_t type);

/* Would `mode` take something out of it? */
bool https_has(enum https_mode mode, const uint8_t *rdata, uint16_t octets);

/* Reads uncompressed rdata and writes it without what `mode` takes out to `to`, which has room for `octets`, *left of
 * them. A key that is gone is no longer mandatory either (section 8). Of a record in another form than that of
 * section 2.2 nobody can say what is in it, so `1 .` is left. */
void https_strip(enum https_mode mode, const uint8_t *rdata, uint16_t octets, uint8_t *to, uint16_t *left);

#endif
