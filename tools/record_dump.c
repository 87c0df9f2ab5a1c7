/* record_dump.c: lines of owner, TTL, class, type and data. */
#include "tools/record_dump.h"

#include <string.h>

#include "policy/rrtype.h"

#define LINE_MAX_OCTETS 4096
#define WORDS 5u
#define TYPE_NS 2u

const char dump_begins[] = "START_RRSET_CACHE";

void dump_reader_init(struct dump_reader *reader, FILE *from)
{
	*reader = (struct dump_reader){ .from = from };
}

/* A line without its line feed. False: the end. A line that is too long is empty, and counted. */
static bool read_line(struct dump_reader *reader, char line[LINE_MAX_OCTETS])
{
	size_t used = 0;
	bool fits = true;
	int octet;

	while ((octet = getc(reader->from)) != EOF && octet != '\n') {
		fits = fits && used < LINE_MAX_OCTETS - 1 && octet != '\0';
		if (fits)
			line[used++] = (char)octet;
	}
	if (octet == EOF && used == 0 && fits)
		return false;
	reader->number++;
	line[fits ? used : 0] = '\0';
	if (!fits && reader->unreadable++ == 0)
		reader->unreadable_line = reader->number;
	return true;
}

/* Splits at blanks and tabs; the last word is the rest. */
static unsigned split(char *line, char *words[WORDS])
{
	unsigned count = 0;
	char *rest = line;

	while (count < WORDS - 1 && (words[count] = strtok_r(count == 0 ? line : NULL, " \t", &rest)) != NULL)
		count++;
	if (count == WORDS - 1 && *rest != '\0')
		words[count++] = rest;
	return count;
}

/* 0: nothing of interest; 1: taken; -1: not readable. */
static int take(char *line, struct recorded *to)
{
	char *words[WORDS], text[LINE_MAX_OCTETS];
	uint16_t type;
	int octets;

	if (*line == ';' || split(line, words) != WORDS || strcmp(words[2], "IN") != 0 ||
	    !rrtype_from_text(&type, words[3], strlen(words[3])) ||
	    (type != TYPE_NS && type != RRTYPE_A && type != RRTYPE_AAAA))
		return 0;
	if (name_from_text(&to->qname, words[0], strlen(words[0])) != NULL)
		return -1;
	to->qtype = type;
	to->answered = true;
	octets = snprintf(text, sizeof(text), "%s %s %s", words[3], words[1], words[4]);
	if (octets < 0 || (size_t)octets >= sizeof(text))
		return -1;
	recorded_add_text(to, text, (size_t)octets);
	return to->record_count == 1 && to->left_out == 0 ? 1 : -1;
}

bool dump_next(struct dump_reader *reader, struct recorded *to)
{
	char line[LINE_MAX_OCTETS];
	int taken;

	while (read_line(reader, line)) {
		if (strcmp(line, "START_MSG_CACHE") == 0 || strcmp(line, dump_begins) == 0)
			reader->in_messages = strcmp(line, dump_begins) != 0;
		taken = reader->in_messages ? 0 : take(line, to);
		to->where = reader->number;
		if (taken == 1)
			return true;
		if (taken < 0) {
			if (reader->unreadable++ == 0)
				reader->unreadable_line = reader->number;
			recorded_init(to);
		}
	}
	return false;
}
