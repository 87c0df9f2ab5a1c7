/*
 * frame_text.h: parts of a line for people. For tools/frame_line.c and tools/frame_note.c alone.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FRAME_TEXT_H
#define TOOLS_FRAME_TEXT_H

#include <stdio.h>

#include "tools/frame_fields.h"
#include "tools/json_scan.h"
#include "tools/term.h"

/* Writes a text between two others, safe on any terminal; nothing at all when it is NULL or empty. */
void frame_put_safe(FILE *to, const char *before, const char *text, const char *after);

/* The same for a JSON string. */
void frame_put_text(FILE *to, const char *before, struct json_value value);

/* A heartbeat, or what a former process left. */
void frame_put_note(FILE *to, const struct frame_fields *fields);

/* STYLE_WARN where something is lost, waits or is not known. */
enum term_style frame_note_style(const struct frame_fields *fields);

#endif
