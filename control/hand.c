/* hand.c: a queue, and the thread that works it off. */
#include "control/hand.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "control/priority.h"
#include "control/thread.h"

struct work {
	void (*run)(void *arg);
	void *arg;
};

struct hand {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct work queue[HAND_QUEUE_MAX];   /* under lock, as the next three */
	unsigned first, count;
	bool stopping;
	int nice;
};

static bool take(struct hand *hand, struct work *work)
{
	bool found;

	pthread_mutex_lock(&hand->lock);
	while (hand->count == 0 && !hand->stopping)
		pthread_cond_wait(&hand->changed, &hand->lock);
	found = !hand->stopping;
	if (found) {
		*work = hand->queue[hand->first];
		hand->first = (hand->first + 1) % HAND_QUEUE_MAX;
		hand->count--;
	}
	pthread_mutex_unlock(&hand->lock);
	return found;
}

static void *run(void *arg)
{
	struct hand *hand = arg;
	struct work work;

	/* In Linux that is of this thread alone. Where it may not, it goes on as it is. */
	if (hand->nice > 0)
		priority_nicer(hand->nice);
	while (take(hand, &work))
		work.run(work.arg);
	return NULL;
}

struct hand *hand_create(const char *name, int nice)
{
	struct hand *hand = calloc(1, sizeof(*hand));
	int failed;

	if (hand == NULL)
		return NULL;
	hand->nice = nice;
	pthread_mutex_init(&hand->lock, NULL);
	pthread_cond_init(&hand->changed, NULL);
	failed = thread_start(&hand->thread, name, run, hand);
	if (failed == 0)
		return hand;
	pthread_cond_destroy(&hand->changed);
	pthread_mutex_destroy(&hand->lock);
	free(hand);
	errno = failed;
	return NULL;
}

bool hand_push(struct hand *hand, void (*work)(void *arg), void *arg)
{
	bool room;

	pthread_mutex_lock(&hand->lock);
	room = hand->count < HAND_QUEUE_MAX && !hand->stopping;
	if (room)
		hand->queue[(hand->first + hand->count++) % HAND_QUEUE_MAX] = (struct work){ work, arg };
	pthread_cond_signal(&hand->changed);
	pthread_mutex_unlock(&hand->lock);
	return room;
}

bool hand_destroy(struct hand **hand, unsigned timeout_ms)
{
	struct hand *gone = *hand;

	*hand = NULL;
	if (gone == NULL)
		return true;
	pthread_mutex_lock(&gone->lock);
	gone->stopping = true;
	pthread_cond_signal(&gone->changed);
	pthread_mutex_unlock(&gone->lock);
	if (!thread_join(gone->thread, timeout_ms))
		return false;
	pthread_cond_destroy(&gone->changed);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
	return true;
}
