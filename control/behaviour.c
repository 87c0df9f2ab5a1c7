/* behaviour.c: the detectors of a running resolver. */
#include "control/behaviour.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "control/behaviour_file.h"
#include "control/override_file.h"
#include "control/thread.h"
#include "control/wall_clock.h"
#include "policy/hot.h"

#define LOOK_MS 60000
#define DUE_MS 1000                  /* as long as an override is due */
#define SAVE_MS (10 * 60 * 1000)     /* between two files */
#define SAVE_AT_END_MS 2000          /* that the last one may take */

struct behaviour {
	const struct control_host *host;
	struct detect *detect;
	struct detect_sizes sizes;       /* as asked for, to see that others are */
	char *directory;                 /* owned; of the file */
	int64_t saved_ms;                /* steady; the thread's */
	struct wall_clock clock;         /* the thread's */
	struct flag_ring *ring;
	struct flag_book *book;
	pthread_t thread;
	bool running;                    /* the thread is */
	int wake;                        /* eventfd */
	_Atomic bool woken;              /* there is something in `wake` */
	_Atomic bool stopping;
	_Atomic int64_t looked_s;        /* when the thread last began to, Unix seconds */
	_Atomic uint64_t said[DETECTOR_COUNT][TIER_COUNT];
	pthread_mutex_t lock;
	void (*act)(void *arg);          /* under lock */
	void *act_arg;                   /* likewise */
};

/* --- the thread --------------------------------------------------------------------------------------------------- */

/* Only the first call before the thread has looked makes a system call. */
static void wake(struct behaviour *behaviour)
{
	const uint64_t one = 1;
	ssize_t written;

	if (atomic_exchange_explicit(&behaviour->woken, true, memory_order_acq_rel))
		return;
	written = write(behaviour->wake, &one, sizeof(one));
	(void)written;
}

static void wait_to_be_woken(struct behaviour *behaviour, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = behaviour->wake, .events = POLLIN }, { .fd = behaviour->clock.fd, .events = POLLIN } };
	uint64_t count;
	ssize_t got;

	if (poll(fds, 2, timeout_ms) > 0 && fds[0].revents != 0) {
		got = read(behaviour->wake, &count, sizeof(count));
		(void)got;
	}
	/* Before the ring is looked at: what is pushed later wakes again. */
	atomic_exchange_explicit(&behaviour->woken, false, memory_order_acq_rel);
}

static void say_call(const struct behaviour *behaviour, const struct flag_call *call)
{
	const struct flag flag = { .call = *call };
	const struct network client = flag_client(&flag);
	char zone[NAME_TEXT_MAX], who[OVERRIDE_CLIENT_MAX], why[OVERRIDE_WHY_MAX], line[2048];

	snprintf(line, sizeof(line), "flag: detector=%s tier=%s action=%s zone=%s client=%s attack=\"%s\" why=\"%s\"",
		detector_table[call->lead.detector].name, tier_names[call->lead.tier], reaction_names[call->reaction],
		name_to_text(&call->zone, zone), override_client_text(&client, who),
		detector_table[call->lead.detector].attack, flag_why(&flag, why));
	behaviour->host->log(behaviour->host->arg, false, line);
}

static void take_calls(struct behaviour *behaviour)
{
	struct flag_call call;

	while (flag_ring_pop(behaviour->ring, &call))
		if (flag_book_take(behaviour->book, &call))
			say_call(behaviour, &call);
}

/* Whether overrides are due still. */
static bool have_them_made(struct behaviour *behaviour)
{
	struct override override;
	struct flag flag;
	const bool due = flag_book_due(behaviour->book, &flag, &override);

	pthread_mutex_lock(&behaviour->lock);
	if (due && behaviour->act != NULL)
		behaviour->act(behaviour->act_arg);
	pthread_mutex_unlock(&behaviour->lock);
	return due;
}

static int64_t steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(const struct behaviour *behaviour, const struct diag *diag)
{
	char text[sizeof(*diag) + 32];

	behaviour->host->log(behaviour->host->arg, true, diag_format(diag, text, sizeof(text)));
}

static void save(struct behaviour *behaviour, unsigned timeout_ms, bool sync)
{
	struct diag diag = { 0 };

	if (behaviour_file_write(behaviour->directory, behaviour->detect, behaviour->book, timeout_ms, sync, &diag) != 0)
		say(behaviour, &diag);
	behaviour->saved_ms = steady_ms();
}

/* A machine without a clock of its own learns the time when the network is there. */
static void follow_clock(struct behaviour *behaviour)
{
	const int64_t jumped_s = wall_clock_jumped(&behaviour->clock);

	if (jumped_s != 0) {
		detect_shift(behaviour->detect, jumped_s);
		flag_book_shift(behaviour->book, jumped_s);
	}
	detect_turn(behaviour->detect, wall_clock_ms());
}

