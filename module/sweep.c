/* sweep.c: walks both caches bin by bin and takes out what has to go. */
#include "module/sweep.h"

#include <stdlib.h>
#include <time.h>

#include "module/guarded.h"
#include "module/sweep_batch.h"
#include "module/upstream.h"
#include "module/wakeup.h"

/* The last bin of a slice may take its time. */
#define SLICE_END_US (SWEEP_SLICE_US - 50)
/* Empty bins that are passed over while a table is locked. */
#define EMPTY_BINS_MAX 64

/* RRsets first: what is gone from there is not put together to a message again. */
enum phase { PHASE_RRSETS, PHASE_MESSAGES, PHASE_END };

/* Where a sweep is. Made and freed by who asks for it, used by whoever runs a slice. */
struct sweep {
	const struct sweep_goal *goal;
	struct sweep_report *report;
	enum phase phase;
	size_t slab;
	size_t bin;
	bool overflown;          /* some bin held more than a batch can */
	struct batch batch;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- one bin ---------------------------------------------------------------------------------------------------- */

static const struct slabhash *cache_of(const struct sweep *sweep, const struct module_env *env)
{
	return sweep->phase == PHASE_RRSETS ? &env->rrset_cache->table : env->msg_cache;
}

/* The next bin with something in it, locked, or NULL at the end of the table or after many empty ones. A table that
 * doubles on the way is no matter: an entry of a bin that was not reached is moved to that bin or to one behind it. */
static struct lruhash_bin *lock_bin(struct sweep *sweep, struct lruhash *table, bool *end)
{
	struct lruhash_bin *bin = NULL;

	lock_quick_lock(&table->lock);
	for (size_t left = EMPTY_BINS_MAX; left > 0 && bin == NULL && sweep->bin < table->size; left--) {
		bin = &table->array[sweep->bin++];
		if (bin->overflow_list == NULL)   /* changes only while the table is locked */
			bin = NULL;
	}
	*end = bin == NULL && sweep->bin >= table->size;
	if (bin != NULL)
		lock_quick_lock(&bin->lock);
	lock_quick_unlock(&table->lock);
	return bin;
}

static size_t copy_bin(struct sweep *sweep, struct lruhash_bin *bin)
{
	size_t count = 0;

	batch_clear(&sweep->batch);
	for (struct lruhash_entry *entry = bin->overflow_list; entry != NULL; entry = entry->overflow_next) {
		bool room = sweep->phase == PHASE_RRSETS ? batch_add_rrset(&sweep->batch, sweep->goal, entry)
							 : batch_add_message(&sweep->batch, sweep->goal, entry);

		sweep->overflown |= !room;
		count++;
	}
	lock_quick_unlock(&bin->lock);
	return count;
}

static size_t clean_bin(struct sweep *sweep, struct module_env *env)
{
	const bool messages = sweep->phase == PHASE_MESSAGES;
	size_t count = 0;

	for (size_t i = 0; i < sweep->batch.entry_count; i++) {
		const struct batch_entry *entry = &sweep->batch.entries[i];

		if (!batch_judge(&sweep->batch, entry, sweep->goal, env, messages))
			continue;
		if (messages)
			batch_remove_message(entry, env);
		else
			batch_remove_rrset(entry, env);
		count++;
	}
	return count;
}

/* --- the walk --------------------------------------------------------------------------------------------------- */

static void sweep_bin(struct sweep *sweep, struct module_env *env, struct lruhash_bin *bin)
{
	struct sweep_report *report = sweep->report;
	size_t seen = copy_bin(sweep, bin);
	size_t removed = clean_bin(sweep, env);

	if (sweep->phase == PHASE_RRSETS) {
		report->rrsets += seen;
		report->rrsets_removed += removed;
	} else {
		report->messages += seen;
		report->messages_removed += removed;
	}
}

/* True: that was the end. */
static bool sweep_step(struct sweep *sweep, struct module_env *env)
{
	const struct slabhash *cache = cache_of(sweep, env);
	struct lruhash_bin *bin;
	bool end;

	bin = lock_bin(sweep, cache->array[sweep->slab], &end);
	if (bin != NULL)
		sweep_bin(sweep, env, bin);
	if (!end)
		return false;
	sweep->bin = 0;
	if (++sweep->slab == cache->size) {
		sweep->slab = 0;
		sweep->phase++;
	}
	return sweep->phase == PHASE_END;
}

static bool sweep_slice(void *arg, struct module_env *env)
{
	struct sweep *sweep = arg;
	uint64_t start = now_us();
	uint64_t spent;
	bool end;

	do {
		end = sweep_step(sweep, env);
		spent = now_us() - start;
	} while (!end && spent < SLICE_END_US);
	if (spent > sweep->report->longest_slice_us)
		sweep->report->longest_slice_us = spent;
	return end;
}

/* --- asking for it ---------------------------------------------------------------------------------------------- */

static struct sweep *sweep_create(const struct sweep_goal *goal, struct sweep_report *report)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	*report = (struct sweep_report){ 0 };
	if (sweep == NULL)
		return NULL;
	sweep->goal = goal;
	sweep->report = report;
	return sweep;
}

void sweep_request(const struct sweep_goal *goal, unsigned timeout_ms, struct sweep_report *report)
{
	struct sweep *sweep = sweep_create(goal, report);
	uint64_t start = now_us();

	if (sweep != NULL)
		report->complete = wakeup_run(sweep_slice, sweep, timeout_ms) && !sweep->overflown;
	if (goal->name != NULL)
		report->messages_removed += guarded_flush(goal->name, goal->below);
	report->microseconds = now_us() - start;
	free(sweep);
}

void sweep_all(struct module_env *env, const struct sweep_goal *goal, struct sweep_report *report)
{
	struct sweep *sweep = sweep_create(goal, report);
	struct module_env complete = *env;
	uint64_t start = now_us();

	if (sweep == NULL)
		return;
	upstream_init(&complete);
	while (!sweep_step(sweep, &complete))
		;
	upstream_fini(&complete);
	report->complete = !sweep->overflown;
	report->microseconds = now_us() - start;
	free(sweep);
}
