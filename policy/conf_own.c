/* conf_own.c: the configuration as an object: what a whole list needs, who frees it, whose paths they are. */
#include "policy/conf_table.h"

#include <stdlib.h>

const char *const format_names[FORMAT_COUNT] = {
	[FORMAT_DOMAINS] = "domains",
	[FORMAT_HOSTS] = "hosts",
	[FORMAT_WILDCARD] = "wildcard",
	[FORMAT_RPZ] = "rpz",
};

const char *list_conf_wrong(const struct list_conf *list, bool has_format)
{
	if (*list->name == '\0')
		return "has no `name:`: add one, frames and logs tell lists by it";
	if (list->file == NULL)
		return "has no `file:`: add the path of the list";
	if (!has_format)
		return "has no `format:`: add domains, hosts, wildcard or rpz";
	if (list->action == ACTION_SINKHOLE && list->sinkhole_count == 0)
		return "has `action: sinkhole` but no `sinkhole-address:`: add one, or several";
	if (list->action != ACTION_SINKHOLE && list->sinkhole_count > 0)
		return "has a `sinkhole-address:` that nothing uses: add `action: sinkhole`, or remove it";
	if (list->action == ACTION_LOCAL_DATA && list->format != FORMAT_RPZ)
		return "has `action: local-data`, but only an rpz list holds data: "
			"use `action: sinkhole`, or `format: rpz`";
	if (list->action == ACTION_LOCAL_DATA)
		return "has `action: local-data`: remove the line, an rpz list's rules bring their own data";
	if (list->zone.length > 0 && list->format != FORMAT_RPZ)
		return "has a `zone:`, which is for `format: rpz` alone: remove it";
	return NULL;
}

void conf_destroy(struct conf **conf)
{
	size_t i;

	if (*conf == NULL)
		return;
	for (i = 0; i < (*conf)->list_count; i++)
		free((*conf)->lists[i].file);
	free((*conf)->lists);
	free((*conf)->path);
	free((*conf)->identity);
	free((*conf)->state_directory);
	free((*conf)->dnstap.socket_path);
	free((*conf)->dnstap.file);
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

int conf_translate_paths(struct conf *conf, char *(*translate)(void *arg, const char *path), void *arg)
{
	int result = translate_path(&conf->state_directory, translate, arg);
	size_t i;

	if (result == 0)
		result = translate_path(&conf->dnstap.socket_path, translate, arg);
	if (result == 0)
		result = translate_path(&conf->dnstap.file, translate, arg);
	for (i = 0; result == 0 && i < conf->list_count; i++)
		result = translate_path(&conf->lists[i].file, translate, arg);
	return result;
}
