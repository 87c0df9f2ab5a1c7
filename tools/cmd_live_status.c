/* cmd_live_status.c: `verdictctl status`: what is in force in the running resolver, and how it is. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/json.h"
#include "tools/live.h"
#include "tools/live_print.h"
#include "tools/term.h"

const char help_status[] =
	"Usage: verdictctl status [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl status                      which policy is in force, how old are its lists?\n"
	"  verdictctl status --json | jq .lists   for programs\n"
	"\n"
	"Asks the running resolver.\n"
	"\n"
	"Options:\n"
	LIVE_HELP_OPTIONS
	"\n"
	"Exit: 0 all is well; 1 the last load failed, or a list has expired; 2 wrong usage; 3 no resolver answers at\n"
	"the socket.\n";

static const char *text(const json_t *object, const char *key, char *to)
{
	const char *value = json_get_text(object, key);

	term_escape(to, LIVE_SAFE_MAX, value, strlen(value));
	return to;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_get_number(object, key);
}

/* What stands before and behind it. */
static void print_kept(const json_t *status, const struct term *term)
{
	const json_t *kept = json_object_get(status, "kept"), *policy;
	size_t index;

	if (json_get_flag(status, "held"))
		printf("  %swent back: changed files are not loaded until `verdictctl reload`%s\n", term_on(term, STYLE_WARN),
			term_off(term, STYLE_WARN));
	json_array_foreach(kept, index, policy)
		printf("%s%lld", index == 0 ? "  kept to go back to: " : ", ", (long long)json_integer_value(policy));
	if (json_array_size(kept) > 0)
		putchar('\n');
}

static void print_policy(const json_t *status, const struct term *term)
{
	const json_t *policy = json_object_get(status, "policy");
	char when[LIVE_TEXT_MAX], span[LIVE_TEXT_MAX], octets[LIVE_TEXT_MAX], safe[LIVE_SAFE_MAX];

	if (policy == NULL) {
		printf("%sno policy is in force%s\n", term_on(term, STYLE_BAD), term_off(term, STYLE_BAD));
		return;
	}
	printf("%spolicy %lld%s in force since %s (%s), mode %s\n", term_on(term, STYLE_STRONG), number(policy, "policy"),
		term_off(term, STYLE_STRONG), live_time(json_get_number(policy, "started"), when),
		live_span(json_get_number(status, "time") - json_get_number(policy, "started"), span),
		text(status, "mode", safe));
	printf("  %lld lists, %lld rules, %lld entries skipped, %s\n", number(policy, "lists"), number(policy, "rules"),
		number(policy, "skipped"), live_octets(json_get_number(policy, "octets"), octets));
	if (strcmp(text(policy, "from", safe), "compiled") == 0)
		puts("  opened from the compiled policy: no list was read");
	if (*text(policy, "compiled_wrong", safe) != '\0')
		printf("  read from the lists, since the compiled policy cannot be used: %s\n", safe);
	if (*text(policy, "restart", safe) != '\0')
		printf("  %swaits for a reload of the resolver: %s%s\n", term_on(term, STYLE_WARN), safe,
			term_off(term, STYLE_WARN));
	print_kept(status, term);
	if (*text(status, "loading", safe) != '\0')
		printf("  loading now: %s, for %s\n", safe,
			live_span(json_get_number(status, "time") - json_get_number(status, "loading_since"), span));
}

static const char *list_state(const json_t *list, enum term_style *style)
{
	*style = STYLE_BAD;
	if (json_get_flag(list, "withdrawn"))
		return "expired, withdrawn";
	*style = STYLE_WARN;
	if (json_get_flag(list, "expired"))
		return "expired, kept";
	if (json_get_number(list, "rules") == 0)
		return "no rules";
	*style = STYLE_GOOD;
	return json_get_flag(list, "shadow") ? "shadow" : "ok";
}

static void print_list(const json_t *list, int64_t now, const struct term *term)
{
	char name[LIVE_SAFE_MAX], format[LIVE_SAFE_MAX], age[LIVE_TEXT_MAX] = "-", expires[LIVE_TEXT_MAX] = "-";
	enum term_style style;
	const char *state = list_state(list, &style);

	if (json_object_get(list, "age_seconds") != NULL)
		live_span(json_get_number(list, "age_seconds"), age);
	if (json_get_number(list, "expires") > now)
		live_span(json_get_number(list, "expires") - now, expires);
	printf("  %-16s %-9s %10lld %8lld %11lld %8s %8s  %s%s%s\n", text(list, "name", name),
		text(list, "format", format), number(list, "rules"), number(list, "skipped"), number(list, "serial"), age,
		expires, term_on(term, style), state, term_off(term, style));
}

static void print_lists(const json_t *status, const struct term *term)
{
	const json_t *lists = json_object_get(status, "lists"), *list;
	size_t index;

	if (json_array_size(lists) > 0)
		printf("\n  %-16s %-9s %10s %8s %11s %8s %8s  %s\n", "LIST", "FORMAT", "RULES", "SKIPPED", "SERIAL", "AGE",
			"EXPIRES", "STATE");
	json_array_foreach(lists, index, list)
		print_list(list, json_get_number(status, "time"), term);
}

static void print_groups(const json_t *status)
{
	const json_t *groups = json_object_get(status, "groups"), *group;
	char name[LIVE_SAFE_MAX], parent[LIVE_SAFE_MAX];
	size_t index;

	json_array_foreach(groups, index, group) {
		printf("%s  %s", index == 0 ? "\ngroups:" : ",", text(group, "name", name));
		if (*text(group, "parent", parent) != '\0')
			printf(" (of %s)", parent);
		printf(" %lld networks", number(group, "networks"));
	}
	if (json_array_size(groups) > 0)
		putchar('\n');
}

