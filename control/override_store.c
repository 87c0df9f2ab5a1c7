/* override_store.c: the overrides in memory, in their file, and in the audit. */
#include "control/override_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/audit.h"
#include "control/override_file.h"
#include "policy/address.h"
#include "policy/file.h"

#define DIRECTORY_MODE 0750

struct override_store {
	const struct control_host *host;
	char *directory, *path, *fresh, *damaged, *audit;   /* owned; never change */
	pthread_mutex_t lock;
	struct override_file file;                          /* under lock */
};

static void say(const struct override_store *store, bool error, const char *text)
{
	store->host->log(store->host->arg, error, text);
}

static void say_diag(const struct override_store *store, const struct diag *diag)
{
	char text[sizeof(*diag) + 32];

	say(store, true, diag_format(diag, text, sizeof(text)));
}

/* --- time -------------------------------------------------------------------------------------------------- */

/* It goes on while the machine sleeps. */
static int64_t steady_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec;
}

/* One second more: the clock of the wall is to be first. */
static void begin_to_last(struct override *override)
{
	const int64_t meant = override->until - override->made;

	override->lasts_until = steady_seconds() + (meant < OVERRIDE_SECONDS_MAX ? meant : OVERRIDE_SECONDS_MAX) + 1;
}

static bool has_ended(const struct override *override, int64_t now)
{
	return override->until <= now || override->lasts_until <= steady_seconds();
}

/* --- the file ---------------------------------------------------------------------------------------------- */

/* The ids in it are lost: going on from the clock uses none of them again. */
static void set_aside(struct override_store *store, const struct diag *diag, int64_t now)
{
	char text[2048];

	store->file.next = now > 0 ? (uint64_t)now : 1;
	say_diag(store, diag);
	if (rename(store->path, store->damaged) == 0)
		snprintf(text, sizeof(text), "overrides: the damaged file is now %s; starting without overrides",
			store->damaged);
	else
		snprintf(text, sizeof(text), "overrides: %s cannot be moved aside; starting without overrides", store->path);
	say(store, true, text);
}

static void begin_and_leave_out_ended(struct override_file *file, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->count; i++) {
		begin_to_last(&file->overrides[i]);
		if (!has_ended(&file->overrides[i], now))
			file->overrides[kept++] = file->overrides[i];
	}
	file->count = kept;
}

static void read_file(struct override_store *store, int64_t now)
{
	struct diag diag = { 0 };
	struct file_text text;
	const char *wrong;

	if (access(store->path, F_OK) != 0 && errno == ENOENT)
		return;
	wrong = file_load(&text, store->path, OVERRIDE_FILE_OCTETS_MAX);
	if (wrong != NULL) {
		diag_set(&diag, store->path, 0, 0, "%s", wrong);
		set_aside(store, &diag, now);
		return;
	}
	if (override_file_parse(&store->file, text.octets, text.length, store->path, &diag) != 0)
		set_aside(store, &diag, now);
	else
		begin_and_leave_out_ended(&store->file, now);
	file_release(&text);
}

/* --- open and close ---------------------------------------------------------------------------------------- */

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static bool set_paths(struct override_store *store, const char *directory)
{
	store->directory = strdup(directory);
	store->path = join(directory, "overrides");
	store->fresh = join(directory, "overrides.new");
	store->damaged = join(directory, "overrides.damaged");
	store->audit = join(directory, "audit.log");
	return store->directory != NULL && store->path != NULL && store->fresh != NULL && store->damaged != NULL &&
		store->audit != NULL;
}

struct override_store *override_store_open(const char *directory, const struct control_host *host, int64_t now)
{
	struct override_store *store = calloc(1, sizeof(*store));
	struct diag diag = { 0 };

