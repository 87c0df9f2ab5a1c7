/* shelf.c: names of day files. */
#include "store/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_SECONDS 86400
#define ASIDE_MAX 100
#define FILES_MAX 20000u

static const char *const classes[STORE_CLASSES] = { [STORE_PLAIN] = "plain", [STORE_VERDICTS] = "verdicts" };
static const char *const beside[] = { "", "-wal", "-shm", "-journal" };
#define BESIDE (sizeof(beside) / sizeof(beside[0]))

static void write_name(int64_t day_s, enum store_class class, char *name)
{
	time_t seconds = (time_t)day_s;
	struct tm day = { .tm_year = 70 };

	gmtime_r(&seconds, &day);
	snprintf(name, SHELF_NAME_MAX, "%04d-%02d-%02d-%s.sqlite", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday,
		classes[class]);
}

void shelf_path(const char *directory, int64_t day_s, enum store_class class, char *path)
{
	char name[SHELF_NAME_MAX];

	write_name(day_s, class, name);
	snprintf(path, SHELF_PATH_MAX, "%.*s/%s", SHELF_PATH_MAX - SHELF_NAME_MAX - 1, directory, name);
}

/* Behind the name of a day file, as it would be written; NULL: it is none. */
static const char *read_name(const char *name, int64_t *day_s, enum store_class *class)
{
	char again[SHELF_NAME_MAX];
	struct tm day = { 0 };

	if (sscanf(name, "%4d-%2d-%2d-", &day.tm_year, &day.tm_mon, &day.tm_mday) != 3)
		return NULL;
	day.tm_year -= 1900;
	day.tm_mon--;
	*day_s = (int64_t)timegm(&day);
	for (int i = 0; i < STORE_CLASSES; i++) {
		*class = (enum store_class)i;
		write_name(*day_s, *class, again);
		if (strncmp(again, name, strlen(again)) == 0)
			return name + strlen(again);
	}
	return NULL;
}

/* As shelf_set_aside names them, without what SQLite has beside them. */
static bool is_aside(const char *tail)
{
	if (strncmp(tail, ".damaged", 8) != 0)
		return false;
	return tail[8] == '\0' || (tail[8] == '-' && tail[9] != '\0' && tail[9 + strspn(tail + 9, "0123456789")] == '\0');
}

static uint64_t octets_of(const char *path)
{
	char name[SHELF_PATH_MAX + 8];
	struct stat status;
	uint64_t octets = 0;

	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		octets += stat(name, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
	}
	return octets;
}

static int compare_files(const void *one, const void *other)
{
	const struct shelf_file *a = one, *b = other;

	if (a->day_s != b->day_s)
		return a->day_s < b->day_s ? -1 : 1;
	return a->class != b->class ? (int)a->class - (int)b->class : strcmp(a->path, b->path);
}

static bool add(const char *directory, const char *name, const struct shelf_file *found, struct shelf_file **files,
	unsigned *count)
{
	struct shelf_file *more = *count < FILES_MAX ? realloc(*files, (*count + 1) * sizeof(**files)) : NULL;
	struct shelf_file *file;

	if (more == NULL)
		return false;
	*files = more;
	file = &more[(*count)++];
	*file = *found;
	snprintf(file->path, sizeof(file->path), "%.*s/%s", SHELF_PATH_MAX - SHELF_NAME_MAX - 1, directory, name);
	file->octets = octets_of(file->path);
	return true;
}

static int list(const char *directory, int64_t from_s, int64_t to_s, bool aside, struct shelf_file **files,
	unsigned *count, struct diag *diag)
{
	DIR *opened = opendir(directory);
	struct dirent *entry;
	struct shelf_file found = { 0 };
	bool fine = true;

	*files = NULL;
	*count = 0;
	if (opened == NULL)
		return diag_set(diag, directory, 0, 0, "cannot open it: %s", strerror(errno));
	while (fine && (entry = readdir(opened)) != NULL) {
		const char *tail = strlen(entry->d_name) < SHELF_NAME_MAX ? read_name(entry->d_name, &found.day_s, &found.class) :
			NULL;

		if (tail == NULL || found.day_s > to_s || found.day_s <= from_s - DAY_SECONDS)
			continue;
		found.aside = *tail != '\0';
		if (!found.aside || (aside && is_aside(tail)))
			fine = add(directory, entry->d_name, &found, files, count);
	}
	closedir(opened);
	if (!fine) {
		free(*files);
		*files = NULL;
		*count = 0;
		return diag_set(diag, directory, 0, 0, "no memory for its files");
	}
	if (*count > 1)
		qsort(*files, *count, sizeof(**files), compare_files);
	return 0;
}

