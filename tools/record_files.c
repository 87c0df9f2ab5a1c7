/* record_files.c: several recordings, one behind the other. */
#include "tools/record_files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/json.h"
#include "tools/term.h"
#include "tools/verdictctl.h"

struct reading {
	const char *command;
	enum record_take wanted;
	void (*take)(void *arg, const struct recorded *recorded);
	void *arg;
	struct recorded *recorded;
	json_t *inputs;
};

static int complain(const struct reading *reading, const struct diag *diag)
{
	char text[sizeof(diag->file) + sizeof(diag->text) + 32];

	fprintf(stderr, "verdictctl %s: %s\n", reading->command, diag_format(diag, text, sizeof(text)));
	return EXIT_UNREADABLE;
}

static void note_input(const struct reading *reading, const char *name, const struct record_source *source,
	uint64_t records)
{
	json_t *object = json_object(), *skipped = json_object();
	struct record_counts counts;
	char safe[1024];

	record_source_counts(source, &counts);
	term_escape(safe, sizeof(safe), name, strlen(name));
	json_set_text(object, "input", safe);
	json_set_text(object, "form", record_form_names[record_source_form(source)]);
	json_set_number(object, "records", records);
	for (unsigned i = 0; i < SKIP_REASONS; i++)
		if (counts.skipped[i] > 0)
			json_set_number(skipped, record_skip_names[i], counts.skipped[i]);
	json_object_set_new(object, "skipped", skipped);
	json_array_append_new(reading->inputs, object);
}

/* A text of which no line is a question is not the recording that somebody means. */
static int check_form(const struct record_source *source, const char *name, struct diag *diag)
{
	struct record_counts counts;

	record_source_counts(source, &counts);
	if (counts.skipped[SKIP_UNREADABLE] == 0 ||
	    (record_source_form(source) != RECORD_TEXT && record_source_form(source) != RECORD_DUMP))
		return 0;
	return diag_set(diag, name, (unsigned)counts.first_unreadable, 0, "no recording: a text has lines of time, client, "
		"name and type with tabs between, or of name and type");
}

static int read_file(const struct reading *reading, const char *name)
{
	FILE *from = strcmp(name, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(name, "re");
	struct diag diag = { 0 };
	struct record_source *source;
	uint64_t records = 0;
	int got;

	if (from == NULL) {
		diag_set(&diag, name, 0, 0, "%m");
		return complain(reading, &diag);
	}
	source = record_source_open(from, name, reading->wanted, &diag);
	if (source == NULL)
		return complain(reading, &diag);
	if (reading->wanted == RECORD_RESPONSES && !record_source_order(source))
		fprintf(stderr, "verdictctl %s: out of memory: frames are not put in order\n", reading->command);
	while ((got = record_source_next(source, reading->recorded, &diag)) == 1) {
		records++;
		reading->take(reading->arg, reading->recorded);
	}
	if (got == 0 && records == 0)
		got = check_form(source, name, &diag);
	note_input(reading, name, source, records);
	record_source_close(&source);
	return got < 0 ? complain(reading, &diag) : EXIT_FINE;
}

int record_files_read(const char *command, char **names, enum record_take wanted,
	void (*take)(void *arg, const struct recorded *recorded), void *arg, json_t *inputs)
{
	struct reading reading = { command, wanted, take, arg, malloc(sizeof(*reading.recorded)), inputs };
	int code = EXIT_FINE;

	if (reading.recorded == NULL) {
		fprintf(stderr, "verdictctl %s: out of memory\n", command);
		return EXIT_UNREADABLE;
	}
	for (; *names != NULL; names++)
		if (read_file(&reading, *names) != EXIT_FINE)
			code = EXIT_UNREADABLE;
	free(reading.recorded);
	return code;
}
