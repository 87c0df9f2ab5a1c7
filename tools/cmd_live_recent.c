/* cmd_live_recent.c: `verdictctl recent`: the distinct questions that the running resolver was asked lately. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <string.h>

#include "tools/json_out.h"
#include "tools/live.h"
#include "tools/term.h"

const char help_recent[] =
	"Usage: verdictctl recent [--socket PATH] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl recent > asked.tsv                what was asked lately, as a recording\n"
	"  verdictctl recent | verdictctl diff --queries - /etc/unbound/verdict.conf new.conf\n"
	"                                               what would a new configuration do to it?\n"
	"\n"
	"Prints the distinct questions asked lately, one a line: time, client, name, type, response code, answers and count,\n"
	"with tabs between. Clients are not kept, only their group: `group=NAME`, nothing without groups; response codes and\n"
	"answers are not kept either. One question in eight is noted, up to 1024 for each of Unbound's threads; the count is\n"
	"of those noted.\n"
	"\n"
	"Options:\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

static void print_cell(const json_t *question, const char *key)
{
	const char *text = json_get_text(question, key);
	char safe[1100];

	term_escape(safe, sizeof(safe), text, strlen(text));
	fputs(safe, stdout);
}

static void print_questions(const json_t *answer)
{
	const json_t *questions = json_object_get(answer, "questions"), *question;
	const long long now = json_get_number(answer, "time");
	size_t index;

	puts("time\tclient\tqname\tqtype\trcode\tanswers\tcount");
	json_array_foreach(questions, index, question) {
		printf("%lld\t%s", now, *json_get_text(question, "group") != '\0' ? "group=" : "");
		print_cell(question, "group");
		putchar('\t');
		print_cell(question, "name");
		putchar('\t');
		print_cell(question, "type");
		printf("\t\t\t%lld\n", (long long)json_get_number(question, "count"));
	}
}

int cmd_recent(const struct command *command, int argc, char **argv)
{
	struct live_options live = { 0 };
	json_t *answer;
	int code;

	if (!live_options_alone(command, argc, argv, &live, &code))
		return code;
	code = live_ask(&live, live_request("recent"), &answer);
	if (code != EXIT_FINE)
		return code;
	if (!live.json)
		print_questions(answer);
	if (json_get_number(answer, "left_out") > 0)
		fprintf(stderr, "verdictctl: warning: %lld more questions are left out\n",
			(long long)json_get_number(answer, "left_out"));
	return live_end(&live, answer, EXIT_FINE);
}
