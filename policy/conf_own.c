/* conf_own.c: the configuration as an object: what a whole list needs, who frees it, whose paths they are. */
#include "policy/conf_table.h"

#include <stdlib.h>
#include <string.h>

const char *const format_names[FORMAT_COUNT] = {
	[FORMAT_DOMAINS] = "domains",
	[FORMAT_HOSTS] = "hosts",
	[FORMAT_WILDCARD] = "wildcard",
	[FORMAT_RPZ] = "rpz",
	[FORMAT_ADBLOCK] = "adblock",
	[FORMAT_DNSMASQ] = "dnsmasq",
	[FORMAT_UNBOUND] = "unbound-local-zone",
	[FORMAT_CIDR] = "cidr",
	[FORMAT_CSV] = "csv",
	[FORMAT_DETECT] = "detect",
};

bool format_has_actions(enum list_format format)
{
	return format == FORMAT_RPZ || format == FORMAT_DNSMASQ || format == FORMAT_UNBOUND ||
		format == FORMAT_DETECT;
}

static bool has_address_trigger(const struct list_conf *list)
{
	return list->trigger == TRIGGER_IP || list->trigger == TRIGGER_CLIENT_IP || list->trigger == TRIGGER_NSIP;
}

/* Records are altered once, for all who get them from the cache. */
static const char *https_wrong(const struct list_conf *list)
{
	if (list->https == HTTPS_BLOCK)
		return "has `https: block`: write `qtype: \"HTTPS SVCB\"` and `action: nodata` instead";
	if (list->https != HTTPS_PASS && list->action != ACTION_OBSERVE)
		return "has `https:`, which goes with `action: observe` alone: what else is to be done is another list's";
	if (list->https != HTTPS_PASS && list->group_count > 0)
		return "has `https:` and `group:`, but records are altered for all clients: remove one of them";
	if (list->https != HTTPS_PASS && list->trigger != TRIGGER_NONE && list->trigger != TRIGGER_QNAME)
		return "has `https:`, which needs `trigger: qname`: remove one of them";
	return NULL;
}

static const char *trait_wrong(const struct list_conf *list)
{
	if (list->trait == TRAIT_NONE)
		return NULL;
	if (list->action != ACTION_ALLOW && list->action != ACTION_OBSERVE)
		return "has `enrich:` and an `action:`, but a list that enriches never decides: remove one of them";
	if (list->shadow || list->https != HTTPS_PASS)
		return "has `enrich:`, which goes with neither `shadow:` nor `https:`: remove them";
	if (list->trigger != TRIGGER_NONE && list->trigger != TRIGGER_QNAME)
		return "has `enrich:`, which needs `trigger: qname`: remove one of them";
	return NULL;
}

/* What `trigger:`, `column:` and `expire:` say that the format cannot do. */
static const char *extras_wrong(const struct list_conf *list)
{
	const enum list_format format = list->format;

	if (list->expire == EXPIRE_WITHDRAW && format != FORMAT_RPZ && format != FORMAT_DETECT)
		return "has `expire: withdraw`, but only an rpz list says in its SOA when it expires: remove it";
	if (*list->column != '\0' && format != FORMAT_CSV && format != FORMAT_DETECT)
		return "has a `column:`, which is for `format: csv` alone: remove it";
	if (list->trigger == TRIGGER_NONE || format == FORMAT_CSV || format == FORMAT_DETECT)
		return NULL;
	if (format == FORMAT_RPZ)
		return "has a `trigger:`, but the owners of an rpz list say what triggers them: remove it";
	if (format == FORMAT_CIDR && !has_address_trigger(list))
		return "holds addresses, but its `trigger:` is about names: use ip, client-ip or nsip";
	if (format != FORMAT_CIDR && has_address_trigger(list))
		return "holds names, but its `trigger:` is about addresses: use qname or nsdname";
	return NULL;
}

const char *list_conf_wrong(const struct list_conf *list)
{
	if (*list->name == '\0')
		return "has no `name:`: add one, frames and logs tell lists by it";
	if (list->file == NULL)
		return "has no `file:`: add the path of the list";
	if (list->action == ACTION_SINKHOLE && list->sinkhole_count == 0 && list->sinkhole_name.length == 0)
		return "has `action: sinkhole` but no `sinkhole-address:`: add one, or several, or a `sinkhole-name:`";
	if (list->sinkhole_count > 0 && list->sinkhole_name.length > 0)
		return "has `sinkhole-address:` and `sinkhole-name:`: remove one of them";
	if (list->action != ACTION_SINKHOLE && list->sinkhole_name.length > 0)
		return "has a `sinkhole-name:` that nothing uses: add `action: sinkhole`, or remove it";
	if (list->action != ACTION_SINKHOLE && list->sinkhole_count > 0)
		return "has a `sinkhole-address:` that nothing uses: add `action: sinkhole`, or remove it";
	if (list->action == ACTION_LOCAL_DATA && !format_has_actions(list->format))
		return "has `action: local-data`, but only an rpz list holds data: "
			"use `action: sinkhole`, or `format: rpz`";
	if (list->action == ACTION_LOCAL_DATA)
		return "has `action: local-data`: remove the line, an rpz list's rules bring their own data";
	if (list->zone.length > 0 && list->format != FORMAT_RPZ && list->format != FORMAT_DETECT)
		return "has a `zone:`, which is for `format: rpz` alone: remove it";
	if (trait_wrong(list) != NULL)
		return trait_wrong(list);
	return https_wrong(list) != NULL ? https_wrong(list) : extras_wrong(list);
}

