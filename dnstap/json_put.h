/*
 * json_put.h: JSON (RFC 8259) into a bounded buffer, for what the I/O thread adds to frames.
 *
 * Written by hand though libraries for JSON exist: it runs once for each answer of the resolver, and those allocate for
 * every value. It is a bounded buffer and one escape function, and the tests parse its output with a library.
 *
 * Threads: functions here touch their arguments only. Nothing is allocated.
 */
#ifndef DNSTAP_JSON_PUT_H
#define DNSTAP_JSON_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/event_read.h"

struct json {
	char *to;        /* not terminated */
	size_t used;
	size_t cap;
	bool full;       /* something did not fit: what is there is no JSON */
};

/* As it is. */
void json_put(struct json *json, const char *octets, size_t count);

/* Opens an object or array with '{' or '[', behind a key or as the next element, and closes it. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);

/* `"key":`, with a comma before it unless it is the first of its object. */
void json_put_key(struct json *json, const char *key);

/* A string: valid UTF-8 whatever the octets are; what is part of no valid sequence becomes U+FFFD. */
void json_put_string(struct json *json, struct span text);

void json_put_number(struct json *json, const char *key, uint64_t value);
void json_put_flag(struct json *json, const char *key, bool value);

/* Left out when it is empty. */
void json_put_span(struct json *json, const char *key, struct span text);

/* For texts of our own, which need no escape. */
void json_put_word(struct json *json, const char *key, const char *word);

/* The words of a text separated by blanks, as an array. */
void json_put_words(struct json *json, const char *key, struct span text);

/* The key `boot`: 12 hexadecimal digits. */
void json_put_boot(struct json *json, uint64_t boot);

#endif
