/* question_read.c: lines into questions. */
#include "tools/question_read.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy/list_entry.h"
#include "policy/rrtype.h"

#define LINE_MAX_OCTETS (128 * 1024)
#define COLUMNS 8
enum {
	COLUMN_TIME, COLUMN_CLIENT, COLUMN_QNAME, COLUMN_QTYPE, COLUMN_RCODE, COLUMN_ANSWERS, COLUMN_COUNT, COLUMN_LABEL
};
#define SECONDS_MAX INT64_C(100000000000)

struct column {
	const char *text;
	size_t octets;
};

static bool read_client(struct question *question, const struct column *column)
{
	static const char group[] = "group=";
	char text[sizeof(question->client_text)];

	if (column->octets == 0)
		return true;
	if (column->octets >= sizeof(text) || memchr(column->text, '\0', column->octets) != NULL)
		return false;
	memcpy(text, column->text, column->octets);
	text[column->octets] = '\0';
	memcpy(question->client_text, text, sizeof(text));
	if (strncmp(text, group, sizeof(group) - 1) == 0) {
		if (column->octets - (sizeof(group) - 1) >= sizeof(question->group))
			return false;
		memcpy(question->group, text + sizeof(group) - 1, column->octets - (sizeof(group) - 1) + 1);
		return true;
	}
	question->client.family = ADDRESS_INET;
	if (inet_pton(AF_INET, text, question->client.octets) == 1)
		return true;
	question->client.family = ADDRESS_INET6;
	return inet_pton(AF_INET6, text, question->client.octets) == 1;
}

static bool read_count(struct question *question, const struct column *column)
{
	uint64_t count = 0;

	if (column->octets == 0)
		return true;
	for (size_t i = 0; i < column->octets; i++) {
		if (column->text[i] < '0' || column->text[i] > '9')
			return false;
		count = count * 10 + (uint64_t)(column->text[i] - '0');
		if (count > UINT32_MAX)
			return false;
	}
	question->count = count;
	return count > 0;
}

static bool read_rcode(struct question *question, const struct column *column)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };
	unsigned value = 0;

	for (size_t i = 0; column->octets > 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		if (column->octets != strlen(names[i]) || strncasecmp(column->text, names[i], column->octets) != 0)
			continue;
		question->rcode = (uint16_t)i;
		return true;
	}
	for (size_t i = 0; i < column->octets; i++) {
		if (column->text[i] < '0' || column->text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(column->text[i] - '0');
		if (value > 4095)
			return false;
	}
	question->rcode = (uint16_t)value;
	return true;
}

/* Unix seconds, with digits behind the point or without. What is no time is not known: others write dates. */
static int64_t read_time(const struct column *column)
{
	const char *at = column->text, *end = at + column->octets;
	int64_t seconds = 0, milliseconds = 0;

	for (; at < end && *at >= '0' && *at <= '9' && seconds < SECONDS_MAX; at++)
		seconds = seconds * 10 + (*at - '0');
	if (at < end && *at == '.')
		for (int64_t digit = 100; ++at < end && *at >= '0' && *at <= '9'; digit /= 10)
			milliseconds += digit * (*at - '0');
	return at == end && seconds < SECONDS_MAX ? seconds * 1000 + milliseconds : 0;
}

/* Returns how many there are; what is behind the last is left out. */
static size_t cut(struct column *columns, const char *at, const char *end)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const char *tab = memchr(at, '\t', (size_t)(end - at));
		const char *stop = tab != NULL ? tab : end;

		columns[i] = (struct column){ at, (size_t)(stop - at) };
		if (tab == NULL)
			return i + 1;
		at = tab + 1;
	}
	return COLUMNS;
}

static bool is_blank(char octet)
{
	return octet == ' ' || octet == '\t';
}

/* `qname qtype`, with blanks or a tab between, and before them. */
static void cut_pair(struct column *columns, const char *at, const char *end)
{
	const char *stop;

	while (at < end && is_blank(*at))
		at++;
	for (stop = at; stop < end && !is_blank(*stop);)
		stop++;
	columns[COLUMN_QNAME] = (struct column){ at, (size_t)(stop - at) };
	while (stop < end && is_blank(*stop))
		stop++;
	columns[COLUMN_QTYPE] = (struct column){ stop, (size_t)(end - stop) };
}

/* As it stands in a message, or as people write it. */
static bool read_name(struct name *name, const struct column *column)
{
	return column->octets > 0 && (name_from_text(name, column->text, column->octets) == NULL ||
		list_read_idn(name, column->text, column->text + column->octets) == SKIP_COUNT);
}

bool question_parse(struct question *question, const char *line, size_t octets)
{
	struct column columns[COLUMNS] = { { "", 0 } };
	const char *end = line + octets;

	*question = (struct question){ .qtype = RRTYPE_A, .count = 1 };
	while (end > line && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (cut(columns, line, end) <= COLUMN_QNAME) {
		columns[COLUMN_TIME] = columns[COLUMN_CLIENT] = (struct column){ "", 0 };
		cut_pair(columns, line, end);
	}
	if (!read_name(&question->qname, &columns[COLUMN_QNAME]))
		return false;
	if (columns[COLUMN_QTYPE].octets > 0 &&
	    !rrtype_from_text(&question->qtype, columns[COLUMN_QTYPE].text, columns[COLUMN_QTYPE].octets))
		return false;
	question->answers = columns[COLUMN_ANSWERS].text;
	question->answers_octets = columns[COLUMN_ANSWERS].octets;
	question->time_ms = read_time(&columns[COLUMN_TIME]);
	question->label = columns[COLUMN_LABEL].text;
	question->label_octets = columns[COLUMN_LABEL].octets;
	return read_rcode(question, &columns[COLUMN_RCODE]) && read_client(question, &columns[COLUMN_CLIENT]) &&
		read_count(question, &columns[COLUMN_COUNT]);
}

bool question_reader_init(struct question_reader *reader, FILE *from)
{
	*reader = (struct question_reader){ .from = from, .line = malloc(LINE_MAX_OCTETS) };
	return reader->line != NULL;
}

void question_reader_fini(struct question_reader *reader)
{
	free(reader->line);
	reader->line = NULL;
}

/* Reads a line and says how much of it there is: at most LINE_MAX_OCTETS, and one more when there was more. */
static bool read_line(struct question_reader *reader, size_t *octets)
{
	int octet = getc_unlocked(reader->from);

	*octets = 0;
	if (octet == EOF)
		return false;
	for (; octet != EOF && octet != '\n'; octet = getc_unlocked(reader->from)) {
		if (*octets < LINE_MAX_OCTETS)
			reader->line[*octets] = (char)octet;
		*octets += *octets <= LINE_MAX_OCTETS;
	}
	reader->number++;
	return true;
}

bool question_next(struct question_reader *reader, struct question *question)
{
	size_t octets;

	while (read_line(reader, &octets)) {
		if (octets == 0 || reader->line[0] == '#' || reader->line[0] == ';' || (octets == 1 && reader->line[0] == '\r'))
			continue;
		if (reader->number == 1 && octets > 5 && memcmp(reader->line, "time\t", 5) == 0)
			continue;
		if (octets <= LINE_MAX_OCTETS && question_parse(question, reader->line, octets))
			return true;
		if (reader->unreadable++ == 0)
			reader->unreadable_line = reader->number;
	}
	return false;
}
