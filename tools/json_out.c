/* json_out.c: printing JSON. */
#include "tools/json_out.h"

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
