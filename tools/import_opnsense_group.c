/*
 * import_opnsense_group.c: the networks of OPNsense's policies as groups of clients.
 *
 * A client can be in the networks of several policies there and is in one group here.
 */
#include "tools/import_opnsense.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "tools/import_network.h"

/* A network that a policy further up has, too. */
struct overlap {
	struct network network;
	bool same, inside;
};

static void find_overlap(const char *values, struct overlap *overlap)
{
	struct network other;
	char text[INET6_ADDRSTRLEN + 8];

	for (; *(values += strspn(values, ", \t\r\n")) != '\0'; values += strcspn(values, ",\r\n")) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(values, ", \t\r\n"), values);
		if (!import_read_network(text, &other))
			continue;
		overlap->inside |= import_is_inside(&overlap->network, &other) || import_is_inside(&other, &overlap->network);
		overlap->same |= import_is_inside(&overlap->network, &other) &&
			other.prefix_length == overlap->network.prefix_length;
	}
}

static struct overlap overlap_of(const struct opnsense *opnsense, const struct opnsense_item *item, const char *value)
{
	struct overlap overlap = { .same = true };

	if (!import_read_network(value, &overlap.network))
		return overlap;
	overlap.same = false;
	for (const struct opnsense_item *before = opnsense->items; before < item; before++)
		if (before->kind == OPNSENSE_BLOCKLIST && opnsense_is_on(before))
			find_overlap(opnsense_field(before, FIELD_SOURCE_NETS), &overlap);
	return overlap;
}

static void count_network(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	if (!overlap_of(opnsense, item, value).same)
		fputc('+', to);
}

/* A client is in one group: policies for the same networks share it. NULL: all of them are of other policies. */
const struct opnsense_item *opnsense_group_of(struct opnsense *opnsense, const struct opnsense_item *item)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to;

	for (const struct opnsense_item *before = opnsense->items; before < item; before++)
		if (before->kind == OPNSENSE_BLOCKLIST && opnsense_is_on(before) &&
		    strcmp(opnsense_field(before, FIELD_SOURCE_NETS), opnsense_field(item, FIELD_SOURCE_NETS)) == 0)
			return opnsense_group_of(opnsense, before);
	to = open_memstream(&text, &length);
	if (to != NULL) {
		opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_SOURCE_NETS), to, count_network);
		fclose(to);
		free(text);
	}
	return length > 0 ? item : NULL;
}

static void put_network(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	const struct overlap overlap = overlap_of(opnsense, item, value);

	(void)to;
	if (overlap.network.address.family == ADDRESS_NONE) {
		opnsense_lost(opnsense, item, "source_nets", value);
		return;
	}
	if (overlap.same)
		opnsense_lost(opnsense, item, "source_nets of two policies:", value);
	else if (overlap.inside)
		import_differs(opnsense->import, opnsense->path, item->line, "source_nets %.100s overlaps with another policy's: "
			"here the longest network alone says which policy a client has", value);
	if (!overlap.same)
		import_option(opnsense->import, "network", value);
}

void opnsense_name_policy(const struct opnsense *opnsense, const struct opnsense_item *item, const char *stem,
	char *to, size_t cap)
{
	unsigned number = 1;

	for (const struct opnsense_item *before = opnsense->items; before < item; before++)
		number += before->kind == OPNSENSE_BLOCKLIST && opnsense_is_on(before);
	snprintf(to, cap, number > 1 ? "%s-%u" : "%s", stem, number);
}

void opnsense_put_group(struct opnsense *opnsense, const struct opnsense_item *item)
{
	char name[32];

	if (*opnsense_field(item, FIELD_SOURCE_NETS) == '\0' || opnsense_group_of(opnsense, item) != item)
		return;
	import_clause(opnsense->import, "client-group");
	opnsense_name_policy(opnsense, item, "networks", name, sizeof(name));
	import_option(opnsense->import, "name", name);
	opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_SOURCE_NETS), NULL, put_network);
}
