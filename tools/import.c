/* import.c: the clauses of a verdict.conf that is made from something else. */
#include "tools/import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/term.h"

#define TEXT_MAX 512

const struct import_source import_sources[] = {
	{ "bind", "named.conf of BIND: response-policy", import_bind },
	{ "unbound", "unbound.conf: local-zone, local-data, tags, rpz, response-ip", import_unbound },
	{ "pihole", "gravity.db of Pi-hole, its folder or a Teleporter archive", import_pihole },
	{ "opnsense", "config.xml of OPNsense: Unbound's blocklists, host overrides, access lists", import_opnsense },
	{ NULL, NULL, NULL },
};

static __attribute__((format(printf, 6, 0))) void complain(struct import *import, const char *file, unsigned line,
	const char *mark, const char *word, const char *format, va_list args)
{
	char text[TEXT_MAX], safe[2 * TEXT_MAX], safe_file[2 * TEXT_MAX], number[16] = "";

	vsnprintf(text, sizeof(text), format, args);
	term_escape(safe, sizeof(safe), text, strlen(text));
	term_escape(safe_file, sizeof(safe_file), file, strlen(file));
	if (line > 0)
		snprintf(number, sizeof(number), ":%u", line);
	fprintf(import->conf, "# %s: %s%s: %s\n", mark, safe_file, number, safe);
	if (import->complaints != NULL)
		fprintf(import->complaints, "verdictctl: %s%s: %s: %s\n", safe_file, number, word, safe);
}

void import_lost(struct import *import, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	import->lost++;
	va_start(args, format);
	complain(import, file, line, "NO EQUAL", "no equal", format, args);
	va_end(args);
}

void import_differs(struct import *import, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	import->differ++;
	va_start(args, format);
	complain(import, file, line, "DIFFERS", "differs", format, args);
	va_end(args);
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
void import_name(const char *wanted, char *to)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = 0;

	for (; wanted[length] != '\0' && length < IMPORT_NAME_MAX - 8; length++)
		to[length] = strchr(allowed, wanted[length]) != NULL ? wanted[length] : '-';
	to[length] = '\0';
	if (length == 0)
		strcpy(to, "list");
}

static void make_name(const struct import *import, const char *wanted, char to[static IMPORT_NAME_MAX + 1])
{
	char stem[IMPORT_NAME_MAX + 1];

	import_name(wanted, stem);
	strcpy(to, stem);
	for (unsigned number = 2; is_taken(import, to); number++)
		snprintf(to, IMPORT_NAME_MAX + 1, "%.55s-%u", stem, number);
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

void import_file(struct import *import, const char *path)
{
	char *whole = import->elsewhere && *path != '/' ? realpath(".", NULL) : NULL, *joined = NULL;

	if (whole != NULL && asprintf(&joined, "%s/%s", whole, path) < 0)
		joined = NULL;
	import_option(import, "file", joined != NULL ? joined : path);
	free(joined);
	free(whole);
}

void import_fini(struct import *import, bool undo)
{
	while (import->made_count > 0) {
		char *path = import->made[--import->made_count];

		if (undo)
			unlink(path);
		free(path);
	}
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
	if (file != NULL && import->made_count < IMPORT_LISTS_MAX &&
	    (import->made[import->made_count] = strdup(*path)) != NULL)
		import->made_count++;
	if (file == NULL) {
		diag_set(diag, *path, 0, 0, "cannot be made: %s", strerror(errno));
		free(*path);
		*path = NULL;
	}
	return file;
}

int import_put_list(struct import *import, const char *name, const char *format, const char *text, size_t length,
	bool off, struct diag *diag)
{
	char *path = NULL;
	FILE *to;
	bool written;

	if (length == 0)
		return 0;
	to = import_make_list(import, name, &path, diag);
	if (to == NULL)
		return -1;
	written = fwrite(text, 1, length, to) == length;
	if (fclose(to) != 0 || !written) {
		free(path);
		return diag_set(diag, name, 0, 0, "cannot be written");
	}
	written = import_list(import, name, off, path, 0);
	if (written) {
		import_file(import, path);
		import_option(import, "format", format);
	}
	free(path);
	return written;
}

bool import_fetched_list(struct import *import, const char *wanted, const char *from, bool off, const char *file,
	unsigned line)
{
	char safe[2 * TEXT_MAX], name[IMPORT_NAME_MAX + 8], *path = NULL;

	if (!import_list(import, wanted, off, file, line))
		return false;
	snprintf(name, sizeof(name), "%s.txt", import->names[import->name_count - 1]);
	if (import->folder != NULL && asprintf(&path, "%s/%s", import->folder, name) < 0)
		path = NULL;
	term_escape(safe, sizeof(safe), from, strlen(from));
	fprintf(import->conf, "\t# FETCH: %s\n", safe);
	if (path != NULL)
		import_file(import, path);
	else
		import_option(import, "file", name);
	import->fetch += !off;
	free(path);
	return true;
}

char *import_path(const char *beside, const char *name)
{
	const char *slash = strrchr(beside, '/');
	char *path = NULL;

	if (*name == '/' || slash == NULL)
		return strdup(name);
	return asprintf(&path, "%.*s/%s", (int)(slash - beside), beside, name) < 0 ? NULL : path;
}
