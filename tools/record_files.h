/*
 * record_files.h: several recordings, one behind the other, as a command is given them.
 *
 * Threads: no shared state but standard error, for complaints.
 */
#ifndef TOOLS_RECORD_FILES_H
#define TOOLS_RECORD_FILES_H

#include <jansson.h>

#include "tools/record_source.h"

/* Calls `take` with each record of the files; "-" is standard input. What cannot be read, or not to its end, is said as
 * `verdictctl COMMAND: ...`. `inputs` gets an object for each: input, form, records and what was skipped. EXIT_FINE or
 * EXIT_UNREADABLE (tools/verdictctl.h). */
int record_files_read(const char *command, char **names, enum record_take wanted,
	void (*take)(void *arg, const struct recorded *recorded), void *arg, json_t *inputs);

#endif
