/* edition.c: from files to one edition of the policy. */
#include "control/edition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/compiled_file.h"
#include "control/load_check.h"

#define READS_MAX 4   /* of a configuration that changes while it is read */

uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- sources ---------------------------------------------------------------------------------------------------- */

static void sources_fini(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		free(sources->names[i]);
	free(sources->names);
	*sources = (struct sources){ NULL, 0 };
}

static bool sources_add(struct sources *sources, const char *name)
{
	char **names = realloc(sources->names, (sources->count + 1) * sizeof(*names));

	if (names == NULL)
		return false;
	sources->names = names;
	names[sources->count] = strdup(name);
	if (names[sources->count] == NULL)
		return false;
	sources->count++;
	return true;
}

static bool sources_copy(struct sources *to, const struct sources *from)
{
	bool done = true;

	*to = (struct sources){ NULL, 0 };
	for (size_t i = 0; done && i < from->count; i++)
		done = sources_add(to, from->names[i]);
	if (!done)
		sources_fini(to);
	return done;
}

static bool sources_of_conf(struct sources *to, const struct conf *conf)
{
	bool done = true;

	*to = (struct sources){ NULL, 0 };
	for (size_t i = 0; done && i < conf->source_count; i++)
		done = sources_add(to, conf->sources[i]);
	for (size_t i = 0; done && i < conf->list_count; i++)
		done = sources_add(to, conf->lists[i].file);
	if (!done)
		sources_fini(to);
	return done;
}

