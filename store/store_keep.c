/* store_keep.c: what goes from a store again: old days, and clients. */
#include "store/store_parts.h"

#include <stdlib.h>

#include "store/forget.h"

static int close_all(struct store *store, struct diag *diag)
{
	if (store_commit(store, diag) != 0)
		return -1;
	for (unsigned i = 0; i < OPEN_MAX; i++)
		day_close(&store->open[i].day);
	return 0;
}

static bool is_open(const struct store *store, const struct shelf_file *file)
{
	for (unsigned i = 0; i < OPEN_MAX; i++)
		if (store->open[i].day != NULL && store->open[i].day_s == file->day_s && store->open[i].class == file->class)
			return true;
	return false;
}

/* 1: it stays, *diag says why, and nothing else happened. */
static int remove_file(struct store *store, const struct shelf_file *file, unsigned *removed, struct diag *diag)
{
	if (!file->aside && is_open(store, file) && close_all(store, diag) != 0)
		return -1;
	if (shelf_remove(file->path, diag) != 0)
		return 1;
	(*removed)++;
	return 0;
}

static bool is_old(const struct shelf_file *file, const struct store_limits *limits, int64_t now_s)
{
	int64_t keep_s = limits->keep_s[file->class];

	return keep_s > 0 && file->day_s + DAY_SECONDS + keep_s <= now_s;
}

int store_keep(struct store *store, const struct store_limits *limits, int64_t now_s, unsigned *removed,
	struct diag *diag)
{
	struct shelf_file *files;
	unsigned count;
	uint64_t octets = 0;
	int result = 0;

	*removed = 0;
	if (shelf_list_all(store->directory, &files, &count, diag) != 0)
		return 1;
	for (unsigned i = 0; i < count; i++)
		octets += files[i].octets;
	for (unsigned i = 0; result >= 0 && i < count; i++) {
		bool much = limits->octets > 0 && octets > limits->octets && files[i].day_s + DAY_SECONDS <= now_s;
		int done;

		if (!much && !is_old(&files[i], limits, now_s))
			continue;
		done = remove_file(store, &files[i], removed, diag);
		result = done != 0 ? done : result;
		octets -= done == 0 ? files[i].octets : 0;
	}
	free(files);
	if (*removed > 0)
		shelf_sweep(store->directory);
	return result;
}

int store_forget(struct store *store, const struct address *client, unsigned bits, uint64_t *events,
	struct diag *diag)
{
	struct shelf_file *files;
	unsigned count;
	int result = close_all(store, diag);

	*events = 0;
	if (result != 0 || shelf_list(store->directory, INT64_MIN / 2, INT64_MAX / 2, &files, &count, diag) != 0)
		return -1;
	/* One that cannot be read keeps nobody in the others. */
	for (unsigned i = 0; i < count; i++)
		if (forget_in(files[i].path, client, bits, events, diag) != 0)
			result = -1;
	free(files);
	return result;
}
