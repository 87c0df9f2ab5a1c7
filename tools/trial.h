/*
 * trial.h: does an Unbound start with the library? Found out by starting it.
 *
 * Distributions change Unbound's structures and keep version and configure options, so files alone cannot tell.
 * The trial has a configuration of its own in a private directory that is removed afterwards, an empty policy, one
 * thread, and listens at a free TCP port of 127.0.0.1 only, where it answers nobody: a resolver in service notices
 * nothing.
 *
 * When it does not start, it is tried without the library: only an Unbound that starts so is one that the library
 * keeps from starting.
 *
 * Threads: for programs with one thread; a child process does the work.
 */
#ifndef TOOLS_TRIAL_H
#define TOOLS_TRIAL_H

#include "policy/diag.h"
#include "tools/program_run.h"

#define TRIAL_SECONDS_DEFAULT 10
#define TRIAL_SECONDS_MAX 600

enum trial_result {
	TRIAL_STARTED,
	TRIAL_REFUSED,    /* with the library it does not start, and without it does */
	TRIAL_UNKNOWN     /* it could not be tried, or does not start in either way */
};

struct trial_order {
	const char *unbound, *library;
	const char *user;     /* name or number whom it runs as; NULL: the caller */
	unsigned seconds;     /* for each of the two starts */
};

/* What went wrong comes in *diag, unless it started, and in `said`, where it said anything, its last lines, as they
 * came. */
enum trial_result trial_run(const struct trial_order *order, struct program_run *said, struct diag *diag);

#endif
