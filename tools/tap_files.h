/*
 * tap_files.h: frames from files, globs and standard input, to their ends or for as long as they grow.
 *
 * A damaged file is told with its name and the octet; where another stream begins behind the damage, it is read.
 * Followed files are looked at five times a second; one that another has taken the place of (a rotation, FILE becomes
 * FILE.1) is read to its end first.
 *
 * Threads: none.
 */
#ifndef TOOLS_TAP_FILES_H
#define TOOLS_TAP_FILES_H

#include <stdbool.h>

#include "tools/tap_flow.h"

#define TAP_FILES_MAX 4096   /* that globs may name */
#define TAP_FOLLOWED_MAX 64

/* Reads all in this order; "-" is standard input. Returns an exit code. */
int tap_files_read(struct tap_flow *flow, char **names, int count);

/* Reads until SIGINT, SIGTERM or SIGHUP, or the flow is over. A file that is not there yet is waited for. */
int tap_files_follow(struct tap_flow *flow, char **names, int count);

/* Blocks the three signals, which are let in by `waiting` alone. */
void tap_signals_block(void *waiting);
bool tap_signals_came(void);

/* Did SIGHUP come? Then it has not, from now on. */
bool tap_hangup_taken(void);

#endif
