/*
 * frame_print.h: frames as lines for people or as JSON lines.
 *
 *     21:03:11.123456 10.0.0.7  udp cached  www.evil.example  A  NXDOMAIN  nxdomain by malware:*.evil.example ...
 *
 * Nothing from a frame reaches the output unescaped (tools/term.h, tools/json_out.h).
 *
 * Threads: a printer belongs to its caller.
 */
#ifndef TOOLS_FRAME_PRINT_H
#define TOOLS_FRAME_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/frame_fields.h"
#include "tools/term.h"

struct frame_printer {
	FILE *to;
	struct term term;
	bool json;
	bool live;           /* flush each line; times without the date */
	uint64_t printed;
	uint64_t limit;      /* 0: none */
};

enum print_result {
	PRINT_DONE,
	PRINT_UNDECODABLE,   /* not a dnstap message: nothing was printed */
	PRINT_FAILED,        /* could not be written, or no memory */
	PRINT_ENOUGH         /* printed, and the limit is reached */
};

enum print_result frame_print(struct frame_printer *printer, const uint8_t *octets, size_t length);

/* The two formats. False: could not be written, or no memory. */
bool frame_print_line(const struct frame_printer *printer, const struct frame_fields *fields);
bool frame_print_json(const struct frame_printer *printer, const struct frame_fields *fields);

#endif
