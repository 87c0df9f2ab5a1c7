/*
 * tap_of.h: the tap that a configuration asks for.
 *
 * Threads: no shared state.
 */
#ifndef MODULE_TAP_OF_H
#define MODULE_TAP_OF_H

#include <stdint.h>

#include "dnstap/tap.h"
#include "policy/conf.h"
#include "policy/diag.h"

/* `threads`: of the resolver. Goes on from *carry, which is borrowed as by tap_create. Owned; NULL: *diag. */
struct tap *tap_of_conf(const struct conf *conf, unsigned threads, uint64_t boot, struct tap_carry *carry,
	struct diag *diag);

#endif
