/* module_config.c: asks unbound-checkconf, and reads one line. */
#include "tools/module_config.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/program_run.h"

#define CHECKCONF "unbound-checkconf"
#define BLANKS " \t"
#define TIMEOUT_MS 20000u
#define NEVER_SAID "\n"   /* it is let run to its end */

/* False: the path is too long. */
static bool beside(const char *unbound, char to[static PATH_MAX])
{
	const char *slash = strrchr(unbound, '/');
	const int folder = slash != NULL ? (int)(slash - unbound) + 1 : 0;
	const int used = snprintf(to, PATH_MAX, "%.*s" CHECKCONF, folder, unbound);

	return used > 0 && used < PATH_MAX;
}

static int read_it(const char *unbound, const char *conf, char text[static MODULE_CONFIG_MAX], struct diag *diag)
{
	char checkconf[PATH_MAX];
	char option[] = "-o", name[] = "module-config", file[PATH_MAX];
	char *const argv[] = { checkconf, option, name, file, NULL };
	struct program_run run;
	enum program_end end;

	if (!beside(unbound, checkconf) || snprintf(file, sizeof(file), "%s", conf) >= PATH_MAX)
		return diag_set(diag, "", 0, 0, "the path is too long");
	end = program_run(argv, NEVER_SAID, TIMEOUT_MS, &run);
	if (end == PROGRAM_NOT_RUN)
		return diag_set(diag, checkconf, 0, 0, "cannot be run: %m");
	if (end != PROGRAM_ENDED || run.status != 0 || run.line_count == 0)
		return diag_set(diag, conf, 0, 0, CHECKCONF " does not take it");
	snprintf(text, MODULE_CONFIG_MAX, "%s", run.lines[run.line_count - 1]);
	return 0;
}

static bool is_dynlib(const char *word)
{
	return strcspn(word, BLANKS) == strlen("dynlib") && strncmp(word, "dynlib", strlen("dynlib")) == 0;
}

enum module_order module_config_check(const char *unbound, const char *conf, char text[static MODULE_CONFIG_MAX],
	struct diag *diag)
{
	const char *word;

	if (read_it(unbound, conf, text, diag) != 0)
		return MODULE_ORDER_UNKNOWN;
	word = text + strspn(text, BLANKS);
	if (is_dynlib(word))
		return MODULE_ORDER_RIGHT;
	while (*word != '\0' && !is_dynlib(word)) {
		word += strcspn(word, BLANKS);
		word += strspn(word, BLANKS);
	}
	if (*word == '\0')
		diag_set(diag, conf, 0, 0, "module-config: has no dynlib: no policy is in force: put dynlib first");
	else
		diag_set(diag, conf, 0, 0, "module-config: dynlib is not the first module: what is answered, made or stored "
			"above it is judged by no policy: put dynlib first");
	return MODULE_ORDER_WRONG;
}
