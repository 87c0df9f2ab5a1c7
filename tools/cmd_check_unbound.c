/* cmd_check_unbound.c: `verdictctl check --unbound PATH`: would this Unbound load the library? With --snippet the clause
 * that loads it is taken out when not, so that an Unbound that was updated starts without policy and not not at all. */
#include "tools/check_unbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "tools/fit.h"
#include "tools/json_out.h"
#include "tools/snippet.h"
#include "tools/term.h"
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
	printf(" (%s)\n", found->version);
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

static void print_json(const struct finding *found)
{
	json_t *object = json_object();
	const bool fits = found->error[0] == '\0';

	json_object_set_new(object, "ok", json_boolean(fits && found->snippet_error[0] == '\0'));
	json_set_text(object, "unbound", found->given->unbound);
	json_set_text(object, "library", found->library);
	json_set_text(object, "built_for", found->version);
	if (found->given->snippet != NULL) {
		json_set_text(object, "snippet", found->given->snippet);
		json_object_set_new(object, "changed", json_boolean(found->changed));
		if (found->snippet_error[0] == '\0')
			json_set_text(object, "state", fits ? "on" : "off");
	}
	if (!fits || found->snippet_error[0] != '\0')
		json_set_text(object, "error", !fits ? found->error : found->snippet_error);
	json_print_line(object, stdout, false);
}

static void report(const struct finding *found)
{
	if (found->error[0] == '\0' && !found->given->json)
		print_fits(found);
	if (found->error[0] != '\0')
		print_misfit(found);
	if (found->snippet_error[0] != '\0') {
		loudly(LOG_CRIT);
		fprintf(stderr, "verdictctl: %s\n", found->snippet_error);
	}
	if (found->given->json)
		print_json(found);
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
	if (given->snippet != NULL &&
	    snippet_switch(given->snippet, result == FIT_YES ? NULL : found.error, &found.changed, &diag) != 0)
		diag_format(&diag, found.snippet_error, sizeof(found.snippet_error));
	report(&found);
	if (result == FIT_UNREADABLE || found.snippet_error[0] != '\0')
		return EXIT_UNREADABLE;
	return result == FIT_YES ? EXIT_FINE : EXIT_WRONG;
}