static void print_targets(const json_t *frames, const struct term *term)
{
	const json_t *targets = json_object_get(frames, "targets"), *target;
	char name[LIVE_SAFE_MAX], safe[LIVE_SAFE_MAX];
	size_t index;

	json_array_foreach(targets, index, target) {
		const bool up = json_is_true(json_object_get(target, "up"));
		const long long lost = number(target, "lost") + number(target, "unsure");

		printf("\n  %-9s%s%s%s, %lld written, %lld waiting, %s%lld lost%s", text(target, "name", name),
			term_on(term, up ? STYLE_PLAIN : STYLE_WARN), up ? "up" : "down",
			term_off(term, up ? STYLE_PLAIN : STYLE_WARN), number(target, "written"), number(target, "unread"),
			term_on(term, lost > 0 ? STYLE_WARN : STYLE_PLAIN), lost,
			term_off(term, lost > 0 ? STYLE_WARN : STYLE_PLAIN));
		if (*text(target, "error", safe) != '\0')
			printf("; last error: %s", safe);
	}
}

static void print_counts(const json_t *status, const struct term *term)
{
	const json_t *guards = json_object_get(status, "guards"), *frames = json_object_get(status, "frames");
	const json_t *log = json_object_get(status, "denial_log");
	const long long dropped = number(frames, "dropped_ring") + number(frames, "dropped_spool");
	const enum term_style style = dropped > 0 ? STYLE_WARN : STYLE_PLAIN;
	char safe[LIVE_SAFE_MAX];

	printf("\nguards:    %lld escaped, %lld failed, %lld over budget; longest %lld us in a worker\n",
		number(guards, "escaped"), number(guards, "failed"), number(guards, "budget_overruns"),
		number(guards, "longest_answer_us"));
	printf("frames:    %lld, %s%lld dropped%s, %s", number(frames, "emitted"), term_on(term, style), dropped,
		term_off(term, style), json_is_true(json_object_get(frames, "durable"))
			? "kept on disk until they arrive" : "kept in memory until they arrive");
	if (*text(frames, "note", safe) != '\0')
		printf(" (%s)", safe);
	print_targets(frames, term);
	if (log != NULL)
		printf("\ndenials:   %lld lines, %lld suppressed, %lld lost, %lld not written", number(log, "written"),
			number(log, "suppressed"), number(log, "lost"), number(log, "failed"));
	printf("\noverrides: %lld allow, %lld deny\n", number(status, "allows"), number(status, "denies"));
}

static void print_detectors(const json_t *status)
{
	const json_t *detectors = json_object_get(status, "detectors"), *flags = json_object_get(detectors, "flags"), *part;
	char octets[LIVE_TEXT_MAX], since[LIVE_TEXT_MAX], name[LIVE_SAFE_MAX];
	size_t index;

	if (detectors == NULL) {
		if (json_get_flag(status, "detectors_wanted"))
			puts("detectors: none run, though the configuration has them: the log says why, or they wait for\n"
			     "           unbound-control reload");
		return;
	}
	printf("detectors: remember since %s, %s\n", live_time(json_get_number(detectors, "since"), since),
		live_octets(json_get_number(detectors, "octets"), octets));
	json_array_foreach(json_object_get(detectors, "parts"), index, part)
		printf("  %-8s %5.1f %% full, %s, %lld given up, %lld updates lost\n", text(part, "name", name),
			100 * (double)number(part, "used") / (double)(number(part, "capacity") > 0 ? number(part, "capacity") : 1),
			live_octets(json_get_number(part, "octets"), octets), number(part, "evicted"), number(part, "lost"));
	printf("flags:     %lld in force, %lld of them denials; %lld raised, %lld refused, %lld held back, %lld lost\n",
		number(flags, "in_force"), number(flags, "denied"), number(flags, "raised"), number(flags, "refused"),
		number(flags, "held_back") + number(flags, "full"), number(flags, "lost"));
}

static void print_status(const json_t *status)
{
	const json_t *loads = json_object_get(status, "loads"), *load;
	struct term term;
	size_t index;

	term_init(&term, STDOUT_FILENO);
	print_policy(status, &term);
	print_lists(status, &term);
	print_groups(status);
	print_counts(status, &term);
	print_detectors(status);
	if (json_array_size(loads) > 0) {
		fputs("sweep:     ", stdout);
		live_print_sweep(json_object_get(json_array_get(loads, 0), "sweep"), stdout);
		printf("\nlast loads, newest first:\n");
	}
	json_array_foreach(loads, index, load)
		live_print_load(load, &term, stdout);
}

/* What a monitor wants to know. */
static int health(const json_t *status)
{
	const json_t *lists = json_object_get(status, "lists"), *list;
	const json_t *last = json_object_get(status, "last_load");
	size_t index;

	if (json_object_get(status, "policy") == NULL || (last != NULL && json_get_number(last, "policy") == 0))
		return EXIT_WRONG;
	json_array_foreach(lists, index, list)
		if (json_get_flag(list, "expired") || json_get_flag(list, "withdrawn"))
			return EXIT_WRONG;
	return EXIT_FINE;
}

int cmd_status(const struct command *command, int argc, char **argv)
{
	struct live_options live = { 0 };
	json_t *answer;
	int code;

	if (!live_options_alone(command, argc, argv, &live, &code))
		return code;
	code = live_ask(&live, live_request("status"), &answer);
	if (code != EXIT_FINE)
		return code;
	if (!live.json)
		print_status(answer);
	code = health(answer);
	return live_end(&live, answer, code);
}
