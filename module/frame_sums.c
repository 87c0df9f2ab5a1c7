/* frame_sums.c: adds counters, and nothing that is a state. */
#include "module/frame_sums.h"

#include <string.h>

static void add_target(struct target_counts *to, const struct target_counts *more)
{
	to->written += more->written;
	to->connects += more->connects;
	to->commits += more->commits;
	to->errors += more->errors;
}

/* NULL: there is none of that name. */
static struct tap_target_counts *find_target(struct tap_counts *counts, const char *name)
{
	for (unsigned i = 0; i < counts->target_count; i++)
		if (strcmp(counts->targets[i].name, name) == 0)
			return &counts->targets[i];
	return NULL;
}

/* Those of frames and heartbeats go on by themselves (struct tap_carry): they are in heartbeats, too. */
static void add(struct tap_counts *to, const struct tap_counts *more)
{
	to->recovered += more->recovered;
	to->damaged += more->damaged;
	to->spool.frames += more->spool.frames;
	to->spool.dropped += more->spool.dropped;
	to->spool.recovered += more->spool.recovered;
	to->spool.damaged += more->spool.damaged;
	to->spool.errors += more->spool.errors;
}

void frame_sums_keep(struct tap_counts *sums, const struct tap_counts *ended)
{
	add(sums, ended);
	for (unsigned i = 0; i < ended->target_count; i++) {
		struct tap_target_counts *target = find_target(sums, ended->targets[i].name);

		if (target == NULL && sums->target_count < TAP_TARGETS_MAX) {
			target = &sums->targets[sums->target_count++];
			memcpy(target->name, ended->targets[i].name, sizeof(target->name));
		}
		if (target != NULL)
			add_target(&target->counts, &ended->targets[i].counts);
	}
}

void frame_sums_add(const struct tap_counts *sums, struct tap_counts *now)
{
	add(now, sums);
	for (unsigned i = 0; i < sums->target_count; i++) {
		struct tap_target_counts *target = find_target(now, sums->targets[i].name);

		if (target != NULL)
			add_target(&target->counts, &sums->targets[i].counts);
	}
}