	if (store == NULL)
		return NULL;
	pthread_mutex_init(&store->lock, NULL);
	store->host = host;
	store->file.next = 1;
	if (!set_paths(store, directory)) {
		override_store_close(&store);
		return NULL;
	}
	if (mkdir(directory, DIRECTORY_MODE) != 0 && errno != EEXIST) {
		diag_set(&diag, directory, 0, 0, "the state directory cannot be made: %m");
		say_diag(store, &diag);
	}
	read_file(store, now);
	return store;
}

void override_store_close(struct override_store **store)
{
	struct override_store *gone = *store;

	*store = NULL;
	if (gone == NULL)
		return;
	pthread_mutex_destroy(&gone->lock);
	free(gone->file.overrides);
	free(gone->directory);
	free(gone->path);
	free(gone->fresh);
	free(gone->damaged);
	free(gone->audit);
	free(gone);
}

/* --- looking ----------------------------------------------------------------------------------------------- */

struct override *override_store_copy(struct override_store *store, size_t *count)
{
	struct override *copy;

	pthread_mutex_lock(&store->lock);
	*count = store->file.count;
	copy = calloc(*count > 0 ? *count : 1, sizeof(*copy));
	if (copy != NULL && *count > 0)
		memcpy(copy, store->file.overrides, *count * sizeof(*copy));
	pthread_mutex_unlock(&store->lock);
	if (copy == NULL)
		*count = 0;
	return copy;
}

int64_t override_store_next_end(struct override_store *store)
{
	int64_t next = INT64_MAX;

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->file.count; i++)
		if (store->file.overrides[i].until < next)
			next = store->file.overrides[i].until;
	pthread_mutex_unlock(&store->lock);
	return next;
}

int64_t override_store_left(struct override_store *store)
{
	int64_t first = INT64_MAX;

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->file.count; i++)
		if (store->file.overrides[i].lasts_until < first)
			first = store->file.overrides[i].lasts_until;
	pthread_mutex_unlock(&store->lock);
	return first != INT64_MAX ? first - steady_seconds() : INT64_MAX;
}

bool override_store_has_unwanted(struct override_store *store, const struct detector_conf *detectors)
{
	bool found = false;

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->file.count && !found; i++)
		found = !override_is_wanted(&store->file.overrides[i], detectors);
	pthread_mutex_unlock(&store->lock);
	return found;
}

/* --- changing ---------------------------------------------------------------------------------------------- */

static bool is_same_client(const struct network *a, const struct network *b)
{
	return a->address.family == b->address.family && a->prefix_length == b->prefix_length &&
		memcmp(a->address.octets, b->address.octets, sizeof(a->address.octets)) == 0;
}

static bool is_revoked(const struct override *override, const struct override_plan *plan)
{
	if (plan->revoke_id != 0 && override->id == plan->revoke_id)
		return true;
	return plan->revoke_name != NULL && name_equal(&override->name, plan->revoke_name);
}

bool override_releases(const struct override *allow, const struct name *name, const struct network *client)
{
	struct address masked = client->address;

	if (allow->action != ACTION_PASS || !name_is_below(name, &allow->name))
		return false;
	if (allow->client.address.family == ADDRESS_NONE)
		return true;
	if (client->address.family != allow->client.address.family || client->prefix_length < allow->client.prefix_length)
		return false;
	address_mask(&masked, allow->client.prefix_length);
	return address_compare(&masked, &allow->client.address) == 0;
}

/* A denial to one client would win over what lets everybody through. */
static bool is_released(const struct override *override, const struct override *add)
{
	return override_is_detectors(override) && override_releases(add, &override->name, &override->client);
}

static bool leaves(const struct override *override, const struct override_plan *plan)
{
	if (has_ended(override, plan->now) || is_revoked(override, plan))
		return true;
	if (plan->detectors != NULL && !override_is_wanted(override, plan->detectors))
		return true;
	if (plan->add == NULL)
		return false;
	if (override_is_detectors(plan->add) && !override_is_detectors(override))
		return false;
	return is_released(override, plan->add) || (name_equal(&override->name, &plan->add->name) &&
		is_same_client(&override->client, &plan->add->client));
}

