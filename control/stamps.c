/* stamps.c: what tells a changed file from one that is as it was. */
#include "control/stamps.h"

#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct stamp {
	char *path;           /* owned */
	bool there;
	uint64_t device, inode;
	int64_t octets;
	struct timespec content, node;
};

struct stamps {
	struct stamp *all;    /* owned */
	size_t count, room;
};

/* A stamp of no file yet; NULL: no memory. */
static struct stamp *append(struct stamps *stamps, const char *path)
{
	struct stamp *stamp;

	if (stamps->count == stamps->room) {
		const size_t room = stamps->room == 0 ? 16 : stamps->room * 2;
		struct stamp *all = realloc(stamps->all, room * sizeof(*all));

		if (all == NULL)
			return NULL;
		stamps->all = all;
		stamps->room = room;
	}
	stamp = &stamps->all[stamps->count];
	*stamp = (struct stamp){ .path = strdup(path) };
	if (stamp->path == NULL)
		return NULL;
	stamps->count++;
	return stamp;
}

static bool add(struct stamps *stamps, const char *path)
{
	struct stamp *stamp = append(stamps, path);
	struct stat info;

	if (stamp == NULL)
		return false;
	if (stat(path, &info) != 0)
		return true;
	stamp->there = true;
	stamp->device = info.st_dev;
	stamp->inode = info.st_ino;
	stamp->octets = info.st_size;
	stamp->content = info.st_mtim;
	stamp->node = info.st_ctim;
	return true;
}

static bool add_matches(struct stamps *stamps, const char *pattern)
{
	glob_t found = { 0 };
	bool result;

	switch (glob(pattern, 0, NULL, &found)) {
	case 0: case GLOB_NOMATCH: case GLOB_ABORTED: result = true; break;
	default: result = false;
	}
	for (size_t i = 0; result && i < found.gl_pathc; i++)
		result = add(stamps, found.gl_pathv[i]);
	globfree(&found);
	return result;
}

struct stamps *stamps_take(char *const *names, size_t count)
{
	struct stamps *stamps = calloc(1, sizeof(*stamps));

	for (size_t i = 0; stamps != NULL && i < count; i++)
		if (!(strpbrk(names[i], "*?[") != NULL ? add_matches(stamps, names[i]) : add(stamps, names[i])))
			stamps_destroy(&stamps);
	return stamps;
}

void stamps_destroy(struct stamps **stamps)
{
	if (*stamps == NULL)
		return;
	for (size_t i = 0; i < (*stamps)->count; i++)
		free((*stamps)->all[i].path);
	free((*stamps)->all);
	free(*stamps);
	*stamps = NULL;
}

struct stamps *stamps_copy(const struct stamps *stamps)
{
	struct stamps *copy = stamps != NULL ? calloc(1, sizeof(*copy)) : NULL;

	for (size_t i = 0; copy != NULL && i < stamps->count; i++) {
		struct stamp *stamp = append(copy, stamps->all[i].path);
		char *path = stamp != NULL ? stamp->path : NULL;

		if (stamp == NULL) {
			stamps_destroy(&copy);
			break;
		}
		*stamp = stamps->all[i];
		stamp->path = path;
	}
	return copy;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
	return strcmp(a->path, b->path) == 0 && a->there == b->there && a->device == b->device &&
		a->inode == b->inode && a->octets == b->octets && same_time(&a->content, &b->content) &&
		same_time(&a->node, &b->node);
}

bool stamps_equal(const struct stamps *a, const struct stamps *b)
{
	if (a == NULL || b == NULL || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same(&a->all[i], &b->all[i]))
			return false;
	return true;
}

size_t stamps_count(const struct stamps *stamps)
{
	return stamps->count;
}

const char *stamps_path(const struct stamps *stamps, size_t index)
{
	return stamps->all[index].path;
}

static int64_t nanoseconds(const struct timespec *time)
{
	return (int64_t)((uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec);
}

struct stamp_marks stamps_marks(const struct stamps *stamps, size_t index)
{
	const struct stamp *stamp = &stamps->all[index];

	if (!stamp->there)
		return (struct stamp_marks){ .inode = 0 };
	return (struct stamp_marks){
		.inode = stamp->inode,
		.octets = (uint64_t)stamp->octets,
		.content_ns = nanoseconds(&stamp->content),
		.node_ns = nanoseconds(&stamp->node),
	};
}
