/*
 * tap_make.c: a tap begins and ends; for the main thread.
 */
#include "dnstap/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "dnstap/tap_state.h"

#define GENERATIONS_MAX 1000000u

static _Atomic unsigned generations;

static void ring_name(const struct tap *tap, unsigned worker, char *to)
{
	snprintf(to, RING_NAME_MAX, RING_PREFIX "%012" PRIx64 "-%u-%u", tap->boot, tap->generation, worker);
}

void tap_free(struct tap *tap)
{
	unsigned i;

	for (i = 0; i < TAP_TARGETS_MAX; i++) {
		target_destroy(&tap->targets[i]);
		if (!tap->plans)
			continue;
		stream_destroy(&tap->plans[i].stream);
		stream_destroy(&tap->plans[i].next);
		free(tap->plans[i].file);
	}
	syncer_destroy(&tap->syncer);
	spool_close(&tap->spool, tap_now_ms());
	for (i = 0; tap->slots && i < tap->workers; i++) {
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);

		ring_destroy(&ring);
	}
	if (tap->directory >= 0)
		close(tap->directory);
	if (tap->stop_fd >= 0)
		close(tap->stop_fd);
	pthread_cond_destroy(&tap->ended_cond);
	pthread_mutex_destroy(&tap->lock);
	privacy_destroy(&tap->privacy);
	free(tap->plans);
	free(tap->slots);
	free(tap->identity);
	free(tap->version);
	free(tap->directory_name);
	free(tap);
}

/* NULL with errno. */
static struct stream *plan_stream(const struct link_options *options)
{
	struct link *link = link_create(options);
	struct stream *stream = link ? stream_create(link, TAP_CONTENT_TYPE) : NULL;

	if (stream || !link)
		return stream;
	link_destroy(&link);
	errno = ENOMEM;
	return NULL;
}

static int plan_target(struct tap *tap, const struct tap_target_options *options, struct diag *diag)
{
	struct tap_target *plan = &tap->plans[tap->target_count];

	snprintf(tap->target_names[tap->target_count], SPOOL_READER_NAME_MAX, "%s", options->name);
	plan->commit_interval_ms = options->commit_interval_ms;
	plan->rotate_octets = options->rotate_octets;
	plan->rotate_seconds = options->rotate_seconds;
	plan->rotate_keep = options->rotate_keep;
	tap->target_count++;
	if (options->file) {
		plan->file = strdup(options->file);
		return plan->file ? 0 : diag_set(diag, options->name, 0, 0, "out of memory");
	}
	plan->stream = plan_stream(&options->link);
	plan->next = plan->stream ? plan_stream(&options->link) : NULL;
	return plan->next ? 0 : diag_set(diag, options->name, 0, 0, "%m");
}

/* A directory that others could write to, or that is not ours, would be a way into the resolver's frames. */
static bool is_private(const struct stat *status)
{
	return status->st_uid == geteuid() && (status->st_mode & 077) == 0;
}

static void open_directory(struct tap *tap, const char *path)
{
	struct stat status = { .st_mode = 0777 };

	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		snprintf(tap->note, sizeof(tap->note), "%s: %m", path);
		return;
	}
	tap->directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tap->directory < 0) {
		snprintf(tap->note, sizeof(tap->note), "%s: %m", path);
	} else if (fstat(tap->directory, &status) != 0 || !is_private(&status)) {
		snprintf(tap->note, sizeof(tap->note), "%s: is not ours alone (owner, mode 0700)", path);
		close(tap->directory);
		tap->directory = -1;
	}
	tap->device = status.st_dev;
	tap->inode = status.st_ino;
}

/* Rings that can not be mapped are made in memory when they are needed. */
static void map_rings(struct tap *tap, unsigned threads)
{
	char name[RING_NAME_MAX];
	unsigned i;

	for (i = 0; tap->directory >= 0 && i < threads && i < tap->workers; i++) {
		const struct ring_origin origin = { tap->boot, (uint16_t)i };
		struct ring *ring;

		do {
			ring_name(tap, i, name);
			ring = ring_create_mapped(tap->directory, name, tap->ring_octets, &origin);
			/* Of a process of the same number: then they are left to be recovered, and ours have other names. */
		} while (!ring && errno == EEXIST && i == 0 && tap->generation++ < GENERATIONS_MAX);
		if (!ring) {
			snprintf(tap->note, sizeof(tap->note), "%s/%s: %m", tap->directory_name, name);
			return;
		}
		ring_go_on(ring, &tap->slots[i].before);
		atomic_store_explicit(&tap->slots[i].ring, ring, memory_order_release);
	}
	tap->mapped = tap->directory >= 0;
}

