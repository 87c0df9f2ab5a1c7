/* state.c: the policy in force, the tap and the workers' slots of this process. */
#include "module/state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/epoch.h"
#include "policy/feed.h"

#define TAP_STOP_MS 1000

static struct {
	struct epoch epoch;
	void *_Atomic snapshot;             /* struct snapshot, guarded by `epoch` and for own threads by `pins` */
	void *_Atomic next;                 /* struct snapshot, likewise; announced, or NULL */
	pthread_rwlock_t pins;
	_Atomic size_t octets;              /* of that snapshot */
	struct conf *conf;                  /* of that snapshot; main thread */
	struct build_report report;         /* likewise */
	size_t skipped;                     /* list entries that could not be used; main thread */
	struct tap *tap;                    /* made and destroyed while no worker runs */
	struct tap_counts last;             /* of the tap before; main thread */
	enum frames_mode frames;            /* as `tap` */
	uint64_t boot;                      /* likewise, once */
	_Atomic unsigned generation;        /* of slot claims: one more at each load */
	_Atomic unsigned claimed;
	struct slot slots[STATE_SLOTS_MAX];
} state = { .epoch = EPOCH_INITIALIZER, .pins = PTHREAD_RWLOCK_INITIALIZER };

static _Thread_local struct {
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

/* `arg` is the chroot's prefix: inside it the same file has the path behind the prefix. */
static char *cut_chroot(void *arg, const char *path)
{
	const char *chroot = arg;
	size_t length = strlen(chroot);

	while (length > 0 && chroot[length - 1] == '/')
		length--;
	if (length > 0 && strncmp(path, chroot, length) == 0 && path[length] == '/')
		path += length;
	return strdup(path);
}

static struct conf *read_conf(const char *path, const char *chroot, struct diag *diag)
{
	char *inside = cut_chroot((void *)(uintptr_t)chroot, path);
	struct conf *conf = inside != NULL ? conf_load(inside, diag) : NULL;

	if (inside == NULL)
		diag_set(diag, path, 0, 0, "out of memory");
	free(inside);
	if (conf != NULL && conf_translate_paths(conf, cut_chroot, (void *)(uintptr_t)chroot) != 0) {
		diag_set(diag, path, 0, 0, "out of memory");
		conf_destroy(&conf);
	}
	return conf;
}

static size_t skipped_total(const struct build_report *report)
{
	size_t total = 0;

	for (size_t i = 0; i < report->list_count; i++)
		for (size_t reason = 0; reason < SKIP_COUNT; reason++)
			total += report->lists[i].stats.skipped[reason];
	return total;
}

static int load_policy(const char *path, const char *chroot, struct diag *diag)
{
	const struct build_history before = { .conf = state.conf, .report = &state.report };
	struct build_report report = { 0 };
	struct conf *conf = read_conf(path, chroot, diag);
	struct snapshot *snapshot;
	struct snapshot *old;

	if (conf == NULL)
		return -1;
	snapshot = snapshot_build_again(conf, time(NULL), state.conf != NULL ? &before : NULL, &report, diag);
	if (snapshot == NULL) {
		conf_destroy(&conf);
		return -1;
	}
	state.skipped = skipped_total(&report);
	old = state_replace(snapshot, 0);
	snapshot_destroy(&old);
	conf_destroy(&state.conf);
	state.conf = conf;
	build_report_fini(&state.report);
	state.report = report;
	return 0;
}

static int start_tap(struct diag *diag)
{
	const struct dnstap_conf *conf = &state.conf->dnstap;
	char host[256] = "";
	struct tap_options options = {
		.identity = state.conf->identity != NULL ? state.conf->identity : host,
		.version = "unbound-verdict " VERDICT_VERSION,
		.socket_path = conf->socket_path,
		.file = conf->file,
		.ring_octets = conf->ring_octets,
		.workers = STATE_SLOTS_MAX,
	};

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	state.frames = conf->frames;
	state.tap = tap_create(&options);
	if (state.tap == NULL)
		return diag_set(diag, state.conf->path, 0, 0, "dnstap: the frame writer could not start: %m");
	return 0;
}

int state_load(const char *path, const char *chroot, struct diag *diag)
{
	int result = load_policy(path, chroot != NULL ? chroot : "", diag);

	if (state.boot == 0)
		state.boot = boot_make();
	atomic_store_explicit(&state.claimed, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&state.generation, 1, memory_order_relaxed);
	if (state_running() && start_tap(result == 0 ? diag : NULL) != 0)
		result = -1;
	return result;
}

bool state_running(void)
{
	return atomic_load_explicit(&state.snapshot, memory_order_relaxed) != NULL;
}

void state_stop(void)
{
	tap_destroy(&state.tap, TAP_STOP_MS, &state.last);
}

struct slot *state_slot(void)
{
	unsigned generation = atomic_load_explicit(&state.generation, memory_order_relaxed);
	unsigned index;

	if (mine.generation == generation)
		return mine.slot;
	index = atomic_fetch_add_explicit(&state.claimed, 1, memory_order_relaxed);
	mine.generation = generation;
	mine.slot = index < STATE_SLOTS_MAX ? &state.slots[index] : NULL;
	if (mine.slot != NULL)
		mine.slot->index = (uint16_t)index;
	return mine.slot;
}

const struct snapshot *state_enter(const struct slot *slot)
{
	epoch_enter(&state.epoch, slot->index);
	/* Pairs with the store in epoch_publish, which asks for this order. */
	return atomic_load_explicit(&state.snapshot, memory_order_seq_cst);
}

void state_leave(const struct slot *slot)
{
	epoch_leave(&state.epoch, slot->index);
}

const struct snapshot *state_next(const struct slot *slot)
{
	(void)slot;
	/* Pairs with the stores in state_announce and state_replace. Who still got the old policy by state_enter entered
	 * before state_replace, which clears this only after all those have left. */
	return atomic_load_explicit(&state.next, memory_order_seq_cst);
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

	epoch_publish(&state.epoch, &state.next, next, &ticket);
	return wait_quiescent(ticket, timeout_ms);
}

struct snapshot *state_replace(struct snapshot *next, unsigned timeout_ms)
{
	struct snapshot *old;
	uint64_t ticket;
	bool unused;

	atomic_store_explicit(&state.octets, snapshot_octets(next), memory_order_relaxed);
	pthread_rwlock_wrlock(&state.pins);
	old = epoch_publish(&state.epoch, &state.snapshot, next, &ticket);
	pthread_rwlock_unlock(&state.pins);
	unused = wait_quiescent(ticket, timeout_ms);
	/* Not before: see state_next. What it points to is in force now, so nobody can be left with a freed one. */
	atomic_store_explicit(&state.next, NULL, memory_order_seq_cst);
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

struct frame_number state_number(struct slot *slot)
{
	return (struct frame_number){ .boot = state.boot, .worker = slot->index, .counter = ++slot->counter };
}

void state_emit(struct slot *slot, struct event *event)
{
	const struct verdict *verdict = event->verdict;

	slot->answers[event->path]++;
	slot->verdicts[verdict->action]++;
	if (!tap_wanted(state.tap))
		return;
	if (state.frames == FRAMES_VERDICTS && verdict->action == ACTION_ALLOW &&
	    verdict->shadow.trigger == TRIGGER_NONE)
		return;
	tap_emit(state.tap, slot->index, event);
}

size_t state_octets(void)
{
	return sizeof(state) + atomic_load_explicit(&state.octets, memory_order_relaxed);
}

bool state_expired(size_t *index, char *to, size_t cap)
{
	while (*index < state.report.list_count) {
		const struct list_report *report = &state.report.lists[*index];
		char text[256];

		if (feed_expired(&report->stats, report->loaded_at, text, sizeof(text))) {
			snprintf(to, cap, "policy-list %s %s", state.conf->lists[(*index)++].name, text);
			return true;
		}
		++*index;
	}
	return false;
}

void state_describe(char *to, size_t cap)
{
	const struct snapshot *snapshot = atomic_load_explicit(&state.snapshot, memory_order_relaxed);

	snprintf(to, cap, "%zu lists, %zu rules, %zu entries skipped, %.1f MiB, mode %s", state.conf->list_count,
		snapshot_rule_count(snapshot), state.skipped, (double)snapshot_octets(snapshot) / (1 << 20),
		state.conf->mode == MODE_SHADOW ? "shadow" : "enforce");
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
	snprintf(to, cap, "%llu answers, %llu denied, %llu denied too late, %llu failed; since the last load %llu frames, "
		"of which %llu reached the file and %llu the socket", (unsigned long long)answers,
		(unsigned long long)denied, (unsigned long long)escaped, (unsigned long long)failed,
		(unsigned long long)state.last.emitted, (unsigned long long)state.last.written_file,
		(unsigned long long)state.last.written_socket);
}

const struct guard_conf *state_guard_conf(void)
{
	return &state.conf->guard;
}
