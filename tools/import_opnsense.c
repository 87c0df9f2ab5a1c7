/*
 * import_opnsense.c: OPNsense's blocklists and host overrides as lists.
 *
 * Host overrides are Unbound's local data there, which is asked before the blocklists, and so it is here. A plain
 * name of a blocklist is that name alone, one among its wildcards all below it, too.
 */
#include "tools/import_opnsense.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/name.h"
#include "tools/import_regex.h"

struct lines {
	FILE *to;
	char *text;         /* owned */
	size_t length;
};

static int no_memory(struct opnsense *opnsense)
{
	return diag_set(opnsense->diag, opnsense->path, 0, 0, "out of memory");
}

const char *opnsense_field(const struct opnsense_item *item, enum opnsense_field which)
{
	return item->fields[which] != NULL ? item->fields[which] : "";
}

bool opnsense_is_on(const struct opnsense_item *item)
{
	return strcmp(opnsense_field(item, FIELD_ENABLED), "1") == 0;
}

void opnsense_lost(struct opnsense *opnsense, const struct opnsense_item *item, const char *what, const char *value)
{
	import_lost(opnsense->import, opnsense->path, item->line, "%s %.400s", what, value);
}

void opnsense_each_value(struct opnsense *opnsense, const struct opnsense_item *item, const char *values, FILE *to,
	void (*take)(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to))
{
	while (*(values += strspn(values, ", \t\r\n")) != '\0') {
		const size_t octets = strcspn(values, ",\r\n");
		char *value = strndup(values, octets);

		if (value != NULL)
			take(opnsense, item, value, to);
		free(value);
		values += octets;
	}
}

/* --- host overrides --------------------------------------------------------------------------------------------- */

/* One record; a host of `*` is the domain with all below it. */
static bool put_record(const char *host, const char *domain, const struct opnsense_item *data, FILE *to)
{
	const char *type = opnsense_field(data, FIELD_RR), *server = opnsense_field(data, FIELD_SERVER);
	const bool all = strcmp(host, "*") == 0;
	char text[NAME_TEXT_MAX], target[NAME_TEXT_MAX], joined[2 * NAME_TEXT_MAX];
	struct name name, mx;
	uint8_t octets[16];

	snprintf(joined, sizeof(joined), "%s%s%s", all ? "" : host, all || *host == '\0' || *domain == '\0' ? "" : ".",
		domain);
	if (name_from_text(&name, joined, strlen(joined)) != NULL || name.labels == 0)
		return false;
	name_to_text(&name, text);
	if (strcmp(type, "MX") == 0) {
		const char *priority = opnsense_field(data, FIELD_MXPRIO);

		if (name_from_text(&mx, opnsense_field(data, FIELD_MX), strlen(opnsense_field(data, FIELD_MX))) != NULL || *priority == '\0' ||
		    strlen(priority) > 5 || strspn(priority, "0123456789") != strlen(priority))
			return false;
		fprintf(to, "%s MX %s %s.\n", text, priority, name_to_text(&mx, target));
		return true;
	}
	if (strcmp(type, "A") != 0 && strcmp(type, "AAAA") != 0 && *type != '\0')
		return false;
	if (inet_pton(strcmp(type, "AAAA") == 0 ? AF_INET6 : AF_INET, server, octets) != 1)
		return false;
	type = *type != '\0' ? type : "A";
	fprintf(to, "%s %s %s\n", text, type, server);
	if (all)
		fprintf(to, "*.%s %s %s\n", text, type, server);
	return true;
}

static const struct opnsense_item *find_host(const struct opnsense *opnsense, const char *uuid)
{
	for (size_t i = 0; i < opnsense->count; i++)
		if (opnsense->items[i].kind == OPNSENSE_HOST && opnsense->items[i].uuid != NULL &&
		    strcmp(opnsense->items[i].uuid, uuid) == 0)
			return &opnsense->items[i];
	return NULL;
}

