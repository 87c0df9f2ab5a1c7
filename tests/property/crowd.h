/*
 * crowd.h: who asks: client groups and overrides, drawn at random, and found by trying all of them.
 */
#ifndef TESTS_PROPERTY_CROWD_H
#define TESTS_PROPERTY_CROWD_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/conf.h"
#include "policy/override.h"

#define CROWD_GROUPS_MAX 5
#define CROWD_NETWORKS_MAX 3
#define CROWD_OVERRIDES_MAX 6

extern struct group_conf crowd_groups[CROWD_GROUPS_MAX];
extern size_t crowd_group_count;
extern struct override crowd_overrides[CROWD_OVERRIDES_MAX];
extern size_t crowd_override_count;

/* Draws both; either may be none. Addresses and names are drawn by the caller's functions. */
void crowd_draw(unsigned (*draw)(unsigned below), struct address (*draw_address)(void),
		struct name (*draw_name)(void));

/* The groups that a list serves. */
void crowd_draw_served(unsigned (*draw)(unsigned below), struct list_conf *list,
		       char (*names)[LIST_NAME_MAX], size_t room);

/* 0: none fits. */
size_t crowd_group(const struct address *client, const struct address *server);

/* Does the list serve that group, by itself or by an ancestor? */
bool crowd_serves(const struct list_conf *list, size_t group);

/* Which of the operators' or detectors' decides about the name for the client; NULL: none. */
const struct override *crowd_override(const struct name *name, const struct address *client, bool detectors);

#endif
