/* frame_gaps.c: windows over the counters of each worker. */
#include "tools/frame_gaps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/frame_told.h"
#include "tools/gaps_row.h"

#define WORD_BITS 64
#define WINDOW_WORDS (GAPS_WINDOW / WORD_BITS)
#define COUNTER_MAX (UINT64_MAX / 2)   /* beyond it is no counter of a resolver */

struct source {
	char boot[FRAME_BOOT_MAX];
	uint64_t worker;
	uint64_t used;                 /* the clock of gaps when it last spoke */
	bool seen;                     /* at least one frame came */
	uint64_t first, last;          /* of the frames that came */
	uint64_t base;                 /* counters under it have left the window; a multiple of 64 */
	uint64_t frames, duplicates;
	uint64_t told_first, told;     /* how far the first and the last heartbeat or note said it had counted */
	bool is_told;
	uint64_t dropped_first, dropped_last;
	uint64_t dropped_by_told;      /* by `told` */
	uint64_t late;                 /* came behind the window, and may be missing ones or duplicates */
	bool dropped_told;
	uint64_t left_first, left_last;              /* answers left out before `first` and `last` */
	uint64_t left_told_first, left_told;         /* and up to there */
	struct ranges gone;            /* missing, and behind the window */
	uint64_t *bits;                /* owned; counter n is bit n modulo GAPS_WINDOW */
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
	free(source->bits);
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
	source->bits = calloc(WINDOW_WORDS, sizeof(*source->bits));
	if (source->bits == NULL) {
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

/* --- the window --------------------------------------------------------------------------------------------- */

static uint64_t *word_of(const struct source *source, uint64_t counter)
{
	return &source->bits[counter / WORD_BITS % WINDOW_WORDS];
}

static bool has_bit(const struct source *source, uint64_t counter)
{
	return (*word_of(source, counter) >> counter % WORD_BITS & 1) != 0;
}

/* Adds what is missing from `from` up to and without `to`, all of it in the window. */
static void collect(const struct source *source, uint64_t from, uint64_t to, struct ranges *ranges)
{
	uint64_t at = from;

	while (at < to) {
		uint64_t word = *word_of(source, at) >> at % WORD_BITS, begin;

		if (word == UINT64_MAX >> at % WORD_BITS) {
			at += WORD_BITS - at % WORD_BITS;
			continue;
		}
		if ((word & 1) != 0) {
			at++;
			continue;
		}
		begin = at;
		while (at < to && !has_bit(source, at))
			at++;
		ranges_add(ranges, begin, at - 1);
	}
}

static uint64_t later(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

/* Moves the window so that `counter` is in its last word. What it leaves behind is settled. */
static void advance(struct source *source, uint64_t counter)
{
	uint64_t base = (counter / WORD_BITS + 1) * WORD_BITS - GAPS_WINDOW;
	uint64_t held = source->base + GAPS_WINDOW;      /* the window's end until now */
	uint64_t settled = earlier(base, held);

	collect(source, later(source->base, 1), settled, &source->gone);
	if (base > held)
		ranges_add(&source->gone, held, base - 1);
	if (settled - source->base >= GAPS_WINDOW)
		memset(source->bits, 0, WINDOW_WORDS * sizeof(*source->bits));
	else
		for (uint64_t at = source->base; at < settled; at += WORD_BITS)
			*word_of(source, at) = 0;
	source->base = base;
}

/* Frames can come from before the first one that came: half of the window is kept for them, and what is before that is
 * gone until it comes. The report leaves out what was before the first in the end. */
static void begin(struct source *source, uint64_t counter)
{
	uint64_t back = GAPS_WINDOW / 2;

	source->seen = true;
	source->first = source->last = counter;
	source->base = counter > back ? (counter - back) / WORD_BITS * WORD_BITS : 0;
	if (source->base > 1)
		ranges_add(&source->gone, 1, source->base - 1);
}

/* Where nobody knows any more whether it was missing, it was: verdicts overtake others by more than the window after a
 * long break, and those come once. */
static void note_late(struct source *source, uint64_t counter)
{
	source->frames++;
	if (ranges_take(&source->gone, counter)) {
		source->first = earlier(source->first, counter);
		return;
	}
	if (ranges_unkept(&source->gone) == 0)
		return;
	source->gone.missing--;
	source->late++;
}

static bool note_counter(struct source *source, uint64_t counter)
{
	if (counter > COUNTER_MAX)
		return false;
	if (!source->seen)
		begin(source, counter);
	if (counter < source->base) {
		note_late(source, counter);
		return false;
	}
	if (counter >= source->base + GAPS_WINDOW)
		advance(source, counter);
	if (has_bit(source, counter)) {
		source->duplicates++;
		return true;
	}
	*word_of(source, counter) |= (uint64_t)1 << counter % WORD_BITS;
	source->first = earlier(source->first, counter);
	source->last = later(source->last, counter);
	source->frames++;
	return false;
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
	source->dropped_first = earlier(source->dropped_first, dropped);
	source->dropped_last = later(source->dropped_last, dropped);
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
	if (!json_number_of(&value, &seq) || seq > COUNTER_MAX)
		return;
	source = source_find(gaps, boot, worker);
	if (source == NULL)
		return;
	if (!source->is_told || seq < source->told_first) {
		source->told_first = seq;
		source->left_told_first = number_in(&members, "left_out");
	}
	source->is_told = true;
	source->told = later(source->told, seq);
	note_dropped(source, number_in(&members, "dropped"));
	if (seq < source->told)
		return;
	source->dropped_by_told = later(source->dropped_by_told, number_in(&members, "dropped"));
	source->left_told = later(source->left_told, number_in(&members, "left_out"));
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
	if (fields->serial.counter >= source->last) {
		note_dropped(source, number_in(&fields->extra, "dropped"));
		source->left_last = number_in(&fields->extra, "left_out");
	}
	if (!source->seen || fields->serial.counter < source->first)
		source->left_first = number_in(&fields->extra, "left_out");
	return note_counter(source, fields->serial.counter);
}

/* --- the report --------------------------------------------------------------------------------------------- */

/* All that is missing up to the last counter that is known of; `whole`: from 1. */
static void sum_up(const struct source *source, bool whole, struct ranges *all)
{
	uint64_t end = later(source->last, source->told);
	uint64_t held = earlier(end + 1, source->base + GAPS_WINDOW);
	uint64_t from = whole ? 1 : source->seen ? source->first : source->told_first + 1;

	*all = (struct ranges){ .count = 0 };
	if (!source->seen && source->told >= from)
		ranges_add(all, from, source->told);
	if (!source->seen)
		return;
	ranges_append(all, &source->gone);
	collect(source, later(source->base, 1), held, all);
	if (end >= held)
		ranges_add(all, held, end);
	ranges_begin(all, from);
}

/* How many of the missing were never to come. */
static uint64_t left_out(const struct source *source, bool whole)
{
	uint64_t before = whole ? 0 : source->seen ? source->left_first : source->left_told_first;
	uint64_t after = source->seen && source->last > source->told ? source->left_last : source->left_told;

	return after > before ? after - before : 0;
}

/* Behind a heartbeat nothing comes any more that was before it; verdicts overtake others, so what is missing between
 * the last heartbeat and the last frame may be on its way. Who got no heartbeat can not tell. */
static void split(const struct source *source, bool whole, struct gaps_row *row)
{
	const uint64_t left = left_out(source, whole), before = whole ? 0 : source->left_first;
	uint64_t left_by_told = left;

	if (source->is_told)
		left_by_told = earlier(left, later(source->left_told, before) - before);
	else if (whole)
		left_by_told = 0;
	if (source->seen && (source->is_told || whole))
		row->awaited = ranges_cut(&row->without, source->told);
	row->left_out = earlier(left_by_told, row->without.missing);
	row->missing = row->without.missing - row->left_out;
	left_by_told = earlier(left - left_by_told, row->awaited);
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
	*row = (struct gaps_row){ .boot = source->boot, .worker = source->worker, .frames = source->frames,
		.duplicates = source->duplicates, .seen = source->seen, .first = source->first, .last = source->last,
		.known_to = later(source->last, source->told), .told = source->is_told && source->told >= source->last };
	sum_up(source, whole, &row->without);
	split(source, whole, row);
	row->late = source->late;
	row->dropped = source->dropped_last - (whole || source->first <= 1 ? 0 : source->dropped_first);
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
