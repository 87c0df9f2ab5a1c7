/*
 * frame_format.h: the formats of `tap`: one row of frame_formats and one file frame_NAME.c each.
 *
 *     line     for people            native  JSON, all that a frame carries    flat  JSON, Splunk CIM's and Sigma's names
 *     ecs      Elastic Common Schema ocsf    OCSF DNS Activity                 cof   passive DNS, Common Output Format
 *
 * Nothing from a frame reaches the output unescaped (tools/term.h, tools/json_line.h).
 *
 * Threads: a printer belongs to its caller.
 */
#ifndef TOOLS_FRAME_FORMAT_H
#define TOOLS_FRAME_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/frame_decision.h"
#include "tools/frame_fields.h"
#include "tools/json_line.h"
#include "tools/term.h"

struct cof;
struct frame_printer;

struct frame_format {
	const char *name;
	bool notes;                  /* it has a form for frames in which the resolver speaks of itself */

	/* Writes one frame. False: could not be written, or no memory. */
	bool (*print)(struct frame_printer *printer, const struct frame_fields *fields);

	/* Writes what was gathered; NULL: nothing is. */
	bool (*flush)(struct frame_printer *printer);
};

struct frame_printer {
	FILE *to;
	struct term term;
	const struct frame_format *format;
	bool live;                   /* times without the date */
	bool hide_notes;
	bool sinkhole_as_blocked;    /* ocsf: see there */
	uint64_t printed;
	uint64_t limit;              /* 0: none */
	struct json_line line;       /* owned */
	struct cof *cof;             /* owned; made by the first frame */
};

enum print_result {
	PRINT_DONE,
	PRINT_UNDECODABLE,   /* not a dnstap message: nothing was printed */
	PRINT_FAILED,        /* could not be written, or no memory */
	PRINT_ENOUGH         /* printed, and the limit is reached */
};

/* NULL: there is none of that name. */
const struct frame_format *frame_format_find(const char *name);

/* The first row, for people. */
extern const struct frame_format frame_formats[];
#define FRAME_FORMAT_DEFAULT (&frame_formats[0])
#define FRAME_FORMAT_NAMES "line, native, ecs, ocsf, flat or cof"

enum print_result frame_print(struct frame_printer *printer, const struct frame_fields *fields);

/* Writes what a format has gathered. False: could not be written. */
bool frame_flush(struct frame_printer *printer);

void frame_printer_fini(struct frame_printer *printer);

bool frame_print_line(struct frame_printer *printer, const struct frame_fields *fields);
bool frame_print_native(struct frame_printer *printer, const struct frame_fields *fields);
bool frame_print_ecs(struct frame_printer *printer, const struct frame_fields *fields);
bool frame_print_ocsf(struct frame_printer *printer, const struct frame_fields *fields);
bool frame_print_flat(struct frame_printer *printer, const struct frame_fields *fields);
bool frame_print_cof(struct frame_printer *printer, const struct frame_fields *fields);
bool frame_flush_cof(struct frame_printer *printer);
void frame_cof_destroy(struct cof **cof);

#endif
