/* loader_change.c: the changes that a loader makes, one at a time. */
#include "control/loader_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/load_check.h"

#define HOUR 3600
#define SWEEP_RETRY_FIRST_MS 1000
#define SWEEP_RETRY_LAST_MS 60000

/* --- reports ---------------------------------------------------------------------------------------------------- */

static void set_error(struct load_report *report, const struct diag *diag)
{
	/* Never empty: that would be no error. */
	if (diag->text[0] == '\0')
		memcpy(report->error, "out of memory", sizeof("out of memory"));
	else
		diag_format(diag, report->error, sizeof(report->error));
}

/* Under the lock. */
static void keep_report(struct loader *loader, const struct load_report *report)
{
	memmove(&loader->loads[1], &loader->loads[0], (LOADER_LOADS_MAX - 1) * sizeof(loader->loads[0]));
	loader->loads[0] = *report;
	if (loader->load_count < LOADER_LOADS_MAX)
		loader->load_count++;
	/* What was done about overrides says nothing about files. */
	if (report->cause != CAUSE_OVERRIDE)
		loader->last = *report;
}

static int finish(struct loader *loader, struct load_report *report, const struct diag *diag)
{
	if (diag != NULL) {
		report->number = 0;
		set_error(report, diag);
	}
	pthread_mutex_lock(&loader->lock);
	keep_report(loader, report);
	pthread_mutex_unlock(&loader->lock);
	loader_log(loader, report);
	return diag == NULL ? 0 : -1;
}

/* --- what is kept ----------------------------------------------------------------------------------------------- */

/* The place of a policy that is this long out of date is filled no more often than that. */
static const int64_t kept_seconds[LOADER_KEPT] = { 0, HOUR, 24 * HOUR };

/* Under the lock. Takes `edition`, which is in force no more: pushes older ones on, where they are old enough. */
static void keep(struct loader *loader, struct edition *edition)
{
	size_t octets = 0;

	for (size_t i = 0; i < LOADER_KEPT && edition != NULL; i++) {
		struct edition *older = loader->kept[i];

		/* The one before always is, even if the clock went back. */
		if (i > 0 && older != NULL && edition->since - older->since < kept_seconds[i])
			break;
		loader->kept[i] = edition;
		edition = older;
	}
	edition_release(&edition);
	for (size_t i = 1; i < LOADER_KEPT; i++) {
		octets += loader->kept[i] != NULL ? snapshot_octets(loader->kept[i]->base) : 0;
		if (octets > LOADER_KEPT_OCTETS)
			edition_release(&loader->kept[i]);
	}
}

/* --- into force ------------------------------------------------------------------------------------------------- */

/* The edition with the overrides in front, but for what detectors denied that are not to block any more: it ends with
 * the policy that wanted it, and whoever keeps overrides takes it out later. NULL: no memory. */
static struct snapshot *derive(const struct edition *edition, const struct override *overrides, size_t count)
{
	const struct detector_conf *detectors = snapshot_options(edition->base)->detectors;
	struct override *wanted = malloc((count + 1) * sizeof(*wanted));
	struct override_set *set = NULL;
	struct snapshot *snapshot = NULL;
	size_t kept = 0;

	for (size_t i = 0; wanted != NULL && i < count; i++)
		if (override_is_wanted(&overrides[i], detectors))
			wanted[kept++] = overrides[i];
	if (wanted != NULL && kept > 0)
		set = override_set_create(wanted, kept);
	if (wanted != NULL && (kept == 0 || set != NULL))
		snapshot = snapshot_derive(edition->base, set);
	if (snapshot == NULL)
		override_set_destroy(&set);
	free(wanted);
	return snapshot;
}

/* May this thread go on? Not when the resolver ends, and not at all when it was given up. */
static bool go_on(struct loader *loader, enum load_phase phase)
{
	bool going;

	pthread_mutex_lock(&loader->lock);
	going = loader_is_mine(loader) && !loader->stopping;
	if (going)
		loader->phase = phase;
	pthread_mutex_unlock(&loader->lock);
	return going;
}

/* Takes `snapshot`. False: the resolver ends; when this thread was given up meanwhile, it may touch nothing more. */
static bool publish(struct loader *loader, struct snapshot *snapshot, struct load_report *report)
{
	const uint64_t since_us = clock_us();
	uint64_t spent_us;
	bool mine;

	if (!go_on(loader, PHASE_SWEEP)) {
		snapshot_destroy(&snapshot);
		return false;
	}
	loader->host->publish(loader->host->arg, snapshot, &report->sweep);
	spent_us = clock_us() - since_us;
	report->phase_us[PHASE_SWEEP] = report->sweep.microseconds;
	report->phase_us[PHASE_PUBLISH] = spent_us > report->sweep.microseconds ?
		spent_us - report->sweep.microseconds : 0;
	pthread_mutex_lock(&loader->lock);
	mine = loader_is_mine(loader);
	pthread_mutex_unlock(&loader->lock);
	if (mine)
		loader_plan_sweep(loader, &report->sweep);
	return mine;
}