static void go_on(struct tap *tap, struct tap_carry *carry)
{
	unsigned i;

	tap->carry = carry;
	if (!carry)
		return;
	tap->before = *carry;
	tap->heartbeats = tap->beats = carry->heartbeats;
	for (i = 0; i < tap->workers; i++) {
		tap->slots[i].before = carry->workers[i].tally;
		atomic_store_explicit(&tap->slots[i].emitted, carry->workers[i].emitted, memory_order_relaxed);
	}
}

/* Under lock, or without a thread. */
static void leave_behind(const struct tap *tap)
{
	struct tap_carry *carry = tap->carry;
	unsigned i;

	if (!carry)
		return;
	carry->heartbeats = tap->beats;
	for (i = 0; i < tap->workers; i++) {
		tap_read_tally(tap, i, &carry->workers[i].tally);
		carry->workers[i].emitted = counter_read(&tap->slots[i].emitted);
	}
	carry->target_count = tap->ready ? tap->target_count : 0;
	carry->on_disk = tap->ready && tap->on_disk;
	carry->device = tap->device;
	carry->inode = tap->inode;
	for (i = 0; i < carry->target_count; i++) {
		struct target_counts counts;

		target_read_counts(tap->targets[i], &counts);
		memcpy(carry->targets[i].name, tap->target_names[i], SPOOL_READER_NAME_MAX);
		carry->targets[i].lost = counts.lost;
		carry->targets[i].unsure = counts.unsure;
		carry->targets[i].unread = counts.unread;
		carry->targets[i].unconfirmed = counts.unconfirmed;
	}
}

void tap_remove_rings(struct tap *tap)
{
	char name[RING_NAME_MAX];
	unsigned i;

	for (i = 0; tap->directory >= 0 && i < tap->workers; i++) {
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);

		if (!ring || ring_used(ring) > 0)
			continue;
		ring_name(tap, i, name);
		(void)unlinkat(tap->directory, name, 0);
	}
}

static char *copy_text(const char *from)
{
	char *text = from != NULL ? strdup(from) : NULL;

	if (text != NULL && strlen(text) > FRAME_ORIGIN_MAX)
		text[FRAME_ORIGIN_MAX] = '\0';
	return text;
}

static bool copy_options(struct tap *tap, const struct tap_options *options)
{
	size_t octets = options->workers * sizeof(struct slot);

	tap->workers = options->workers;
	tap->ring_octets = options->ring_octets;
	tap->compat_protocol = options->compat_protocol;
	tap->boot = options->boot;
	tap->spool_octets = options->spool_octets;
	tap->memory_octets = options->memory_octets;
	tap->sync_interval_ms = options->sync_interval_ms;
	tap->heartbeat_ms = options->heartbeat_ms;
	tap->generation = atomic_fetch_add_explicit(&generations, 1, memory_order_relaxed);
	tap->identity = copy_text(options->identity);
	tap->version = copy_text(options->version);
	tap->directory_name = strdup(options->directory ? options->directory : "frames");
	tap->plans = calloc(TAP_TARGETS_MAX, sizeof(*tap->plans));
	tap->slots = aligned_alloc(_Alignof(struct slot), octets);
	if (tap->slots)
		memset(tap->slots, 0, octets);
	tap->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return tap->slots && tap->plans && tap->directory_name && tap->stop_fd >= 0
		&& (tap->identity || !options->identity) && (tap->version || !options->version);
}

