/*
 * check_unbound.h: `verdictctl check --unbound`: does the library fit an Unbound, and should its clause be in force?
 */
#ifndef TOOLS_CHECK_UNBOUND_H
#define TOOLS_CHECK_UNBOUND_H

#include <stdbool.h>

struct check_unbound {
	const char *unbound;    /* the program */
	const char *library;    /* NULL: what the snippet names, else where it is installed */
	const char *snippet;    /* NULL: nothing is changed */
	const char *conf;       /* what that Unbound reads: is the library the first module there? NULL: nobody asks */
	unsigned trial_seconds; /* 0: nothing is started */
	const char *user;       /* whom the trial runs as; NULL: the caller */
	bool json;
};

/* Prints what it finds, on standard output when it fits and on standard error when it does not. Returns an exit code. */
int check_unbound(const struct check_unbound *given);

#endif