const char *inventory_conf_wrong(const struct inventory_conf *inventory)
{
	if (inventory->zone.length == 0)
		return "has no `zone:`: add the zone that known name servers alone may serve";
	if (inventory->zone.labels == 0)
		return "has the root as its `zone:`, which nobody but its own servers serves: name a zone below it";
	if (inventory->server_count == 0 && inventory->network_count == 0)
		return "has neither `name-server:` nor `network:`: say who may serve the zone";
	return NULL;
}

const char *target_conf_wrong(const struct target_conf *target)
{
	const bool has_address = target->address.address.family != ADDRESS_NONE;
	const unsigned places = (target->socket_path != NULL) + has_address + (target->file != NULL);
	const unsigned bits = target->address.address.family == ADDRESS_INET ? 32 : 128;

	if (*target->name == '\0')
		return "has no `name:`: add one, status and logs tell targets by it";
	if (strcmp(target->name, "socket") == 0 || strcmp(target->name, "file") == 0)
		return "has a name that `dnstap:` itself uses: choose another one";
	if (places != 1)
		return "wants exactly one of `socket-path:`, `address:` and `file:`";
	if (has_address && (target->address.address.port == 0 || target->address.prefix_length != bits))
		return "has an `address:` that is not one address and a port: write it as 192.0.2.1@6000";
	if (target->tls && !has_address)
		return "has `tls: yes`, which wants an `address:`";
	if (!target->tls && (target->tls_name != NULL || target->tls_ca_file != NULL || target->tls_certificate != NULL))
		return "has options of TLS that nothing uses: add `tls: yes`, or remove them";
	if (target->tls_key != NULL && target->tls_certificate == NULL)
		return "has a `tls-key:` without a `tls-certificate:`";
	if (target->file == NULL && (target->rotate_octets > 0 || target->rotate_interval > 0))
		return "has options of rotation, which want a `file:`";
	return NULL;
}

static void live_fini(struct live_conf *live)
{
	size_t i;

	for (i = 0; i < live->control_user_count; i++)
		free(live->control_users[i]);
	free(live->control_users);
	free(live->control_socket);
	free(live->compiled_policy);
	free(live->protected);
	free(live->denial_log);
}

static void lists_fini(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->list_count; i++) {
		free(conf->lists[i].file);
		free(conf->lists[i].groups);
	}
	free(conf->lists);
}

static void groups_fini(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->group_count; i++) {
		free(conf->groups[i].networks);
		free(conf->groups[i].interfaces);
	}
	free(conf->groups);
}

static void inventories_fini(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->inventory_count; i++) {
		free(conf->inventories[i].servers);
		free(conf->inventories[i].networks);
	}
	free(conf->inventories);
}

static void targets_fini(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->target_count; i++) {
		free(conf->targets[i].socket_path);
		free(conf->targets[i].tls_name);
		free(conf->targets[i].tls_ca_file);
		free(conf->targets[i].tls_certificate);
		free(conf->targets[i].tls_key);
		free(conf->targets[i].file);
	}
	free(conf->targets);
}

static void sources_fini(struct conf *conf)
{
	for (size_t i = 0; i < conf->source_count; i++)
		free(conf->sources[i]);
	free(conf->sources);
}

void conf_destroy(struct conf **conf)
{
	if (*conf == NULL)
		return;
	live_fini(&(*conf)->live);
	sources_fini(*conf);
	lists_fini(*conf);
	groups_fini(*conf);
	targets_fini(*conf);
	inventories_fini(*conf);
	free((*conf)->path);
	free((*conf)->identity);
	free((*conf)->state_directory);
	free((*conf)->dnstap.socket_path);
	free((*conf)->dnstap.file);
	free((*conf)->detection.suffixes);
	free(*conf);
	*conf = NULL;
}

static int translate_path(char **path, char *(*translate)(void *arg, const char *path), void *arg)
{
	char *other;

	if (*path == NULL)
		return 0;
	other = translate(arg, *path);
	if (other == NULL)
		return -1;
	free(*path);
	*path = other;
	return 0;
}

static int translate_target(struct target_conf *target, char *(*translate)(void *arg, const char *path), void *arg)
{
	char **paths[] = { &target->socket_path, &target->tls_ca_file, &target->tls_certificate, &target->tls_key,
		&target->file };
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (translate_path(paths[i], translate, arg) != 0)
			return -1;
	return 0;
}

int conf_translate_paths(struct conf *conf, char *(*translate)(void *arg, const char *path), void *arg)
{
	int result = translate_path(&conf->state_directory, translate, arg);
	size_t i;

	if (result == 0)
		result = translate_path(&conf->dnstap.socket_path, translate, arg);
	if (result == 0)
		result = translate_path(&conf->dnstap.file, translate, arg);
	if (result == 0)
		result = translate_path(&conf->detection.suffixes, translate, arg);
	if (result == 0)
		result = translate_path(&conf->live.control_socket, translate, arg);
	if (result == 0)
		result = translate_path(&conf->live.compiled_policy, translate, arg);
	if (result == 0 && conf->live.denial_log != NULL && strcmp(conf->live.denial_log, "syslog") != 0)
		result = translate_path(&conf->live.denial_log, translate, arg);
	for (i = 0; result == 0 && i < conf->list_count; i++)
		result = translate_path(&conf->lists[i].file, translate, arg);
	for (i = 0; result == 0 && i < conf->target_count; i++)
		result = translate_target(&conf->targets[i], translate, arg);
	return result;
}
