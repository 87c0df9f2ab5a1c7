/*
 * import_unbound.c: what unbound.conf(5) says of names, addresses and clients, as lists and groups.
 *
 * Clients with tags become groups. Unbound asks local zones first, then rpz, then response-ip, and so do the lists.
 */
#include "tools/import_unbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/import_network.h"

int unbound_no_memory(struct unbound *unbound)
{
	return diag_set(unbound->diag, unbound->path, unbound->line, 0, "out of memory");
}

bool unbound_is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcasecmp(*words, word) == 0)
			return true;
	return false;
}

void unbound_name_group(const struct unbound *unbound, uint64_t tags, char *to, size_t cap)
{
	size_t used = (size_t)snprintf(to, cap, tags != 0 ? "tags" : "no-tags");

	for (unsigned i = 0; i < unbound->tag_count && used < cap; i++)
		if (tags >> i & 1)
			used += (size_t)snprintf(to + used, cap - used, "-%s", unbound->tags[i]);
}

/* Is an equal set of tags further up, among the clients? */
static bool is_repeated(const struct unbound *unbound, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (unbound->entries[i].kind == KIND_CLIENT && unbound->entries[i].tags == unbound->entries[at].tags)
			return true;
	return false;
}

/* Is there something else to say of this network, or nothing that could be said here? */
static bool is_needless(struct unbound *unbound, const struct entry *client)
{
	struct network network, other;
	bool inside = false;

	if (!import_read_network(client->text, &network)) {
		if (client->tags != 0)
			import_lost(unbound->import, client->path, client->line, "access-control-tag: %.100s", client->text);
		return true;
	}
	for (const struct entry *at = unbound->entries; at < unbound->entries + unbound->count; at++) {
		if (at == client || at->kind != KIND_CLIENT || !import_read_network(at->text, &other) || !import_is_inside(&network, &other))
			continue;
		inside |= at->tags != 0;
		if (network.prefix_length != other.prefix_length || (client->tags != 0 && (at->tags == 0 || at < client)))
			continue;
		if (client->tags != 0 && client->tags != at->tags)
			import_lost(unbound->import, client->path, client->line, "access-control-tag: %.100s, which has others further "
				"down", client->text);
		if (client->tags != 0 || at->tags != 0 || at > client)
			return true;
	}
	return client->tags == 0 && !inside;
}

/* In Unbound the longest network says which tags a client has, also one that has none. */
static void drop_needless_clients(struct unbound *unbound)
{
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_CLIENT && is_needless(unbound, &unbound->entries[i]))
			unbound->entries[i].kind = KIND_GONE;
}

static void put_groups(struct unbound *unbound)
{
	char name[IMPORT_NAME_MAX + 1];

	for (size_t i = 0; i < unbound->count; i++) {
		const struct entry *client = &unbound->entries[i];

		if (client->kind != KIND_CLIENT || is_repeated(unbound, i))
			continue;
		import_clause(unbound->import, "client-group");
		unbound_name_group(unbound, client->tags, name, sizeof(name));
		import_option(unbound->import, "name", name);
		for (size_t j = i; j < unbound->count; j++)
			if (unbound->entries[j].kind == KIND_CLIENT && unbound->entries[j].tags == client->tags)
				import_option(unbound->import, "network", unbound->entries[j].text);
	}
}

bool unbound_put_served(struct unbound *unbound, uint64_t tags, bool write)
{
	char name[IMPORT_NAME_MAX + 1];
	bool any = tags == 0;

	for (size_t i = 0; i < unbound->count && tags != 0; i++) {
		const struct entry *client = &unbound->entries[i];

		if (client->kind != KIND_CLIENT || (client->tags & tags) == 0 || is_repeated(unbound, i))
			continue;
		any = true;
		unbound_name_group(unbound, client->tags, name, sizeof(name));
		if (write)
			import_option(unbound->import, "group", name);
	}
	return any;
}

static int put_rpz(struct unbound *unbound, const struct entry *rpz)
{
	static const char *const same[] = { "nxdomain", "nodata", "drop", NULL };
	struct import *import = unbound->import;
	const char *action = rpz->action != NULL ? rpz->action : "";
	char *path = NULL;

	if (!import_list(import, rpz->text, rpz->zonefile == NULL || !unbound_put_served(unbound, rpz->tags, false), rpz->path,
	    rpz->line))
		return 0;
	if (rpz->zonefile == NULL)
		import_lost(import, rpz->path, rpz->line, "rpz %s has no zonefile: have it written to one", rpz->text);
	else if (unbound->directory == NULL || rpz->zonefile[0] == '/')
		path = import_path(rpz->path, rpz->zonefile);
	else if (asprintf(&path, "%s/%s", unbound->directory, rpz->zonefile) < 0)
		path = NULL;
	if (rpz->zonefile != NULL && path == NULL)
		return unbound_no_memory(unbound);
	if (path != NULL)
		import_file(import, path);
	free(path);
	import_option(import, "format", "rpz");
	import_option(import, "zone", rpz->text);
	unbound_put_served(unbound, rpz->tags, true);
	if (strcasecmp(action, "disabled") == 0)
		import_option(import, "shadow", "yes");
	else if (strcasecmp(action, "passthru") == 0)
		import_option(import, "action", "pass");
	else if (strcasecmp(action, "cname") == 0 && rpz->data != NULL) {
		import_option(import, "action", "sinkhole");
		import_option(import, "sinkhole-name", rpz->data);
	} else if (unbound_is_one_of(action, same))
		import_option(import, "action", action);
	else if (*action != '\0')
		import_lost(import, rpz->path, rpz->line, "rpz-action-override: %s", action);
	return 0;
}

static int put_all(struct unbound *unbound)
{
	drop_needless_clients(unbound);
	put_groups(unbound);
	if (unbound_put_zones(unbound) != 0)
		return -1;
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_RPZ && put_rpz(unbound, &unbound->entries[i]) != 0)
			return -1;
	return unbound_put_addresses(unbound);
}

static void unbound_fini(struct unbound *unbound)
{
	for (size_t i = 0; i < unbound->count; i++) {
		free(unbound->entries[i].text);
		free(unbound->entries[i].action);
		free(unbound->entries[i].data);
		free(unbound->entries[i].zonefile);
	}
	free(unbound->entries);
	free(unbound->zones);
	for (unsigned i = 0; i < unbound->tag_count; i++)
		free(unbound->tags[i]);
	for (unsigned i = 0; i < unbound->path_count; i++)
		free(unbound->paths[i]);
	free(unbound->paths);
	free(unbound->directory);
}

int import_unbound(struct import *import, const char *path, struct diag *diag)
{
	struct unbound unbound = { .import = import, .diag = diag, .path = path };
	int code = unbound_read(&unbound, path);

	if (code == 0)
		code = put_all(&unbound);
	unbound_fini(&unbound);
	return code;
}
