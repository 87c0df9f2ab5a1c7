/* frame_told.c: small tables, the oldest row overwritten first. */
#include "tools/frame_told.h"

#include <inttypes.h>
#include <string.h>

#include "tools/json_line.h"
#include "tools/term.h"

static uint64_t rows(uint64_t ever, uint64_t most)
{
	return ever < most ? ever : most;
}

bool frame_told_first(const struct frame_told *told, const char *boot)
{
	for (uint64_t i = 0; i < rows(told->boot_count, TOLD_BOOTS); i++)
		if (strcmp(told->boots[i], boot) == 0)
			return true;
	return false;
}

static struct told_target *find(struct frame_told *told, const char *identity, const char *name)
{
	struct told_target *target;

	for (uint64_t i = 0; i < rows(told->target_count, TOLD_TARGETS); i++)
		if (strcmp(told->targets[i].identity, identity) == 0 && strcmp(told->targets[i].name, name) == 0)
			return &told->targets[i];
	target = &told->targets[told->target_count++ % TOLD_TARGETS];
	*target = (struct told_target){ .number = 0 };
	snprintf(target->identity, sizeof(target->identity), "%s", identity);
	snprintf(target->name, sizeof(target->name), "%s", name);
	return target;
}

/* Counts go on over restarts. A process that was killed can be heard behind the one that goes on; it says less, and
 * nothing new. `afresh`: a process begins; if with less, the resolver has forgotten with its directory. */
static void count(uint64_t *sum, uint64_t *most, uint64_t now, bool afresh)
{
	if (afresh && now < *most)
		*most = now;
	if (now <= *most)
		return;
	*sum += now - *most;
	*most = now;
}

static uint64_t number_in(const struct json_members *members, const char *key)
{
	struct json_value value = json_find(members, key);
	uint64_t number = 0;

	json_number_of(&value, &number);
	return number;
}

static void note_target(struct told_target *target, const char *boot, uint64_t number, bool afresh,
		const struct json_members *members)
{
	uint64_t lost = number_in(members, "lost"), unsure = number_in(members, "unsure");

	/* After a break a heartbeat comes again. */
	if (strcmp(target->boot, boot) == 0 && number <= target->number)
		return;
	if (target->boot[0] == '\0') {
		target->most_lost = lost;
		target->most_unsure = unsure;
	}
	count(&target->lost, &target->most_lost, lost, afresh);
	count(&target->unsure, &target->most_unsure, unsure, afresh);
	snprintf(target->boot, sizeof(target->boot), "%s", boot);
	target->number = number;
}

void frame_told_note(struct frame_told *told, const struct frame_fields *fields)
{
	struct json_value list = json_find(&fields->extra, "targets"), one, value;
	const char *boot = fields->serial.boot;
	char identity[TOLD_IDENTITY_MAX] = "", name[TOLD_NAME_MAX];
	const ProtobufCBinaryData *from = &fields->dnstap->identity;
	uint64_t number = number_in(&fields->extra, "heartbeat");
	const bool afresh = number == 1 && !frame_told_first(told, boot);
	struct json_members members;
	size_t at = 0;

	if (fields->kind != FRAME_HEARTBEAT || boot[0] == '\0')
		return;
	if (afresh)
		snprintf(told->boots[told->boot_count++ % TOLD_BOOTS], FRAME_BOOT_MAX, "%s", boot);
	if (fields->dnstap->has_identity)
		snprintf(identity, sizeof(identity), "%.*s", (int)strnlen((const char *)from->data, from->len),
			(const char *)from->data);
	while (list.at != NULL && json_next(&list, &at, &one)) {
		if (!json_scan(one.at, one.octets, &members))
			continue;
		value = json_find(&members, "name");
		if (value.at != NULL && json_text_of(&value, name, sizeof(name)) > 0
				&& (told->only == NULL || strcmp(told->only, name) == 0))
			note_target(find(told, identity, name), boot, number, afresh, &members);
	}
}

uint64_t frame_told_lost(const struct frame_told *told)
{
	uint64_t count = rows(told->target_count, TOLD_TARGETS), sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		const struct told_target *target = &told->targets[i];
		uint64_t most = target->lost + target->unsure;
		bool first = true;

		for (uint64_t other = 0; other < count; other++) {
			if (strcmp(told->targets[other].identity, target->identity) != 0)
				continue;
			first = first && other >= i;
			if (told->targets[other].lost + told->targets[other].unsure > most)
				most = told->targets[other].lost + told->targets[other].unsure;
		}
		sum += first ? most : 0;
	}
	return sum;
}

static void report_line(const struct told_target *target, FILE *to)
{
	char identity[4 * TOLD_IDENTITY_MAX], name[4 * TOLD_NAME_MAX];

	term_escape(identity, sizeof(identity), target->identity, strlen(target->identity));
	term_escape(name, sizeof(name), target->name, strlen(target->name));
	fprintf(to, "resolver %s target %s: %" PRIu64 " lost as told by the resolver", identity, name, target->lost);
	if (target->unsure > 0)
		fprintf(to, "; %" PRIu64 " were sent and may be", target->unsure);
	putc('\n', to);
}

static void report_json(const struct told_target *target, FILE *to)
{
	struct json_line line = { .octets = NULL };

	json_line_open(&line, '{');
	json_line_text(&line, "report", "lost");
	json_line_text(&line, "identity", target->identity);
	json_line_text(&line, "target", target->name);
	json_line_count(&line, "lost", target->lost);
	json_line_count(&line, "unsure", target->unsure);
	json_line_put(&line, "}\n", 2);
	if (!line.failed)
		fwrite(line.octets, 1, line.used, to);
	json_line_fini(&line);
}

void frame_told_report(const struct frame_told *told, FILE *to, bool json)
{
	for (uint64_t i = 0; i < rows(told->target_count, TOLD_TARGETS); i++)
		if (told->targets[i].lost + told->targets[i].unsure > 0)
			(json ? report_json : report_line)(&told->targets[i], to);
}
