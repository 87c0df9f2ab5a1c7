/* json_out.c: printing JSON. */
#include "tools/json_out.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/term.h"

json_t *json_text(const void *from, size_t octets)
{
	json_t *text = json_stringn(from, octets);
	char *escaped;
	size_t cap;

	if (text != NULL || octets > SIZE_MAX / 4 - 1)
		return text;
	cap = 4 * octets + 1;
	escaped = malloc(cap);
	if (escaped == NULL)
		return NULL;
	text = json_stringn(escaped, term_escape(escaped, cap, from, octets));
	free(escaped);
	return text;
}

void json_set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, json_text(text, strlen(text)));
}

void json_set_number(json_t *object, const char *key, size_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* jansson leaves DEL as it is; it can stand inside strings only. */
static int put(const char *octets, size_t length, void *arg)
{
	FILE *to = arg;

	for (size_t i = 0; i < length; i++) {
		if (octets[i] == 0x7f)
			fputs("\\u007f", to);
		else
			putc(octets[i], to);
	}
	return ferror(to) ? -1 : 0;
}

bool json_print_line(json_t *object, FILE *to, bool live)
{
	bool done = object != NULL && json_dump_callback(object, put, to, JSON_COMPACT | JSON_ENSURE_ASCII) == 0;

	json_decref(object);
	if (done)
		done = putc('\n', to) != EOF;
	return done && (!live || fflush(to) == 0);
}
