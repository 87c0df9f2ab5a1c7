/* loader.c: a loader as an object: made, asked, ended. */
#include "control/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "control/loader_parts.h"
#include "control/thread.h"

/* --- the first load --------------------------------------------------------------------------------------------- */

static struct loader *loader_new(const struct loader_options *options)
{
	struct loader *loader = calloc(1, sizeof(*loader));

	if (loader == NULL)
		return NULL;
	loader->host = options->host;
	loader->recent = options->recent;
	pthread_mutex_init(&loader->lock, NULL);
	pthread_cond_init(&loader->ended, NULL);
	loader->next_sweep_ms = INT64_MAX;
	loader->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loader->watch = watch_create();
	return loader;
}

static bool take_options(struct loader *loader, const struct loader_options *options)
{
	char *conf_path = strdup(options->conf_path), *chroot = strdup(options->chroot);

	if (conf_path == NULL || chroot == NULL) {
		free(conf_path);
		free(chroot);
		return false;
	}
	free(loader->conf_path);
	free(loader->chroot);
	loader->conf_path = conf_path;
	loader->chroot = chroot;
	loader->host = options->host;
	loader->recent = options->recent;
	return true;
}

/* Nothing has to be read again? Then the resolver is not deaf for the time of it. */
static bool can_stay(struct loader *loader, const struct loader_options *options)
{
	if (loader->current == NULL || loader->conf_path == NULL || strcmp(loader->conf_path, options->conf_path) != 0 ||
	    strcmp(loader->chroot, options->chroot) != 0)
		return false;
	return loader->held || (edition_is_current(loader->current) &&
		edition_expires(loader->current, loader->current->report.started) > time(NULL));
}

static void say_stays(const struct loader *loader)
{
	loader_say(loader, false, "policy %llu stays in force: %s", (unsigned long long)loader->current->report.number,
		loader->held ? "it was gone back to (`verdictctl reload` loads the files)" :
		"no file has changed since it was loaded");
}

static int first_load(struct loader *loader, const struct loader_options *options, struct diag *diag)
{
	const struct load_request request = { .cause = CAUSE_START };
	struct load_report report = { .cause = CAUSE_START, .started = time(NULL) };
	const bool stay = can_stay(loader, options);

	if (!take_options(loader, options))
		return diag_set(diag, options->conf_path, 0, 0, "out of memory");
	if (stay) {
		say_stays(loader);
		return 0;
	}
	if (loader_load(loader, &request, NULL, &report) == 0)
		return 0;
	/* It reads `file:line: text` as it is. */
	return diag_set(diag, "", 0, 0, "%s", report.error);
}

static void start_thread(struct loader *loader)
{
	bool running;

	edition_release(&loader->started);
	loader->started = edition_hold(loader->current);
	loader_plan_sweep(loader, &(struct sweep_report){ .complete = true });
	running = loader->wake >= 0 && thread_start(&loader->thread, "verdict-load", loader_run, loader) == 0;
	pthread_mutex_lock(&loader->lock);
	loader->running = running;
	pthread_mutex_unlock(&loader->lock);
	if (!running)
		loader_say(loader, true, "no thread to load changes with: the policy changes only when Unbound loads again");
}

struct loader *loader_create(const struct loader_options *options, struct loader *before, struct diag *diag)
{
	struct loader *loader = before != NULL ? before : loader_new(options);

