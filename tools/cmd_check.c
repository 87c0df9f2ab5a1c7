/* cmd_check.c: `verdictctl check`: would the module load this configuration, and what would it hold? */
#include "tools/verdictctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/conf.h"
#include "policy/snapshot.h"
#include "tools/json_out.h"
#include "tools/term.h"

const char help_check[] =
	"Usage: verdictctl check [--config FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl check                             the configuration that the resolver uses\n"
	"  verdictctl check --config new.conf && cp new.conf /etc/unbound/verdict.conf && unbound-control reload\n"
	"                                               put a configuration in place only if it is right\n"
	"  verdictctl check --json | jq '.lists[] | {name, rules, skipped: .skipped.total}'\n"
	"\n"
	"Reads the configuration and every policy list exactly as the module does, and prints for each list what was\n"
	"taken, what was skipped, why, and at which line first.\n"
	"\n"
	"Options:\n"
	"  -c, --config FILE   default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n"
	"  -j, --json          one JSON object\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 the module would load it; 1 it would not, and the message says why; 2 wrong usage; 3 the configuration\n"
	"file cannot be read.\n";

struct loaded {
	struct conf *conf;
	struct snapshot *snapshot;
	struct build_report report;
	double cpu_seconds;
};

static double cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int load(struct loaded *loaded, const char *path, struct diag *diag)
{
	double begin = cpu_now();

	loaded->conf = conf_load(path, diag);
	if (loaded->conf == NULL)
		return -1;
	loaded->snapshot = snapshot_build(loaded->conf, &loaded->report, diag);
	loaded->cpu_seconds = cpu_now() - begin;
	return loaded->snapshot == NULL ? -1 : 0;
}

static void unload(struct loaded *loaded)
{
	build_report_fini(&loaded->report);
	snapshot_destroy(&loaded->snapshot);
	conf_destroy(&loaded->conf);
}

static size_t skipped_total(const struct list_stats *stats)
{
	size_t total = 0;

	for (int reason = 0; reason < SKIP_COUNT; reason++)
		total += stats->skipped[reason];
	return total;
}

static const char *list_action(const struct list_conf *list)
{
	if (list->action != ACTION_ALLOW)
		return action_table[list->action].name;
	return list->format == FORMAT_RPZ ? "by rule" : action_table[ACTION_NXDOMAIN].name;
}

/* --- for people -------------------------------------------------------------------------------------------- */

/* `to` holds 16. */
static char *size_text(size_t octets, char *to)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	double size = (double)octets;
	unsigned unit = 0;

	for (; size >= 1024 && unit < 3; unit++)
		size /= 1024;
	snprintf(to, 16, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
	return to;
}

static int name_width(const struct conf *conf)
{
	size_t width = 4;

	for (size_t i = 0; i < conf->list_count; i++)
		if (strlen(conf->lists[i].name) > width)
			width = strlen(conf->lists[i].name);
	return (int)width;
}

static void print_skipped(const struct term *term, const struct list_stats *stats)
{
	for (int reason = 0; reason < SKIP_COUNT; reason++)
		if (stats->skipped[reason] > 0)
			printf("  %sskipped %zu: %s (first in line %u)%s\n", term_on(term, STYLE_WARN), stats->skipped[reason],
				skip_texts[reason], stats->skipped_line[reason], term_off(term, STYLE_WARN));
}

static void print_list(const struct term *term, int width, const struct list_conf *list,
	const struct list_report *report)
{
	char serial[12] = "-", size[16];

	if (report->stats.serial != 0)
		snprintf(serial, sizeof(serial), "%" PRIu32, report->stats.serial);
	printf("%-*s %-8s %-10s %8zu %7zu %6zu %10s %9s%s\n", width, list->name, format_names[report->stats.format],
		list_action(list), report->stats.rules, skipped_total(&report->stats), report->duplicates, serial,
		size_text(report->stats.octets, size), list->shadow ? " shadow" : "");
	print_skipped(term, &report->stats);
}

