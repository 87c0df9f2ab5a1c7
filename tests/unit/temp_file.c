/* temp_file.c: files that tests write and remove again. */
#include "tests/unit/temp_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void give_up(const char *what)
{
	perror(what);
	exit(99);
}

static char *template_in_tmpdir(char *path)
{
	const char *folder = getenv("TMPDIR");

	snprintf(path, TEMP_PATH_MAX, "%s/verdict-test.XXXXXX",
		folder != NULL && strlen(folder) < 64 ? folder : "/tmp");
	return path;
}

char *temp_file(char *path, const void *octets, size_t length)
{
	int fd = mkstemp(template_in_tmpdir(path));

	if (fd < 0 || write(fd, octets, length) != (ssize_t)length || close(fd) != 0)
		give_up(path);
	return path;
}

char *temp_folder(char *path)
{
	if (mkdtemp(template_in_tmpdir(path)) == NULL)
		give_up(path);
	return path;
}