/* What the alias does not say is as its host has it. */
static unsigned put_override(struct opnsense *opnsense, const struct opnsense_item *item, FILE *to)
{
	const struct opnsense_item *host = item->kind == OPNSENSE_HOST ? item :
		find_host(opnsense, opnsense_field(item, FIELD_HOST));
	const char *name = opnsense_field(item, FIELD_HOSTNAME), *domain = opnsense_field(item, FIELD_DOMAIN);

	if (!opnsense_is_on(item) || (host != NULL && !opnsense_is_on(host)))
		return 0;
	if (host != NULL && put_record(*name != '\0' ? name : opnsense_field(host, FIELD_HOSTNAME),
	    *domain != '\0' ? domain : opnsense_field(host, FIELD_DOMAIN), host, to))
		return 1;
	import_lost(opnsense->import, opnsense->path, item->line, "%s override %.100s.%.100s %.10s %.100s",
		item->kind == OPNSENSE_HOST ? "host" : "alias of a host", name, domain, opnsense_field(item, FIELD_RR),
		opnsense_field(item, FIELD_SERVER));
	return 0;
}

static int put_overrides(struct opnsense *opnsense)
{
	struct lines lines = { .to = NULL };
	unsigned count = 0;
	int code = 0;

	lines.to = open_memstream(&lines.text, &lines.length);
	if (lines.to == NULL)
		return no_memory(opnsense);
	fputs("$ORIGIN local-names.\n$TTL 300\n@ SOA localhost. root.localhost. 1 3600 600 86400 300\n@ NS localhost.\n",
		lines.to);
	for (size_t i = 0; i < opnsense->count; i++)
		if (opnsense->items[i].kind == OPNSENSE_HOST || opnsense->items[i].kind == OPNSENSE_ALIAS)
			count += put_override(opnsense, &opnsense->items[i], lines.to);
	if (fclose(lines.to) != 0)
		code = no_memory(opnsense);
	else if (count > 0)
		code = import_put_list(opnsense->import, "host-overrides", "rpz", lines.text, lines.length, false,
			opnsense->diag);
	free(lines.text);
	if (code != 1)
		return code;
	import_option(opnsense->import, "allow-wide", "yes");
	import_lost(opnsense->import, opnsense->path, 0,
		"addresses of host overrides to names (%u): local-data-ptr: of Unbound", count);
	return 0;
}

/* --- blocklists ------------------------------------------------------------------------------------------------- */

static void end_list(struct opnsense *opnsense, const struct opnsense_item *item, bool allows)
{
	const bool nxdomain = strcmp(opnsense_field(item, FIELD_NXDOMAIN), "1") == 0;
	const char *address = opnsense_field(item, FIELD_ADDRESS);
	char name[32];

	import_option(opnsense->import, "action", allows ? "pass" : nxdomain ? "nxdomain" : "sinkhole");
	if (!allows && !nxdomain)
		import_option(opnsense->import, "sinkhole-address", *address != '\0' ? address : "0.0.0.0");
	if (*opnsense_field(item, FIELD_SOURCE_NETS) == '\0')
		return;
	opnsense_name_policy(opnsense, opnsense_group_of(opnsense, item), "networks", name, sizeof(name));
	import_option(opnsense->import, "group", name);
}

/* OPNsense takes a pattern from the beginning of a name on, and to no end. */
static void put_allowed(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	char filter[FILTER_MAX], *ended = NULL;
	bool found = filter_of_regex(value, filter) || filter_of_name(value, COVER_NAME, filter);

	if (!found && asprintf(&ended, "%s$", value) >= 0) {
		found = filter_of_regex(ended, filter);
		free(ended);
		if (found)
			import_differs(opnsense->import, opnsense->path, item->line,
				"allowed %.400s: here up to the end of the name", value);
	}
	if (found)
		fprintf(to, "%s\n", filter);
	else
		opnsense_lost(opnsense, item, "allowed", value);
}

static void put_filter(struct opnsense *opnsense, const struct opnsense_item *item, const char *value,
	enum cover cover, FILE *to)
{
	char filter[FILTER_MAX];

	if (filter_of_name(value, cover, filter))
		fprintf(to, "%s\n", filter);
	else
		opnsense_lost(opnsense, item, "blocked", value);
}

static void put_blocked(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	put_filter(opnsense, item, value, COVER_NAME, to);
}

static void put_wildcard(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	put_filter(opnsense, item, value, COVER_BOTH, to);
}

static void put_url(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	(void)to;
	if (!import_fetched_list(opnsense->import, "blocklist", value, false, opnsense->path, item->line))
		return;
	import_option(opnsense->import, "subdomains", "no");
	end_list(opnsense, item, false);
}

