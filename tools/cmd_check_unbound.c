/* cmd_check_unbound.c: `verdictctl check --unbound PATH`: would this Unbound load the library? With --trial it is
 * started to find out. With --snippet the clause that loads it is taken out when not, so that an Unbound that was
 * updated starts without policy and not not at all. */
#include "tools/check_unbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "tools/fit.h"
#include "tools/json_out.h"
#include "tools/module_config.h"
#include "tools/snippet.h"
#include "tools/term.h"
#include "tools/trial.h"
#include "tools/verdictctl.h"

#define LIBRARY_DEFAULT MODULEDIR "/unbound-verdict.so"
#define ERROR_MAX (sizeof(struct diag) + 32)
/* snippet_library reads what people wrote; printed, each octet can be four. */
#define PRINTED_MAX (4 * SNIPPET_PATH_MAX)

struct finding {
	const struct check_unbound *given;
	const char *library;
	char version[FIT_VERSION_MAX];
	char error[ERROR_MAX];           /* why it does not fit; empty: it does */
	char snippet_error[ERROR_MAX];   /* why the snippet could not be switched; empty: it could */
	bool changed;
	bool tried;                      /* asked for, and the files fit */
	enum trial_result trial;
	struct program_run said;         /* what Unbound wrote when it did not start */
	char trial_error[ERROR_MAX];     /* why the trial says nothing; empty: it says something, or there was none */
	bool ordered;                    /* asked where the library stands among the modules, and it fits */
	enum module_order order;
	char modules[MODULE_CONFIG_MAX];
	char order_error[ERROR_MAX];     /* what is wrong with that, or why it is not known; empty: nothing */
};

/* What systemd reads in front of a line that goes to the journal, and nothing elsewhere. */
static void loudly(int level)
{
	if (getenv("JOURNAL_STREAM") != NULL)
		fprintf(stderr, "<%d>", level);
}

static void print_clean(FILE *to, const char *text)
{
	char safe[PRINTED_MAX];

	term_escape(safe, sizeof(safe), text, strlen(text));
	fputs(safe, to);
}

static void print_fits(const struct finding *found)
{
	const char *snippet = found->given->snippet;

	print_clean(stdout, found->library);
	printf(" fits ");
	print_clean(stdout, found->given->unbound);
	printf(" (%s)", found->version);
	if (found->tried && found->trial == TRIAL_STARTED)
		printf(", which starts with it");
	putchar('\n');
	if (snippet == NULL || found->snippet_error[0] != '\0')
		return;
	if (found->changed) {
		loudly(LOG_WARNING);
		fputs("verdictctl: the policy is back: ", stderr);
		print_clean(stderr, snippet);
		fputs(" is in force again\n", stderr);
	}
}

static void print_misfit(const struct finding *found)
{
	const char *snippet = found->given->snippet;

	loudly(LOG_CRIT);
	fprintf(stderr, "verdictctl: %s\n", found->error);
	if (snippet == NULL || found->snippet_error[0] != '\0')
		return;
	loudly(LOG_CRIT);
	fputs("verdictctl: UNBOUND STARTS WITHOUT POLICY: ", stderr);
	print_clean(stderr, snippet);
	fputs(found->changed ? " was switched off" : " stays switched off", stderr);
	fputs("; it comes back by itself when the library fits\n", stderr);
}

/* What the program wrote is anybody's text. */
static void print_said(const struct finding *found)
{
	for (unsigned i = 0; i < found->said.line_count; i++) {
		loudly(LOG_ERR);
		fputs("verdictctl: the trial wrote: ", stderr);
		print_clean(stderr, found->said.lines[i]);
		fputc('\n', stderr);
	}
}

static void print_untried(const struct finding *found)
{
	loudly(LOG_ERR);
	fprintf(stderr, "verdictctl: the trial says nothing, so what the files say counts: %s\n", found->trial_error);
}

static void print_order(const struct finding *found)
{
	loudly(LOG_CRIT);
	fprintf(stderr, "verdictctl: %s\n", found->order_error);
}

static void add_order(json_t *object, const struct finding *found)
{
	char safe[4 * MODULE_CONFIG_MAX];

	term_escape(safe, sizeof(safe), found->modules, strlen(found->modules));
	if (found->order != MODULE_ORDER_UNKNOWN)
		json_set_text(object, "module_config", safe);
	if (found->order_error[0] != '\0')
		json_set_text(object, "module_config_error", found->order_error);
}

