/* frame_gaps.c: what came of each worker, what it told, and what that makes missing. */
#include "tools/frame_gaps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/frame_told.h"
#include "tools/frame_window.h"
#include "tools/gaps_row.h"

struct source {
	char boot[FRAME_BOOT_MAX];
	uint64_t worker;
	uint64_t used;                 /* the clock of gaps when it last spoke */
	struct frame_window window;    /* what came */
	uint64_t told_first, told;     /* how far the first and the last heartbeat or note said it had counted */
	bool is_told;
	uint64_t dropped_first, dropped_last;
	uint64_t dropped_by_told;      /* by `told` */
	bool dropped_told;
	uint64_t left_first, left_last;              /* answers left out before `first` and `last` */
	uint64_t left_told_first, left_told;         /* and up to there */
};

struct frame_gaps {
	struct source *sources[GAPS_SOURCES_MAX];   /* owned */
	unsigned count;
	unsigned latest;               /* the source of the last frame: mostly that of the next */
	uint64_t clock;
	uint64_t forgotten;
	struct frame_told told;
};

struct frame_gaps *frame_gaps_create(void)
{
	return calloc(1, sizeof(struct frame_gaps));
}

void frame_gaps_of_target(struct frame_gaps *gaps, const char *name)
{
	gaps->told.only = name;
}

static void source_destroy(struct source *source)
{
	frame_window_fini(&source->window);
	free(source);
}

void frame_gaps_destroy(struct frame_gaps **gaps)
{
	if (*gaps == NULL)
		return;
	for (unsigned i = 0; i < (*gaps)->count; i++)
		source_destroy((*gaps)->sources[i]);
	free(*gaps);
	*gaps = NULL;
}

/* --- sources ------------------------------------------------------------------------------------------------ */

static bool is_source(const struct source *source, const char *boot, uint64_t worker)
{
	return source->worker == worker && strcmp(source->boot, boot) == 0;
}

static void forget_oldest(struct frame_gaps *gaps)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < gaps->count; i++)
		if (gaps->sources[i]->used < gaps->sources[oldest]->used)
			oldest = i;
	source_destroy(gaps->sources[oldest]);
	gaps->sources[oldest] = gaps->sources[--gaps->count];
	gaps->forgotten++;
}

static struct source *source_create(struct frame_gaps *gaps, const char *boot, uint64_t worker)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	if (!frame_window_init(&source->window)) {
		free(source);
		return NULL;
	}
	snprintf(source->boot, sizeof(source->boot), "%s", boot);
	source->worker = worker;
	if (gaps->count == GAPS_SOURCES_MAX)
		forget_oldest(gaps);
	gaps->latest = gaps->count;
	gaps->sources[gaps->count++] = source;
	return source;
}

static struct source *source_find(struct frame_gaps *gaps, const char *boot, uint64_t worker)
{
	struct source *source = gaps->latest < gaps->count ? gaps->sources[gaps->latest] : NULL;

	for (unsigned i = 0; source == NULL || !is_source(source, boot, worker); i++) {
		if (i == gaps->count) {
			source = source_create(gaps, boot, worker);
			break;
		}
		gaps->latest = i;
		source = gaps->sources[i];
	}
	if (source != NULL)
		source->used = ++gaps->clock;
	return source;
}

/* --- what the resolver tells -------------------------------------------------------------------------------- */

static uint64_t number_in(const struct json_members *members, const char *key)
{
	struct json_value value = json_find(members, key);
	uint64_t number = 0;

	json_number_of(&value, &number);
	return number;
}

static void note_dropped(struct source *source, uint64_t dropped)
{
	if (!source->dropped_told)
		source->dropped_first = source->dropped_last = dropped;
	source->dropped_told = true;
	source->dropped_first = ranges_earlier(source->dropped_first, dropped);
	source->dropped_last = ranges_later(source->dropped_last, dropped);
}

static void note_told(struct frame_gaps *gaps, const char *boot, const struct json_value *object)
{
	struct json_members members;
	struct json_value value;
	struct source *source;
	uint64_t worker, seq;

	if (object->at == NULL || !json_scan(object->at, object->octets, &members))
		return;
	value = json_find(&members, "worker");
	if (!json_number_of(&value, &worker))
		return;
	value = json_find(&members, "seq");
	if (!json_number_of(&value, &seq) || seq > FRAME_COUNTER_MAX)
		return;
	source = source_find(gaps, boot, worker);
	if (source == NULL)
		return;
	if (!source->is_told || seq < source->told_first) {
		source->told_first = seq;
		source->left_told_first = number_in(&members, "left_out");
	}
	source->is_told = true;
	source->told = ranges_later(source->told, seq);
	note_dropped(source, number_in(&members, "dropped"));
	if (seq < source->told)
		return;
	source->dropped_by_told = ranges_later(source->dropped_by_told, number_in(&members, "dropped"));
	source->left_told = ranges_later(source->left_told, number_in(&members, "left_out"));
}