	if (loader == NULL) {
		diag_set(diag, options->conf_path, 0, 0, "out of memory");
		return NULL;
	}
	pthread_mutex_lock(&loader->lock);
	loader->stopping = false;
	loader_make_mine(loader);
	pthread_mutex_unlock(&loader->lock);
	if (first_load(loader, options, diag) != 0 && loader->current == NULL) {
		loader_destroy(&loader);
		return NULL;
	}
	start_thread(loader);
	return loader;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void wake(const struct loader *loader)
{
	const uint64_t one = 1;
	ssize_t ignored;

	ignored = write(loader->wake, &one, sizeof(one));
	(void)ignored;
}

void loader_sweep_soon(struct loader *loader)
{
	/* Pairs with the exchange in loader_run. Who finds it set knows that the thread was woken for it. */
	if (!atomic_load_explicit(&loader->sweep_soon, memory_order_relaxed) &&
	    !atomic_exchange_explicit(&loader->sweep_soon, true, memory_order_acq_rel))
		wake(loader);
}

/* Under the lock: nobody is going to do it. */
static void refuse_ticket(struct loader *loader, struct ticket *ticket)
{
	ticket->result = -1;
	snprintf(ticket->report.error, sizeof(ticket->report.error), "the resolver is ending");
	ticket->ended = true;
	if (ticket->waited)
		return;
	free(ticket->overrides);
	free(ticket);
	(void)loader;
}

static void refuse_all(struct loader *loader)
{
	for (size_t i = 0; i < loader->queued; i++)
		refuse_ticket(loader, loader->queue[i]);
	loader->queued = 0;
	pthread_cond_broadcast(&loader->ended);
}

void loader_stop(struct loader *loader, unsigned timeout_ms)
{
	bool running;

	pthread_mutex_lock(&loader->lock);
	loader->stopping = true;
	running = loader->running;
	loader->running = false;
	refuse_all(loader);
	pthread_mutex_unlock(&loader->lock);
	if (!running)
		return;
	wake(loader);
	if (thread_join(loader->thread, timeout_ms))
		return;
	pthread_mutex_lock(&loader->lock);
	loader->lost = true;
	loader->generation++;
	/* Its ticket stays with the thread, which may still look at it; who waits is told. */
	if (loader->busy != NULL)
		refuse_ticket(loader, loader->busy);
	if (loader->aside != NULL)
		refuse_ticket(loader, loader->aside);
	loader->busy = loader->aside = NULL;
	loader->loading = false;
	pthread_cond_broadcast(&loader->ended);
	pthread_mutex_unlock(&loader->lock);
}

void loader_destroy(struct loader **loader)
{
	struct loader *own = *loader;

	*loader = NULL;
	if (own == NULL)
		return;
	loader_stop(own, 0);
	/* A thread that was given up may come back to it. */
	if (own->lost)
		return;
	watch_destroy(&own->watch);
	edition_release(&own->current);
	edition_release(&own->started);
	for (size_t i = 0; i < LOADER_KEPT; i++)
		edition_release(&own->kept[i]);
	if (own->wake >= 0)
		close(own->wake);
	pthread_mutex_destroy(&own->lock);
	pthread_cond_destroy(&own->ended);
	free(own->overrides);
	free(own->conf_path);
	free(own->chroot);
	free(own);
}

const struct conf *loader_started(const struct loader *loader)
{
	return loader->started->conf;
}

/* --- requests --------------------------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t cap, const char *text)
{
	snprintf(to, cap, "%s", text);
}

/* Takes `ticket`. */
static int submit(struct loader *loader, struct ticket *ticket, struct load_report *report)
{
	const bool waited = ticket->waited;
	const char *wrong = NULL;
	int result = 0;

	pthread_mutex_lock(&loader->lock);
	if (loader->stopping)
		wrong = "the resolver is ending";
	else if (!loader->running)
		wrong = "there is no thread to load changes with";
	else if (loader->queued == QUEUE_MAX)
		wrong = "too many loads are waiting: try again later";
	if (wrong == NULL) {
		loader->queue[loader->queued++] = ticket;
		wake(loader);
		while (waited && !ticket->ended)
			pthread_cond_wait(&loader->ended, &loader->lock);
	}
	if (waited && wrong == NULL) {
		result = ticket->result;
		*report = ticket->report;
	}
	pthread_mutex_unlock(&loader->lock);
	if (wrong != NULL) {
		result = -1;
		if (report != NULL)
			copy_text(report->error, sizeof(report->error), wrong);
	}
	if (waited || wrong != NULL) {
		free(ticket->overrides);
		free(ticket);
	}
	return result;
}

static int no_memory(struct load_report *report)
{
	if (report != NULL)
		copy_text(report->error, sizeof(report->error), "out of memory");
	return -1;
}

int loader_request(struct loader *loader, const struct load_request *request, struct load_report *report)
{
	struct ticket *ticket = calloc(1, sizeof(*ticket));

	if (report != NULL)
		*report = (struct load_report){ .cause = request->cause };
	if (ticket == NULL)
		return no_memory(report);
	ticket->request = *request;
	ticket->waited = report != NULL;
	return submit(loader, ticket, report);
}

static int set_overrides(struct loader *loader, const struct override *overrides, size_t count, bool restored,
	struct load_report *report)
{
	struct ticket *ticket = calloc(1, sizeof(*ticket));

	*report = (struct load_report){ .cause = CAUSE_OVERRIDE };
	if (ticket == NULL)
		return no_memory(report);
	ticket->overrides = malloc((count + 1) * sizeof(*overrides));
	if (ticket->overrides == NULL) {
		free(ticket);
		return no_memory(report);
	}
	if (count > 0)
		memcpy(ticket->overrides, overrides, count * sizeof(*overrides));
	ticket->override_count = count;
	ticket->is_overrides = true;
	ticket->restored = restored;
	ticket->request.cause = CAUSE_OVERRIDE;
	ticket->waited = true;
	return submit(loader, ticket, report);
}

int loader_set_overrides(struct loader *loader, const struct override *overrides, size_t count,
	struct load_report *report)
{
	return set_overrides(loader, overrides, count, false, report);
}

int loader_restore_overrides(struct loader *loader, const struct override *overrides, size_t count,
	struct load_report *report)
{
	return set_overrides(loader, overrides, count, true, report);
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

void loader_lock(struct loader *loader, struct loader_view *view)
{
	pthread_mutex_lock(&loader->lock);
	*view = (struct loader_view){
		.conf = loader->current->conf,
		.build = &loader->current->build,
		.loads = loader->loads,
		.load_count = loader->load_count,
		.last = loader->load_count > 0 ? &loader->last : NULL,
		.good = &loader->current->report,
		.loading = loader->loading,
		.phase = loader->phase,
		.loading_since = loader->loading_since,
		.held = loader->held,
	};
	for (size_t i = 0; i < LOADER_KEPT; i++)
		if (loader->kept[i] != NULL)
			view->kept[view->kept_count++] = loader->kept[i]->report.number;
}

void loader_tell(struct loader *loader, void (*told)(void *arg), void *arg)
{
	pthread_mutex_lock(&loader->lock);
	loader->told = told;
	loader->told_arg = arg;
	pthread_mutex_unlock(&loader->lock);
}

void loader_unlock(struct loader *loader)
{
	pthread_mutex_unlock(&loader->lock);
}
