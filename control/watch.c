/* watch.c: inotify wakes it, stamps decide. */
#include "control/watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 16          /* on the way to one file */
#define FOLDERS_MAX 4096
/* Not IN_MODIFY: the resolver's own logs may lie beside the lists, and would wake it at every line. Who writes into a
 * file for long is seen when it is closed. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | \
	IN_MOVE_SELF | IN_ONLYDIR)

struct watch {
	int fd;                       /* -1: no inotify */
	char **names;                 /* owned, and each of them */
	size_t name_count;
	int *folders;                 /* owned: watch descriptors, some more than once */
	size_t folder_count;
	struct stamps *known;         /* as read last, or said last; owned */
	struct stamps *seen;          /* as they are; owned; NULL: nothing is changing */
	int64_t changing_since;       /* with `seen` */
	int64_t resting_since;        /* likewise */
	int64_t next_look;
	bool told;                    /* something happened since the last look */
};

struct watch *watch_create(void)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch->next_look = INT64_MAX;
	return watch;
}

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

void watch_destroy(struct watch **watch)
{
	if (*watch == NULL)
		return;
	if ((*watch)->fd >= 0)
		close((*watch)->fd);
	free_names((*watch)->names, (*watch)->name_count);
	free((*watch)->folders);
	stamps_destroy(&(*watch)->known);
	stamps_destroy(&(*watch)->seen);
	free(*watch);
	*watch = NULL;
}

/* --- folders ---------------------------------------------------------------------------------------------------- */

/* A folder that cannot be watched is none the worse for it: it is looked at now and then. */
static void watch_folder(struct watch *watch, const char *path, size_t octets)
{
	char folder[PATH_MAX];
	int *folders;
	int descriptor;

	if (octets >= sizeof(folder) || watch->folder_count == FOLDERS_MAX)
		return;
	memcpy(folder, path, octets);
	folder[octets] = '\0';
	descriptor = inotify_add_watch(watch->fd, octets > 0 ? folder : path[0] == '/' ? "/" : ".", EVENTS);
	if (descriptor < 0)
		return;
	folders = realloc(watch->folders, (watch->folder_count + 1) * sizeof(*folders));
	if (folders == NULL) {
		inotify_rm_watch(watch->fd, descriptor);
		return;
	}
	watch->folders = folders;
	watch->folders[watch->folder_count++] = descriptor;
}

/* The part of a path before its last '/': its length. */
static size_t folder_octets(const char *path, size_t octets)
{
	while (octets > 0 && path[octets - 1] != '/')
		octets--;
	return octets > 0 ? octets - 1 : 0;
}

static void watch_path(struct watch *watch, const char *path, unsigned links);

/* `path` up to `octets` may be a link: then what it leads to is on the way, too. */
static void follow_link(struct watch *watch, const char *path, size_t octets, unsigned links)
{
	char link[PATH_MAX], to[PATH_MAX], next[PATH_MAX];
	const size_t folder = folder_octets(path, octets);
	const bool has_folder = memchr(path, '/', octets) != NULL;
	ssize_t length;

	if (links == 0 || octets >= sizeof(link))
		return;
	memcpy(link, path, octets);
	link[octets] = '\0';
	length = readlink(link, to, sizeof(to) - 1);
	if (length <= 0)
		return;
	to[length] = '\0';
	watch_folder(watch, path, folder);
	if (to[0] == '/') {
		watch_path(watch, to, links - 1);
	} else if (folder + 1 + (size_t)length < sizeof(next)) {
		memcpy(next, path, folder);
		next[folder] = '/';
		memcpy(next + folder + 1, to, (size_t)length + 1);
		watch_path(watch, has_folder ? next : to, links - 1);
	}
}

static void watch_path(struct watch *watch, const char *path, unsigned links)
{
	const size_t octets = strlen(path);

	for (size_t i = 1; i <= octets; i++)
		if (path[i] == '/' || path[i] == '\0')
			follow_link(watch, path, i, links);
	watch_folder(watch, path, folder_octets(path, octets));
}

/* Up to the first wildcard: what matches later may lie in folders that are not there yet. */
static void watch_pattern(struct watch *watch, const char *pattern)
{
	watch_folder(watch, pattern, folder_octets(pattern, strcspn(pattern, "*?[")));
}

static void drop_stale(struct watch *watch, const int *before, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool kept = false;

		for (size_t j = 0; !kept && j < watch->folder_count; j++)
			kept = watch->folders[j] == before[i];
		if (!kept)
			inotify_rm_watch(watch->fd, before[i]);
	}
}

