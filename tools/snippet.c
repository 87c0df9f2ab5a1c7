/* snippet.c: a small configuration file of Unbound that is switched off and on again as a whole. */
#include "tools/snippet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHY_MAX 900
#define SUFFIX ".XXXXXX"   /* behind the name: no wildcard of an include takes `*.conf.a1b2c3` */
#define KEY "dynlib-file:"

struct snippet {
	char *text;          /* NUL-terminated */
	size_t length;
	struct stat info;
};

static int fail_errno(struct diag *diag, const char *path, const char *what)
{
	return diag_set(diag, path, 0, 0, "%s: %s", what, strerror(errno));
}

static int read_all(int fd, struct snippet *snippet)
{
	ssize_t got;

	while ((got = read(fd, snippet->text + snippet->length, SNIPPET_OCTETS_MAX + 1 - snippet->length)) != 0) {
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			snippet->length += (size_t)got;
	}
	snippet->text[snippet->length] = '\0';
	return 0;
}

/* Mode, owner and text all come from the one descriptor: nobody can change the name in between. */
static int snippet_read_fd(struct snippet *snippet, int fd, const char *path, struct diag *diag)
{
	if (fstat(fd, &snippet->info) != 0)
		return fail_errno(diag, path, "cannot be read");
	if (!S_ISREG(snippet->info.st_mode))
		return diag_set(diag, path, 0, 0, "is no regular file");
	snippet->text = malloc(SNIPPET_OCTETS_MAX + 2);
	if (snippet->text == NULL)
		return diag_set(diag, path, 0, 0, "out of memory");
	if (read_all(fd, snippet) != 0)
		return fail_errno(diag, path, "cannot be read");
	if (snippet->length > SNIPPET_OCTETS_MAX || memchr(snippet->text, '\0', snippet->length) != NULL)
		return diag_set(diag, path, 0, 0, "is not a small text file");
	return 0;
}

static int snippet_read(struct snippet *snippet, const char *path, struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int code;

	if (fd < 0 && errno == ELOOP)
		diag_set(diag, path, 0, 0, "is a link: name the file itself");
	else if (fd < 0)
		fail_errno(diag, path, "cannot be read");
	if (fd < 0)
		return -1;
	code = snippet_read_fd(snippet, fd, path, diag);
	close(fd);
	if (code != 0) {
		free(snippet->text);
		snippet->text = NULL;
	}
	return snippet->text != NULL ? 0 : -1;
}

/* --- the text */

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static bool says_something(const char *line)
{
	line += strspn(line, " \t\r");
	return *line != '#' && *line != '\n' && *line != '\0';
}

static void put_line(FILE *to, const char *line, size_t octets, bool off)
{
	if (begins(line, SNIPPET_WHY))
		return;
	if (off && says_something(line))
		fputs(SNIPPET_MARK, to);
	else if (!off && begins(line, SNIPPET_MARK)) {
		line += strlen(SNIPPET_MARK);
		octets -= strlen(SNIPPET_MARK);
	}
	fwrite(line, 1, octets, to);
}

static void put_why(FILE *to, const char *why)
{
	fputs(SNIPPET_WHY, to);
	for (size_t i = 0; i < WHY_MAX && why[i] != '\0'; i++)
		fputc((unsigned char)why[i] < 0x20 || why[i] == 0x7f ? ' ' : why[i], to);
	fputc('\n', to);
}

/* The owned text of the other form, or NULL. */
static char *rewrite(const struct snippet *snippet, const char *why, size_t *length)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, length);
	const char *line = snippet->text;

	if (to == NULL)
		return NULL;
	if (why != NULL)
		put_why(to, why);
	while (*line != '\0') {
		size_t octets = strcspn(line, "\n");

		octets += line[octets] == '\n';
		put_line(to, line, octets, why != NULL);
		line += octets;
	}
	if (fclose(to) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- the file */

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, text, length);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			text += put;
			length -= (size_t)put;
		}
	}
	return 0;
}

/* The owner first: giving a file away clears bits of its mode. An unprivileged caller keeps the file for itself. */
static int fill(int fd, const struct snippet *old, const char *text, size_t length)
{
	if (fchown(fd, old->info.st_uid, old->info.st_gid) != 0 && errno != EPERM)
		return -1;
	if (fchmod(fd, old->info.st_mode & 0777) != 0 || write_all(fd, text, length) != 0)
		return -1;
	return fsync(fd);
}

static int replace(const char *path, const struct snippet *old, const char *text, size_t length, struct diag *diag)
{
	char temporary[SNIPPET_PATH_MAX + sizeof(SUFFIX)];
	int fd, code;

	if (strlen(path) >= SNIPPET_PATH_MAX)
		return diag_set(diag, path, 0, 0, "has a name that is too long");
	snprintf(temporary, sizeof(temporary), "%s" SUFFIX, path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(diag, path, "cannot be replaced");
	code = fill(fd, old, text, length);
	if (close(fd) != 0 || code != 0 || rename(temporary, path) != 0) {
		fail_errno(diag, path, "cannot be replaced");
		unlink(temporary);
		return -1;
	}
	return 0;
}

int snippet_switch(const char *path, const char *why, bool *changed, struct diag *diag)
{
	struct snippet snippet = { 0 };
	size_t length = 0;
	char *text;
	int code = 0;
	bool differs;

	if (snippet_read(&snippet, path, diag) != 0)
		return -1;
	text = rewrite(&snippet, why, &length);
	if (text == NULL) {
		free(snippet.text);
		return diag_set(diag, path, 0, 0, "out of memory");
	}
	differs = length != snippet.length || memcmp(text, snippet.text, length) != 0;
	if (differs)
		code = replace(path, &snippet, text, length, diag);
	if (code == 0)
		*changed = differs;
	free(text);
	free(snippet.text);
	return code;
}

static bool take_library(const char *line, char to[static SNIPPET_PATH_MAX])
{
	size_t octets;
	char quote;

	if (begins(line, SNIPPET_MARK))
		line += strlen(SNIPPET_MARK);
	line += strspn(line, " \t");
	if (!begins(line, KEY))
		return false;
	line += strlen(KEY);
	line += strspn(line, " \t");
	quote = *line == '"' || *line == '\'' ? *line++ : '\0';
	octets = quote != '\0' ? strcspn(line, quote == '"' ? "\"\n" : "'\n") : strcspn(line, " \t\r\n#");
	if (octets == 0 || octets >= SNIPPET_PATH_MAX)
		return false;
	memcpy(to, line, octets);
	to[octets] = '\0';
	return true;
}

bool snippet_library(const char *path, char to[static SNIPPET_PATH_MAX], struct diag *diag)
{
	struct snippet snippet = { 0 };
	const char *line;
	bool found = false;

	if (snippet_read(&snippet, path, diag) != 0)
		return false;
	for (line = snippet.text; !found && *line != '\0'; line += line[0] == '\n') {
		found = take_library(line, to);
		line += strcspn(line, "\n");
	}
	free(snippet.text);
	return found;
}