static void *run(void *arg)
{
	struct behaviour *behaviour = arg;

	behaviour->saved_ms = steady_ms();
	while (!atomic_load(&behaviour->stopping)) {
		bool due;

		follow_clock(behaviour);
		atomic_store_explicit(&behaviour->looked_s, wall_clock_ms() / 1000, memory_order_relaxed);
		take_calls(behaviour);
		due = have_them_made(behaviour);
		flag_book_turn(behaviour->book, wall_clock_ms() / 1000);
		if (steady_ms() - behaviour->saved_ms >= SAVE_MS)
			save(behaviour, SAVE_MS, true);
		wait_to_be_woken(behaviour, due ? DUE_MS : LOOK_MS);
	}
	follow_clock(behaviour);
	take_calls(behaviour);
	save(behaviour, SAVE_AT_END_MS, false);
	return NULL;
}

/* --- start and end ------------------------------------------------------------------------------------------------ */

static void destroy(struct behaviour **behaviour)
{
	if (*behaviour == NULL)
		return;
	detect_destroy(&(*behaviour)->detect);
	free((*behaviour)->directory);
	flag_ring_destroy(&(*behaviour)->ring);
	flag_book_destroy(&(*behaviour)->book);
	if ((*behaviour)->wake >= 0)
		close((*behaviour)->wake);
	wall_clock_fini(&(*behaviour)->clock);
	pthread_mutex_destroy(&(*behaviour)->lock);
	free(*behaviour);
	*behaviour = NULL;
}

static struct behaviour *create(const struct conf *conf, const struct control_host *host, struct diag *diag)
{
	struct behaviour *behaviour = calloc(1, sizeof(*behaviour));

	if (behaviour == NULL) {
		diag_set(diag, conf->path, 0, 0, "detection: out of memory");
		return NULL;
	}
	pthread_mutex_init(&behaviour->lock, NULL);
	behaviour->host = host;
	wall_clock_init(&behaviour->clock);
	behaviour->ring = flag_ring_create();
	behaviour->book = flag_book_create();
	behaviour->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (behaviour->ring != NULL && behaviour->book != NULL && behaviour->wake >= 0)
		return behaviour;
	diag_set(diag, conf->path, 0, 0, "detection: out of memory or of descriptors");
	destroy(&behaviour);
	return NULL;
}

/* From the file of a former process; without one that can be used there are no detectors afterwards. */
static int recall(struct behaviour *behaviour, const struct conf *conf, struct diag *diag)
{
	struct file_text file;
	struct hash_key key;
	struct diag said = { 0 };
	const char *wrong;

	if (!behaviour_file_read(conf->state_directory, &behaviour->sizes, &file, &key, &said)) {
		if (said.text[0] != '\0')
			say(behaviour, &said);
		return 0;
	}
	behaviour->detect = detect_create(&behaviour->sizes, conf->detection.suffixes, &key, wall_clock_ms(), diag);
	wrong = behaviour->detect != NULL ?
		behaviour_file_restore(&file, behaviour->detect, behaviour->book, wall_clock_ms() / 1000) : NULL;
	file_release(&file);
	if (wrong != NULL) {
		diag_set(&said, conf->state_directory, 0, 0, "detectors: %s; they begin anew", wrong);
		say(behaviour, &said);
		detect_destroy(&behaviour->detect);
		return 0;
	}
	return behaviour->detect != NULL ? 0 : -1;
}

/* What is remembered stays, and of zones that end elsewhere now it is forgotten in time. */
static void renew_suffixes(const struct behaviour *behaviour, const char *path)
{
	struct diag diag = { 0 }, said = { 0 };

	if (detect_use_suffixes(behaviour->detect, path, &diag) == 0)
		return;
	diag_set(&said, path, diag.line, 0, "%s; detectors go on with the list before", diag.text);
	say(behaviour, &said);
}

static int remember(struct behaviour *behaviour, const struct conf *conf, struct diag *diag)
{
	const struct detection_conf *wanted = &conf->detection;
	const struct detect_sizes sizes = { wanted->zones, wanted->clients, wanted->pairs, wanted->names_octets,
		wanted->known_octets, wanted->answers_octets };
	struct hash_key key;
	bool began;

	if (behaviour->detect != NULL && memcmp(&behaviour->sizes, &sizes, sizeof(sizes)) == 0) {
		renew_suffixes(behaviour, wanted->suffixes);
		return 0;
	}
	began = behaviour->detect == NULL;
	if (!began)
		behaviour->host->log(behaviour->host->arg, false, "detectors: the sizes in the configuration are others: "
			"what was remembered is forgotten, and they begin anew");
	detect_destroy(&behaviour->detect);
	behaviour->sizes = sizes;
	if (began && recall(behaviour, conf, diag) != 0)
		return -1;
	if (behaviour->detect != NULL)
		return 0;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return diag_set(diag, conf->path, 0, 0, "detection: no random numbers");
	behaviour->detect = detect_create(&sizes, wanted->suffixes, &key, wall_clock_ms(), diag);
	return behaviour->detect != NULL ? 0 : -1;
}

