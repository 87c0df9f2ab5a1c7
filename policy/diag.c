/* diag.c: building and printing one error text that is safe on any terminal. */
#include "policy/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_OCTETS 4   /* \DDD */

static bool is_printable(unsigned char octet)
{
	return octet >= 0x20 && octet < 0x7f;
}

static size_t escaped_octets(unsigned char octet)
{
	return is_printable(octet) ? 1 : ESCAPE_OCTETS;
}

/* Copies what fits and never half an escape; always NUL-terminated. */
static void escape(char *to, size_t cap, const char *from)
{
	size_t used = 0;

	for (; *from != '\0'; from++) {
		unsigned char octet = (unsigned char)*from;

		if (escaped_octets(octet) >= cap - used)
			break;
		if (is_printable(octet))
			to[used++] = *from;
		else
			used += (size_t)snprintf(to + used, cap - used, "\\%03u", (unsigned)octet);
	}
	to[used] = '\0';
}

/* The end of a path says more than its beginning. */
static void set_file(struct diag *diag, const char *file)
{
	const char *start = file + strlen(file);
	size_t octets = 0;
	static const char cut[] = "...";

	while (start > file && escaped_octets((unsigned char)start[-1]) < sizeof(diag->file) - sizeof(cut) - octets) {
		start--;
		octets += escaped_octets((unsigned char)*start);
	}
	diag->file[0] = '\0';
	if (start > file)
		memcpy(diag->file, cut, sizeof(cut));
	octets = strlen(diag->file);
	escape(diag->file + octets, sizeof(diag->file) - octets, start);
}

int diag_set(struct diag *diag, const char *file, unsigned line, unsigned column, const char *format, ...)
{
	char raw[sizeof(diag->text)];
	va_list args;

	if (diag == NULL)
		return -1;
	va_start(args, format);
	if (vsnprintf(raw, sizeof(raw), format, args) < 0)
		raw[0] = '\0';
	va_end(args);
	/* `file` and the arguments may point into *diag: all of it is read before any of it is written. */
	if (file == NULL)
		diag->file[0] = '\0';
	else if (file != diag->file)
		set_file(diag, file);
	diag->line = line;
	diag->column = column;
	escape(diag->text, sizeof(diag->text), raw);
	return -1;
}

char *diag_format(const struct diag *diag, char *to, size_t cap)
{
	char place[32] = "";

	if (cap == 0)
		return to;
	if (diag->line != 0 && diag->column != 0)
		snprintf(place, sizeof(place), ":%u:%u", diag->line, diag->column);
	else if (diag->line != 0)
		snprintf(place, sizeof(place), ":%u", diag->line);
	snprintf(to, cap, "%s%s%s%s", diag->file, place, diag->file[0] != '\0' || place[0] != '\0' ? ": " : "",
		 diag->text);
	return to;
}
