/* term.c: escaping and colour. */
#include "tools/term.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERM_COLUMNS_MIN 20

static const char *const style_on[STYLE_COUNT] = {
	[STYLE_PLAIN] = "",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_FAINT] = "\033[2m",
	[STYLE_STRONG] = "\033[1m",
};

void term_init(struct term *term, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *type = getenv("TERM");
	struct winsize size;

	term->colour = false;
	term->columns = 0;
	if (!isatty(fd))
		return;
	term->colour = (no_color == NULL || *no_color == '\0') && type != NULL && strcmp(type, "dumb") != 0;
	term->columns = 80;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= TERM_COLUMNS_MIN)
		term->columns = size.ws_col;
}

const char *term_on(const struct term *term, enum term_style style)
{
	return term->colour ? style_on[style] : "";
}

const char *term_off(const struct term *term, enum term_style style)
{
	return term->colour && style != STYLE_PLAIN ? "\033[0m" : "";
}

static bool is_printable(uint8_t octet)
{
	return octet >= 0x20 && octet <= 0x7e;
}

bool term_is_clean(const void *from, size_t octets)
{
	const uint8_t *text = from;

	for (size_t i = 0; i < octets; i++)
		if (!is_printable(text[i]))
			return false;
	return true;
}

static size_t escape_octet(char piece[4], uint8_t octet)
{
	if (is_printable(octet)) {
		piece[0] = (char)octet;
		return 1;
	}
	piece[0] = '\\';
	piece[1] = (char)('0' + octet / 100);
	piece[2] = (char)('0' + octet / 10 % 10);
	piece[3] = (char)('0' + octet % 10);
	return 4;
}

/* `fit` is where the text would have to be cut to leave room for the dots. */
size_t term_escape(char *to, size_t cap, const void *from, size_t octets)
{
	static const char dots[] = "...";
	const uint8_t *text = from;
	size_t used = 0, fit = 0;
	char piece[4];

	for (size_t i = 0; i < octets; i++) {
		size_t length = escape_octet(piece, text[i]);

		if (length >= cap - used) {
			size_t room = cap - 1 - fit;
			size_t count = room < sizeof(dots) - 1 ? room : sizeof(dots) - 1;

			memcpy(to + fit, dots, count);
			to[fit + count] = '\0';
			return fit + count;
		}
		memcpy(to + used, piece, length);
		used += length;
		if (cap - used >= sizeof(dots))
			fit = used;
	}
	to[used] = '\0';
	return used;
}
