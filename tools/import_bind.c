/*
 * import_bind.c: response-policy of named.conf as lists.
 *
 * BIND's defaults are not ours, so every option is written out. A zone's file is used where it lies: it is read as
 * BIND reads it.
 */
#include "tools/import_bind.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct policy_row {
	const char *bind, *key, *value;
};

static const struct policy_row policy_rows[] = {
	{ "given", NULL, NULL }, { "disabled", "shadow", "yes" }, { "passthru", "action", "pass" },
	{ "no-op", "action", "pass" }, { "drop", "action", "drop" }, { "tcp-only", "action", "truncate" },
	{ "nxdomain", "action", "nxdomain" }, { "nodata", "action", "nodata" },
};
#define POLICY_ROWS (sizeof(policy_rows) / sizeof(policy_rows[0]))

/* With or without the last dot. */
static bool is_same_name(const char *a, const char *b)
{
	const size_t of_a = strlen(a), of_b = strlen(b);
	const size_t length = of_a > 0 && a[of_a - 1] == '.' ? of_a - 1 : of_a;

	return length == (of_b > 0 && b[of_b - 1] == '.' ? of_b - 1 : of_b) && strncasecmp(a, b, length) == 0;
}

static bool is_text(const struct bind *bind, const struct zone *zone)
{
	const int format = zone->format != FORMAT_UNSAID ? (int)zone->format : bind->format;

	return format == FORMAT_TEXT || (format == FORMAT_UNSAID && !zone->copied);
}

/* What options say holds for views that have no response-policy of their own. */
static bool is_replaced(const struct bind *bind, const struct policy_zone *policy)
{
	bool own = false;

	for (unsigned i = 0; i < bind->policy_count; i++)
		own |= bind->policies[i].view != 0;
	return policy->view == 0 && bind->view_count == 1 && own;
}

static const struct zone *find_zone(const struct bind *bind, const struct policy_zone *policy)
{
	for (unsigned i = 0; i < bind->zone_count; i++)
		if ((policy->view == 0 || bind->zones[i].view == policy->view || bind->zones[i].view == 0) &&
		    is_same_name(bind->zones[i].name, policy->name))
			return &bind->zones[i];
	return NULL;
}

static char *zone_path(const struct bind *bind, const struct policy_zone *policy, const char *file)
{
	char *path = NULL;

	if (*file == '/' || bind->directory == NULL)
		return import_path(policy->path, file);
	return asprintf(&path, "%s/%s", bind->directory, file) < 0 ? NULL : path;
}

static void put_policy(struct bind *bind, const struct policy_zone *policy)
{
	struct import *import = bind->import;

	if (policy->policy == NULL)
		return;
	if (policy->cname != NULL) {
		const bool root = strcmp(policy->cname, ".") == 0, below = strcmp(policy->cname, "*.") == 0;

		import_option(import, "action", root ? "nxdomain" : below ? "nodata" : "sinkhole");
		if (!root && !below)
			import_option(import, "sinkhole-name", policy->cname);
		return;
	}
	for (size_t i = 0; i < POLICY_ROWS; i++)
		if (strcasecmp(policy_rows[i].bind, policy->policy) == 0) {
			if (policy_rows[i].key != NULL)
				import_option(import, policy_rows[i].key, policy_rows[i].value);
			return;
		}
	import_lost(import, policy->path, policy->line, "policy %s", policy->policy);
}

static int put_list(struct bind *bind, const struct policy_zone *policy)
{
	struct import *import = bind->import;
	const struct zone *zone = find_zone(bind, policy);
	const bool usable = zone != NULL && zone->file != NULL && is_text(bind, zone);
	char *path = NULL;

	if (!import_list(import, policy->name, !usable, policy->path, policy->line))
		return 0;
	if (zone == NULL || zone->file == NULL)
		import_lost(import, policy->path, policy->line, "zone %s has no file here: write it to one", policy->name);
	else if (!usable)
		import_lost(import, policy->path, policy->line,
			"zone %s has a raw file (masterfile-format): have it written as text", policy->name);
	if (zone != NULL && zone->file != NULL) {
		path = zone_path(bind, policy, zone->file);
		if (path == NULL)
			return diag_set(bind->diag, policy->path, policy->line, 0, "out of memory");
		import_file(import, path);
		free(path);
	}
	import_option(import, "format", "rpz");
	import_option(import, "zone", policy->name);
	put_policy(bind, policy);
	if (policy->ede != NULL)
		import_option(import, "ede", policy->ede);
	for (size_t i = 0; i < BIND_OPTIONS; i++)
		if (policy->values[i][0] != '\0' && strcmp(policy->values[i], bind->values[i]) != 0)
			import_lost(import, policy->path, policy->line, "%s %s of one zone: here it is for all",
				bind_options[i].bind, policy->values[i]);
	if (policy->quiet)
		import_lost(import, policy->path, policy->line, "log no: what is denied is always told");
	return 0;
}

static int put_all(struct bind *bind)
{
	import_clause(bind->import, "verdict");
	for (size_t i = 0; i < BIND_OPTIONS; i++)
		import_option(bind->import, bind_options[i].ours, bind->values[i]);
	for (unsigned i = 0; i < bind->policy_count; i++)
		if (!is_replaced(bind, &bind->policies[i]) && put_list(bind, &bind->policies[i]) != 0)
			return -1;
	if (bind->policy_count == 0)
		import_lost(bind->import, bind->token.file, bind->token.line, "there is no response-policy");
	return 0;
}

static void bind_fini(struct bind *bind)
{
	for (unsigned i = 0; i < bind->zone_count; i++) {
		free(bind->zones[i].name);
		free(bind->zones[i].file);
	}
	free(bind->zones);
	for (unsigned i = 0; i < bind->policy_count; i++) {
		free(bind->policies[i].name);
		free(bind->policies[i].policy);
		free(bind->policies[i].cname);
		free(bind->policies[i].ede);
	}
	free(bind->directory);
	named_lex_close(&bind->lex);
}

int import_bind(struct import *import, const char *path, struct diag *diag)
{
	struct bind *bind = calloc(1, sizeof(*bind));
	int code = -1;

	if (bind == NULL)
		return diag_set(diag, path, 0, 0, "out of memory");
	bind->import = import;
	bind->diag = diag;
	if (bind_read(bind, path) == 0)
		code = put_all(bind);
	bind_fini(bind);
	free(bind);
	return code;
}
