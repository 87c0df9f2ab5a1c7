/* state.c: the policy in force, the tap and the workers' slots of this process. */
#include "module/state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "detect/detect.h"
#include "module/frame_sums.h"
#include "module/tap_of.h"
#include "policy/epoch.h"
#include "policy/evaluate.h"
#include "policy/group.h"
#include "policy/hot.h"

#define TAP_STOP_MS 1000

static struct {
	struct epoch epoch;
	void *_Atomic snapshot;             /* struct snapshot, guarded by `epoch` and for own threads by `pins` */
	void *_Atomic next;                 /* struct snapshot, likewise; announced, or NULL */
	_Atomic uint64_t plain;             /* what state_is_plain compares with; 0: nothing is */
	pthread_rwlock_t pins;
	_Atomic size_t octets;              /* of that snapshot */
	_Atomic bool hides;                 /* set before a snapshot that has a client to hide is in force */
	struct tap *tap;                    /* made and destroyed while no worker runs; own threads: under `tap_lock` */
	pthread_mutex_t tap_lock;
	struct tap_counts last;             /* of the tap before; likewise */
	struct tap_counts ended;            /* of all taps before; under tap_lock */
	struct tap_carry carry;             /* from one tap to the next; likewise */
	char failure[128];                  /* why there is no tap; under tap_lock; "": there is one */
	enum frames_mode frames;            /* as `tap` */
	uint32_t sample_rate;               /* likewise */
	uint64_t boot;                      /* likewise, once */
	_Atomic unsigned generation;        /* of slot claims: one more at each load */
	_Atomic unsigned claimed;
	size_t memos;                       /* octets of what slots have; set while no worker runs */
	struct slot slots[STATE_SLOTS_MAX];
} state = { .epoch = EPOCH_INITIALIZER, .pins = PTHREAD_RWLOCK_INITIALIZER,
	.tap_lock = PTHREAD_MUTEX_INITIALIZER };

static WORKER_LOCAL struct {
	unsigned generation;
	struct slot *slot;
} mine;

static uint64_t boot_make(void)
{
	uint16_t salt = 0;

	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) != sizeof(salt))
		salt = (uint16_t)clock();
	return ((uint64_t)time(NULL) << 16 | salt) & 0xffffffffffff;
}

/* What was answered while no tap could be made had no frame, and not because `frames:` wanted none. */
static void carry_unframed(void)
{
	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		struct ring_tally *tally = &state.carry.workers[i].tally;

		if (state.slots[i].counter > tally->noted) {
			tally->dropped += state.slots[i].counter - tally->noted;
			tally->noted = state.slots[i].counter;
		}
	}
}

/* As long as the process lives: the next load's workers go on with them. */
static void make_memos(unsigned threads)
{
	for (unsigned i = 0; i < threads && i < STATE_SLOTS_MAX; i++) {
		struct slot *slot = &state.slots[i];

		if (slot->memo == NULL && (slot->memo = match_memo_create()) != NULL)
			state.memos += sizeof(*slot->memo);
		if (slot->hits != NULL)
			memset(slot->hits, 0, sizeof(*slot->hits));   /* clients, whom nobody may look at any more */
		else if ((slot->hits = calloc(1, sizeof(*slot->hits))) != NULL)
			state.memos += sizeof(*slot->hits);
	}
}

int state_start(const struct conf *conf, unsigned threads, struct diag *diag)
{
	struct tap *tap;

	if (state.boot == 0)
		state.boot = boot_make();
	if (state.failure[0] != '\0')
		carry_unframed();
	make_memos(threads);
	tap = tap_of_conf(conf, threads, state.boot, &state.carry, diag);
	state.frames = conf->dnstap.frames;
	state.sample_rate = conf->dnstap.sample_rate;
	atomic_store_explicit(&state.claimed, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&state.generation, 1, memory_order_relaxed);
	pthread_mutex_lock(&state.tap_lock);
	state.tap = tap;
	state.failure[0] = '\0';
	if (tap == NULL)
		diag_format(diag, state.failure, sizeof(state.failure));
	pthread_mutex_unlock(&state.tap_lock);
	return tap != NULL ? 0 : -1;
}

bool state_running(void)
{
	return atomic_load_explicit(&state.snapshot, memory_order_relaxed) != NULL;
}

