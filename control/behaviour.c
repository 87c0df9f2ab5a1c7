/* behaviour.c: the detectors of a running resolver. */
#include "control/behaviour.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "control/thread.h"

#define LOOK_S 60

struct behaviour {
	struct detect *detect;
	struct detect_sizes sizes;       /* as asked for, to see that others are */
	pthread_t thread;
	bool running;                    /* the thread is */
	pthread_mutex_t lock;
	pthread_cond_t changed;          /* CLOCK_MONOTONIC */
	bool stopping;                   /* under `lock` */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *run(void *arg)
{
	struct behaviour *behaviour = arg;
	struct timespec until;

	pthread_mutex_lock(&behaviour->lock);
	while (!behaviour->stopping) {
		pthread_mutex_unlock(&behaviour->lock);
		detect_turn(behaviour->detect, now_ms());
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += LOOK_S;
		pthread_mutex_lock(&behaviour->lock);
		while (!behaviour->stopping &&
		       pthread_cond_timedwait(&behaviour->changed, &behaviour->lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&behaviour->lock);
	return NULL;
}

static struct behaviour *create(const struct conf *conf, const struct detect_sizes *sizes, struct diag *diag)
{
	struct behaviour *behaviour = calloc(1, sizeof(*behaviour));
	pthread_condattr_t monotonic;
	struct hash_key key;

	if (behaviour == NULL || getrandom(&key, sizeof(key), 0) != sizeof(key)) {
		diag_set(diag, conf->path, 0, 0, "detection: no memory or no random numbers");
		free(behaviour);
		return NULL;
	}
	behaviour->sizes = *sizes;
	behaviour->detect = detect_create(sizes, conf->detection.suffixes, &key, now_ms(), diag);
	if (behaviour->detect == NULL) {
		free(behaviour);
		return NULL;
	}
	pthread_mutex_init(&behaviour->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&behaviour->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return behaviour;
}

static void destroy(struct behaviour **behaviour)
{
	if (*behaviour == NULL)
		return;
	detect_destroy(&(*behaviour)->detect);
	pthread_cond_destroy(&(*behaviour)->changed);
	pthread_mutex_destroy(&(*behaviour)->lock);
	free(*behaviour);
	*behaviour = NULL;
}

int behaviour_start(struct behaviour **behaviour, const struct conf *conf, struct diag *diag)
{
	const struct detection_conf *wanted = &conf->detection;
	const struct detect_sizes sizes = { wanted->zones, wanted->clients, wanted->pairs, wanted->names_octets,
		wanted->known_octets, wanted->answers_octets };
	struct behaviour *own = *behaviour;

	if (own != NULL && (!wanted->wanted || memcmp(&own->sizes, &sizes, sizeof(sizes)) != 0))
		destroy(behaviour);
	if (!wanted->wanted)
		return 0;
	if (*behaviour == NULL)
		*behaviour = create(conf, &sizes, diag);
	own = *behaviour;
	if (own == NULL)
		return -1;
	if (detect_protect(own->detect, conf->live.protected, conf->live.protected_count) != 0)
		return diag_set(diag, conf->path, 0, 0, "detection: out of memory");
	own->stopping = false;
	own->running = thread_start(&own->thread, "verdict-detect", run, own) == 0;
	return own->running ? 0 : diag_set(diag, conf->path, 0, 0, "detection: no thread");
}

bool behaviour_stop(struct behaviour *behaviour, unsigned timeout_ms)
{
	if (behaviour == NULL || !behaviour->running)
		return true;
	pthread_mutex_lock(&behaviour->lock);
	behaviour->stopping = true;
	pthread_cond_signal(&behaviour->changed);
	pthread_mutex_unlock(&behaviour->lock);
	behaviour->running = false;
	return thread_join(behaviour->thread, timeout_ms);
}

bool behaviour_wants(const struct behaviour *behaviour, const struct facts *facts, enum answer_path path,
	uint64_t ordinal)
{
	return behaviour != NULL && detect_wants(facts, path, ordinal);
}

void behaviour_note(struct behaviour *behaviour, const struct policy_options *options, const struct sight *sight,
	struct detections *detections)
{
	detect_answer(behaviour->detect, options->detectors, sight, detections);
}