/* Adding a folder that is watched already gives the same descriptor. */
static void watch_folders(struct watch *watch, const struct stamps *stamps)
{
	int *before = watch->folders;
	const size_t count = watch->folder_count;

	if (watch->fd < 0)
		return;
	watch->folders = NULL;
	watch->folder_count = 0;
	for (size_t i = 0; i < watch->name_count; i++)
		if (strpbrk(watch->names[i], "*?[") != NULL)
			watch_pattern(watch, watch->names[i]);
	for (size_t i = 0; stamps != NULL && i < stamps_count(stamps); i++)
		watch_path(watch, stamps_path(stamps, i), LINKS_MAX);
	drop_stale(watch, before, count);
	free(before);
}

/* --- what is watched -------------------------------------------------------------------------------------------- */

static char **copy_names(char *const *names, size_t count)
{
	char **copy = calloc(count + 1, sizeof(*copy));

	for (size_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = strdup(names[i]);
		if (copy[i] == NULL) {
			free_names(copy, i);
			copy = NULL;
		}
	}
	return copy;
}

bool watch_set(struct watch *watch, char *const *names, size_t count, struct stamps *known, int64_t now_ms)
{
	char **copy = copy_names(names, count);

	if (copy == NULL) {
		stamps_destroy(&known);
		return false;
	}
	free_names(watch->names, watch->name_count);
	watch->names = copy;
	watch->name_count = count;
	stamps_destroy(&watch->known);
	stamps_destroy(&watch->seen);
	watch->known = known;
	watch_folders(watch, known);
	/* A change between the reading and now was reported to nobody. */
	watch->told = true;
	watch->next_look = now_ms + WATCH_STEP_MS;
	return true;
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

int64_t watch_due_ms(const struct watch *watch)
{
	return watch->next_look;
}

/* --- events ----------------------------------------------------------------------------------------------------- */

/* Is something of that name watched, in whatever folder? */
static bool is_of_interest(const struct watch *watch, const struct inotify_event *event)
{
	if (event->len == 0 || (event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR)) != 0)
		return true;
	for (size_t i = 0; i < watch->name_count; i++) {
		const char *slash = strrchr(watch->names[i], '/');

		if (fnmatch(slash != NULL ? slash + 1 : watch->names[i], event->name, 0) == 0)
			return true;
	}
	return false;
}

/* A link on the way has a name that is not watched for, so then events count whatever they name. */
static bool has_links(const struct watch *watch)
{
	return watch->folder_count > watch->name_count;
}

static void take_events(struct watch *watch)
{
	_Alignas(struct inotify_event) char buffer[16 * 1024];
	ssize_t length;

	/* As many as there are now: whoever makes them faster than they are read must not keep us here. */
	for (unsigned rounds = 0; rounds < 64; rounds++) {
		length = read(watch->fd, buffer, sizeof(buffer));
		if (length <= 0)
			return;
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const void *)(buffer + at);

			watch->told |= has_links(watch) || is_of_interest(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

/* --- what has changed ------------------------------------------------------------------------------------------- */

static void rest(struct watch *watch, int64_t now_ms)
{
	stamps_destroy(&watch->seen);
	watch->next_look = now_ms + WATCH_LOOK_MS;
}

/* Takes `now`. */
static void note_change(struct watch *watch, struct stamps *now, int64_t now_ms)
{
	if (watch->seen == NULL)
		watch->changing_since = now_ms;
	stamps_destroy(&watch->seen);
	watch->seen = now;
	watch->resting_since = now_ms;
	watch->next_look = now_ms + WATCH_STEP_MS;
	watch_folders(watch, now);
}

static bool has_settled(struct watch *watch, int64_t now_ms)
{
	bool back;

	if (now_ms - watch->resting_since < WATCH_SETTLE_MS && now_ms - watch->changing_since < WATCH_UNREST_MS) {
		watch->next_look = now_ms + WATCH_STEP_MS;
		return false;
	}
	back = stamps_equal(watch->seen, watch->known);
	stamps_destroy(&watch->known);
	watch->known = watch->seen;
	watch->seen = NULL;
	watch->next_look = now_ms + WATCH_LOOK_MS;
	return !back;
}

bool watch_look(struct watch *watch, int64_t now_ms)
{
	struct stamps *now;
	bool due;

	if (watch->fd >= 0)
		take_events(watch);
	due = now_ms >= watch->next_look;
	if (!due && !(watch->told && watch->seen == NULL))
		return false;
	now = stamps_take(watch->names, watch->name_count);
	if (now == NULL) {
		watch->next_look = now_ms + WATCH_STEP_MS;
		return false;
	}
	watch->told = false;
	if (watch->seen == NULL ? stamps_equal(now, watch->known) : stamps_equal(now, watch->seen)) {
		stamps_destroy(&now);
		if (watch->seen != NULL)
			return has_settled(watch, now_ms);
		if (due)
			watch_folders(watch, watch->known);
		rest(watch, now_ms);
		return false;
	}
	note_change(watch, now, now_ms);
	return now_ms - watch->changing_since >= WATCH_UNREST_MS && has_settled(watch, now_ms);
}