static int make_privacy(struct tap *tap, const struct tap_options *options, struct diag *diag)
{
	uint8_t key[PRIVACY_KEY_OCTETS];
	int result = options->key_directory ? privacy_key_load(options->key_directory, key, diag) : 1;

	if (result < 0)
		return -1;
	if (!options->key_directory && RAND_bytes(key, sizeof(key)) != 1)
		return diag_set(diag, "dnstap", 0, 0, "no random numbers for a key");
	if (options->key_directory && result == 1)
		snprintf(tap->note, sizeof(tap->note), "no key can be kept: pseudonyms change with each start");
	tap->privacy = privacy_create(key, options->prefix_ipv4, options->prefix_ipv6, tap->workers);
	OPENSSL_cleanse(key, sizeof(key));
	return tap->privacy ? 0 : diag_set(diag, "dnstap", 0, 0, "out of memory");
}

static int fill(struct tap *tap, const struct tap_options *options, struct diag *diag)
{
	unsigned i;

	if (!copy_options(tap, options))
		return diag_set(diag, "dnstap", 0, 0, "%m");
	go_on(tap, options->carry);
	if (make_privacy(tap, options, diag) != 0)
		return -1;
	for (i = 0; i < options->target_count; i++)
		if (plan_target(tap, &options->targets[i], diag) != 0)
			return -1;
	if (options->directory && options->spool_octets > 0 && tap->target_count > 0)
		open_directory(tap, options->directory);
	map_rings(tap, options->threads);
	return 0;
}

static struct tap *tap_alloc(void)
{
	struct tap *tap = calloc(1, sizeof(*tap));
	pthread_condattr_t attributes;

	if (!tap)
		return NULL;
	tap->stop_fd = tap->directory = -1;
	pthread_mutex_init(&tap->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&tap->ended_cond, &attributes);
	pthread_condattr_destroy(&attributes);
	return tap;
}

/* The thread inherits a mask with every signal blocked: they belong to the host's own threads. */
static int start(struct tap *tap)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&tap->thread, NULL, tap_thread_run, tap);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		errno = error;
		return -1;
	}
	(void)pthread_setname_np(tap->thread, "verdict-tap");
	return 0;
}

struct tap *tap_create(const struct tap_options *options, struct diag *diag)
{
	struct tap *tap;

	if (options->workers == 0 || options->workers > TAP_WORKERS_MAX || options->target_count > TAP_TARGETS_MAX
			|| options->ring_octets < RING_OCTETS_MIN || options->ring_octets > RING_OCTETS_MAX
			|| (options->ring_octets & (options->ring_octets - 1)) != 0) {
		diag_set(diag, "dnstap", 0, 0, "%s", strerror(EINVAL));
		return NULL;
	}
	tap = tap_alloc();
	if (!tap) {
		diag_set(diag, "dnstap", 0, 0, "out of memory");
		return NULL;
	}
	if (fill(tap, options, diag) == 0) {
		if (tap->target_count == 0 || start(tap) == 0)
			return tap;
		diag_set(diag, "dnstap", 0, 0, "its thread can not be started: %m");
		tap_remove_rings(tap);
	}
	tap_free(tap);
	return NULL;
}

/* Waits for the thread's end. False: it did not end in time, and now owns the tap. */
static bool wait_for_end(struct tap *tap, unsigned timeout_ms)
{
	struct timespec until;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&tap->lock);
	while (!tap->ended && pthread_cond_timedwait(&tap->ended_cond, &tap->lock, &until) == 0)
		;
	ended = tap->ended;
	leave_behind(tap);
	tap->abandoned = !ended;
	if (!ended)
		pthread_detach(tap->thread);
	pthread_mutex_unlock(&tap->lock);
	return ended;
}

void tap_destroy(struct tap **tap, unsigned timeout_ms, struct tap_counts *last)
{
	struct tap *self = *tap;
	uint64_t one = 1;
	ssize_t woken;

	if (last)
		memset(last, 0, sizeof(*last));
	if (!self)
		return;
	*tap = NULL;
	if (self->target_count > 0) {
		/* Pairs with the acquire in tap_stop_at. A fifth of the time is kept for the end. */
		atomic_store_explicit(&self->stop_at_ms, tap_now_ms() + timeout_ms / 5 * 4 + 1, memory_order_release);
		/* Only to be quick: without it the thread would see at its next turn, 50 ms later. */
		woken = write(self->stop_fd, &one, sizeof(one));
		(void)woken;
		if (!wait_for_end(self, timeout_ms))
			return;
		pthread_join(self->thread, NULL);
	}
	if (last)
		tap_counts(self, last);
	tap_free(self);
}
