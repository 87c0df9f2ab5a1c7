/* cmd_replay.c: `verdictctl replay`: what would a policy have done with recorded traffic? */
#include "tools/verdictctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/json.h"
#include "policy/conf.h"
#include "policy/snapshot.h"
#include "tools/json_out.h"
#include "tools/record_source.h"
#include "tools/replay.h"
#include "tools/term.h"

const char help_replay[] =
	"Usage: verdictctl replay [--policy FILE] [--queries | --servers] [--each] [--top N] [--json] FILE ...\n"
	"\n"
	"Examples:\n"
	"  verdictctl replay --policy new.conf frames.fstrm\n"
	"                                               what would a new policy have done with yesterday's answers?\n"
	"  verdictctl replay --policy new.conf --each asked.tsv | grep -v allow\n"
	"                                               each record that it would not have left alone\n"
	"  tcpdump -r port53.pcap -w - | verdictctl replay -\n"
	"                                               packets, through the policy of this machine\n"
	"\n"
	"Judges each record as the resolver would: the question, and where there is one, the answer. The inputs are told\n"
	"by their content: dnstap (Frame Streams, of this and other resolvers), pcap, and texts: lines of time, client,\n"
	"name, type, rcode, answers (`TYPE ttl data; ...`), count, label with tabs between, or of name and type as dnsperf\n"
	"has them. `-` is standard input. Of records with labels the summary says what detectors found of each.\n"
	"\n"
	"Options:\n"
	"  -p, --policy FILE   the configuration; default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n"
	"  -q, --queries       of dnstap and pcap judge the queries, not the responses\n"
	"  -s, --servers       judge name servers by the inventory: of dnstap and pcap also what they told the resolver,\n"
	"                      and what `unbound-control dump_cache` prints; no detectors\n"
	"  -e, --each          a line for each record: input and place, client, name, type, verdict, list, rule, trigger,\n"
	"                      group, with tabs between, and then no summary\n"
	"  -t, --top N         names and clients in the summary; default: 10, at most 1000\n"
	"  -j, --json          one JSON object; with --each one for each record\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 all was judged; 1 the configuration is wrong; 2 wrong usage; 3 an input or the configuration cannot be\n"
	"read, or not to its end.\n";

#define TOP_DEFAULT 10
#define TOP_MOST 1000
#define PROGRESS_RECORDS 500000u

struct replay_arguments {
	const char *policy;
	enum record_take take;
	bool each, json;
	size_t top;
};

struct playing {
	const struct replay_arguments *given;
	struct replay *replay;
	struct replay_detect *detect;   /* NULL: none is configured */
	struct recorded *recorded;
	json_t *inputs;
	uint64_t judged;
	unsigned ns_dots_min;
	bool progress;
};

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct replay_arguments *given)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' }, { "queries", no_argument, NULL, 'q' },
		{ "servers", no_argument, NULL, 's' },
		{ "each", no_argument, NULL, 'e' }, { "top", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;
	char *end;

	while ((option = command_option(command, argc, argv, ":p:qset:jh", options)) != -1) {
		switch (option) {
		case 'p': given->policy = optarg; break;
		case 'q': given->take = RECORD_QUERIES; break;
		case 's': given->take = RECORD_SERVERS; break;
		case 'e': given->each = true; break;
		case 'j': given->json = true; break;
		case 't':
			given->top = strtoul(optarg, &end, 10);
			if (*optarg < '0' || *optarg > '9' || *end != '\0' || given->top > TOP_MOST)
				return command_misuse(command, "--top: a number from 0 to %d", TOP_MOST);
			break;
		case 'h': return -1;
		default: return EXIT_USAGE;
		}
	}
	return optind < argc ? EXIT_FINE : command_misuse(command, "which recordings? Name files, or - for standard input");
}

static void complain(const struct diag *diag)
{
	char text[sizeof(diag->file) + sizeof(diag->text) + 32];

	fprintf(stderr, "verdictctl replay: %s\n", diag_format(diag, text, sizeof(text)));
}

static void show_progress(struct playing *playing)
{
	if (++playing->judged % PROGRESS_RECORDS == 0 && playing->progress)
		fprintf(stderr, "\r%llu records", (unsigned long long)playing->judged);
}

/* Takes the line away again. */
static void end_progress(const struct playing *playing)
{
	if (playing->judged >= PROGRESS_RECORDS && playing->progress)
		fprintf(stderr, "\r%40s\r", "");
}

/* Nothing was judged: a text of which no line is a question is not the recording that somebody means. */
static int check_form(const struct record_source *source, const char *name, struct diag *diag)
{
	struct record_counts counts;

	record_source_counts(source, &counts);
	if (record_source_form(source) != RECORD_TEXT || counts.skipped[SKIP_UNREADABLE] == 0)
		return 0;
	return diag_set(diag, name, (unsigned)counts.first_unreadable, 0, "no questions: a text has lines of time, client, "
		"name and type with tabs between, or of name and type");
}

