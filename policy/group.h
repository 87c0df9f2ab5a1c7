/*
 * group.h: which client group a query belongs to.
 *
 * A group names networks of clients, interfaces that the query came in on, or both (then both must fit). The longest
 * client prefix wins; among equal ones a group that also names the interface, then the longest interface prefix, then
 * one with a port, then the order of the configuration. Whom no group fits is in group 0, "default". A client's group
 * is a bit in the masks of lists; a group has the lists that name it or an ancestor of it, and those that name none.
 *
 * Threads: immutable after group_table_create.
 */
#ifndef POLICY_GROUP_H
#define POLICY_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/facts.h"

#define GROUP_DEFAULT 0
#define GROUP_DEFAULT_NAME "default"

struct group_table;

/* Returns the owned table, or NULL with *diag set: no memory, a parent that is not there, a circle of parents. */
struct group_table *group_table_create(const struct conf *conf, struct diag *diag);
void group_table_destroy(struct group_table **table);

/* The group of who asks: facts->client and facts->server. Without a client: GROUP_DEFAULT. A few nanoseconds when there
 * are no groups, a binary search for each prefix length that occurs else. */
unsigned group_find(const struct group_table *table, const struct facts *facts);

/* How many there are, with the default one; their mask has as many low bits. */
unsigned group_count(const struct group_table *table);

/* Borrowed; "default" for GROUP_DEFAULT. */
const char *group_name(const struct group_table *table, unsigned group);

enum ede_mode group_ede(const struct group_table *table, unsigned group);

/* What frames show of its clients; and is there any whose clients are not shown as they are? */
enum privacy_mode group_privacy(const struct group_table *table, unsigned group);
bool group_any_privacy(const struct group_table *table);

/* The groups that a list serves, a bit each, or 0 with *diag set: it names a group that is not there. */
uint64_t group_mask(const struct group_table *table, const struct list_conf *list, const char *path,
	struct diag *diag);

size_t group_table_octets(const struct group_table *table);

#endif