void loader_plan_sweep(struct loader *loader, const struct sweep_report *last)
{
	const int64_t interval_ms = loader->current != NULL ?
		(int64_t)loader->current->conf->live.sweep_interval * 1000 : 0;

	if (last->complete)
		loader->sweep_retry_ms = 0;
	else if (loader->sweep_retry_ms == 0)
		loader->sweep_retry_ms = SWEEP_RETRY_FIRST_MS;
	else if (loader->sweep_retry_ms < SWEEP_RETRY_LAST_MS)
		loader->sweep_retry_ms *= 2;
	if (loader->sweep_retry_ms != 0)
		loader->next_sweep_ms = clock_ms() + loader->sweep_retry_ms;
	else
		loader->next_sweep_ms = interval_ms != 0 ? clock_ms() + interval_ms : INT64_MAX;
}

void loader_sweep(struct loader *loader)
{
	struct sweep_report report = { 0 };

	loader->host->sweep(loader->host->arg, &report);
	loader->swept_ms = clock_ms();
	if (report.messages_removed + report.rrsets_removed > 0)
		loader_say(loader, false, "swept %llu of %llu entries in %llu ms",
			(unsigned long long)(report.messages_removed + report.rrsets_removed),
			(unsigned long long)(report.messages + report.rrsets),
			(unsigned long long)(report.microseconds / 1000));
	loader_plan_sweep(loader, &report);
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

static int check_change(const struct loader *loader, const struct load_request *request, const struct edition *edition,
	const struct snapshot *next, struct load_report *report, struct diag *diag)
{
	const struct check_side after = { edition->conf, next }, lists = { edition->conf, edition->base };
	struct check_side before, lists_before;
	struct snapshot *now;
	int result = 0;

	if (loader->current == NULL)
		return 0;
	now = derive(loader->current, loader->overrides, loader->override_count);
	if (now == NULL)
		return diag_set(diag, edition->conf->path, 0, 0, "out of memory");
	before = (struct check_side){ loader->current->conf, now };
	lists_before = (struct check_side){ loader->current->conf, loader->current->base };
	result = check_protected(edition->conf, &before, &after, diag);
	/* An allow lets a name through for a while only: the lists must be right without it. */
	if (result == 0)
		result = check_protected(edition->conf, &lists_before, &lists, diag);
	/* With force it is still told how many there are. */
	if (result == 0 && check_radius(&before, &after, loader->recent, report, request->force ? NULL : diag) != 0)
		result = request->force ? 0 : -1;
	if (result == 0 && !request->force)
		result = check_breadth(&before, &after, diag);
	snapshot_destroy(&now);
	return result;
}

/* Takes `edition`. */
static void install(struct loader *loader, struct edition *edition, const struct load_report *report)
{
	edition->report = *report;
	edition->since = report->started;
	pthread_mutex_lock(&loader->lock);
	if (loader->current != NULL)
		keep(loader, loader->current);
	loader->current = edition;
	loader->held = false;
	if (loader->told != NULL)
		loader->told(loader->told_arg);
	pthread_mutex_unlock(&loader->lock);
	loader->said_held = false;
}

/* Takes `edition`. */
static int use(struct loader *loader, const struct load_request *request, struct edition *edition,
	struct load_report *report)
{
	struct snapshot *next = derive(edition, loader->overrides, loader->override_count);
	const uint64_t since_us = clock_us();
	struct diag diag = { 0 };

	if (next == NULL) {
		edition_release(&edition);
		return finish(loader, report, &diag);
	}
	if (check_change(loader, request, edition, next, report, &diag) != 0) {
		report->phase_us[PHASE_CHECK] += clock_us() - since_us;
		snapshot_destroy(&next);
		edition_release(&edition);
		return finish(loader, report, &diag);
	}
	report->phase_us[PHASE_CHECK] += clock_us() - since_us;
	if (!publish(loader, next, report)) {
		edition_release(&edition);
		return -1;
	}
	if (loader->started != NULL)
		loader_pending(loader->started->conf, edition->conf, report->restart, sizeof(report->restart));
	report->number = ++loader->numbers;
	install(loader, edition, report);
	return finish(loader, report, NULL);
}

/* From what was read just now, whatever came of it. Takes *files. */
static void watch_on(struct loader *loader, struct edition_files *files)
{
	if (loader->watch != NULL && files->sources.count > 0) {
		watch_set(loader->watch, files->sources.names, files->sources.count, files->stamps, clock_ms());
		files->stamps = NULL;
	}
	edition_files_fini(files);
}

int loader_load(struct loader *loader, const struct load_request *request, struct load_job *job,
	struct load_report *report)
{
	const struct edition_order order = { .conf_path = loader->conf_path, .chroot = loader->chroot,
		.before = loader->current, .force = request->force, .now = report->started };
	struct edition_files files = { .stamps = NULL };
	struct diag diag = { 0 };
	struct edition *edition;

	edition = job != NULL ? load_job_take(job, report, &files, &diag) :
		edition_load(&order, report, &files, &diag);
	watch_on(loader, &files);
	loader->expiry_seen = report->started;
	return edition != NULL ? use(loader, request, edition, report) : finish(loader, report, &diag);
}

/* --- without loading -------------------------------------------------------------------------------------------- */

/* Nothing was built, so they are what they were. */
static void copy_sums(struct load_report *report, const struct edition *edition)
{
	report->number = edition->report.number;
	report->lists = edition->report.lists;
	report->rules = edition->report.rules;
	report->skipped = edition->report.skipped;
	report->octets = edition->report.octets;
	report->compiled = edition->report.compiled;
}

static int refuse_back(struct loader *loader, uint64_t to, struct load_report *report)
{
	struct diag diag = { 0 };

	if (to == 0)
		diag_set(&diag, "", 0, 0, "there is no policy to go back to");
	else
		diag_set(&diag, "", 0, 0, "policy %llu is not kept: `verdictctl status` lists those that are",
			(unsigned long long)to);
	return finish(loader, report, &diag);
}

/* Under the lock: takes it out of what is kept. */
static void take_out(struct loader *loader, size_t index)
{
	loader->kept[index] = NULL;
	for (size_t i = index; i + 1 < LOADER_KEPT && index == 0; i++) {
		loader->kept[i] = loader->kept[i + 1];
		loader->kept[i + 1] = NULL;
	}
}

/* What was put into force once may deny what is protected since. */
static int check_back(const struct loader *loader, const struct edition *edition, const struct snapshot *next,
	struct diag *diag)
{
	const struct check_side after = { edition->conf, next };
	struct snapshot *now = derive(loader->current, loader->overrides, loader->override_count);
	const struct check_side before = { loader->current->conf, now };
	int result;

	if (now == NULL)
		return diag_set(diag, edition->conf->path, 0, 0, "out of memory");
	result = check_protected(loader->current->conf, &before, &after, diag);
	snapshot_destroy(&now);
	return result;
}

int loader_go_back(struct loader *loader, uint64_t to, struct load_report *report)
{
	struct diag diag = { 0 };
	struct edition *edition = NULL;
	struct snapshot *next;
	size_t index;

	for (index = 0; index < LOADER_KEPT && edition == NULL; index++)
		if (loader->kept[index] != NULL && (to == 0 || loader->kept[index]->report.number == to))
			edition = loader->kept[index];
	if (edition == NULL)
		return refuse_back(loader, to, report);
	next = derive(edition, loader->overrides, loader->override_count);
	if (next == NULL)
		return finish(loader, report, &diag);
	if (check_back(loader, edition, next, &diag) != 0) {
		snapshot_destroy(&next);
		return finish(loader, report, &diag);
	}
	if (!publish(loader, next, report))
		return -1;
	copy_sums(report, edition);
	if (loader->started != NULL)
		loader_pending(loader->started->conf, edition->conf, report->restart, sizeof(report->restart));
	pthread_mutex_lock(&loader->lock);
	take_out(loader, index - 1);
	pthread_mutex_unlock(&loader->lock);
	install(loader, edition, report);
	pthread_mutex_lock(&loader->lock);
	loader->held = true;
	pthread_mutex_unlock(&loader->lock);
	return finish(loader, report, NULL);
}

int loader_override(struct loader *loader, struct ticket *ticket, struct load_report *report)
{
	const struct check_list before = { loader->overrides, loader->override_count };
	const struct check_list after = { ticket->overrides, ticket->override_count };
	struct diag diag = { 0 };
	struct snapshot *next;

	if (!ticket->restored && check_overrides(loader->current->conf, &before, &after, &diag) != 0)
		return finish(loader, report, &diag);
	next = derive(loader->current, ticket->overrides, ticket->override_count);
	if (next == NULL)
		return finish(loader, report, &diag);
	if (!publish(loader, next, report))
		return -1;
	free(loader->overrides);
	loader->overrides = ticket->overrides;
	loader->override_count = ticket->override_count;
	ticket->overrides = NULL;
	copy_sums(report, loader->current);
	return finish(loader, report, NULL);
}
