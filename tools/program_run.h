/*
 * program_run.h: runs a program until it says a certain text, ends, or its time is over, and keeps what it said
 * last.
 *
 * The program is not trusted to end, to be quiet or to say anything sensible: its time and what is kept of its
 * output are bounded. It gets a process group of its own, and the caller becomes the reaper of what leaves it: of
 * neither is anything left when program_run returns, and it dies with its parent. What it says is kept as it came: escape it before it is shown.
 *
 * Threads: none but the caller's, which has no other children (they would be ended, too); the caller has SIGINT, SIGTERM and SIGHUP blocked when they are to end the run
 * early.
 */
#ifndef TOOLS_PROGRAM_RUN_H
#define TOOLS_PROGRAM_RUN_H

#include <stdbool.h>

#define PROGRAM_LINES_MAX 6
#define PROGRAM_LINE_OCTETS 384   /* of a line; the rest of it is left out */

enum program_end {
	PROGRAM_SAID_IT,        /* and was ended then */
	PROGRAM_ENDED,          /* before it said it */
	PROGRAM_CRASHED,        /* by a signal that nobody sent it, before or after it said it */
	PROGRAM_LATE,           /* its time was over */
	PROGRAM_INTERRUPTED,    /* a blocked signal came */
	PROGRAM_NOT_RUN         /* it could not be started; errno says why */
};

struct program_run {
	char lines[PROGRAM_LINES_MAX][PROGRAM_LINE_OCTETS];   /* the last ones, oldest first */
	unsigned line_count;
	int status;             /* PROGRAM_ENDED: its exit code; PROGRAM_CRASHED: the signal */
};

/* `argv` ends with NULL, and its first word is the path. Output and errors are one stream; `text` is looked for in
 * single lines. Fills *run whatever happens. */
enum program_end program_run(char *const *argv, const char *text, unsigned timeout_ms, struct program_run *run);

#endif
