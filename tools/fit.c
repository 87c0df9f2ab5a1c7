/* fit.c: does the module fit an Unbound on disk? Answered from the two files, before anything is started. */
#include "tools/fit.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/elf_file.h"

/* As module/built_for.h has it, which tools do not include. */
#define RECORD_PREFIX "unbound-verdict fits: "
#define SIGNATURE "unbound "
#define DYNLIB "--with-dynlibmodule"
/* What only an Unbound with dynlib has, and every library needs. */
#define DYNLIB_SYMBOL "inplace_cb_register_wrapped"
#define NAME_PRINTED_MAX 128

struct fit {
	const char *host_path, *library_path;
	struct elf_file host, library;
	char version[FIT_VERSION_MAX];       /* the library's */
	const char *options;                 /* that its Unbound was configured with; in `library` */
	char other[FIT_VERSION_MAX];         /* what the host seems to be */
	bool same;                           /* the host has the library's version */
	const char *host_options;            /* in `host`; NULL: not found */
	const char **names;                  /* owned: what the host exports, sorted */
	size_t name_count;
	struct diag *diag;
};

static enum fit_result refuse(struct fit *fit, const char *path, enum fit_result result, const char *text)
{
	diag_set(fit->diag, path, 0, 0, "%s", text);
	return result;
}

/* --- what the two say of themselves */

static bool take_record(void *arg, const char *text, size_t length)
{
	struct fit *fit = arg;
	const char *version = text + strlen(RECORD_PREFIX), *end;

	if (length < strlen(RECORD_PREFIX) || memcmp(text, RECORD_PREFIX, strlen(RECORD_PREFIX)) != 0)
		return false;
	end = strchr(version, '\n');
	if (end == NULL || (size_t)(end - version) >= sizeof(fit->version))
		return false;
	memcpy(fit->version, version, (size_t)(end - version));
	fit->version[end - version] = '\0';
	fit->options = end + 1;
	return true;
}

/* As the module's own guard looks for it: a text of its own, the first that looks like a version is what it may be. */
static bool take_version(void *arg, const char *text, size_t length)
{
	struct fit *fit = arg;
	const char *number = text + strlen(SIGNATURE);

	fit->same = strcmp(text, fit->version) == 0;
	if (fit->other[0] == '\0' && length < sizeof(fit->other) && length > strlen(SIGNATURE) &&
	    memcmp(text, SIGNATURE, strlen(SIGNATURE)) == 0 && *number >= '0' && *number <= '9' &&
	    strchr(number, ' ') == NULL)
		memcpy(fit->other, text, length + 1);
	return fit->same;
}

static bool next_word(const char **at, const char **word, size_t *length)
{
	*word = *at + strspn(*at, " ");
	*length = strcspn(*word, " ");
	*at = *word + *length;
	return *length > 0;
}

static bool has_word(const char *words, const char *wanted, size_t octets)
{
	const char *word;
	size_t length;

	while (next_word(&words, &word, &length))
		if (length == octets && memcmp(word, wanted, octets) == 0)
			return true;
	return false;
}

static bool take_options(void *arg, const char *text, size_t length)
{
	struct fit *fit = arg;

	(void)length;
	if (!has_word(text, DYNLIB, strlen(DYNLIB)))
		return false;
	fit->host_options = text;
	return true;
}

/* --- configure options that a structure can depend on */

static bool begins(const char *word, size_t length, const char *with)
{
	return length >= strlen(with) && memcmp(word, with, strlen(with)) == 0;
}

/* Not: where things are (a path or nothing behind the '='), how it is built, and bindings that no header knows. */
static bool shapes_structures(const char *word, size_t length)
{
	static const char *const shapeless[] = {
		"--disable-dependency-tracking", "--disable-maintainer-mode", "--disable-option-checking",
		"--disable-rpath", "--disable-shared", "--disable-silent-rules", "--disable-static", "--enable-shared",
		"--enable-static", "--with-pythonmodule", "--with-pyunbound", "--with-dynlibmodule",
	};
	const char *value = memchr(word, '=', length);

	if (!begins(word, length, "--with") && !begins(word, length, "--enable") && !begins(word, length, "--disable"))
		return false;
	if (value != NULL && (value + 1 == word + length || memchr(value, '/', (size_t)(word + length - value)) != NULL))
		return false;
	for (size_t i = 0; i < sizeof(shapeless) / sizeof(shapeless[0]); i++)
		if (strlen(shapeless[i]) == length && memcmp(shapeless[i], word, length) == 0)
			return false;
	return true;
}

/* The first word of `words` that `others` lacks. */
static const char *lacking(const char *words, const char *others, size_t *length)
{
	const char *word;

	while (next_word(&words, &word, length))
		if (shapes_structures(word, *length) && !has_word(others, word, *length))
			return word;
	return NULL;
}

static enum fit_result check_options(struct fit *fit)
{
	size_t length = 0;
	const char *word;
	bool extra = false;

