/* list.c: from a list file to rules: what every format has in common, and when a file is no list at all. */
#include "policy/list.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "policy/file.h"
#include "policy/list_reader.h"

#define FILE_OCTETS_MAX ((size_t)1 << 30)
#define SNIFF_OCTETS 4096

const char *const skip_texts[SKIP_COUNT] = {
	[SKIP_NAME] = "not a domain name",
	[SKIP_NAME_LONG] = "a label over 63 or a name over 255 octets",
	[SKIP_NON_ASCII] = "an internationalised name that is not in xn-- form",
	[SKIP_SYNTAX] = "a line that the format does not know",
	[SKIP_APEX] = "a record of the zone itself",
	[SKIP_OUT_OF_ZONE] = "a name outside the zone",
	[SKIP_ROOT] = "a rule that would match every name",
	[SKIP_TRIGGER] = "an RPZ trigger that does not exist",
	[SKIP_ADDRESS] = "not a network as RPZ writes it (24.0.2.0.192)",
	[SKIP_HOST_BITS] = "a network with bits set behind its prefix length",
	[SKIP_ACTION] = "an RPZ action that is not read",
	[SKIP_RECORD] = "a record that local data cannot hold",
	[SKIP_CLASS] = "a record that is not of class IN",
	[SKIP_LINE_LONG] = "a line over 65535 octets",
	[SKIP_TOO_MANY] = "over a limit of the compiled form",
};

/* A file that has mostly these is in another format; the others are what a good list may hold and we cannot use. */
static const bool speaks_against_format[SKIP_COUNT] = {
	[SKIP_NAME] = true,
	[SKIP_NAME_LONG] = true,
	[SKIP_NON_ASCII] = true,
	[SKIP_SYNTAX] = true,
	[SKIP_OUT_OF_ZONE] = true,
	[SKIP_LINE_LONG] = true,
};

struct magic {
	const char *octets;
	size_t length;
	const char *name;
	const char *remedy;
};

