/*
 * json_line.h: one line of JSON, written straight into a buffer.
 *
 * libjansson builds a tree first: measured, 15 us of CPU for a frame against 2 here, and a stream of frames is where
 * `tap` spends its time. Reading JSON that is not plain is still libjansson's (tools/json_scan.h).
 *
 * All output is printable ASCII: everything else leaves as \uXXXX, and where a text is no UTF-8, or has a NUL, its
 * octets outside printable ASCII leave as the text \DDD, as in control/json.h.
 *
 * The buffer grows to JSON_LINE_MAX and no further; then, or without memory, the line has failed and is no JSON.
 *
 * Threads: a line belongs to its caller.
 */
#ifndef TOOLS_JSON_LINE_H
#define TOOLS_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_LINE_MAX ((size_t)64 * 1024 * 1024)

struct json_line {
	char *octets;    /* owned */
	size_t used;
	size_t cap;
	bool failed;
};

void json_line_fini(struct json_line *line);

/* Begins anew; gives back a buffer that one large line has left. */
void json_line_reset(struct json_line *line);

/* Opens an object or array with '{' or '[', behind a key or as the next element, and closes it. */
void json_line_open(struct json_line *line, char bracket);
void json_line_close(struct json_line *line, char bracket);

/* `"key":`, with a comma before it unless it is the first. Keys are our own and need no escape. */
void json_line_key(struct json_line *line, const char *key);

/* Values: behind a key, or as elements of an array. */
void json_line_string(struct json_line *line, const void *text, size_t octets);
void json_line_integer(struct json_line *line, int64_t value);
void json_line_number(struct json_line *line, uint64_t value);

/* A whole value that is JSON and UTF-8 already; blanks around and in it may be anything that JSON allows. */
void json_line_raw(struct json_line *line, const char *json, size_t octets);

/* Members. A NULL text is left out. */
void json_line_text(struct json_line *line, const char *key, const char *text);
void json_line_count(struct json_line *line, const char *key, uint64_t value);

/* Octets as they are, without any separator. */
void json_line_put(struct json_line *line, const char *octets, size_t count);

#endif