/* OPNsense knows the addresses of its own lists; they change with its releases. */
static void put_type(struct opnsense *opnsense, const struct opnsense_item *item, const char *value, FILE *to)
{
	char name[IMPORT_NAME_MAX + 1], from[256];

	(void)to;
	snprintf(name, sizeof(name), "blocklist-%.40s", value);
	snprintf(from, sizeof(from), "OPNsense's list `%.40s`: its address is in blocklists.conf of that release", value);
	if (!import_fetched_list(opnsense->import, name, from, false, opnsense->path, item->line))
		return;
	import_option(opnsense->import, "subdomains", "no");
	end_list(opnsense, item, false);
}

static int put_names(struct opnsense *opnsense, const struct opnsense_item *item, bool allows)
{
	struct lines lines = { .to = NULL };
	char name[32];
	int code;

	lines.to = open_memstream(&lines.text, &lines.length);
	if (lines.to == NULL)
		return no_memory(opnsense);
	if (allows) {
		opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_ALLOWED), lines.to, put_allowed);
	} else {
		opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_BLOCKLISTS), lines.to, put_blocked);
		opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_WILDCARDS), lines.to, put_wildcard);
	}
	if (fclose(lines.to) != 0)
		code = no_memory(opnsense);
	else {
		opnsense_name_policy(opnsense, item, allows ? "allowed" : "blocked", name, sizeof(name));
		code = import_put_list(opnsense->import, name, "adblock", lines.text, lines.length, false, opnsense->diag);
	}
	free(lines.text);
	if (code != 1)
		return code;
	import_option(opnsense->import, "allow-wide", "yes");
	end_list(opnsense, item, allows);
	return 0;
}

static int put_policy(struct opnsense *opnsense, const struct opnsense_item *item)
{
	if (*opnsense_field(item, FIELD_SOURCE_NETS) != '\0' && opnsense_group_of(opnsense, item) == NULL) {
		opnsense_lost(opnsense, item, "a policy without a network of its own:", opnsense_field(item, FIELD_SOURCE_NETS));
		return 0;
	}
	if (strcmp(opnsense_field(item, FIELD_SAFESEARCH), "1") == 0)
		opnsense_lost(opnsense, item, "safesearch", "");
	if (put_names(opnsense, item, true) != 0 || put_names(opnsense, item, false) != 0)
		return -1;
	opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_LISTS), NULL, put_url);
	opnsense_each_value(opnsense, item, opnsense_field(item, FIELD_TYPE), NULL, put_type);
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static int put_all(struct opnsense *opnsense)
{
	if (!opnsense->has_unbound)
		import_lost(opnsense->import, opnsense->path, 0, "there is no Unbound in it");
	for (size_t i = 0; i < opnsense->count; i++)
		if (opnsense->items[i].kind == OPNSENSE_BLOCKLIST && opnsense_is_on(&opnsense->items[i]))
			opnsense_put_group(opnsense, &opnsense->items[i]);
	if (put_overrides(opnsense) != 0)
		return -1;
	if (opnsense->old_line > 0)
		import_lost(opnsense->import, opnsense->path, opnsense->old_line, "host overrides as before 22.1, below <unbound>: have "
			"a newer OPNsense write config.xml");
	for (size_t i = 0; i < opnsense->count; i++) {
		const struct opnsense_item *item = &opnsense->items[i];

		if (item->kind == OPNSENSE_ACL && opnsense_is_on(item))
			import_lost(opnsense->import, opnsense->path, item->line,
				"access list %.60s (%.40s %.300s): access-control: of Unbound", opnsense_field(item, FIELD_NAME),
				opnsense_field(item, FIELD_ACTION), opnsense_field(item, FIELD_NETWORKS));
		if (item->kind == OPNSENSE_BLOCKLIST && opnsense_is_on(item) && put_policy(opnsense, item) != 0)
			return -1;
	}
	return 0;
}

int import_opnsense(struct import *import, const char *path, struct diag *diag)
{
	struct opnsense opnsense = { .import = import, .diag = diag, .path = path };
	int code = opnsense_read(&opnsense);

	if (code == 0)
		code = put_all(&opnsense);
	for (size_t i = 0; i < opnsense.count; i++) {
		free(opnsense.items[i].uuid);
		for (unsigned j = 0; j < FIELD_COUNT; j++)
			free(opnsense.items[i].fields[j]);
	}
	free(opnsense.items);
	return code;
}
