/* frame_note.c: what a resolver says of its own frames, for people. */
#include <inttypes.h>

#include "tools/frame_text.h"

static uint64_t number_in(const struct json_members *members, const char *key)
{
	struct json_value value = json_find(members, key);
	uint64_t number = 0;

	json_number_of(&value, &number);
	return number;
}

static void put_targets(FILE *to, struct json_value targets)
{
	struct json_members members;
	struct json_value target;
	size_t at = 0;

	while (json_next(&targets, &at, &target)) {
		if (!json_scan(target.at, target.octets, &members))
			continue;
		frame_put_text(to, "; ", json_find(&members, "name"));
		fprintf(to, " %s", json_find(&members, "up").octets == 4 ? "up" : "down");
		if (number_in(&members, "lost") > 0)
			fprintf(to, ", %" PRIu64 " lost", number_in(&members, "lost"));
		if (number_in(&members, "waiting_ms") > 0)
			fprintf(to, ", waiting %" PRIu64 " ms", number_in(&members, "waiting_ms"));
	}
}

static void put_heartbeat(FILE *to, const struct json_members *extra)
{
	struct json_value workers = json_find(extra, "workers"), worker;
	struct json_members members;
	uint64_t answers = 0, dropped = 0;
	size_t at = 0;

	while (json_next(&workers, &at, &worker)) {
		if (!json_scan(worker.at, worker.octets, &members))
			continue;
		answers += number_in(&members, "seq");
		dropped += number_in(&members, "dropped");
	}
	fprintf(to, "heartbeat %" PRIu64 ": %" PRIu64 " answers so far, %" PRIu64 " frames dropped",
		number_in(extra, "heartbeat"), answers, dropped);
	put_targets(to, json_find(extra, "targets"));
}

static void put_former(FILE *to, const struct json_members *extra)
{
	struct json_value former = json_find(extra, "former");
	struct json_members members;

	if (!json_scan(former.at, former.octets, &members)) {
		fputs("of a former process, and cannot be read", to);
		return;
	}
	fprintf(to, "former process: worker %" PRIu64 " had come to %" PRIu64 ", %" PRIu64 " frames dropped, %" PRIu64
		" recovered%s", number_in(&members, "worker"), number_in(&members, "seq"), number_in(&members, "dropped"),
		number_in(&members, "recovered"), json_find(&members, "damaged").octets == 4 ? ", its memory is damaged" : "");
}

void frame_put_note(FILE *to, const struct frame_fields *fields)
{
	frame_put_text(to, "-- boot ", json_find(&fields->extra, "boot"));
	fputs(", ", to);
	if (fields->kind == FRAME_HEARTBEAT)
		put_heartbeat(to, &fields->extra);
	else
		put_former(to, &fields->extra);
}

static bool any_of(struct json_value array, bool (*wanted)(const struct json_members *))
{
	struct json_members members;
	struct json_value one;
	size_t at = 0;

	while (json_next(&array, &at, &one))
		if (json_scan(one.at, one.octets, &members) && wanted(&members))
			return true;
	return false;
}

static bool has_dropped(const struct json_members *worker)
{
	return number_in(worker, "dropped") > 0;
}

static bool is_in_trouble(const struct json_members *target)
{
	return json_find(target, "up").octets != 4 || number_in(target, "lost") > 0;
}

/* All is well, as mostly: faint. Else a person should see it. */
enum term_style frame_note_style(const struct frame_fields *fields)
{
	struct json_value former = json_find(&fields->extra, "former");
	struct json_members members;
	bool trouble;

	if (json_scan(former.at, former.octets, &members))
		trouble = has_dropped(&members) || json_find(&members, "damaged").octets == 4;
	else
		trouble = any_of(json_find(&fields->extra, "workers"), has_dropped) ||
			any_of(json_find(&fields->extra, "targets"), is_in_trouble);
	return trouble ? STYLE_WARN : STYLE_FAINT;
}
