/* fake_live.c: a loader and a host that only remember. */
#include "tests/unit/fake_live.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const load_phase_names[PHASE_COUNT] = { "read", "build", "check", "sweep", "publish" };
const char *const load_cause_names[CAUSE_COUNT] = { "start", "command", "files", "expiry", "override", "rollback" };

static const struct sweep_report swept = { 1000, 10, 2000, 20, 5000, 300, true };

void fake_live_init(struct loader *loader, const char *conf_path)
{
	struct diag diag;
	char text[1024];

	memset(loader, 0, sizeof(*loader));
	pthread_mutex_init(&loader->lock, NULL);
	loader->good = (struct load_report){ .number = 7, .cause = CAUSE_START, .started = 1700000000, .lists = 1,
		.rules = 3, .octets = 4096, .phase_us = { 1000, 2000, 300, 5000, 1 }, .sweep = swept };
	loader->loads[0] = loader->last_load = loader->good;
	loader->load_count = 1;
	if (conf_path == NULL)
		return;
	loader->conf = conf_load(conf_path, &diag);
	if (loader->conf != NULL)
		loader->snapshot = snapshot_build(loader->conf, time(NULL), &loader->build, &diag);
	if (loader->snapshot != NULL)
		return;
	fprintf(stderr, "%s\n", diag_format(&diag, text, sizeof(text)));
	exit(2);
}

void fake_live_fini(struct loader *loader)
{
	snapshot_destroy(&loader->snapshot);
	build_report_fini(&loader->build);
	conf_destroy(&loader->conf);
	pthread_mutex_destroy(&loader->lock);
}

/* --- the loader -------------------------------------------------------------------------------------------- */

static void take_time(const struct loader *loader)
{
	poll(NULL, 0, (int)loader->slow_ms);
}

static void stand(struct loader *loader)
{
	loader->standing++;
	while (loader->held)
		poll(NULL, 0, 1);
	loader->standing--;
}

int loader_request(struct loader *loader, const struct load_request *request, struct load_report *report)
{
	loader->requests++;
	pthread_mutex_lock(&loader->lock);
	loader->last = *request;
	pthread_mutex_unlock(&loader->lock);
	take_time(loader);
	stand(loader);
	*report = loader->good;
	report->cause = request->cause;
	report->questions = 500;
	if (loader->fails && !request->force) {
		report->number = 0;
		snprintf(report->error, sizeof(report->error), "it would newly deny 60 %% of the recent questions");
	}
	return 0;
}

int loader_set_overrides(struct loader *loader, const struct override *overrides, size_t count,
	struct load_report *report)
{
	struct name protected;

	name_from_text(&protected, FAKE_PROTECTED, strlen(FAKE_PROTECTED));
	*report = loader->good;
	report->cause = CAUSE_OVERRIDE;
	for (size_t i = 0; i < count; i++) {
		if (overrides[i].action != ACTION_PASS && name_is_below(&protected, &overrides[i].name)) {
			report->number = 0;
			snprintf(report->error, sizeof(report->error), "bank.example is protected (protected-name:)");
			return -1;
		}
	}
	take_time(loader);
	loader->overrides = count;
	loader->publishes++;
	return 0;
}

int loader_restore_overrides(struct loader *loader, const struct override *overrides, size_t count,
	struct load_report *report)
{
	return loader_set_overrides(loader, overrides, count, report);
}

void loader_lock(struct loader *loader, struct loader_view *view)
{
	pthread_mutex_lock(&loader->lock);
	memset(view, 0, sizeof(*view));
	view->conf = loader->conf;
	view->build = loader->conf != NULL ? &loader->build : NULL;
	view->loads = loader->loads;
	view->load_count = loader->load_count;
	view->last = &loader->last_load;
	view->good = &loader->good;
	view->kept[0] = 6;
	view->kept_count = 1;
	view->held = true;
}

void loader_unlock(struct loader *loader)
{
	pthread_mutex_unlock(&loader->lock);
}

/* --- the host ---------------------------------------------------------------------------------------------- */

static void fake_flush(void *arg, const struct name *name, bool below, struct sweep_report *report)
{
	struct loader *loader = arg;

	(void)name;
	(void)below;
	loader->flushes++;
	take_time(loader);
	*report = swept;
}

static const struct snapshot *fake_pin(void *arg)
{
	return ((struct loader *)arg)->snapshot;
}

static void fake_unpin(void *arg)
{
	(void)arg;
}

static void fake_counters(void *arg, struct host_counters *to)
{
	(void)arg;
	memset(to, 0, sizeof(*to));
	to->answers[PATH_CACHED] = 12345678901;
	to->answers[PATH_RESOLVED] = 4711;
	to->verdicts[ACTION_NXDOMAIN] = 17;
	to->longest_answer_us = 250;
	to->tap.emitted = 99;
	to->tap.dropped_ring = 1;
	to->tap.target_count = 1;
	strcpy(to->tap.targets[0].name, "siem");
}

static void fake_log(void *arg, bool error, const char *text)
{
	struct loader *loader = arg;

	(void)error;
	pthread_mutex_lock(&loader->lock);
	snprintf(loader->log, sizeof(loader->log), "%s", text);
	pthread_mutex_unlock(&loader->lock);
	loader->logged++;
}

struct control_host fake_live_host(struct loader *loader)
{
	return (struct control_host){ .arg = loader, .flush = fake_flush, .pin = fake_pin, .unpin = fake_unpin,
		.counters = fake_counters, .log = fake_log };
}