static void note_input(struct playing *playing, const char *name, const struct record_source *source)
{
	json_t *object = json_object(), *skipped = json_object();
	struct record_counts counts;
	char safe[1024];

	record_source_counts(source, &counts);
	term_escape(safe, sizeof(safe), name, strlen(name));
	json_set_text(object, "input", safe);
	json_set_text(object, "form", record_form_names[record_source_form(source)]);
	for (unsigned i = 0; i < SKIP_REASONS; i++)
		if (counts.skipped[i] > 0)
			json_set_number(skipped, record_skip_names[i], counts.skipped[i]);
	if (counts.first_unreadable > 0)
		json_set_number(object, "first_unreadable", counts.first_unreadable);
	json_object_set_new(object, "skipped", skipped);
	json_array_append_new(playing->inputs, object);
}

/* 0, or -1 when it can not be read to its end, which is said. */
static int play(struct playing *playing, const char *name)
{
	FILE *from = strcmp(name, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(name, "re");
	struct record_source *source;
	struct diag diag = { 0 };
	uint64_t before = playing->judged;
	int got;

	if (from == NULL) {
		diag_set(&diag, name, 0, 0, "%m");
		complain(&diag);
		return -1;
	}
	source = record_source_open(from, name, playing->given->take, &diag);
	if (source == NULL) {
		complain(&diag);
		return -1;
	}
	if (playing->detect != NULL && !record_source_order(source))
		fprintf(stderr, "verdictctl replay: out of memory: frames are not put in order\n");
	while ((got = record_source_next(source, playing->recorded, &diag)) == 1 && !ferror(stdout)) {
		playing->recorded->ns_dots_min = playing->ns_dots_min;
		replay_judge(playing->replay, playing->recorded, name);
		show_progress(playing);
	}
	end_progress(playing);
	if (got == 0 && playing->judged == before)
		got = check_form(source, name, &diag);
	if (got < 0)
		complain(&diag);
	note_input(playing, name, source);
	record_source_close(&source);
	return got < 0 ? -1 : 0;
}

static void print_inputs(const json_t *inputs)
{
	const json_t *input;
	json_t *value;
	const char *key;
	size_t index;

	json_array_foreach(inputs, index, input) {
		json_t *skipped = json_object_get(input, "skipped");
		const json_t *first = json_object_get(input, "first_unreadable");

		if (json_object_size(skipped) == 0)
			continue;
		printf("\nleft out of %s (%s):", json_string_value(json_object_get(input, "input")),
			json_string_value(json_object_get(input, "form")));
		json_object_foreach(skipped, key, value)
			printf(" %" JSON_INTEGER_FORMAT " %s", json_integer_value(value), key);
		if (first != NULL)
			printf("; the first that is unreadable at %" JSON_INTEGER_FORMAT, json_integer_value(first));
		putchar('\n');
	}
}

static void show(struct playing *playing)
{
	json_t *report;

	if (playing->given->each)
		return;
	report = replay_report(playing->replay, playing->given->top);
	if (playing->given->json) {
		json_object_set(report, "inputs", playing->inputs);
		(void)json_print_line(report, stdout, false);
		return;
	}
	replay_print(report, stdout);
	print_inputs(playing->inputs);
	json_decref(report);
}

static int play_all(struct playing *playing, const struct conf *conf, const struct snapshot *snapshot, char **names)
{
	const struct replay_options options = { conf, snapshot, playing->given->each ? stdout : NULL, playing->detect,
		playing->given->json };
	int code = EXIT_FINE;

	playing->replay = replay_create(&options);
	playing->recorded = malloc(sizeof(*playing->recorded));
	playing->inputs = json_array();
	playing->ns_dots_min = conf->options.min_ns_dots;
	playing->progress = isatty(STDERR_FILENO) && !(playing->given->each && isatty(STDOUT_FILENO));
	if (playing->replay == NULL || playing->recorded == NULL || playing->inputs == NULL) {
		fprintf(stderr, "verdictctl replay: out of memory\n");
		code = EXIT_UNREADABLE;
	} else {
		for (; *names != NULL; names++)
			if (play(playing, *names) != 0)
				code = EXIT_UNREADABLE;
		show(playing);
	}
	replay_destroy(&playing->replay);
	free(playing->recorded);
	json_decref(playing->inputs);
	return code;
}

int cmd_replay(const struct command *command, int argc, char **argv)
{
	struct replay_arguments given = { .top = TOP_DEFAULT };
	struct playing playing = { .given = &given };
	int code = parse(command, argc, argv, &given);
	struct diag diag = { 0 };

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;

	struct conf *conf = conf_load(command_config(given.policy), &diag);
	struct snapshot *snapshot = conf == NULL ? NULL : snapshot_build(conf, time(NULL), NULL, &diag);

	const bool detects = conf != NULL && conf->detection.wanted && given.take != RECORD_SERVERS;

	if (snapshot != NULL && detects)
		playing.detect = replay_detect_create(conf, &diag);
	if (snapshot == NULL || (detects && playing.detect == NULL)) {
		complain(&diag);
		code = command_config_code(given.policy);
	} else {
		code = play_all(&playing, conf, snapshot, argv + optind);
	}
	replay_detect_destroy(&playing.detect);
	snapshot_destroy(&snapshot);
	conf_destroy(&conf);
	return code;
}
