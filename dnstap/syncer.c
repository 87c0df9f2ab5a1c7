/*
 * syncer.c: a thread that waits for the disk.
 */
#include "dnstap/syncer.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct syncer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int files[SYNCER_FILES_MAX];   /* under lock, as all below */
	unsigned count;                /* 0: idle */
	bool ending;
	uint64_t errors;
};

/* The names in a directory are no data in the sense of fdatasync. */
static int sync_one(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? fsync(fd) : fdatasync(fd);
}

static void sync_files(struct syncer *syncer)
{
	unsigned i, failed = 0, count = syncer->count;

	pthread_mutex_unlock(&syncer->lock);
	/* Nobody touches `files` while `count` is not 0. */
	for (i = 0; i < count; i++) {
		failed += sync_one(syncer->files[i]) != 0;
		close(syncer->files[i]);
	}
	pthread_mutex_lock(&syncer->lock);
	syncer->errors += failed;
	syncer->count = 0;
}

static void *run(void *arg)
{
	struct syncer *syncer = arg;

	pthread_mutex_lock(&syncer->lock);
	for (;;) {
		if (syncer->count > 0)
			sync_files(syncer);
		else if (syncer->ending)
			break;
		else
			pthread_cond_wait(&syncer->changed, &syncer->lock);
	}
	pthread_mutex_unlock(&syncer->lock);
	pthread_cond_destroy(&syncer->changed);
	pthread_mutex_destroy(&syncer->lock);
	free(syncer);
	return NULL;
}

struct syncer *syncer_create(void)
{
	struct syncer *syncer = calloc(1, sizeof(*syncer));
	pthread_t thread;

	if (!syncer)
		return NULL;
	pthread_mutex_init(&syncer->lock, NULL);
	pthread_cond_init(&syncer->changed, NULL);
	if (pthread_create(&thread, NULL, run, syncer) != 0) {
		pthread_cond_destroy(&syncer->changed);
		pthread_mutex_destroy(&syncer->lock);
		free(syncer);
		return NULL;
	}
	(void)pthread_setname_np(thread, "verdict-sync");
	pthread_detach(thread);
	return syncer;
}

void syncer_destroy(struct syncer **syncer)
{
	struct syncer *self = *syncer;

	if (!self)
		return;
	*syncer = NULL;
	pthread_mutex_lock(&self->lock);
	self->ending = true;
	pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
}

bool syncer_is_idle(struct syncer *syncer)
{
	pthread_mutex_lock(&syncer->lock);
	bool idle = syncer->count == 0;
	pthread_mutex_unlock(&syncer->lock);
	return idle;
}

void syncer_give(struct syncer *syncer, const int *files, unsigned count)
{
	unsigned i;

	pthread_mutex_lock(&syncer->lock);
	for (i = 0; i < count; i++)
		syncer->files[i] = files[i];
	syncer->count = count;
	pthread_cond_signal(&syncer->changed);
	pthread_mutex_unlock(&syncer->lock);
}

uint64_t syncer_errors(struct syncer *syncer)
{
	pthread_mutex_lock(&syncer->lock);
	uint64_t errors = syncer->errors;
	pthread_mutex_unlock(&syncer->lock);
	return errors;
}