static bool sources_equal(const struct sources *a, const struct sources *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

void edition_files_fini(struct edition_files *files)
{
	sources_fini(&files->sources);
	stamps_destroy(&files->stamps);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

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

static struct conf *read_conf(const struct edition_order *order, struct diag *diag)
{
	void *chroot = (void *)(uintptr_t)order->chroot;
	char *inside = cut_chroot(chroot, order->conf_path);
	struct conf *conf = inside != NULL ? conf_load(inside, diag) : NULL;

	if (inside == NULL)
		diag_set(diag, order->conf_path, 0, 0, "out of memory");
	free(inside);
	if (conf != NULL && conf_translate_paths(conf, cut_chroot, chroot) != 0) {
		diag_set(diag, order->conf_path, 0, 0, "out of memory");
		conf_destroy(&conf);
	}
	return conf;
}

/* Until the configuration is known only some of its files are. A configuration that cannot be read may have got a new
 * file that is to blame: the error names it. */
static bool first_sources(struct sources *to, const struct edition_order *order, const struct diag *blamed)
{
	const struct sources none = { NULL, 0 };
	char *inside = cut_chroot((void *)(uintptr_t)order->chroot, order->conf_path);
	bool done = inside != NULL && sources_copy(to, order->before != NULL ? &order->before->sources : &none);

	if (done && (to->count == 0 || strcmp(to->names[0], inside) != 0))
		done = sources_add(to, inside);
	if (done && blamed != NULL && blamed->file[0] == '/')
		done = sources_add(to, blamed->file);
	free(inside);
	return done;
}

/* The stamps have to be older than what was read, or a change in between would go unseen; and which files to take
 * them of is known only when it was read. So it is read again until that was known before. */
static struct conf *read_with_stamps(const struct edition_order *order, struct edition_files *files,
	struct diag *diag)
{
	struct conf *conf = NULL;

	*files = (struct edition_files){ .stamps = NULL };
	if (!first_sources(&files->sources, order, NULL)) {
		diag_set(diag, order->conf_path, 0, 0, "out of memory");
		return NULL;
	}
	for (unsigned reads = 0; reads < READS_MAX; reads++) {
		struct sources sources;

		conf_destroy(&conf);
		stamps_destroy(&files->stamps);
		files->stamps = stamps_take(files->sources.names, files->sources.count);
		conf = read_conf(order, diag);
		if (conf == NULL || !sources_of_conf(&sources, conf))
			break;
		if (sources_equal(&sources, &files->sources)) {
			sources_fini(&sources);
			return conf;
		}
		sources_fini(&files->sources);
		files->sources = sources;
	}
	/* Never the same twice, or no memory for the names: what there is cannot be compared with anything. */
	stamps_destroy(&files->stamps);
	return conf;
}

/* What a person is going to mend. */
static void watch_blamed(const struct edition_order *order, struct edition_files *files, const struct diag *diag)
{
	edition_files_fini(files);
	if (first_sources(&files->sources, order, diag))
		files->stamps = stamps_take(files->sources.names, files->sources.count);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static void tell(const struct edition_order *order, enum load_phase phase)
{
	if (order->phase != NULL)
		atomic_store_explicit(order->phase, (int)phase, memory_order_relaxed);
}

static void note_phase(struct load_report *report, enum load_phase phase, uint64_t *since_us)
{
	const uint64_t now = clock_us();

	report->phase_us[phase] = now - *since_us;
	*since_us = now;
}

static void note_sums(struct load_report *report, const struct edition *edition)
{
	report->lists = edition->build.list_count;
	report->rules = snapshot_rule_count(edition->base);
	report->octets = snapshot_octets(edition->base);
	report->skipped = 0;
	for (size_t i = 0; i < edition->build.list_count; i++)
		for (size_t reason = 0; reason < SKIP_COUNT; reason++)
			report->skipped += edition->build.lists[i].stats.skipped[reason];
}

static struct edition *edition_create(struct conf *conf)
{
	struct edition *edition = calloc(1, sizeof(*edition));

	if (edition == NULL)
		return NULL;
	atomic_init(&edition->holders, 1);
	edition->conf = conf;
	return edition;
}

/* True when the compiled file was used. When it is there and cannot be, the report says why. */
static bool open_compiled(const struct edition_order *order, struct edition *edition,
	const struct build_history *history, struct load_report *report)
{
	const struct compiled_file_order file = { .conf = edition->conf, .stamps = edition->stamps, .before = history,
		.now = order->now };
	char *path = edition->stamps != NULL && !order->text ? compiled_file_path(edition->conf) : NULL;
	struct diag diag = { 0 };
	char text[sizeof(diag) + 32];

	report->compiled_wrong[0] = '\0';
	if (path != NULL)
		edition->base = compiled_file_load(path, &file, &edition->build, &diag);
	/* Whoever compiled it has looked for its rules in the lists, which are not read here. */
	if (edition->base != NULL && check_strangers(edition->conf, edition->base, &diag) != 0) {
		snapshot_destroy(&edition->base);
		build_report_fini(&edition->build);
	}
	free(path);
	report->compiled = edition->base != NULL;
	if (!report->compiled && diag.text[0] != '\0')
		snprintf(report->compiled_wrong, sizeof(report->compiled_wrong), "%.511s",
			diag_format(&diag, text, sizeof(text)));
	return report->compiled;
}

static int build(const struct edition_order *order, struct edition *edition, struct load_report *report,
	struct diag *diag)
{
	const struct edition *before = order->before;
	const struct build_history history = {
		.conf = before != NULL ? before->conf : NULL,
		.report = before != NULL ? &before->build : NULL,
	};
	const struct build_history *given = before != NULL && !order->force ? &history : NULL;

	if (open_compiled(order, edition, given, report))
		return 0;
	edition->base = snapshot_build_again(edition->conf, order->now, given, &edition->build, diag);
	return edition->base != NULL ? 0 : -1;
}

/* A list that was replaced since it was built says other things now, and is built again soon. */
static int check(struct edition *edition, struct diag *diag)
{
	if (check_itself(edition->conf, &edition->build, edition->base, diag) == 0)
		return 0;
	return edition->stamps != NULL && edition_is_current(edition) ? -1 : 0;
}

static int make(const struct edition_order *order, struct edition *edition, struct load_report *report,
	uint64_t *since_us, struct diag *diag)
{
	int result;

	tell(order, PHASE_BUILD);
	result = build(order, edition, report, diag);
	note_phase(report, PHASE_BUILD, since_us);
	if (result != 0)
		return -1;
	note_sums(report, edition);
	tell(order, PHASE_CHECK);
	/* To check it, lists would be read; who compiled it has done that. */
	result = report->compiled ? 0 : check(edition, diag);
	note_phase(report, PHASE_CHECK, since_us);
	return result;
}

struct edition *edition_load(const struct edition_order *order, struct load_report *report,
	struct edition_files *files, struct diag *diag)
{
	uint64_t since_us = clock_us();
	struct edition *edition;
	struct diag own = { 0 };
	struct conf *conf;

	tell(order, PHASE_READ);
	conf = read_with_stamps(order, files, &own);
	note_phase(report, PHASE_READ, &since_us);
	if (conf == NULL) {
		watch_blamed(order, files, &own);
		*diag = own;
		return NULL;
	}
	edition = edition_create(conf);
	if (edition == NULL || !sources_copy(&edition->sources, &files->sources)) {
		diag_set(diag, order->conf_path, 0, 0, "out of memory");
		if (edition == NULL)
			conf_destroy(&conf);
		edition_release(&edition);
		return NULL;
	}
	edition->stamps = files->stamps;
	if (make(order, edition, report, &since_us, diag) != 0) {
		edition->stamps = NULL;
		edition_release(&edition);
		return NULL;
	}
	files->stamps = stamps_copy(edition->stamps);
	return edition;
}

bool edition_is_current(const struct edition *edition)
{
	struct stamps *now = stamps_take(edition->sources.names, edition->sources.count);
	const bool same = stamps_equal(now, edition->stamps);

	stamps_destroy(&now);
	return same;
}

struct edition *edition_hold(struct edition *edition)
{
	if (edition != NULL)
		atomic_fetch_add_explicit(&edition->holders, 1, memory_order_relaxed);
	return edition;
}

void edition_release(struct edition **edition)
{
	struct edition *own = *edition;

	*edition = NULL;
	/* Release: this holder is done with it. Acquire: the last one sees that all others are. */
	if (own == NULL || atomic_fetch_sub_explicit(&own->holders, 1, memory_order_acq_rel) != 1)
		return;
	conf_destroy(&own->conf);
	build_report_fini(&own->build);
	snapshot_destroy(&own->base);
	sources_fini(&own->sources);
	stamps_destroy(&own->stamps);
	free(own);
}

int64_t edition_expires(const struct edition *edition, int64_t after)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < edition->build.list_count; i++) {
		const struct list_report *list = &edition->build.lists[i];

		if (list->expires_at > after && !list->expired && list->expires_at < first)
			first = list->expires_at;
	}
	return first;
}