static void add_trial(json_t *object, const struct finding *found)
{
	static const char *const names[] = { [TRIAL_STARTED] = "started", [TRIAL_REFUSED] = "refused",
		[TRIAL_UNKNOWN] = "unknown" };
	json_t *lines = json_array();
	char safe[4 * PROGRAM_LINE_OCTETS];

	for (unsigned i = 0; i < found->said.line_count; i++) {
		term_escape(safe, sizeof(safe), found->said.lines[i], strlen(found->said.lines[i]));
		json_array_append_new(lines, json_string(safe));
	}
	json_set_text(object, "trial", names[found->trial]);
	json_object_set_new(object, "trial_wrote", lines);
	if (found->trial_error[0] != '\0')
		json_set_text(object, "trial_error", found->trial_error);
}

static void print_json(const struct finding *found)
{
	json_t *object = json_object();
	const bool fits = found->error[0] == '\0';

	json_object_set_new(object, "ok", json_boolean(fits && found->snippet_error[0] == '\0' &&
		found->order_error[0] == '\0'));
	json_set_text(object, "unbound", found->given->unbound);
	json_set_text(object, "library", found->library);
	json_set_text(object, "built_for", found->version);
	if (found->given->snippet != NULL) {
		json_set_text(object, "snippet", found->given->snippet);
		json_object_set_new(object, "changed", json_boolean(found->changed));
		if (found->snippet_error[0] == '\0')
			json_set_text(object, "state", fits ? "on" : "off");
	}
	if (found->tried)
		add_trial(object, found);
	if (found->ordered)
		add_order(object, found);
	if (!fits || found->snippet_error[0] != '\0')
		json_set_text(object, "error", !fits ? found->error : found->snippet_error);
	json_print_line(object, stdout, false);
}

static void report(const struct finding *found)
{
	print_said(found);
	if (found->trial_error[0] != '\0')
		print_untried(found);
	if (found->error[0] == '\0' && !found->given->json)
		print_fits(found);
	if (found->error[0] != '\0')
		print_misfit(found);
	if (found->snippet_error[0] != '\0') {
		loudly(LOG_CRIT);
		fprintf(stderr, "verdictctl: %s\n", found->snippet_error);
	}
	if (found->order_error[0] != '\0')
		print_order(found);
	if (found->given->json)
		print_json(found);
}

/* Of a trial that says nothing the reason may be the trial's own: a policy is not switched off for that. */
static void try_it(struct finding *found)
{
	const struct trial_order order = { .unbound = found->given->unbound, .library = found->library,
		.user = found->given->user, .seconds = found->given->trial_seconds };
	struct diag diag = { 0 };

	found->tried = true;
	found->trial = trial_run(&order, &found->said, &diag);
	if (found->trial == TRIAL_STARTED)
		found->said.line_count = 0;
	else
		diag_format(&diag, found->trial == TRIAL_REFUSED ? found->error : found->trial_error, ERROR_MAX);
}

/* A wrong order keeps no Unbound from starting: the clause stays. */
static void look_at_order(struct finding *found)
{
	struct diag diag = { 0 };

	found->ordered = true;
	found->order = module_config_check(found->given->unbound, found->given->conf, found->modules, &diag);
	if (found->order != MODULE_ORDER_RIGHT)
		diag_format(&diag, found->order_error, sizeof(found->order_error));
}

static int exit_code(const struct finding *found, enum fit_result files)
{
	if (files == FIT_UNREADABLE || found->snippet_error[0] != '\0')
		return EXIT_UNREADABLE;
	if (found->error[0] != '\0')
		return EXIT_WRONG;
	if (found->ordered && found->order == MODULE_ORDER_WRONG)
		return EXIT_WRONG;
	return found->order_error[0] == '\0' && found->trial_error[0] == '\0' ? EXIT_FINE : EXIT_UNTRIED;
}

int check_unbound(const struct check_unbound *given)
{
	char named[SNIPPET_PATH_MAX];
	struct finding found = { .given = given, .library = given->library };
	struct diag diag = { 0 };
	enum fit_result result;

	if (found.library == NULL)
		found.library = LIBRARY_DEFAULT;
	if (given->snippet != NULL && snippet_library(given->snippet, named, &diag) && given->library == NULL)
		found.library = named;
	if (diag.text[0] != '\0')
		return command_fail(EXIT_UNREADABLE, &diag);
	result = fit_check(given->unbound, found.library, found.version, &diag);
	if (result != FIT_YES)
		diag_format(&diag, found.error, sizeof(found.error));
	else if (given->trial_seconds > 0)
		try_it(&found);
	if (given->snippet != NULL && snippet_switch(given->snippet, found.error[0] == '\0' ? NULL : found.error,
	    &found.changed, &diag) != 0)
		diag_format(&diag, found.snippet_error, sizeof(found.snippet_error));
	if (given->conf != NULL && found.error[0] == '\0')
		look_at_order(&found);
	report(&found);
	return exit_code(&found, result);
}
