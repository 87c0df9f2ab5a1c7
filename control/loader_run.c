/* loader_run.c: the thread that waits for requests, files and times, and does one thing after the other. */
#include "control/loader_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MOST_MS 10000     /* the wall clock may jump: what expires is looked at again */
#define SWEEP_AGAIN_MS 5000    /* from one sweep that an answer asked for to the next */

static _Thread_local unsigned my_generation;

int64_t clock_ms(void)
{
	return (int64_t)(clock_us() / 1000);
}

bool loader_is_mine(const struct loader *loader)
{
	return my_generation == loader->generation;
}

void loader_make_mine(const struct loader *loader)
{
	my_generation = loader->generation;
}

static bool is_ending(struct loader *loader)
{
	bool ending;

	pthread_mutex_lock(&loader->lock);
	ending = loader->stopping || !loader_is_mine(loader);
	pthread_mutex_unlock(&loader->lock);
	return ending;
}

static int wait_ms(int64_t now_ms, int64_t due_ms)
{
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms < WAIT_MOST_MS ? (int)(due_ms - now_ms) : WAIT_MOST_MS;
}

/* Until one of the descriptors is readable (-1: none), or it is time. */
static void wait_for(const struct loader *loader, int other, int64_t due_ms)
{
	struct pollfd fds[] = { { .fd = loader->wake, .events = POLLIN }, { .fd = other, .events = POLLIN } };
	uint64_t count;
	ssize_t ignored;

	poll(fds, 2, wait_ms(clock_ms(), due_ms));
	ignored = read(loader->wake, &count, sizeof(count));
	(void)ignored;
}

/* --- one change ------------------------------------------------------------------------------------------------- */

static void show_phase(struct loader *loader, enum load_phase phase)
{
	pthread_mutex_lock(&loader->lock);
	loader->phase = phase;
	pthread_mutex_unlock(&loader->lock);
}

/* Under the lock. Who asks for a load reads in the report how it ended. */
static void end_ticket(struct loader *loader, struct ticket *ticket, int result, const struct load_report *report)
{
	/* What has no error of its own was given up. */
	const bool given_up = result != 0 && report->error[0] == '\0';

	ticket->result = ticket->is_overrides || given_up ? result : 0;
	ticket->report = *report;
	if (given_up)
		memcpy(ticket->report.error, "the resolver is ending", sizeof("the resolver is ending"));
	ticket->ended = true;
	if (ticket->waited) {
		pthread_cond_broadcast(&loader->ended);
		return;
	}
	free(ticket->overrides);
	free(ticket);
}

/* The first in the queue that changes overrides. */
static struct ticket *next_override(struct loader *loader)
{
	struct ticket *ticket = NULL;
	size_t i;

	pthread_mutex_lock(&loader->lock);
	for (i = 0; i < loader->queued && !loader->queue[i]->is_overrides; i++)
		continue;
	if (i < loader->queued && !loader->stopping && loader_is_mine(loader)) {
		ticket = loader->queue[i];
		memmove(&loader->queue[i], &loader->queue[i + 1], (--loader->queued - i) * sizeof(loader->queue[0]));
		loader->aside = ticket;
	}
	pthread_mutex_unlock(&loader->lock);
	return ticket;
}

/* What an operator decides, or has decided until now, does not wait for a load. */
static void work_on_overrides(struct loader *loader)
{
	struct ticket *ticket;

	while ((ticket = next_override(loader)) != NULL) {
		struct load_report report = { .cause = CAUSE_OVERRIDE, .started = time(NULL) };
		const int result = loader_override(loader, ticket, &report);

		pthread_mutex_lock(&loader->lock);
		if (loader_is_mine(loader)) {
			/* loader_stop may have ended it already. */
			if (loader->aside == ticket)
				end_ticket(loader, ticket, result, &report);
			loader->aside = NULL;
		}
		pthread_mutex_unlock(&loader->lock);
	}
}

/* Waits for it, as long as the resolver lives. False: the end came first. */
static bool await_job(struct loader *loader, const struct load_job *job)
{
	struct pollfd done = { .fd = load_job_fd(job), .events = POLLIN };

	while (!is_ending(loader)) {
		if (poll(&done, 1, 0) == 1)
			return true;
		work_on_overrides(loader);
		show_phase(loader, load_job_phase(job));
		wait_for(loader, done.fd, clock_ms() + 100);
	}
	return false;
}

static int load_aside(struct loader *loader, const struct load_request *request, struct load_report *report)
{
	struct load_job *job = load_job_start(loader->conf_path, loader->chroot, loader->current, request->force,
		report->started);
	int result = -1;

	/* Without a thread it has to be this one. */
	if (job == NULL || await_job(loader, job))
		result = loader_load(loader, request, job, report);
	load_job_release(&job);
	return result;
}

