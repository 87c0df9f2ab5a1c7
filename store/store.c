/* store.c: which file an event goes to. */
#include "store/store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 10
#define SETTLE_TRIES 500             /* ten seconds: a disk can hang */
#define STRAYED_DAYS 3               /* so many before are looked at for what strayed */

static void tell(struct store *store, const struct diag *diag)
{
	char text[sizeof(struct diag) + 32];

	if (store->tell != NULL)
		store->tell(store->arg, diag_format(diag, text, sizeof(text)));
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static int lock_directory(struct store *store, struct diag *diag)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	char path[SHELF_PATH_MAX];

	if (mkdir(store->directory, 0750) != 0 && errno != EEXIST)
		return diag_set(diag, store->directory, 0, 0, "cannot make it: %s", strerror(errno));
	store->directory_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->directory_fd < 0)
		return diag_set(diag, store->directory, 0, 0, "cannot open it: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/lock", store->directory);
	store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (store->lock < 0)
		return diag_set(diag, path, 0, 0, "cannot open it: %s", strerror(errno));
	for (unsigned i = 0; flock(store->lock, LOCK_EX | LOCK_NB) != 0; i++) {
		if (i == LOCK_TRIES)
			return diag_set(diag, store->directory, 0, 0, "another process collects into it");
		nanosleep(&pause, NULL);               /* whoever only looks has it for a moment, too */
	}
	return 0;
}

bool store_is_taken(const char *directory)
{
	char path[SHELF_PATH_MAX];
	int fd;
	bool taken;

	snprintf(path, sizeof(path), "%s/lock", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	taken = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return taken;
}

struct store *store_open(const struct store_options *options, struct diag *diag)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL) {
		diag_set(diag, options->directory, 0, 0, "no memory");
		return NULL;
	}
	store->lock = store->directory_fd = -1;
	store->tell = options->tell;
	store->arg = options->arg;
	if (strlen(options->directory) >= sizeof(store->directory)) {
		diag_set(diag, options->directory, 0, 0, "its name is too long");
		store_close(&store);
		return NULL;
	}
	strcpy(store->directory, options->directory);
	if (getrandom(&store->shared.secret, sizeof(store->shared.secret), 0) != sizeof(store->shared.secret)) {
		diag_set(diag, store->directory, 0, 0, "the system gives no random numbers");
		store_close(&store);
		return NULL;
	}
	store->suffixes = psl_latest(NULL);
	store->shared.suffixes = store->suffixes;
	if (lock_directory(store, diag) != 0)
		store_close(&store);
	else
		shelf_sweep(store->directory);
	return store;
}

void store_close(struct store **store)
{
	if (*store == NULL)
		return;
	for (unsigned i = 0; i < OPEN_MAX; i++)
		day_close(&(*store)->open[i].day);
	psl_free((*store)->suffixes);
	if ((*store)->lock >= 0)
		close((*store)->lock);
	if ((*store)->directory_fd >= 0)
		close((*store)->directory_fd);
	free(*store);
	*store = NULL;
}

/* --- files -------------------------------------------------------------------------------------------------- */

/* What was not committed is gone from all files: some of it could depend on what is gone in one. */
static int give_up(struct store *store)
{
	for (unsigned i = 0; i < OPEN_MAX; i++)
		day_close(&store->open[i].day);
	return -1;
}

static int set_aside(struct store *store, const char *path, struct diag *diag)
{
	struct diag why = *diag;

	if (shelf_set_aside(path, diag) != 0)
		return -1;
	store->counts.damaged++;
	diag_set(diag, path, 0, 0, "is set aside as *.damaged: %s", why.text);
	tell(store, diag);
	return 0;
}

static int failed(struct store *store, int64_t day_s, enum store_class class, bool damaged, struct diag *diag);

static int commit_all(struct store *store, struct diag *diag)
{
	for (unsigned i = 0; i < OPEN_MAX; i++) {
		struct open_day *place = &store->open[i];

		if (place->day != NULL && day_commit(place->day, diag) != 0)
			return failed(store, place->day_s, place->class, day_is_damaged(place->day), diag);
	}
	return 0;
}

/* Never one file alone: numbers of one worker go to several. store_settle waits for the last of them; who holds that
 * lock does not keep us. */
int store_commit(struct store *store, struct diag *diag)
{
	bool alone = flock(store->directory_fd, LOCK_EX | LOCK_NB) == 0;
	int result = commit_all(store, diag);

	if (alone)
		flock(store->directory_fd, LOCK_UN);
	store->counts.commits += result == 0;
	return result;
}

static struct open_day *free_place(struct store *store, struct diag *diag)
{
	struct open_day *best = &store->open[0];

	for (unsigned i = 1; i < OPEN_MAX && best->day != NULL; i++)
		if (store->open[i].day == NULL || store->open[i].used < best->used)
			best = &store->open[i];
	if (best->day != NULL && day_is_dirty(best->day) && store_commit(store, diag) != 0)
		return NULL;
	day_close(&best->day);
	return best;
}

/* Whoever goes to and fro between days must not have a file looked through each time. */
static bool is_checked(const struct store *store, int64_t day_s, enum store_class class)
{
	for (unsigned i = 0; i < CHECKED_MAX && i < store->checked_count; i++)
		if (store->checked[i].day_s == day_s && store->checked[i].class == class)
			return true;
	return false;
}

