/*
 * naive.h: who decides, found by trying every rule on everything: slow, plain, and written apart from policy/.
 */
#ifndef TESTS_PROPERTY_NAIVE_H
#define TESTS_PROPERTY_NAIVE_H

#include <stddef.h>

#include "policy/conf.h"
#include "policy/list.h"
#include "tests/property/crowd.h"

#define LISTS_MAX 5
#define RULES_MAX 12
#define HOPS_MAX 3
#define SEVERAL 3

struct model_list {
	struct rule rules[RULES_MAX];
	size_t count;
};

/* An answer: a chain of names, the addresses at its end, the name servers of each of its names. */
struct scene {
	struct name names[HOPS_MAX + 1];
	unsigned hops;
	struct address addresses[SEVERAL];
	size_t address_count;
	struct { struct name name; struct address address; unsigned chain; } servers[SEVERAL];
	size_t server_count;
};

/* The policy. */
extern struct model_list model[LISTS_MAX];
extern struct list_conf confs[LISTS_MAX];
extern size_t list_count;

struct hit {
	const struct rule *rule;     /* NULL: none */
	unsigned rank[3];            /* the smaller comes first, one after the other */
	const struct name *server;   /* NSDNAME */
	struct address address;
};

struct expected {
	enum action action;
	const struct override *override;   /* decides; then there is no hit */
	struct hit hit;
	size_t list;
	unsigned chain;
};

/* The verdict on an answer for that client, who asked at `server`; action ALLOW: none. */
struct expected naive_search(const struct scene *scene, const struct address *client, const struct address *server,
			     uint16_t qtype);

#endif
