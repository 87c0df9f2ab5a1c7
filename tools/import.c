/* import.c: the clauses of a verdict.conf that is made from something else. */
#include "tools/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/term.h"

#define TEXT_MAX 512

const struct import_source import_sources[] = {
	{ "bind", "named.conf of BIND: response-policy", import_bind },
	{ "unbound", "unbound.conf: local-zone, local-data, tags, rpz, response-ip", import_unbound },
	{ NULL, NULL, NULL },
};

void import_lost(struct import *import, const char *file, unsigned line, const char *format, ...)
{
	char text[TEXT_MAX], safe[2 * TEXT_MAX], safe_file[2 * TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	term_escape(safe, sizeof(safe), text, strlen(text));
	term_escape(safe_file, sizeof(safe_file), file, strlen(file));
	import->lost++;
	fprintf(import->conf, "# NO EQUAL: %s:%u: %s\n", safe_file, line, safe);
	if (import->complaints != NULL)
		fprintf(import->complaints, "verdictctl: %s:%u: no equal: %s\n", safe_file, line, safe);
}

void import_clause(struct import *import, const char *clause)
{
	import->off = false;
	fprintf(import->conf, "\n%s:\n", clause);
}

static bool is_taken(const struct import *import, const char *name)
{
	for (unsigned i = 0; i < import->name_count; i++)
		if (strcmp(import->names[i], name) == 0)
			return true;
	return false;
}

/* Room is kept for a number. */
static void make_name(const struct import *import, const char *wanted, char to[static IMPORT_NAME_MAX + 1])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	char stem[IMPORT_NAME_MAX - 7];
	size_t length = 0;

	for (; *wanted != '\0' && length < sizeof(stem) - 1; wanted++)
		stem[length++] = strchr(allowed, *wanted) != NULL ? *wanted : '-';
	stem[length] = '\0';
	snprintf(to, IMPORT_NAME_MAX + 1, "%s", length > 0 ? stem : "list");
	for (unsigned number = 2; is_taken(import, to); number++)
		snprintf(to, IMPORT_NAME_MAX + 1, "%s-%u", length > 0 ? stem : "list", number);
}

bool import_list(struct import *import, const char *wanted, bool off, const char *file, unsigned line)
{
	char *name;

	if (import->name_count == IMPORT_LISTS_MAX) {
		import_lost(import, file, line, "more than %d lists", IMPORT_LISTS_MAX);
		return false;
	}
	name = import->names[import->name_count];
	make_name(import, wanted, name);
	import->name_count++;
	import->lists += !off;
	import->off = off;
	fprintf(import->conf, "\n%spolicy-list:\n", off ? "# " : "");
	import_option(import, "name", name);
	return true;
}

void import_option(struct import *import, const char *key, const char *value)
{
	const char quote = strchr(value, '"') == NULL ? '"' : '\'';

	if (!term_is_clean(value, strlen(value)) || strchr(value, quote) != NULL || *value == '\0') {
		import_lost(import, key, 0, "a value that cannot be written: %s", value);
		return;
	}
	fprintf(import->conf, "%s\t%s: %c%s%c\n", import->off ? "#" : "", key, quote, value, quote);
}

FILE *import_make_list(struct import *import, const char *name, char **path, struct diag *diag)
{
	FILE *file;

	if (import->folder == NULL) {
		diag_set(diag, name, 0, 0, "has to be made: give a folder for it with --lists");
		return NULL;
	}
	if (asprintf(path, "%s/%s", import->folder, name) < 0) {
		diag_set(diag, name, 0, 0, "out of memory");
		return NULL;
	}
	file = fopen(*path, "wxe");
	if (file == NULL) {
		diag_set(diag, *path, 0, 0, "cannot be made: %s", strerror(errno));
		free(*path);
		*path = NULL;
	}
	return file;
}

char *import_path(const char *beside, const char *name)
{
	const char *slash = strrchr(beside, '/');
	char *path = NULL;

	if (*name == '/' || slash == NULL)
		return strdup(name);
	return asprintf(&path, "%.*s/%s", (int)(slash - beside), beside, name) < 0 ? NULL : path;
}
