/*
 * crowd.h: one client of each group, to ask a policy on behalf of.
 *
 * Threads: values only.
 */
#ifndef CONTROL_CROWD_H
#define CONTROL_CROWD_H

#include <stdbool.h>

#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/group.h"

#define CROWD_MAX (CONF_GROUPS_MAX + 1)

/* Facts with the client, the interface, and nothing asked yet. The client of the default group has no address. */
struct crowd {
	struct facts clients[CROWD_MAX];
	bool known[CROWD_MAX];       /* false: there is no such group, or no client of it was found */
};

/* `groups` is of `conf`. */
void crowd_init(struct crowd *crowd, const struct conf *conf, const struct group_table *groups);

#endif
