/*
 * fit.h: does the module fit an Unbound on disk? Answered from the two files, before anything is started.
 *
 * The same questions that the module asks when it is loaded, and those that the loader would ask: Unbound's version, the
 * configure options that its structures depend on, its dynlib module, and every symbol that the library needs.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FIT_H
#define TOOLS_FIT_H

#include "policy/diag.h"

enum fit_result {
	FIT_YES,
	FIT_NO,          /* they do not belong together */
	FIT_UNREADABLE   /* one of them cannot be read, or is not what it should be */
};

#define FIT_VERSION_MAX 64

/* *diag says why not, and names the file at fault. `version` gets what the library was built for ("unbound 1.17.1",
 * printable), or an empty text where that is not known. */
enum fit_result fit_check(const char *unbound, const char *library, char version[static FIT_VERSION_MAX],
	struct diag *diag);

#endif
