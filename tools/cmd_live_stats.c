/* cmd_live_stats.c: `verdictctl stats` and `verdictctl metrics`: the running resolver's counters. */
#include "tools/verdictctl.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "control/json.h"
#include "tools/live.h"
#include "tools/live_print.h"
#include "tools/term.h"

#define EVERY_MAX 86400
#define NAME_PARTS_MAX 256

const char help_stats[] =
	"Usage: verdictctl stats [--every SECONDS] [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl stats                   all counters since the resolver was started, one on a line\n"
	"  verdictctl stats --every 10        and then every 10 seconds what was added\n"
	"\n"
	"Options:\n"
	"  -e, --every SECONDS    again and again, until interrupted; only what changed is printed\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

const char help_metrics[] =
	"Usage: verdictctl metrics [--socket PATH] [--config FILE]\n"
	"\n"
	"Example:\n"
	"  verdictctl metrics > DIR/verdict.prom.new && mv DIR/verdict.prom.new DIR/verdict.prom\n"
	"                         for the textfile collector of Prometheus' node exporter, from a timer\n"
	"\n"
	"Prints the counters and the state of lists and loads in Prometheus' text format 0.0.4.\n"
	"\n"
	"Options:\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

/* --- stats ------------------------------------------------------------------------------------------------- */

/* The counter of that name in the answer before; 0: none. */
static json_int_t value_before(const json_t *before, const char *name)
{
	return json_integer_value(json_object_get(before, name));
}

static void put(json_t *flat, const char *name, const json_t *value)
{
	if (json_is_integer(value))
		json_object_set_new(flat, name, json_integer(json_integer_value(value)));
}

/* lists.LIST.ACTION.TRIGGER, with .shadow behind */
static void flatten_lists(json_t *flat, const json_t *lists)
{
	char name[NAME_PARTS_MAX];
	const json_t *row;
	size_t index;

	json_array_foreach(lists, index, row) {
		snprintf(name, sizeof(name), "lists.%.100s.%.40s.%.40s%s", json_get_text(row, "list"),
			json_get_text(row, "action"), json_get_text(row, "trigger"),
			json_get_flag(row, "shadow") ? ".shadow" : "");
		put(flat, name, json_object_get(row, "count"));
	}
}

/* One level, names with dots: as unbound-control prints its own. */
static json_t *flatten(json_t *answer)
{
	json_t *flat = json_object(), *section, *value;
	const char *outer, *inner;
	char name[NAME_PARTS_MAX];

	json_object_foreach(answer, outer, section) {
		if (!json_is_object(section))
			continue;
		json_object_foreach(section, inner, value) {
			snprintf(name, sizeof(name), "%.100s.%.100s", outer, inner);
			put(flat, name, value);
		}
	}
	flatten_lists(flat, json_object_get(answer, "lists"));
	return flat;
}

static void print_flat(json_t *flat, const json_t *before)
{
	const char *name;
	json_t *value;
	char safe[LIVE_SAFE_MAX];

	json_object_foreach(flat, name, value) {
		const json_int_t count = json_integer_value(value), more = count - value_before(before, name);

		term_escape(safe, sizeof(safe), name, strlen(name));
		if (before == NULL)
			printf("%s=%lld\n", safe, (long long)count);
		else if (more != 0)
			printf("%s=%lld (%+lld)\n", safe, (long long)count, (long long)more);
	}
}

/* Takes the answer. Returns what it was, flat. */
static json_t *show(const struct live_options *live, json_t *answer, json_t *before)
{
	json_t *flat = flatten(answer);
	char when[LIVE_TEXT_MAX];

	if (!live->json && before != NULL)
		printf("-- %s\n", live_time(json_get_number(answer, "time"), when));
	if (!live->json)
		print_flat(flat, before);
	live_end(live, answer, EXIT_FINE);
	json_decref(before);
	fflush(stdout);
	return flat;
}

static int repeat(const struct live_options *live, unsigned every)
{
	json_t *before = NULL, *answer;
	int code;

	while ((code = live_ask(live, live_request("stats"), &answer)) == EXIT_FINE) {
		before = show(live, answer, before);
		if (every == 0 || ferror(stdout))
			break;
		poll(NULL, 0, (int)every * 1000);
	}
	json_decref(before);
	return code;
}

int cmd_stats(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { LIVE_OPTIONS, { "every", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 } };
	struct live_options live = { 0 };
	uint32_t every = 0;
	int option;

	while ((option = command_option(command, argc, argv, LIVE_LETTERS "e:", options)) != -1) {
		if (option == 'e' && (!live_duration(optarg, &every) || every > EVERY_MAX))
			return command_misuse(command, "--every takes 1 to %d seconds", EVERY_MAX);
		if (option != 'e' && !live_option(&live, option))
			return option == 'h' ? EXIT_FINE : EXIT_USAGE;
	}
	if (optind < argc)
		return command_misuse(command, "it takes no argument");
	return repeat(&live, every);
}

/* --- metrics ----------------------------------------------------------------------------------------------- */

int cmd_metrics(const struct command *command, int argc, char **argv)
{
	struct live_options live = { 0 };
	json_t *answer;
	int code;

	if (!live_options_alone(command, argc, argv, &live, &code))
		return code;
	code = live_ask(&live, live_request("metrics"), &answer);
	if (code != EXIT_FINE)
		return code;
	if (!live.json)
		fputs(json_get_text(answer, "text"), stdout);
	return live_end(&live, answer, EXIT_FINE);
}