int behaviour_start(struct behaviour **behaviour, const struct conf *conf, const struct control_host *host,
	struct diag *diag)
{
	const struct flag_limits limits = { conf->detection.flag_seconds, conf->detection.flag_rate,
		conf->detection.flag_action };
	struct behaviour *own;

	if (!conf->detection.wanted) {
		destroy(behaviour);
		return 0;
	}
	if (*behaviour == NULL)
		*behaviour = create(conf, host, diag);
	own = *behaviour;
	if (own == NULL)
		return -1;
	flag_book_limit(own->book, &limits);
	if (remember(own, conf, diag) != 0) {
		destroy(behaviour);
		return -1;
	}
	if (detect_protect(own->detect, conf->live.protected, conf->live.protected_count) != 0)
		return diag_set(diag, conf->path, 0, 0, "detection: out of memory");
	free(own->directory);
	own->directory = strdup(conf->state_directory);
	if (own->directory == NULL)
		return diag_set(diag, conf->path, 0, 0, "detection: out of memory");
	atomic_store(&own->stopping, false);
	atomic_store_explicit(&own->looked_s, wall_clock_ms() / 1000, memory_order_relaxed);
	own->running = thread_start(&own->thread, "verdict-detect", run, own) == 0;
	return own->running ? 0 : diag_set(diag, conf->path, 0, 0, "detection: no thread");
}

bool behaviour_stop(struct behaviour *behaviour, unsigned timeout_ms)
{
	if (behaviour == NULL || !behaviour->running)
		return true;
	atomic_store(&behaviour->stopping, true);
	wake(behaviour);
	behaviour->running = false;
	return thread_join(behaviour->thread, timeout_ms);
}

void behaviour_act_by(struct behaviour *behaviour, void (*act)(void *arg), void *arg)
{
	if (behaviour == NULL)
		return;
	pthread_mutex_lock(&behaviour->lock);
	behaviour->act = act;
	behaviour->act_arg = arg;
	pthread_mutex_unlock(&behaviour->lock);
	wake(behaviour);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

HOT bool behaviour_wants(const struct behaviour *behaviour, const struct facts *facts, enum answer_path path,
	uint64_t ordinal)
{
	return behaviour != NULL && detect_wants(facts, path, ordinal);
}

static void push_call(struct behaviour *behaviour, const struct sight *sight, const struct detections *detections)
{
	const struct name *qname = &sight->facts->qname;
	const uint8_t *zone;
	const unsigned labels = detections->call.zone_labels < qname->labels ? detections->call.zone_labels :
		qname->labels;
	struct flag_call call = { .reaction = detections->call.reaction, .lead = detections->call.lead,
		.points = detections->points, .answers = detections->call.answers, .days = detections->call.days,
		.clients = detections->call.clients, .client = sight->facts->client, .at = sight->now_ms / 1000 };

	if (call.client.family == ADDRESS_NONE)
		return;
	zone = name_suffix(qname, qname->labels - labels);
	if (!name_from_wire(&call.zone, zone, (size_t)(qname->octets + qname->length - zone)))
		return;
	if (flag_ring_push(behaviour->ring, &call))
		wake(behaviour);
}

void behaviour_hit(struct behaviour *behaviour, struct detect_hits *hits, const struct facts *facts, int64_t now_s)
{
	detect_hit(behaviour->detect, hits, facts, now_s);
}

void behaviour_note(struct behaviour *behaviour, const struct policy_options *options, const struct sight *sight,
	struct detections *detections)
{
	detect_answer(behaviour->detect, options->detectors, sight, detections);
	for (size_t i = 0; i < detections->count; i++)
		atomic_fetch_add_explicit(&behaviour->said[detections->items[i].detector][detections->items[i].tier], 1,
			memory_order_relaxed);
	if (detections->call.reaction != REACTION_OFF)
		push_call(behaviour, sight, detections);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct flag_book *behaviour_book(struct behaviour *behaviour)
{
	return behaviour->book;
}

const struct detect *behaviour_detect(const struct behaviour *behaviour)
{
	return behaviour->detect;
}

void behaviour_counts(const struct behaviour *behaviour, struct behaviour_counts *counts)
{
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		for (unsigned tier = 0; tier < TIER_COUNT; tier++)
			counts->said[i][tier] = atomic_load_explicit(&behaviour->said[i][tier], memory_order_relaxed);
	counts->calls_lost = flag_ring_lost(behaviour->ring);
	counts->looked_s = atomic_load_explicit(&behaviour->looked_s, memory_order_relaxed);
	flag_book_counts(behaviour->book, &counts->flags);
}