	/* Configured by other means than arguments: the module's own guard will see. */
	if (fit->options[0] == '\0' || fit->host_options == NULL)
		return FIT_YES;
	word = lacking(fit->options, fit->host_options, &length);
	if (word == NULL) {
		word = lacking(fit->host_options, fit->options, &length);
		extra = true;
	}
	if (word == NULL)
		return FIT_YES;
	if (length > NAME_PRINTED_MAX)
		length = NAME_PRINTED_MAX;
	diag_set(fit->diag, fit->host_path, 0, 0, "is \"%s\" configured with%s %.*s, and the library was built for one "
		"with%s it: build the library against the configured tree of this Unbound", fit->version,
		extra ? "" : "out", (int)length, word, extra ? "out" : "");
	return FIT_NO;
}

/* --- symbols */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool list_exports(struct fit *fit)
{
	struct elf_symbol symbol;

	fit->names = calloc(fit->host.symbol_count + 1, sizeof(*fit->names));
	if (fit->names == NULL)
		return false;
	for (size_t i = 0; i < fit->host.symbol_count; i++)
		if (elf_symbol(&fit->host, i, &symbol) && symbol.defined)
			fit->names[fit->name_count++] = symbol.name;
	qsort(fit->names, fit->name_count, sizeof(*fit->names), by_name);
	return true;
}

static bool is_exported(const struct fit *fit, const char *name)
{
	return bsearch(&name, fit->names, fit->name_count, sizeof(*fit->names), by_name) != NULL;
}

/* This program is linked with the libraries that the module is linked with: what it has itself needs no host. */
static bool is_elsewhere(const char *name)
{
	return dlsym(RTLD_DEFAULT, name) != NULL;
}

static enum fit_result check_symbols(struct fit *fit)
{
	struct elf_symbol symbol;
	const char *first = NULL;
	size_t missing = 0;

	for (size_t i = 0; i < fit->library.symbol_count; i++) {
		if (!elf_symbol(&fit->library, i, &symbol) || symbol.defined || symbol.weak || symbol.versioned ||
		    is_exported(fit, symbol.name) || is_elsewhere(symbol.name))
			continue;
		if (missing++ == 0)
			first = symbol.name;
	}
	if (missing == 0)
		return FIT_YES;
	diag_set(fit->diag, fit->host_path, 0, 0, "is \"%s\", but lacks %zu of the symbols that the library needs, "
		"first %.*s: build the library against the configured tree of this Unbound", fit->version, missing,
		NAME_PRINTED_MAX, first);
	return FIT_NO;
}

/* --- all of it */

static enum fit_result check_host(struct fit *fit)
{
	if (fit->host.machine != fit->library.machine)
		return refuse(fit, fit->host_path, FIT_NO, "is for another kind of processor than the library");
	elf_texts(&fit->host, SIGNATURE, take_version, fit);
	if (!fit->same && fit->other[0] == '\0')
		return refuse(fit, fit->host_path, FIT_NO, "is no Unbound: it does not say which version it is");
	if (!fit->same) {
		diag_set(fit->diag, fit->host_path, 0, 0, "is \"%s\", and the library was built for \"%s\": build the library "
			"against this version's configured tree", fit->other, fit->version);
		return FIT_NO;
	}
	if (!list_exports(fit))
		return refuse(fit, fit->host_path, FIT_UNREADABLE, "out of memory");
	elf_texts(&fit->host, DYNLIB, take_options, fit);
	if (!is_exported(fit, DYNLIB_SYMBOL)) {
		diag_set(fit->diag, fit->host_path, 0, 0, "is \"%s\" without its dynlib module, and can load no library: it "
			"must be built " DYNLIB, fit->version);
		return FIT_NO;
	}
	return check_options(fit) == FIT_YES ? check_symbols(fit) : FIT_NO;
}

static enum fit_result check_library(struct fit *fit)
{
	if (elf_texts(&fit->library, RECORD_PREFIX, take_record, fit))
		return FIT_YES;
	return refuse(fit, fit->library_path, FIT_UNREADABLE,
		"is no library of unbound-verdict: it does not say what it was built for");
}

enum fit_result fit_check(const char *unbound, const char *library, char version[static FIT_VERSION_MAX],
	struct diag *diag)
{
	struct fit fit = { .host_path = unbound, .library_path = library, .diag = diag };
	enum fit_result result = FIT_UNREADABLE;
	const char *wrong = elf_open(&fit.library, library);

	version[0] = '\0';
	if (wrong != NULL)
		return refuse(&fit, library, FIT_UNREADABLE, wrong);
	wrong = elf_open(&fit.host, unbound);
	if (wrong != NULL) {
		refuse(&fit, unbound, FIT_UNREADABLE, wrong);
		goto out_library;
	}
	result = check_library(&fit);
	if (result == FIT_YES)
		result = check_host(&fit);
	snprintf(version, FIT_VERSION_MAX, "%s", fit.version);
	free(fit.names);
	elf_close(&fit.host);
out_library:
	elf_close(&fit.library);
	return result;
}
