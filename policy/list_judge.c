/* list_judge.c: when a file is no list at all, and what it may be instead. */
#include <string.h>

#include "policy/list_reader.h"

#define SNIFF_OCTETS 4096
#define SNIFF_MOST_OCTETS 65000   /* there are as many at first, however a list is read */

struct magic {
	const char *octets;
	size_t length;
	const char *name;
	const char *remedy;
};

static const struct magic magics[] = {
	{ "\x1f\x8b", 2, "gzip-compressed twice", "decompress it once (gunzip)" },
	{ "\xfd" "7zXZ", 5, "xz-compressed twice", "decompress it once (xz -d)" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd-compressed", "decompress it first (zstd -d)" },
	{ "BZh", 3, "bzip2-compressed", "decompress it first (bunzip2)" },
	{ "PK\x03\x04", 4, "a zip archive", "unpack it first (unzip)" },
	{ "\xff\xfe", 2, "UTF-16 text", "convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)" },
	{ "\xfe\xff", 2, "UTF-16 text", "convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)" },
};

/* Is the remedy the format that is set already? */
static bool says_format(const char *remedy, const char *format)
{
	static const char start[] = "set `format: ";
	const size_t octets = sizeof(start) - 1;

	return strncmp(remedy, start, octets) == 0 && strncmp(remedy + octets, format, strlen(format)) == 0;
}

/* CR where LF should be: everything is one line, and a comment at its start would hide the whole list. */
static bool has_old_mac_lines(const char *text, size_t octets)
{
	const char *cr = memchr(text, '\r', octets);

	return cr != NULL && cr + 1 < text + octets && memchr(text, '\n', octets) == NULL;
}

int list_refuse_sniffed(struct list_reader *reader, const char *text, size_t octets)
{
	const char *file = reader->conf->file;
	size_t i, head = octets < SNIFF_OCTETS ? octets : SNIFF_OCTETS, control = 0;

	octets = octets < SNIFF_MOST_OCTETS ? octets : SNIFF_MOST_OCTETS;
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *magic = &magics[i];

		if (octets >= magic->length && memcmp(text, magic->octets, magic->length) == 0)
			return diag_set(reader->diag, file, 0, 0, "is %s: %s", magic->name, magic->remedy);
	}
	for (i = 0; i < head; i++) {
		uint8_t octet = (uint8_t)text[i];

		if (octet == 0)
			return diag_set(reader->diag, file, 0, 0, "is a binary file (a NUL at octet %zu): "
				"a list is text", i + 1);
		control += octet < 0x20 && strchr("\t\n\f\r", octet) == NULL;
	}
	if (control * 20 > head)
		return diag_set(reader->diag, file, 0, 0, "is a binary file (%zu control octets in the first %zu): "
			"a list is text", control, head);
	for (i = 0; i < octets && strchr(" \t\r\n\f", text[i]) != NULL; i++)
		;
	if (i < octets && text[i] == '<')
		return diag_set(reader->diag, file, 0, 0, "is a web page or XML: fetch the list itself; "
			"this is often the error page of a failed download");
	if (has_old_mac_lines(text, octets))
		return diag_set(reader->diag, file, 0, 0,
			"has lines that end with CR alone: convert it first (tr '\\r' '\\n')");
	return 0;
}

int list_refuse_unusable(struct list_reader *reader)
{
	const struct list_stats *stats = &reader->stats;
	const char *file = reader->conf->file, *format = format_names[stats->format];
	const char *guess, *remedy;
	bool known;
	size_t skipped = 0, entries = reader->good + reader->bad;
	unsigned i, most = 0;

	for (i = 0; i < SKIP_COUNT; i++) {
		skipped += stats->skipped[i];
		if (stats->skipped[i] > stats->skipped[most])
			most = i;
	}
	if (reader->good == 0 && skipped == 0)
		return diag_set(reader->diag, file, 0, 0,
			"has no rule in %zu line%s: a list without rules is not used",
			stats->lines, stats->lines == 1 ? "" : "s");
	if (stats->skipped[SKIP_OUT_OF_ZONE] * 2 > entries)
		return diag_set(reader->diag, file, stats->skipped_line[SKIP_OUT_OF_ZONE], 0,
			"%zu of %zu records are outside the zone: set `zone:` to the zone's name",
			stats->skipped[SKIP_OUT_OF_ZONE], entries);
	if (reader->bad <= reader->good && reader->good > 0)
		return 0;
	if (reader->bad == 0)
		return diag_set(reader->diag, file, stats->skipped_line[most], 0,
			"has no usable rule: %s (%zu times)", skip_texts[most], stats->skipped[most]);
	guess = list_guess(reader->bad_text, reader->end, &remedy, &known);
	/* A list of names with many that are none is no other format. */
	if (says_format(remedy, format) || (reader->good > 0 && !known))
		return diag_set(reader->diag, file, reader->bad_line, 0,
			"%zu of %zu entries cannot be read as `format: %s`, first here: %s; "
			"correct or remove them, the larger part of a list has to be right",
			reader->bad, entries, format, skip_texts[reader->bad_reason]);
	return diag_set(reader->diag, file, reader->bad_line, 0,
		"%zu of %zu entries cannot be read as `format: %s`, first here: %s; this looks like %s, %s",
		reader->bad, entries, format, skip_texts[reader->bad_reason], guess, remedy);
}
