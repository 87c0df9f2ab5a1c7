/* cmd_compile.c: `verdictctl compile`: all lists in one file that the resolver opens without reading them. */
#include "tools/verdictctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/compiled_file.h"
#include "control/edition.h"
#include "tools/json_out.h"

const char help_compile[] =
	"Usage: verdictctl compile [--policy FILE] [--output FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl compile                           what the resolver opens when it starts\n"
	"  verdictctl compile && verdictctl reload      after lists have changed\n"
	"  verdictctl compile --policy new.conf --output /tmp/new.compiled --json | jq .rules\n"
	"\n"
	"Reads the configuration and every policy list exactly as the module does, checks that what was built of them does\n"
	"what they say, and writes it as one file (mode 0640: it holds the key of the hashes). The resolver uses it, and\n"
	"reads no list, as long as the configuration and all lists are the files that it was made of; else it reads the\n"
	"lists, and says so in its log. The file must belong to root or to the user that the resolver runs as.\n"
	"\n"
	"Options:\n"
	"  -c, --policy FILE   the configuration; default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n"
	"  -o, --output FILE   default: `compiled-policy:`, else " COMPILED_FILE_NAME " in the state directory\n"
	"  -j, --json          one JSON object\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 written; 1 the configuration or a list is wrong, or a file changed meanwhile; 2 wrong usage; 3 the\n"
	"configuration cannot be read, or the file cannot be written. What was there before stays then.\n";

struct compile_arguments {
	const char *config, *output;
	bool json;
};

struct compiling {
	struct edition *edition;     /* held */
	struct edition_files files;
	struct load_report report;
	char *path;                  /* owned */
	uint64_t octets;             /* of the file */
	uint64_t microseconds;       /* of all of it */
};

/* -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct compile_arguments *given)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'c' }, { "config", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":c:o:jh", options)) != -1) {
		switch (option) {
		case 'c':
			given->config = optarg;
			break;
		case 'o':
			given->output = optarg;
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
	return optind == argc ? EXIT_FINE : command_misuse(command, "it takes no names, only options");
}

/* Everything from the files; nothing of a compiled one. */
static int build(struct compiling *compiling, const char *path, struct diag *diag)
{
	const struct edition_order order = { .conf_path = path, .chroot = "", .text = true, .now = time(NULL) };

	compiling->edition = edition_load(&order, &compiling->report, &compiling->files, diag);
	if (compiling->edition == NULL)
		return -1;
	if (!edition_is_current(compiling->edition))
		return diag_set(diag, path, 0, 0, "this file or a list has changed while they were read: try again");
	return 0;
}

static int save(struct compiling *compiling, const char *output, struct diag *diag)
{
	const struct edition *edition = compiling->edition;

	compiling->path = output != NULL ? strdup(output) : compiled_file_path(edition->conf);
	if (compiling->path == NULL)
		return diag_set(diag, edition->conf->path, 0, 0, "out of memory");
	return compiled_file_save(compiling->path, edition->base, &edition->build, edition->stamps, &compiling->octets,
		diag);
}

/* What was written is what the module opens. */
static int open_again(const struct compiling *compiling, struct diag *diag)
{
	const struct edition *edition = compiling->edition;
	const struct compiled_file_order order = { .conf = edition->conf, .stamps = edition->stamps, .now = time(NULL) };
	struct build_report report;
	struct snapshot *snapshot = compiled_file_load(compiling->path, &order, &report, diag);
	const int result = snapshot != NULL ? 0 : -1;

	build_report_fini(&report);
	snapshot_destroy(&snapshot);
	return result;
}

static void print(const struct compiling *compiling)
{
	const struct load_report *report = &compiling->report;

	printf("%s: %zu lists, %zu rules, %zu skipped, %" PRIu64 " octets, %" PRIu64 " ms\n", compiling->path,
		report->lists, report->rules, report->skipped, compiling->octets, compiling->microseconds / 1000);
}

static void print_json(const struct compiling *compiling)
{
	const struct load_report *report = &compiling->report;
	json_t *object = json_object();

	json_object_set_new(object, "ok", json_true());
	json_set_text(object, "config", compiling->edition->conf->path);
	json_set_text(object, "file", compiling->path);
	json_set_number(object, "lists", report->lists);
	json_set_number(object, "rules", report->rules);
	json_set_number(object, "skipped", report->skipped);
	json_set_number(object, "octets", compiling->octets);
	json_set_number(object, "microseconds", compiling->microseconds);
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

int cmd_compile(const struct command *command, int argc, char **argv)
{
	struct compile_arguments given = { 0 };
	struct compiling compiling = { 0 };
	const uint64_t since_us = clock_us();
	struct diag diag = { 0 };
	int code = parse(command, argc, argv, &given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	if (build(&compiling, command_config(given.config), &diag) != 0)
		code = command_config_code(given.config);
	else if (save(&compiling, given.output, &diag) != 0)
		code = EXIT_UNREADABLE;
	else if (open_again(&compiling, &diag) != 0)
		code = EXIT_WRONG;
	compiling.microseconds = clock_us() - since_us;
	if (code == EXIT_FINE && given.json)
		print_json(&compiling);
	else if (code == EXIT_FINE)
		print(&compiling);
	else if (given.json)
		print_json_error(&diag);
	if (code != EXIT_FINE)
		command_fail(code, &diag);
	edition_release(&compiling.edition);
	edition_files_fini(&compiling.files);
	free(compiling.path);
	return code;
}
