/*
 * aside.c: files that can not be read are set aside.
 */
#include "dnstap/aside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool aside_is_one(const char *name)
{
	size_t length = strlen(name), suffix = strlen(ASIDE_SUFFIX);

	return length > suffix && strcmp(name + length - suffix, ASIDE_SUFFIX) == 0;
}

static int is_aside(const struct dirent *entry)
{
	return aside_is_one(entry->d_name);
}

static void remove_oldest(int directory, struct dirent **entries, int count)
{
	struct timespec oldest_time = { 0 };
	int i, oldest = -1;

	for (i = 0; i < count; i++) {
		struct stat status;

		/* Changed by the renaming: so it is the order in which they were set aside. */
		if (fstatat(directory, entries[i]->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (oldest >= 0 && (status.st_ctim.tv_sec > oldest_time.tv_sec
				|| (status.st_ctim.tv_sec == oldest_time.tv_sec
					&& status.st_ctim.tv_nsec >= oldest_time.tv_nsec)))
			continue;
		oldest = i;
		oldest_time = status.st_ctim;
	}
	if (oldest >= 0)
		(void)unlinkat(directory, entries[oldest]->d_name, 0);
}

void aside_put(int directory, const char *name)
{
	char aside[ASIDE_NAME_MAX];
	struct dirent **entries;
	int length = snprintf(aside, sizeof(aside), "%s" ASIDE_SUFFIX, name), count, i;

	if (length >= (int)sizeof(aside) || renameat(directory, name, directory, aside) != 0)
		(void)unlinkat(directory, name, 0);
	count = scandirat(directory, ".", &entries, is_aside, alphasort);
	if (count > (int)ASIDE_KEEP)
		remove_oldest(directory, entries, count);
	for (i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
}