static const struct magic magics[] = {
	{ "\x1f\x8b", 2, "gzip-compressed", "decompress it first (gunzip)" },
	{ "\xfd" "7zXZ", 5, "xz-compressed", "decompress it first (xz -d)" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd-compressed", "decompress it first (zstd -d)" },
	{ "BZh", 3, "bzip2-compressed", "decompress it first (bunzip2)" },
	{ "PK\x03\x04", 4, "a zip archive", "unpack it first (unzip)" },
	{ "\xff\xfe", 2, "UTF-16 text", "convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)" },
	{ "\xfe\xff", 2, "UTF-16 text", "convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)" },
};

/* How a line of another format gives itself away; tried in order. */
struct guess {
	const char *start;     /* the line begins with this */
	const char *inside;    /* and holds this */
	const char *name;
	const char *remedy;
};

static const char unknown_list[] = "another format";
static const char other_list[] = "which is not read: most publishers offer the same list as domains or rpz";

static const struct guess guesses[] = {
	{ "||", "", "an AdBlock list", other_list },
	{ "@@", "", "an AdBlock list", other_list },
	{ "[Adblock", "", "an AdBlock list", other_list },
	{ "!", "", "an AdBlock list", other_list },
	{ "address=/", "", "a dnsmasq list", other_list },
	{ "server=/", "", "a dnsmasq list", other_list },
	{ "local=/", "", "a dnsmasq list", other_list },
	{ "server:", "", "an unbound.conf", "include it in Unbound itself" },
	{ "local-zone:", "", "an unbound.conf", "include it in Unbound itself" },
	{ "http://", "", "a list of URLs", "which is not read: a resolver can refuse names alone" },
	{ "https://", "", "a list of URLs", "which is not read: a resolver can refuse names alone" },
	{ "{", "", "JSON", "which is not read" },
	{ "$", "", "an RPZ zone", "set `format: rpz`" },
	{ "0.0.0.0", "", "a hosts file", "set `format: hosts`" },
	{ "127.0.0.1", "", "a hosts file", "set `format: hosts`" },
	{ "::", "", "a hosts file", "set `format: hosts`" },
	{ "", " CNAME ", "an RPZ zone", "set `format: rpz`" },
	{ "", "\tCNAME\t", "an RPZ zone", "set `format: rpz`" },
	{ "", " SOA ", "an RPZ zone", "set `format: rpz`" },
	{ "*.", "", "a wildcard list", "set `format: wildcard`" },
	{ "", ",", "a table", "which is not read: cut the column with the names out" },
	{ "", " ", unknown_list, "set `format:` to what it is" },
	{ "", "\t", unknown_list, "set `format:` to what it is" },
	{ "", ".", "a list of names", "set `format: domains`" },
	{ "", "", unknown_list, "set `format:` to what it is" },
};

bool list_next_line(struct list_reader *reader, struct list_line *line)
{
	const char *newline;

	if (reader->at >= reader->end)
		return false;
	newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	line->text = reader->at;
	line->end = newline != NULL ? newline : reader->end;
	reader->at = newline != NULL ? newline + 1 : reader->end;
	while (line->end > line->text && line->end[-1] == '\r')
		line->end--;
	line->number = (unsigned)++reader->stats.lines;
	return true;
}

int list_emit(struct list_reader *reader, const struct rule *rule)
{
	if (!reader->visit(reader->arg, rule))
		return diag_set(reader->diag, reader->conf->file, rule->line, 0, "out of memory");
	reader->stats.rules++;
	reader->good++;
	return 0;
}

void list_skip(struct list_reader *reader, enum skip_reason reason, unsigned line, const char *text)
{
	if (reader->stats.skipped[reason]++ == 0)
		reader->stats.skipped_line[reason] = line;
	if (!speaks_against_format[reason])
		return;
	if (reader->bad++ > 0)
		return;
	reader->bad_text = text;
	reader->bad_line = line;
	reader->bad_reason = reason;
}

/* Is `what` in the line that begins at `text`? */
static bool line_holds(const char *text, const char *end, const char *what)
{
	const char *newline = memchr(text, '\n', (size_t)(end - text));
	size_t octets = (size_t)((newline != NULL ? newline : end) - text);

	return memmem(text, octets, what, strlen(what)) != NULL;
}

static bool begins_with(const char *text, const char *end, const char *what)
{
	size_t octets = strlen(what);

	return (size_t)(end - text) >= octets && strncasecmp(text, what, octets) == 0;
}

static const struct guess *guess_format(const char *text, const char *end)
{
	const struct guess *guess = guesses;

	/* The last row takes everything. */
	while (!begins_with(text, end, guess->start) || !line_holds(text, end, guess->inside))
		guess++;
	return guess;
}

/* Is the remedy the format that is set already? */
static bool says_format(const struct guess *guess, const char *format)
{
	static const char start[] = "set `format: ";
	const size_t octets = sizeof(start) - 1;

	return strncmp(guess->remedy, start, octets) == 0 &&
		strncmp(guess->remedy + octets, format, strlen(format)) == 0;
}

/* CR where LF should be: everything is one line, and a comment at its start would hide the whole list. */
static bool has_old_mac_lines(const char *text, size_t octets)
{
	const char *cr = memchr(text, '\r', octets);

	return cr != NULL && cr + 1 < text + octets && memchr(text, '\n', octets) == NULL;
}

static int refuse_sniffed(struct list_reader *reader, const char *text, size_t octets)
{
	const char *file = reader->conf->file;
	size_t i, head = octets < SNIFF_OCTETS ? octets : SNIFF_OCTETS, control = 0;

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
	i = strspn(text, " \t\r\n\f");
	if (i < octets && text[i] == '<')
		return diag_set(reader->diag, file, 0, 0, "is a web page or XML: fetch the list itself; "
			"this is often the error page of a failed download");
	if (has_old_mac_lines(text, octets))
		return diag_set(reader->diag, file, 0, 0,
			"has lines that end with CR alone: convert it first (tr '\\r' '\\n')");
	return 0;
}

static int refuse_unusable(struct list_reader *reader)
{
	const struct list_stats *stats = &reader->stats;
	const char *file = reader->conf->file, *format = format_names[stats->format];
	const struct guess *guess;
	size_t skipped = 0, entries = reader->good + reader->bad;
	unsigned i, most = 0;

	for (i = 0; i < SKIP_COUNT; i++) {
		skipped += stats->skipped[i];
		if (stats->skipped[i] > stats->skipped[most])
			most = i;
	}
	if (stats->rules == 0 && skipped == 0)
		return diag_set(reader->diag, file, 0, 0,
			"has no rule in %zu line%s: a list without rules is not used",
			stats->lines, stats->lines == 1 ? "" : "s");
	if (stats->skipped[SKIP_OUT_OF_ZONE] * 2 > entries)
		return diag_set(reader->diag, file, stats->skipped_line[SKIP_OUT_OF_ZONE], 0,
			"%zu of %zu records are outside the zone: set `zone:` to the zone's name",
			stats->skipped[SKIP_OUT_OF_ZONE], entries);
	if (reader->bad <= reader->good && stats->rules > 0)
		return 0;
	if (reader->bad == 0)
		return diag_set(reader->diag, file, stats->skipped_line[most], 0,
			"has no usable rule: %s (%zu times)", skip_texts[most], stats->skipped[most]);
	guess = guess_format(reader->bad_text, reader->end);
	/* A list of names with many that are none is no other format. */
	if (says_format(guess, format) || (reader->good > 0 && guess->name == unknown_list))
		return diag_set(reader->diag, file, reader->bad_line, 0,
			"%zu of %zu entries cannot be read as `format: %s`, first here: %s; "
			"correct or remove them, the larger part of a list has to be right",
			reader->bad, entries, format, skip_texts[reader->bad_reason]);
	return diag_set(reader->diag, file, reader->bad_line, 0,
		"%zu of %zu entries cannot be read as `format: %s`, first here: %s; this looks like %s, %s",
		reader->bad, entries, format, skip_texts[reader->bad_reason], guess->name, guess->remedy);
}

int list_read(struct list_reader *reader, const char *octets, size_t length)
{
	static const char utf8_bom[] = "\xef\xbb\xbf";

	reader->stats.format = reader->conf->format;
	reader->stats.octets = length;
	reader->at = octets;
	reader->end = octets + length;
	if (length >= 3 && memcmp(octets, utf8_bom, 3) == 0)
		reader->at += 3;
	if (reader->at == reader->end)
		return diag_set(reader->diag, reader->conf->file, 0, 0, "is empty: a list without rules is not used");
	if (refuse_sniffed(reader, reader->at, (size_t)(reader->end - reader->at)) != 0)
		return -1;
	if ((reader->conf->format == FORMAT_RPZ ? list_read_rpz : list_read_text)(reader) != 0)
		return -1;
	return refuse_unusable(reader);
}

int list_load(const struct list_conf *conf, rule_visit visit, void *arg, struct list_stats *stats, struct diag *diag)
{
	struct list_reader reader = { .conf = conf, .visit = visit, .arg = arg, .diag = diag };
	struct file_text text;
	const char *wrong = file_load(&text, conf->file, FILE_OCTETS_MAX);
	int result;

	if (wrong != NULL)
		return diag_set(diag, conf->file, 0, 0, "%s (the file of policy-list %s)", wrong, conf->name);
	result = list_read(&reader, text.octets, text.length);
	if (result == 0)
		*stats = reader.stats;
	file_release(&text);
	return result;
}
