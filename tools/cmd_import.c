/* cmd_import.c: `verdictctl import`: another system's policy as a verdict.conf. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/import.h"
#include "tools/json_out.h"

const char help_import[] =
	"Usage: verdictctl import --from SYSTEM [--output FILE [--json]] [--lists DIRECTORY] FILE...\n"
	"\n"
	"Examples:\n"
	"  verdictctl import --from bind /etc/bind/named.conf > new.conf; verdictctl check --config new.conf\n"
	"  verdictctl import --from unbound --lists lists --output new.conf /etc/unbound/unbound.conf\n"
	"  verdictctl import --from pihole --lists lists --output new.conf pi-hole_teleporter.zip\n"
	"  verdictctl import --from opnsense --lists lists --output new.conf config.xml\n"
	"\n"
	"Prints the configuration that decides as the other system's does. What has no equal, or may decide otherwise,\n"
	"stands in it as a comment and is told with file and line. Nothing is fetched: `# FETCH:` says where a list comes\n"
	"from that the configuration expects. Files that exist are not replaced.\n"
	"\n"
	"Options:\n"
	"  -f, --from SYSTEM   bind (named.conf), unbound (unbound.conf), pihole (gravity.db, its folder or a Teleporter\n"
	"                      archive) or opnsense (config.xml)\n"
	"  -o, --output FILE   a new file; default: standard output\n"
	"  -l, --lists DIR     where lists go that have to be made\n"
	"  -j, --json          with --output: the summary as one JSON object\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 all was carried over; 1 something has no equal or differs; 2 wrong usage; 3 something cannot be read or written.\n";

struct import_arguments {
	const struct import_source *source;
	const char *output, *lists;
	bool json;
};

static const struct import_source *source_find(const char *name)
{
	for (const struct import_source *source = import_sources; source->name != NULL; source++)
		if (strcmp(source->name, name) == 0)
			return source;
	return NULL;
}

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct import_arguments *given)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' }, { "output", required_argument, NULL, 'o' },
		{ "lists", required_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":f:o:l:jh", options)) != -1) {
		switch (option) {
		case 'f':
			given->source = source_find(optarg);
			if (given->source == NULL)
				return command_misuse(command, "--from: a system that the help names");
			break;
		case 'o':
			given->output = optarg;
			break;
		case 'l':
			given->lists = optarg;
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

static int put_out(const struct import_arguments *given, const char *text, size_t length, struct diag *diag)
{
	FILE *to = given->output != NULL ? fopen(given->output, "wxe") : stdout;
	bool written;

	if (to == NULL)
		return diag_set(diag, given->output, 0, 0, "cannot be made: %s", strerror(errno));
	written = fwrite(text, 1, length, to) == length;
	if (given->output == NULL)
		return 0;
	return fclose(to) == 0 && written ? 0 :
		diag_set(diag, given->output, 0, 0, "cannot be written: %s", strerror(errno));
}

static void summarise(const struct import_arguments *given, const struct import *import)
{
	json_t *object;

	fprintf(stderr, "verdictctl: %u lists; %u things have no equal, %u differ\n", import->lists, import->lost,
		import->differ);
	if (import->fetch > 0)
		fprintf(stderr, "verdictctl: %u lists are not there yet: `# FETCH:` says from where they come\n",
			import->fetch);
	if (!given->json)
		return;
	object = json_object();
	json_object_set_new(object, "ok", json_boolean(import->lost == 0 && import->differ == 0));
	json_set_text(object, "output", given->output);
	json_set_number(object, "lists", import->lists);
	json_set_number(object, "no_equal", import->lost);
	json_set_number(object, "differ", import->differ);
	json_set_number(object, "fetch", import->fetch);
	json_print_line(object, stdout, false);
}

static int read_all(const struct import_arguments *given, struct import *import, int count, char **paths,
	struct diag *diag)
{
	fprintf(import->conf, "# Made by `verdictctl import --from %s`. What has no equal, or differs, is marked so.\n",
		given->source->name);
	for (int i = 0; i < count; i++)
		if (given->source->read(import, paths[i], diag) != 0)
			return -1;
	return 0;
}

int cmd_import(const struct command *command, int argc, char **argv)
{
	struct import_arguments given = { 0 };
	struct import import = { .complaints = stderr };
	struct diag diag = { 0 };
	char *text = NULL;
	size_t length = 0;
	int code = parse(command, argc, argv, &given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	if (given.source == NULL || optind == argc)
		return command_misuse(command, "it needs --from SYSTEM and at least one file");
	if (given.json && given.output == NULL)
		return command_misuse(command, "--json needs --output");
	import.folder = given.lists;
	import.elsewhere = given.output != NULL && strchr(given.output, '/') != NULL;
	import.conf = open_memstream(&text, &length);
	if (import.conf == NULL)
		return command_misuse(command, "out of memory");
	code = read_all(&given, &import, argc - optind, argv + optind, &diag);
	if (fclose(import.conf) != 0 && code == 0)
		code = diag_set(&diag, given.source->name, 0, 0, "out of memory");
	if (code == 0)
		code = put_out(&given, text, length, &diag);
	free(text);
	import_fini(&import, code != 0);
	if (code != 0)
		return command_fail(EXIT_UNREADABLE, &diag);
	summarise(&given, &import);
	return import.lost > 0 || import.differ > 0 ? EXIT_WRONG : EXIT_FINE;
}