void state_stop(void)
{
	pthread_mutex_lock(&state.tap_lock);
	if (state.tap != NULL) {
		tap_destroy(&state.tap, TAP_STOP_MS, &state.last);
		frame_sums_keep(&state.ended, &state.last);
	}
	pthread_mutex_unlock(&state.tap_lock);
}

static RARE struct slot *claim_slot(unsigned generation)
{
	unsigned index = atomic_fetch_add_explicit(&state.claimed, 1, memory_order_relaxed);

	mine.generation = generation;
	mine.slot = index < STATE_SLOTS_MAX ? &state.slots[index] : NULL;
	if (mine.slot != NULL)
		mine.slot->index = (uint16_t)index;
	return mine.slot;
}

HOT struct slot *state_slot(void)
{
	unsigned generation = atomic_load_explicit(&state.generation, memory_order_relaxed);

	return mine.generation == generation ? mine.slot : claim_slot(generation);
}

HOT const struct snapshot *state_enter(const struct slot *slot)
{
	epoch_enter(&state.epoch, slot->index);
	/* Pairs with the store in epoch_publish, which asks for this order. */
	return atomic_load_explicit(&state.snapshot, memory_order_seq_cst);
}

HOT void state_leave(const struct slot *slot)
{
	epoch_leave(&state.epoch, slot->index);
}

HOT const struct snapshot *state_next(const struct slot *slot)
{
	(void)slot;
	/* Pairs with the stores in state_announce and state_replace. Who still got the old policy by state_enter entered
	 * before state_replace, which clears this only after all those have left. */
	return atomic_load_explicit(&state.next, memory_order_seq_cst);
}

/* Pairs with the stores in state_announce and state_replace. */
HOT bool state_is_plain(uint64_t unlisted_in)
{
	return unlisted_in != 0 && unlisted_in == atomic_load_explicit(&state.plain, memory_order_seq_cst);
}

