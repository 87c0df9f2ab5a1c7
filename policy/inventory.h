/*
 * inventory.h: zones that known name servers alone may serve (approved-name-server:).
 *
 * A server of such a zone, or of one below it, has to have one of the zone's names and, as far as its addresses are
 * known, addresses in its networks. Where the clause gives no names, or no networks, any will do. The longest zone at
 * or above a name counts. In verdicts the list is called "(name-server)", the rule is the zone, and the trigger is
 * NSDNAME or NSIP, as the name or the address is not approved. It stands behind overrides and before all lists.
 *
 * What serves a name by the resolver's own configuration is approved: a forward, or a stub at or below the zone.
 *
 * Threads: immutable once made.
 */
#ifndef POLICY_INVENTORY_H
#define POLICY_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/action.h"
#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/name.h"

#define INVENTORY_LIST_NAME "(name-server)"   /* no list of a configuration can have it */
#define INVENTORY_ATTACK "T1584.002 T1583.002"
#define INVENTORY_TTL 60             /* seconds, of the records of a denial: who has moved is soon approved */

struct inventory;

/* A copy of the clauses of `conf`. Owned; NULL: out of memory. */
struct inventory *inventory_create(const struct conf *conf);
void inventory_destroy(struct inventory **inventory);
size_t inventory_octets(const struct inventory *inventory);

/* A server that should not serve the zone. */
struct intruder {
	const struct name *zone;     /* of the clause; borrowed from the inventory */
	enum action action;
	enum trigger trigger;        /* NSDNAME: its name; NSIP: its address */
	struct name name;            /* of the server; the root: not known */
	struct address address;      /* family ADDRESS_NONE: not known */
};

/* Does a server that serves `name`, the one of that number in the chain, have no business there? *intruder is the
 * first one. False, and *intruder untouched: none does, or the name is in no zone of the inventory. */
bool inventory_find_intruder(const struct inventory *inventory, const struct name *name, unsigned chain,
	const struct facts *facts, struct intruder *intruder);

#endif
