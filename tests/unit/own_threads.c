/* own_threads.c: what /proc says of this process. */
#include "tests/unit/own_threads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000u
#define TASKS "/proc/self/task"

static bool begins(const char *task, const char *prefix)
{
	char path[sizeof(TASKS) + 300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), TASKS "/%s/comm", task);
	file = fopen(path, "r");
	/* It has ended meanwhile. */
	if (file == NULL)
		return false;
	if (fgets(name, sizeof(name), file) == NULL)
		name[0] = '\0';
	fclose(file);
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

unsigned own_threads(const char *prefix)
{
	DIR *tasks = opendir(TASKS);
	const struct dirent *entry;
	unsigned count = 0;

	if (tasks == NULL)
		abort();
	while ((entry = readdir(tasks)) != NULL)
		count += entry->d_name[0] != '.' && begins(entry->d_name, prefix);
	closedir(tasks);
	return count;
}

bool own_threads_end(const char *prefix)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && own_threads(prefix) > 0; ms += 10)
		usleep(10000);
	return own_threads(prefix) == 0;
}
