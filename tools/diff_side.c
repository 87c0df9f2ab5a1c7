/* diff_side.c: loads both sides. */
#include "tools/diff_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/conf_table.h"

#define LOOK_OCTETS 65536
#define WORD_OCTETS 16

/* The first word that is no comment. */
static bool begins_with_clause(FILE *from)
{
	char word[WORD_OCTETS] = "";
	size_t used = 0, seen = 0;
	bool comment = false;
	int octet;

	while ((octet = getc(from)) != EOF && seen++ < LOOK_OCTETS && used < sizeof(word) - 1) {
		if (octet == '#' && used == 0)
			comment = true;
		if (!comment && octet > ' ') {
			word[used++] = (char)octet;
			if (octet == ':')
				break;
		} else if (!comment && used > 0) {
			break;
		}
		if (octet == '\n')
			comment = false;
	}
	if (used == 0 || word[used - 1] != ':')
		return false;
	word[used - 1] = '\0';
	for (int i = 0; i < CLAUSE_COUNT; i++)
		if (strcmp(word, clause_names[i]) == 0)
			return true;
	return strcmp(word, "include") == 0;
}

static int is_conf(const char *path, bool *conf, struct diag *diag)
{
	FILE *from = fopen(path, "re");

	if (from == NULL)
		return diag_set(diag, path, 0, 0, "%m");
	*conf = begins_with_clause(from);
	fclose(from);
	return 0;
}

/* A configuration with that list alone. Its parser sets the defaults, so it gets text. */
static struct conf *conf_of_list(const char *path, struct diag *diag)
{
	const int fd = memfd_create("verdict.conf", MFD_CLOEXEC);
	char *whole = realpath(path, NULL), source[32];
	struct conf *conf = NULL;

	if (fd < 0 || whole == NULL)
		diag_set(diag, path, 0, 0, "%m");
	else if (strpbrk(whole, "\"\n") != NULL)
		diag_set(diag, path, 0, 0, "a path with a quote or a line feed: rename it");
	else if (dprintf(fd, "policy-list:\n name: list\n file: \"%s\"\n", whole) < 0)
		diag_set(diag, path, 0, 0, "%m");
	else {
		snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
		conf = conf_load(source, diag);
	}
	free(whole);
	if (fd >= 0)
		close(fd);
	return conf;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static struct list_conf *find_list(struct conf *conf, const char *path, const char *name)
{
	struct list_conf *found = NULL;

	for (size_t i = 0; i < conf->list_count; i++) {
		struct list_conf *list = &conf->lists[i];

		if (name != NULL ? strcmp(list->name, name) != 0 : strcmp(last_part(list->file), last_part(path)) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = list;
	}
	return found == NULL && name == NULL && conf->list_count == 1 ? conf->lists : found;
}

static struct conf *conf_with_list(const char *path, const char *list_path, const char *name, struct diag *diag)
{
	struct conf *conf = conf_load(path, diag);
	struct list_conf *list = conf == NULL ? NULL : find_list(conf, list_path, name);
	char *file = list == NULL ? NULL : strdup(list_path);

	if (conf == NULL)
		return NULL;
	if (file == NULL) {
		if (name != NULL)
			diag_set(diag, path, 0, 0, "has no policy-list: %.64s", name);
		else
			diag_set(diag, path, 0, 0, "which of its lists is %.200s to replace? Say so with --list NAME", list_path);
		conf_destroy(&conf);
		return NULL;
	}
	free(list->file);
	list->file = file;
	return conf;
}

int diff_sides_load(struct diff_sides *sides, const char *before, const char *after, const char *list,
	struct diag *diag)
{
	struct diff_sides found = { NULL, NULL };
	bool old_conf, new_conf;

	if (is_conf(before, &old_conf, diag) != 0 || is_conf(after, &new_conf, diag) != 0)
		return -1;
	if (list != NULL && old_conf == new_conf)
		return diag_set(diag, before, 0, 0, "--list is for a configuration and a list");
	found.before = old_conf ? conf_load(before, diag) : new_conf ? conf_with_list(after, before, list, diag) :
		conf_of_list(before, diag);
	if (found.before != NULL)
		found.after = new_conf ? conf_load(after, diag) : old_conf ? conf_with_list(before, after, list, diag) :
			conf_of_list(after, diag);
	if (found.after == NULL) {
		diff_sides_fini(&found);
		return -1;
	}
	*sides = found;
	return 0;
}

void diff_sides_fini(struct diff_sides *sides)
{
	conf_destroy(&sides->before);
	conf_destroy(&sides->after);
}
