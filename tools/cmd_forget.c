/* cmd_forget.c: `verdictctl forget`: a client out of all that was collected. */
#include "tools/verdictctl.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tools/collect.h"
#include "tools/pseudonym.h"

const char help_forget[] =
	"Usage: verdictctl forget [--directory DIR] [--key FILE] CLIENT\n"
	"\n"
	"Examples:\n"
	"  verdictctl forget 192.0.2.17\n"
	"  verdictctl forget 2001:db8:7::/48            everybody there\n"
	"\n"
	"Removes every event of a client, or of a network, from all day files, through the collector if one runs there.\n"
	"What was asked and answered stays, nobody can say by whom. Copies and backups are not reached; nor are damaged day\n"
	"files (*.damaged), which are named. Clients that are hidden by a pseudonym are named by it, or by --key.\n"
	"\n"
	"Options:\n"
	"  -D, --directory DIR    where day files are (default " COLLECT_DIRECTORY ")\n"
	"  -k, --key FILE         CLIENT is hidden by its pseudonym with this key (privacy.key)\n"
	"  -j, --json             the report as JSON\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine; 2 wrong usage; 3 something cannot be read or written, or is damaged.\n";

int cmd_forget(const struct command *command, int argc, char **argv)
{
	static const struct option forget_options[] = { { "directory", required_argument, NULL, 'D' },
		{ "key", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const char *directory = COLLECT_DIRECTORY, *key = NULL;
	char pseudonym[PSEUDONYM_MAX];
	bool json = false;
	struct diag diag;
	int option;

	while ((option = command_option(command, argc, argv, ":D:k:jh", forget_options)) != -1) {
		if (option == 'h' || option == '?')
			return option == 'h' ? EXIT_FINE : EXIT_USAGE;
		if (option == 'D')
			directory = optarg;
		else if (option == 'k')
			key = optarg;
		else
			json = true;
	}
	if (argc - optind != 1)
		return command_misuse(command, "name one client, or one network");
	if (key != NULL && pseudonym_find(key, argv[optind], pseudonym, &diag) != 0)
		return command_fail(EXIT_UNREADABLE, &diag);
	umask(027);
	return collect_forget(directory, key != NULL ? pseudonym : argv[optind], json);
}
