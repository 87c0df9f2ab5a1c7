/*
 * flag.h: what a detector has found about a zone and a client, until when, and what became of it. A plain value.
 *
 * Threads: any.
 */
#ifndef CONTROL_FLAG_H
#define CONTROL_FLAG_H

#include <stdbool.h>
#include <stdint.h>

#include "control/flag_ring.h"
#include "policy/override.h"

enum flag_state {
	FLAG_ALERT,                      /* told of */
	FLAG_DUE,                        /* its override is to be made */
	FLAG_DENIED,
	FLAG_WOULD_DENY,                 /* but the resolver runs in shadow */
	FLAG_REFUSED,                    /* the policy does not let it be denied */
	FLAG_STATE_COUNT
};

extern const char *const flag_state_names[FLAG_STATE_COUNT];

struct flag {
	uint64_t id;
	enum flag_state state;
	struct flag_call call;           /* the weightiest; with family ADDRESS_NONE for everybody */
	int64_t since, last, until;      /* Unix seconds */
	uint64_t hits;                   /* answers that called for it */
	uint64_t override;               /* its id; 0: none */
	char error[128];                 /* of FLAG_REFUSED */
	bool would_deny_said;            /* it is said once */
};

/* Does such an override let through what the flag denies? */
bool flag_is_released(const struct flag *flag, const struct override *allow);

/* Whom the flag is about (address_client). Family ADDRESS_NONE: everybody. */
struct network flag_client(const struct flag *flag);

/* Why, with the features, in one line. `to` holds OVERRIDE_WHY_MAX. Returns `to`. */
char *flag_why(const struct flag *flag, char *to);

#endif