static void note_note(struct frame_gaps *gaps, const struct frame_fields *fields)
{
	struct json_value list = json_find(&fields->extra, fields->kind == FRAME_HEARTBEAT ? "workers" : "former");
	struct json_value worker;
	size_t at = 0;

	if (fields->serial.boot[0] == '\0' || list.at == NULL)
		return;
	if (fields->kind == FRAME_FORMER)
		note_told(gaps, fields->serial.boot, &list);
	else
		while (json_next(&list, &at, &worker))
			note_told(gaps, fields->serial.boot, &worker);
}

bool frame_gaps_note(struct frame_gaps *gaps, const struct frame_fields *fields)
{
	struct source *source;

	if (fields->kind != FRAME_EVENT)
		note_note(gaps, fields);
	frame_told_note(&gaps->told, fields);
	if (fields->kind != FRAME_EVENT || !fields->has_serial)
		return false;
	source = source_find(gaps, fields->serial.boot, fields->serial.worker);
	if (source == NULL)
		return false;
	if (fields->serial.counter >= source->window.last) {
		note_dropped(source, number_in(&fields->extra, "dropped"));
		source->left_last = number_in(&fields->extra, "left_out");
	}
	if (!source->window.seen || fields->serial.counter < source->window.first)
		source->left_first = number_in(&fields->extra, "left_out");
	return frame_window_note(&source->window, fields->serial.counter);
}

/* --- the report --------------------------------------------------------------------------------------------- */

/* All that is missing up to the last counter that is known of; `whole`: from 1. */
static void sum_up(const struct source *source, bool whole, struct ranges *all)
{
	const struct frame_window *came = &source->window;
	uint64_t from = whole ? 1 : came->seen ? came->first : source->told_first + 1;

	*all = (struct ranges){ .count = 0 };
	if (!came->seen && source->told >= from)
		ranges_add(all, from, source->told);
	if (!came->seen)
		return;
	frame_window_missing(came, ranges_later(came->last, source->told), all);
	ranges_begin(all, from);
}

/* How many of the missing were never to come. */
static uint64_t left_out(const struct source *source, bool whole)
{
	const struct frame_window *came = &source->window;
	uint64_t before = whole ? 0 : came->seen ? source->left_first : source->left_told_first;
	uint64_t after = came->seen && came->last > source->told ? source->left_last : source->left_told;

	return after > before ? after - before : 0;
}

/* Behind a heartbeat nothing comes any more that was before it; verdicts overtake others, so what is missing between
 * the last heartbeat and the last frame may be on its way. Who got no heartbeat can not tell. */
static void split(const struct source *source, bool whole, struct gaps_row *row)
{
	const uint64_t left = left_out(source, whole), before = whole ? 0 : source->left_first;
	uint64_t left_by_told = left;

	if (source->is_told)
		left_by_told = ranges_earlier(left, ranges_later(source->left_told, before) - before);
	else if (whole)
		left_by_told = 0;
	if (source->window.seen && (source->is_told || whole))
		row->awaited = ranges_cut(&row->without, source->told);
	row->left_out = ranges_earlier(left_by_told, row->without.missing);
	row->missing = row->without.missing - row->left_out;
	left_by_told = ranges_earlier(left - left_by_told, row->awaited);
	row->left_out += left_by_told;
	row->awaited -= left_by_told;
}

/* Of the missing, at most. */
static uint64_t explained(const struct source *source, const struct gaps_row *row)
{
	const uint64_t later_on = source->is_told ? source->dropped_last - source->dropped_by_told : 0;

	return row->dropped > later_on ? row->dropped - later_on : 0;
}

static void make_report(const struct source *source, bool whole, struct gaps_row *row)
{
	const struct frame_window *came = &source->window;

	*row = (struct gaps_row){ .boot = source->boot, .worker = source->worker, .frames = came->frames,
		.duplicates = came->duplicates, .seen = came->seen, .first = came->first, .last = came->last,
		.known_to = ranges_later(came->last, source->told),
		.told = source->is_told && source->told >= came->last };
	sum_up(source, whole, &row->without);
	split(source, whole, row);
	row->late = came->late;
	row->dropped = source->dropped_last - (whole || came->first <= 1 ? 0 : source->dropped_first);
}

uint64_t frame_gaps_report(struct frame_gaps *gaps, FILE *to, bool json)
{
	uint64_t unexplained = 0, lost;

	for (unsigned i = 0; i < gaps->count; i++) {
		const struct source *source = gaps->sources[i];
		struct gaps_row row;

		make_report(source, frame_told_first(&gaps->told, source->boot), &row);
		unexplained += row.missing > explained(source, &row) ? row.missing - explained(source, &row) : 0;
		gaps_row_print(&row, to, json);
	}
	frame_told_report(&gaps->told, to, json);
	lost = frame_told_lost(&gaps->told);
	if (gaps->count == 0 && !json)
		fputs("no frame had a number\n", to);
	if (gaps->forgotten > 0 && !json)
		fprintf(to, "%" PRIu64 " workers that were silent longest are not in this report\n", gaps->forgotten);
	return unexplained > lost ? unexplained - lost : 0;
}