static struct day *open_file(struct store *store, int64_t day_s, enum store_class class, struct diag *diag)
{
	char path[SHELF_PATH_MAX];
	bool damaged, checked;
	struct day *day;

	shelf_path(store->directory, day_s, class, path);
	checked = is_checked(store, day_s, class);
	day = day_open(path, day_s, class, &store->shared, !checked, &damaged, diag);
	if (day == NULL && damaged && set_aside(store, path, diag) == 0)
		day = day_open(path, day_s, class, &store->shared, true, &damaged, diag);
	if (day != NULL && !checked)
		store->checked[store->checked_count++ % CHECKED_MAX] = (struct open_day){ .day_s = day_s, .class = class };
	if (day != NULL && fsync(store->directory_fd) != 0) {   /* a new file's name has to outlive a loss of power, too */
		diag_set(diag, store->directory, 0, 0, "cannot be written to: %s", strerror(errno));
		day_close(&day);
	}
	return day;
}

static struct day *find_day(struct store *store, int64_t day_s, enum store_class class, struct diag *diag)
{
	struct open_day *place;

	for (unsigned i = 0; i < OPEN_MAX; i++) {
		place = &store->open[i];
		if (place->day == NULL || place->day_s != day_s || place->class != class)
			continue;
		place->used = ++store->clock;
		return place->day;
	}
	place = free_place(store, diag);
	if (place == NULL)
		return NULL;
	place->day = open_file(store, day_s, class, diag);
	place->day_s = day_s;
	place->class = class;
	place->used = ++store->clock;
	return place->day;
}

/* A file that turned out to be broken makes room for a new one. */
static int failed(struct store *store, int64_t day_s, enum store_class class, bool damaged, struct diag *diag)
{
	char path[SHELF_PATH_MAX];

	give_up(store);
	if (damaged) {
		shelf_path(store->directory, day_s, class, path);
		set_aside(store, path, diag);
	}
	return -1;
}

/* --- taking ------------------------------------------------------------------------------------------------- */

/* What strayed is filed under the day that it comes on, and can have come on one before: an event, or a note. */
static int came_before(struct store *store, const struct store_event *event, const struct store_note *note, bool *again,
	struct diag *diag)
{
	int64_t day_s = event != NULL ? event->day_s : note->day_s;
	enum store_class class = event != NULL ? event->class : STORE_VERDICTS;
	char path[SHELF_PATH_MAX];
	struct day *day;
	int result;

	for (unsigned days = STRAYED_DAYS; !*again && days > 0; days--) {
		int64_t before_s = day_s - days * DAY_SECONDS;

		shelf_path(store->directory, before_s, class, path);
		if (access(path, F_OK) != 0)
			continue;
		day = find_day(store, before_s, class, diag);
		if (day == NULL)
			return give_up(store);
		result = event != NULL ? day_has(day, &event->source, event->counter, again, diag) :
			day_has_note(day, note, again, diag);
		if (result != 0)
			return failed(store, before_s, class, day_is_damaged(day), diag);
	}
	return 0;
}

int store_put(struct store *store, const struct store_event *event, bool *again, struct diag *diag)
{
	struct day *day;

	*again = false;
	if (event->strayed && event->counter != 0 && came_before(store, event, NULL, again, diag) != 0)
		return -1;
	if (*again) {
		store->counts.duplicates++;
		return 0;
	}
	day = find_day(store, event->day_s, event->class, diag);
	if (day == NULL)
		return give_up(store);
	if (day_put(day, event, again, diag) != 0)
		return failed(store, event->day_s, event->class, day_is_damaged(day), diag);
	store->counts.duplicates += *again;
	store->counts.events += !*again;
	return 0;
}

int store_servers(struct store *store, const struct store_event *event, struct diag *diag)
{
	struct day *day = find_day(store, event->day_s, event->class, diag);

	if (day == NULL)
		return give_up(store);
	return day_servers(day, event, diag) == 0 ? 0 :
		failed(store, event->day_s, event->class, day_is_damaged(day), diag);
}

int store_note(struct store *store, const struct store_note *note, bool *again, struct diag *diag)
{
	struct day *day;

	*again = false;
	if (note->strayed && came_before(store, NULL, note, again, diag) != 0)
		return -1;
	if (*again) {
		store->counts.duplicates++;
		return 0;
	}
	day = find_day(store, note->day_s, STORE_VERDICTS, diag);
	if (day == NULL)
		return give_up(store);
	if (day_note(day, note, again, diag) != 0)
		return failed(store, note->day_s, STORE_VERDICTS, day_is_damaged(day), diag);
	store->counts.duplicates += *again;
	store->counts.notes += !*again;
	return 0;
}

void store_settle(const char *directory)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && i < SETTLE_TRIES; i++)
		nanosleep(&pause, NULL);
	if (fd >= 0)
		close(fd);
}

bool store_is_dirty(const struct store *store)
{
	for (unsigned i = 0; i < OPEN_MAX; i++)
		if (store->open[i].day != NULL && day_is_dirty(store->open[i].day))
			return true;
	return false;
}

const struct store_counts *store_counts(const struct store *store)
{
	return &store->counts;
}