int override_store_plan(struct override_store *store, const struct override_plan *plan,
	struct override_change *change, struct diag *diag)
{
	size_t count;
	struct override *now = override_store_copy(store, &count), *all, *gone;

	memset(change, 0, sizeof(*change));
	all = calloc(count + 1, sizeof(*all));
	gone = calloc(count + 1, sizeof(*gone));
	change->all = all;
	change->gone = gone;
	for (size_t i = 0; now != NULL && all != NULL && gone != NULL && i < count; i++) {
		change->revoked += is_revoked(&now[i], plan);
		*(leaves(&now[i], plan) ? &gone[change->gone_count++] : &all[change->count++]) = now[i];
	}
	free(now);
	if (now == NULL || all == NULL || gone == NULL) {
		override_change_fini(change);
		return diag_set(diag, store->path, 0, 0, "out of memory");
	}
	if (plan->add == NULL)
		return 0;
	if (change->count >= OVERRIDES_MAX) {
		override_change_fini(change);
		return diag_set(diag, store->path, 0, 0, "%d overrides are in force, the most that there can be; revoke some",
			OVERRIDES_MAX);
	}
	change->added = *plan->add;
	change->added.id = store->file.next;   /* written by the one planner alone */
	begin_to_last(&change->added);
	all[change->count++] = change->added;
	return 0;
}

void override_change_fini(struct override_change *change)
{
	free(change->all);
	free(change->gone);
	memset(change, 0, sizeof(*change));
}

/* Into the resolver's log too: it may well be on another disk, or machine. */
static int note(const struct override_store *store, int64_t now, const char *line, struct diag *diag)
{
	char text[AUDIT_LINE_MAX + 16];

	snprintf(text, sizeof(text), "change: %s", line);
	say(store, false, text);
	return audit_append(store->audit, now, line, diag);
}

static int note_change(const struct override_store *store, const struct override_change *change, int64_t now,
	const char *who, const char *why, struct diag *diag)
{
	char line[AUDIT_LINE_MAX];
	int result = 0;

	for (size_t i = 0; i < change->gone_count; i++) {
		const struct override *gone = &change->gone[i];
		const bool ended = has_ended(gone, now);

		audit_override(ended ? "end" : change->added.id != 0 ? "replace" : "revoke", gone, ended ? gone->who : who,
			ended ? gone->why : why, line);
		if (note(store, now, line, diag) != 0)
			result = -1;
	}
	if (change->added.id != 0)
		audit_override(override_verb(&change->added), &change->added, who, change->added.why, line);
	if (change->added.id != 0 && note(store, now, line, diag) != 0)
		result = -1;
	return result;
}

void override_store_drop(struct override_store *store, struct override_change *change)
{
	pthread_mutex_lock(&store->lock);
	free(store->file.overrides);
	store->file.overrides = change->all;
	store->file.count = change->count;
	if (change->added.id != 0)
		store->file.next = change->added.id + 1;
	pthread_mutex_unlock(&store->lock);
	change->all = NULL;
}

int override_store_commit(struct override_store *store, struct override_change *change, int64_t now, const char *who,
	const char *why, struct diag *diag)
{
	int result;

	override_store_drop(store, change);
	result = note_change(store, change, now, who, why, diag);
	/* The planner is the only writer, so reading without the lock is fine here. */
	if (override_file_write(&store->file, store->directory, store->path, store->fresh, diag) != 0)
		result = -1;
	return result;
}

int override_store_audit(struct override_store *store, int64_t now, const char *who, const char *what,
	struct diag *diag)
{
	char line[AUDIT_LINE_MAX];
	size_t used = (size_t)snprintf(line, sizeof(line) / 2, "%s", what);

	audit_add(line, used < sizeof(line) / 2 ? used : sizeof(line) / 2 - 1, "who", who);
	return note(store, now, line, diag);
}