static void print_people(const struct loaded *loaded, const struct term *term)
{
	const struct conf *conf = loaded->conf;
	int width = name_width(conf);
	char safe[256], size[16];

	term_escape(safe, sizeof(safe), conf->path, strlen(conf->path));
	printf("%s%s%s: mode %s, %zu list%s in this order\n\n", term_on(term, STYLE_STRONG), safe,
		term_off(term, STYLE_STRONG), conf->mode == MODE_SHADOW ? "shadow" : "enforce", conf->list_count,
		conf->list_count == 1 ? "" : "s");
	if (conf->list_count > 0)
		printf("%-*s %-8s %-10s %8s %7s %6s %10s %9s\n", width, "list", "format", "action", "rules",
			"skipped", "double", "serial", "size");
	for (size_t i = 0; i < conf->list_count; i++)
		print_list(term, width, &conf->lists[i], &loaded->report.lists[i]);
	printf("\n%zu rules in %s of memory, loaded in %.2f s of CPU\n", snapshot_rule_count(loaded->snapshot),
		size_text(snapshot_octets(loaded->snapshot), size), loaded->cpu_seconds);
	if (conf->dnstap.socket_path == NULL && conf->dnstap.file == NULL)
		printf("%snote: no dnstap socket-path and no file, so no frames are sent%s\n", term_on(term, STYLE_WARN),
			term_off(term, STYLE_WARN));
	printf("%sfine%s\n", term_on(term, STYLE_GOOD), term_off(term, STYLE_GOOD));
}

/* --- for programs ------------------------------------------------------------------------------------------ */

static json_t *skipped_json(const struct list_stats *stats)
{
	json_t *object = json_object(), *reasons = json_array();

	for (int reason = 0; reason < SKIP_COUNT; reason++) {
		json_t *row;

		if (stats->skipped[reason] == 0)
			continue;
		row = json_object();
		json_set_text(row, "reason", skip_texts[reason]);
		json_set_number(row, "count", stats->skipped[reason]);
		json_set_number(row, "first_line", stats->skipped_line[reason]);
		json_array_append_new(reasons, row);
	}
	json_set_number(object, "total", skipped_total(stats));
	json_object_set_new(object, "reasons", reasons);
	return object;
}

static json_t *list_json(const struct list_conf *list, const struct list_report *report)
{
	json_t *object = json_object();

	json_set_text(object, "name", list->name);
	json_set_text(object, "file", list->file);
	json_set_text(object, "format", format_names[report->stats.format]);
	json_set_text(object, "action", list_action(list));
	json_object_set_new(object, "shadow", json_boolean(list->shadow));
	json_set_number(object, "rules", report->stats.rules);
	json_set_number(object, "duplicates", report->duplicates);
	json_object_set_new(object, "skipped", skipped_json(&report->stats));
	json_set_number(object, "serial", report->stats.serial);
	json_set_number(object, "octets", report->stats.octets);
	json_set_number(object, "lines", report->stats.lines);
	return object;
}

static void print_json(const struct loaded *loaded)
{
	json_t *object = json_object(), *lists = json_array();

	for (size_t i = 0; i < loaded->conf->list_count; i++)
		json_array_append_new(lists, list_json(&loaded->conf->lists[i], &loaded->report.lists[i]));
	json_object_set_new(object, "ok", json_true());
	json_set_text(object, "config", loaded->conf->path);
	json_set_text(object, "mode", loaded->conf->mode == MODE_SHADOW ? "shadow" : "enforce");
	json_object_set_new(object, "lists", lists);
	json_set_number(object, "rules", snapshot_rule_count(loaded->snapshot));
	json_set_number(object, "memory_octets", snapshot_octets(loaded->snapshot));
	json_object_set_new(object, "cpu_seconds", json_real(loaded->cpu_seconds));
	json_print_line(object, stdout, false);
}

static void print_json_error(const struct diag *diag)
{
	json_t *object = json_object(), *error = json_object();

	json_set_text(error, "file", diag->file);
	json_set_number(error, "line", diag->line);
	json_set_number(error, "column", diag->column);
	json_set_text(error, "text", diag->text);
	json_object_set_new(object, "ok", json_false());
	json_object_set_new(object, "error", error);
	json_print_line(object, stdout, false);
}

struct check_arguments {
	const char *config;
	bool json;
};

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct check_arguments *given)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":c:jh", options)) != -1) {
		switch (option) {
		case 'c':
			given->config = optarg;
			break;
		case 'j':
			given->json = true;
			break;
		case 'h':
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	return EXIT_FINE;
}

int cmd_check(const struct command *command, int argc, char **argv)
{
	struct check_arguments given = { 0 };
	struct loaded loaded = { 0 };
	struct diag diag = { 0 };
	struct term term;
	int code = parse(command, argc, argv, &given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	if (optind < argc)
		return command_misuse(command, "it takes no names; to ask about one: verdictctl explain NAME");
	term_init(&term, STDOUT_FILENO);
	if (load(&loaded, command_config(given.config), &diag) == 0) {
		if (given.json)
			print_json(&loaded);
		else
			print_people(&loaded, &term);
	} else {
		if (given.json)
			print_json_error(&diag);
		code = command_fail(command_config_code(given.config), &diag);
	}
	unload(&loaded);
	return code;
}