static int change(struct loader *loader, struct ticket *ticket, struct load_report *report)
{
	if (ticket->is_overrides)
		return loader_override(loader, ticket, report);
	if (ticket->request.cause == CAUSE_ROLLBACK)
		return loader_go_back(loader, ticket->request.to, report);
	return load_aside(loader, &ticket->request, report);
}

static void work_on(struct loader *loader, struct ticket *ticket)
{
	struct load_report report = { .cause = ticket->request.cause, .started = time(NULL) };
	int result;

	pthread_mutex_lock(&loader->lock);
	loader->loading = true;
	loader->loading_since = report.started;
	loader->phase = PHASE_READ;
	pthread_mutex_unlock(&loader->lock);
	result = change(loader, ticket, &report);
	pthread_mutex_lock(&loader->lock);
	if (loader_is_mine(loader)) {
		loader->loading = false;
		/* loader_stop may have ended it already. */
		if (loader->busy == ticket)
			end_ticket(loader, ticket, result, &report);
		loader->busy = NULL;
	}
	pthread_mutex_unlock(&loader->lock);
}

static struct ticket *next_ticket(struct loader *loader)
{
	struct ticket *ticket = NULL;

	pthread_mutex_lock(&loader->lock);
	if (loader->queued > 0 && !loader->stopping && loader_is_mine(loader)) {
		ticket = loader->queue[0];
		memmove(&loader->queue[0], &loader->queue[1], --loader->queued * sizeof(loader->queue[0]));
		loader->busy = ticket;
	}
	pthread_mutex_unlock(&loader->lock);
	return ticket;
}

/* --- what comes by itself --------------------------------------------------------------------------------------- */

static void load_by_itself(struct loader *loader, enum load_cause cause)
{
	struct load_report report = { .cause = cause, .started = time(NULL) };
	const struct load_request request = { .cause = cause };

	if (loader->held) {
		if (!loader->said_held)
			loader_say(loader, false, "not loaded (%s): policy %llu was gone back to, and stays until `verdictctl "
				"reload`", load_cause_names[cause], (unsigned long long)loader->current->report.number);
		loader->said_held = true;
		return;
	}
	pthread_mutex_lock(&loader->lock);
	loader->loading = true;
	loader->loading_since = report.started;
	pthread_mutex_unlock(&loader->lock);
	load_aside(loader, &request, &report);
	pthread_mutex_lock(&loader->lock);
	if (loader_is_mine(loader))
		loader->loading = false;
	pthread_mutex_unlock(&loader->lock);
}

static bool is_watching(const struct loader *loader)
{
	return loader->watch != NULL && loader->current->conf->live.watch;
}

static bool has_expired(struct loader *loader)
{
	const int64_t now = time(NULL);

	if (edition_expires(loader->current, loader->expiry_seen) > now)
		return false;
	loader->expiry_seen = now;
	return true;
}

static int64_t due_ms(const struct loader *loader)
{
	const int64_t now_ms = clock_ms(), now = time(NULL);
	const int64_t expires = edition_expires(loader->current, loader->expiry_seen);
	int64_t due = loader->next_sweep_ms;

	if (is_watching(loader) && watch_due_ms(loader->watch) < due)
		due = watch_due_ms(loader->watch);
	if (expires - now < WAIT_MOST_MS / 1000 && now_ms + (expires > now ? expires - now : 0) * 1000 < due)
		due = now_ms + (expires > now ? expires - now : 0) * 1000;
	return due;
}

/* What a sweep does not find may go on getting out: then it is not looked for all the time. */
static bool sweep_is_due(struct loader *loader)
{
	const int64_t soon_ms = loader->swept_ms + SWEEP_AGAIN_MS;

	/* Pairs with the exchange in loader_sweep_soon. */
	if (atomic_exchange_explicit(&loader->sweep_soon, false, memory_order_acq_rel) && soon_ms < loader->next_sweep_ms)
		loader->next_sweep_ms = soon_ms;
	return clock_ms() >= loader->next_sweep_ms;
}

void *loader_run(void *arg)
{
	struct loader *loader = arg;

	pthread_mutex_lock(&loader->lock);
	loader_make_mine(loader);
	pthread_mutex_unlock(&loader->lock);
	while (!is_ending(loader)) {
		struct ticket *ticket = next_ticket(loader);

		if (ticket != NULL)
			work_on(loader, ticket);
		else if (is_watching(loader) && watch_look(loader->watch, clock_ms()))
			load_by_itself(loader, CAUSE_FILES);
		else if (has_expired(loader))
			load_by_itself(loader, CAUSE_EXPIRY);
		else if (sweep_is_due(loader))
			loader_sweep(loader);
		else
			wait_for(loader, is_watching(loader) ? watch_fd(loader->watch) : -1, due_ms(loader));
	}
	return NULL;
}