/* Readers are inside for microseconds, so looking again is cheaper than being woken. */
static bool wait_quiescent(uint64_t ticket, unsigned timeout_ms)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 };

	for (uint64_t left = (uint64_t)timeout_ms * 10; !epoch_quiescent(&state.epoch, ticket); left--) {
		if (left == 0)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool state_announce(struct snapshot *next, unsigned timeout_ms)
{
	uint64_t ticket;

	/* Before: who sees `next` sees this. */
	atomic_store_explicit(&state.plain, 0, memory_order_seq_cst);
	epoch_publish(&state.epoch, &state.next, next, &ticket);
	return wait_quiescent(ticket, timeout_ms);
}

struct snapshot *state_replace(struct snapshot *next, unsigned timeout_ms)
{
	struct snapshot *old;
	uint64_t ticket;
	bool unused;

	const bool hides = group_any_privacy(snapshot_groups(next));

	atomic_store_explicit(&state.octets, snapshot_octets(next), memory_order_relaxed);
	if (hides)
		atomic_store_explicit(&state.hides, true, memory_order_relaxed);
	atomic_store_explicit(&state.plain, 0, memory_order_seq_cst);
	pthread_rwlock_wrlock(&state.pins);
	old = epoch_publish(&state.epoch, &state.snapshot, next, &ticket);
	pthread_rwlock_unlock(&state.pins);
	unused = wait_quiescent(ticket, timeout_ms);
	if (!hides && unused)
		atomic_store_explicit(&state.hides, false, memory_order_relaxed);
	/* Not before: see state_next. What it points to is in force now, so nobody can be left with a freed one. */
	atomic_store_explicit(&state.next, NULL, memory_order_seq_cst);
	/* And then nothing is about to be in force. Pairs with the load in state_is_plain. */
	atomic_store_explicit(&state.plain, evaluate_plain_number(next), memory_order_seq_cst);
	return unused ? old : NULL;
}

const struct snapshot *state_pin(void)
{
	pthread_rwlock_rdlock(&state.pins);
	return atomic_load_explicit(&state.snapshot, memory_order_seq_cst);
}

void state_unpin(void)
{
	pthread_rwlock_unlock(&state.pins);
}

HOT struct frame_number state_number(struct slot *slot)
{
	return (struct frame_number){ .boot = state.boot, .worker = slot->index, .counter = ++slot->counter };
}

HOT bool state_takes_plain(uint64_t ordinal)
{
	if (!tap_wanted(state.tap))
		return false;
	return state.frames == FRAMES_ALL ||
		(state.frames == FRAMES_SAMPLE && ordinal % state.sample_rate == 0);
}

HOT bool state_takes(const struct slot *slot, const struct event *event)
{
	const struct verdict *verdict = event->verdict;

	if (verdict->action != ACTION_ALLOW || verdict->shadow.trigger != TRIGGER_NONE || event->detections != NULL)
		return tap_wanted(state.tap);
	return state_takes_plain(slot->counter);
}

HOT bool state_tells(void)
{
	return tap_wanted(state.tap);
}

HOT void state_note(struct slot *slot, enum answer_path path, enum action action)
{
	slot->answers[path]++;
	slot->verdicts[action]++;
	tap_note(state.tap, slot->index, slot->counter);
}

HOT bool state_hides(void)
{
	return atomic_load_explicit(&state.hides, memory_order_relaxed);
}

HOT void state_emit(struct slot *slot, struct event *event)
{
	const struct verdict *verdict = event->verdict;

	slot->answers[event->path]++;
	slot->verdicts[verdict->action]++;
	if (state_takes(slot, event))
		tap_emit(state.tap, slot->index, event);
	else
		tap_note(state.tap, slot->index, event->number.counter);
}

bool state_reopen(void)
{
	pthread_mutex_lock(&state.tap_lock);
	const bool any = state.tap != NULL && tap_reopen(state.tap);
	pthread_mutex_unlock(&state.tap_lock);

	return any;
}

size_t state_octets(void)
{
	return sizeof(state) + state.memos + atomic_load_explicit(&state.octets, memory_order_relaxed);
}

/* The worker goes on counting: each number is whole, and they need not be of one moment. */
static uint64_t look(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void count_slot(const struct slot *slot, struct host_counters *to)
{
	const uint64_t longest = look(&slot->longest_us);

	for (unsigned path = 0; path < PATH_COUNT; path++)
		to->answers[path] += look(&slot->answers[path]);
	for (unsigned action = 0; action < ACTION_COUNT; action++)
		to->verdicts[action] += look(&slot->verdicts[action]);
	to->escaped += look(&slot->escaped);
	to->failed += look(&slot->failed);
	to->budget_overruns += look(&slot->budget_overruns);
	to->unique_made += look(&slot->unique_made);
	to->unique_refused += look(&slot->unique_refused);
	to->guarded_hits += look(&slot->guarded_hits);
	to->guarded_stores += look(&slot->guarded_stores);
	if (longest > to->longest_answer_us)
		to->longest_answer_us = longest;
}

void state_count(struct host_counters *to)
{
	*to = (struct host_counters){ .failed = 0 };
	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++)
		count_slot(&state.slots[i], to);
	pthread_mutex_lock(&state.tap_lock);
	if (state.tap != NULL)
		tap_counts(state.tap, &to->tap);
	else
		memcpy(to->tap.note, state.failure, sizeof(state.failure));
	frame_sums_add(&state.ended, &to->tap);
	pthread_mutex_unlock(&state.tap_lock);
}

void state_summary(char *to, size_t cap)
{
	uint64_t answers = 0, denied = 0, escaped = 0, failed = 0;

	for (unsigned i = 0; i < STATE_SLOTS_MAX; i++) {
		const struct slot *slot = &state.slots[i];

		answers += slot->counter;
		escaped += slot->escaped;
		failed += slot->failed;
		for (unsigned action = 0; action < ACTION_COUNT; action++)
			denied += action_table[action].denies ? slot->verdicts[action] : 0;
	}
	snprintf(to, cap, "%llu answers, %llu denied, %llu denied too late, %llu failed; %llu frames, of which %llu were "
		"dropped; at the last end %llu were not sent any more", (unsigned long long)answers,
		(unsigned long long)denied, (unsigned long long)escaped, (unsigned long long)failed,
		(unsigned long long)state.last.emitted,
		(unsigned long long)(state.last.dropped_ring + state.last.dropped_spool),
		(unsigned long long)state.last.unsent);
}
