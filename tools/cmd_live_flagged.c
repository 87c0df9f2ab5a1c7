/* cmd_live_flagged.c: `verdictctl flagged`: what the detectors have found, and what became of it. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <unistd.h>

#include "control/json.h"
#include "tools/behaviour_print.h"
#include "tools/live.h"
#include "tools/term.h"

const char help_flagged[] =
	"Usage: verdictctl flagged [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl flagged                        which zones and clients stand out, why, until when?\n"
	"  verdictctl flagged --json | jq .flags     for programs\n"
	"  verdictctl allow portal.example --for 7d --why 'ours'\n"
	"                                            ends a flag, and keeps it away for that time\n"
	"\n"
	"Lists the flags in force. `alert` changes nothing; `denied` is a denial of the zone to that client, made by the\n"
	"detector as `verdictctl deny` would; `would deny` is the same in shadow; `refused` is a denial that the policy\n"
	"does not allow. A flag ends by itself, or with `allow NAME` and, for a denial, `revoke`.\n"
	"\n"
	"Options:\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

static void print_flags(const json_t *answer)
{
	const json_t *flags = json_object_get(answer, "flags"), *flag;
	struct term term;
	size_t index;

	term_init(&term, STDOUT_FILENO);
	if (!json_get_flag(answer, "detectors"))
		puts(json_get_flag(answer, "detectors_wanted") ?
			"no detectors run, though the configuration has them: the log says why, or they wait for "
			"unbound-control reload" :
			"no detectors run: there is no `detection:` in the configuration");
	else if (json_array_size(flags) == 0)
		puts("no flag is in force");
	json_array_foreach(flags, index, flag)
		flag_print(flag, json_get_number(answer, "time"), &term, stdout);
}

int cmd_flagged(const struct command *command, int argc, char **argv)
{
	struct live_options live = { 0 };
	json_t *answer;
	int code;

	if (!live_options_alone(command, argc, argv, &live, &code))
		return code;
	code = live_ask(&live, live_request("flagged"), &answer);
	if (code != EXIT_FINE)
		return code;
	if (!live.json)
		print_flags(answer);
	return live_end(&live, answer, EXIT_FINE);
}