int shelf_list(const char *directory, int64_t from_s, int64_t to_s, struct shelf_file **files, unsigned *count,
	struct diag *diag)
{
	return list(directory, from_s, to_s, false, files, count, diag);
}

int shelf_list_all(const char *directory, struct shelf_file **files, unsigned *count, struct diag *diag)
{
	return list(directory, INT64_MIN / 2, INT64_MAX / 2, true, files, count, diag);
}

unsigned shelf_tell_aside(const char *directory, int64_t from_s, int64_t to_s, void (*tell)(void *arg, const char *text),
	void *arg)
{
	char text[sizeof(struct diag) + 32];
	struct shelf_file *files;
	struct diag diag;
	unsigned count, told = 0;

	if (list(directory, from_s, to_s, true, &files, &count, &diag) != 0)
		return 0;
	for (unsigned i = 0; i < count; i++) {
		if (!files[i].aside)
			continue;
		diag_set(&diag, files[i].path, 0, 0, "is damaged and was set aside: what it had is not here");
		tell(arg, diag_format(&diag, text, sizeof(text)));
		told++;
	}
	free(files);
	return told;
}

bool shelf_is_regular(const char *path, bool follow)
{
	char name[SHELF_PATH_MAX + 16];
	struct stat status;

	for (unsigned i = 0; i < BESIDE; i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		if ((follow ? stat(name, &status) : lstat(name, &status)) == 0 && !S_ISREG(status.st_mode))
			return false;
	}
	return true;
}

int shelf_set_aside(const char *path, struct diag *diag)
{
	char from[SHELF_PATH_MAX + 16], to[SHELF_PATH_MAX + 48], tail[16] = "";
	struct stat status;

	for (unsigned i = 1; i <= ASIDE_MAX; i++) {
		snprintf(to, sizeof(to), "%s.damaged%s", path, tail);
		if (lstat(to, &status) != 0)
			break;
		snprintf(tail, sizeof(tail), "-%u", i);
	}
	for (unsigned i = 0; i < BESIDE; i++) {
		snprintf(from, sizeof(from), "%s%s", path, beside[i]);
		snprintf(to, sizeof(to), "%s.damaged%s%s", path, tail, beside[i]);
		if (rename(from, to) != 0 && errno != ENOENT)
			return diag_set(diag, from, 0, 0, "cannot be set aside: %s", strerror(errno));
	}
	return 0;
}

int shelf_remove(const char *path, struct diag *diag)
{
	char name[SHELF_PATH_MAX + 16];

	/* The file itself first: without its WAL it would be found, and not whole. */
	for (unsigned i = 0; i < BESIDE; i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		if (unlink(name) != 0 && errno != ENOENT)
			return diag_set(diag, name, 0, 0, "cannot be removed: %s", strerror(errno));
	}
	return 0;
}

/* What SQLite has beside a file, without the file. */
static bool is_orphan(const char *directory, const char *name)
{
	char path[SHELF_PATH_MAX];
	enum store_class class;
	struct stat status;
	int64_t day_s;
	const char *tail = strlen(name) < SHELF_NAME_MAX ? read_name(name, &day_s, &class) : NULL;

	bool found = false;

	for (unsigned i = 1; tail != NULL && i < BESIDE; i++)
		found = found || strcmp(tail, beside[i]) == 0;
	if (!found)
		return false;
	shelf_path(directory, day_s, class, path);
	return lstat(path, &status) != 0 && errno == ENOENT;
}

void shelf_sweep(const char *directory)
{
	DIR *opened = opendir(directory);
	struct dirent *entry;

	while (opened != NULL && (entry = readdir(opened)) != NULL)
		if (is_orphan(directory, entry->d_name))
			unlinkat(dirfd(opened), entry->d_name, 0);
	if (opened != NULL)
		closedir(opened);
}
