/* list.c: from a list file to rules: what every format has in common. */
#include "policy/list.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy/conf_table.h"
#include "policy/file.h"
#include "policy/list_entry.h"
#include "policy/list_reader.h"
#include "policy/unpack.h"

/* What of a record that is being read lies behind, at most: more of it is comments. */
#define RECORD_SPAN LIST_LINE_MAX

const char *const skip_texts[SKIP_COUNT] = {
	[SKIP_NAME] = "not a domain name",
	[SKIP_NAME_LONG] = "a label over 63 or a name over 255 octets",
	[SKIP_NON_ASCII] = "an internationalised name that IDNA (UTS 46) refuses",
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
	[SKIP_NETWORK] = "not an address or network",
	[SKIP_WIDE] = "a TLD, a public suffix or a huge network, see allow-wide",
	[SKIP_OPTION] = "an option of another program that is no rule",
	[SKIP_PATTERN] = "an AdBlock pattern that is no name",
	[SKIP_MODIFIER] = "an AdBlock modifier that a resolver cannot honour",
	[SKIP_EXCEPTED] = "covered by an exception, an $important or a $badfilter rule of the same list",
	[SKIP_COLUMN] = "a row without that column",
};

/* A file that has mostly these is in another format; the others are what a good list may hold and we cannot use. */
static const bool speaks_against_format[SKIP_COUNT] = {
	[SKIP_NAME] = true,
	[SKIP_NAME_LONG] = true,
	[SKIP_NON_ASCII] = true,
	[SKIP_SYNTAX] = true,
	[SKIP_OUT_OF_ZONE] = true,
	[SKIP_LINE_LONG] = true,
	[SKIP_NETWORK] = true,
	[SKIP_COLUMN] = true,
};

static bool read_on(struct list_reader *reader)
{
	if (reader->filled == reader->end || reader->wrong != NULL)
		return false;
	reader->wrong = file_more(reader->stream);
	reader->filled = reader->stream->octets + reader->stream->filled;
	return reader->wrong == NULL;
}

/* Reads on inside a line. What lies before the record being read is given back; what an error will quote is not. */
static bool fill(struct list_reader *reader)
{
	struct file_stream *stream = reader->stream;
	const char *here = reader->at;

	if (reader->filled == reader->end)
		return false;
	if (reader->forgets && here - stream->octets > RECORD_SPAN)
		file_forget(stream, here - RECORD_SPAN, reader->bad_text);
	/* A line that is too long already is skipped, whatever is on it, and its beginning alone may be quoted: no
	 * reader that comes by again misses what has no newline. */
	if (reader->filled - here > 2 * RECORD_SPAN)
		file_forget_piece(stream, reader->filled);
	return read_on(reader);
}

static const char *find_newline(struct list_reader *reader)
{
	const char *from = reader->at;
	const char *newline;

	do {
		newline = memchr(from, '\n', (size_t)(reader->filled - from));
		from = reader->filled;
	} while (newline == NULL && fill(reader));
	return newline;
}

bool list_next_line(struct list_reader *reader, struct list_line *line)
{
	const char *newline;

	if (reader->at >= reader->end)
		return false;
	newline = find_newline(reader);
	if (reader->wrong != NULL)
		return false;
	line->text = reader->at;
	line->end = newline != NULL ? newline : reader->end;
	reader->at = newline != NULL ? newline + 1 : reader->end;
	while (line->end > line->text && line->end[-1] == '\r')
		line->end--;
	line->number = (unsigned)++reader->stats.lines;
	return true;
}

struct list_reader list_reader_ahead(const struct list_reader *reader)
{
	struct list_reader ahead = *reader;

	ahead.forgets = false;
	return ahead;
}

bool list_next_entry(struct list_reader *reader, struct list_line *line)
{
	while (list_next_line(reader, line)) {
		if (line->end - line->text <= LIST_LINE_MAX)
			return true;
		list_skip(reader, SKIP_LINE_LONG, line->number, line->text);
	}
	return false;
}

/* Counts a rule that is too wide, with its name or network as the example: the line may be anywhere. */
static void skip_wide(struct list_reader *reader, const struct rule *rule)
{
	char text[NAME_TEXT_MAX], *to = reader->stats.skipped_text[SKIP_WIDE];

	if (reader->stats.skipped[SKIP_WIDE]++ > 0)
		return;
	reader->stats.skipped_line[SKIP_WIDE] = rule->line;
	if (rule->prefix_length == 0)
		snprintf(to, SKIP_EXAMPLE_MAX, "%s%.48s", rule->exact ? "" : "*.", name_to_text(&rule->name, text));
	else if (inet_ntop(rule->address.family == ADDRESS_INET ? AF_INET : AF_INET6, rule->address.octets, text,
			   sizeof(text)) != NULL)
		snprintf(to, SKIP_EXAMPLE_MAX, "%.48s/%u", text, rule->prefix_length);
}

int list_emit(struct list_reader *reader, const struct rule *rule)
{
	struct rule zone;

	if (reader->conf->trait == TRAIT_POPULAR && rule->prefix_length == 0) {
		zone = *rule;
		list_widen(&zone);
		rule = &zone;
	}
	if (!reader->conf->allow_wide && list_is_wide(rule, reader->stats.format == FORMAT_RPZ)) {
		skip_wide(reader, rule);
		return 0;
	}
	reader->good++;
	if (reader->withdrawn) {
		reader->stats.withheld++;
		return 0;
	}
	if (!reader->visit(reader->arg, rule))
		return diag_set(reader->diag, reader->conf->file, rule->line, 0, "out of memory");
	reader->stats.rules++;
	return 0;
}

int list_take_soa(struct list_reader *reader, uint32_t serial, uint32_t expire, unsigned line)
{
	int64_t expires_at;

	if (reader->has_soa)
		return 0;
	reader->has_soa = true;
	reader->stats.serial = serial;
	reader->stats.expire = expire;
	if (reader->conf->expire != EXPIRE_WITHDRAW)
		return 0;
	/* Rules are handed on as they are read: one that is out cannot be taken back. */
	if (reader->stats.rules > 0)
		return diag_set(reader->diag, reader->conf->file, line, 0, "the SOA stands behind rules, "
			"which `expire: withdraw` could not withhold: put it first");
	expires_at = list_expires_at(&reader->stats);
	reader->withdrawn = expires_at != 0 && reader->now >= expires_at;
	return 0;
}

static void keep_example(char *to, const char *text, const char *end)
{
	size_t used = 0;

	for (; text < end && used < SKIP_EXAMPLE_MAX - 1 && *text != '\n' && *text != '\r' && *text != '\0'; text++)
		if (used > 0 || (*text != ' ' && *text != '\t'))
			to[used++] = *text;
	to[used] = '\0';
}

void list_skip(struct list_reader *reader, enum skip_reason reason, unsigned line, const char *text)
{
	if (reader->stats.skipped[reason]++ == 0) {
		reader->stats.skipped_line[reason] = line;
		keep_example(reader->stats.skipped_text[reason], text, reader->end);
	}
	if (!speaks_against_format[reason])
		return;
	if (reader->bad++ > 0)
		return;
	reader->bad_text = text;
	reader->bad_line = line;
	reader->bad_reason = reason;
}

/* What a plain name covers, and what triggers the rules, unless the configuration says otherwise. */
struct format_habits {
	int (*read)(struct list_reader *reader);
	enum trigger trigger;
	bool below;
	bool twice;             /* the file is read twice */
};

static const struct format_habits format_habits[FORMAT_COUNT] = {
	[FORMAT_DOMAINS] = { list_read_text, TRIGGER_QNAME, true, false },
	[FORMAT_HOSTS] = { list_read_text, TRIGGER_QNAME, false, false },
	[FORMAT_WILDCARD] = { list_read_text, TRIGGER_QNAME, false, false },
	[FORMAT_RPZ] = { list_read_rpz, TRIGGER_QNAME, false, false },
	[FORMAT_ADBLOCK] = { list_read_adblock, TRIGGER_QNAME, false, true },
	[FORMAT_DNSMASQ] = { list_read_dnsmasq, TRIGGER_QNAME, true, false },
	[FORMAT_UNBOUND] = { list_read_unbound, TRIGGER_QNAME, true, false },
	[FORMAT_CIDR] = { list_read_cidr, TRIGGER_IP, false, false },
	[FORMAT_CSV] = { list_read_csv, TRIGGER_QNAME, true, false },
};

/* Settles the format and what it means for this list. */
static int choose_format(struct list_reader *reader)
{
	const struct list_conf *conf = reader->conf;
	enum list_format format = conf->format;

	reader->stats.detected = format == FORMAT_DETECT;
	if (format == FORMAT_DETECT && list_detect(reader, &format) != 0)
		return -1;
	reader->stats.format = format;
	if (reader->stats.detected) {
		struct list_conf found = *conf;
		const char *wrong;

		found.format = format;
		wrong = list_conf_wrong(&found);
		if (wrong != NULL)
			return diag_set(reader->diag, conf->file, 0, 0,
				"looks like `format: %s`, and then the policy-list %s", format_names[format], wrong);
	}
	reader->trigger = conf->trigger != TRIGGER_NONE ? conf->trigger : format_habits[format].trigger;
	reader->below = conf->subdomains == CHOICE_DEFAULT ? format_habits[format].below :
		conf->subdomains == CHOICE_YES;
	return 0;
}

static int refuse_file(struct list_reader *reader, const char *wrong)
{
	return diag_set(reader->diag, reader->conf->file, 0, 0, "%s (the file of policy-list %s)", wrong,
		reader->conf->name);
}

/* Reads the rest now when the format needs two readings of it; else what is behind need not stay. */
static int read_format(struct list_reader *reader)
{
	if (choose_format(reader) != 0)
		return -1;
	reader->forgets = !format_habits[reader->stats.format].twice;
	while (!reader->forgets && read_on(reader))
		;
	return format_habits[reader->stats.format].read(reader);
}

int list_read(struct list_reader *reader, const char *octets, size_t length)
{
	static const char utf8_bom[] = "\xef\xbb\xbf";
	int result;

	reader->stats.octets = length;
	reader->at = octets;
	reader->end = octets + length;
	reader->filled = reader->stream == NULL ? reader->end : octets + reader->stream->filled;
	if (reader->filled == octets && length > 0 && !read_on(reader))
		return refuse_file(reader, reader->wrong);
	if (length >= 3 && memcmp(octets, utf8_bom, 3) == 0)
		reader->at += 3;
	if (reader->at == reader->end)
		return diag_set(reader->diag, reader->conf->file, 0, 0, "is empty: a list without rules is not used");
	if (list_refuse_sniffed(reader, reader->at, (size_t)(reader->filled - reader->at)) != 0)
		return -1;
	result = read_format(reader);
	/* Whatever else was found: it was found in a part of the file, or of two files. */
	if (reader->wrong != NULL)
		return refuse_file(reader, reader->wrong);
	return result != 0 ? -1 : list_refuse_unusable(reader);
}

/* Opens the file and reads its front; all of it when it is compressed, into *text, which has octets then. */
static const char *open_list(struct file_stream *stream, struct file_text *text, const struct list_conf *conf)
{
	const size_t octets_max = conf->octets_max != 0 ? conf->octets_max : LIST_OCTETS_MAX;
	const char *wrong = file_open(stream, conf->file, octets_max);

	if (wrong == file_too_large)
		return "is larger than `size-max:` allows: raise it if the list is right";
	if (wrong != NULL)
		return wrong;
	wrong = file_more(stream);
	if (wrong == NULL && unpack_knows(stream->octets, stream->filled)) {
		wrong = file_rest(stream, text);
		if (wrong == NULL)
			wrong = unpack(text, octets_max);
	}
	if (wrong != NULL) {
		file_release(text);
		file_close(stream);
	}
	return wrong;
}

int list_load(const struct list_conf *conf, int64_t now, rule_visit visit, void *arg, struct list_stats *stats,
	struct diag *diag)
{
	struct list_reader reader = { .conf = conf, .now = now, .visit = visit, .arg = arg, .diag = diag };
	struct file_text text = { .octets = NULL };
	struct file_stream stream = { .octets = NULL };
	const char *wrong = open_list(&stream, &text, conf);
	int result;

	if (wrong != NULL)
		return refuse_file(&reader, wrong);
	reader.stats.file_octets = (size_t)stream.before.st_size;
	reader.stats.modified = stream.before.st_mtim.tv_sec;
	if (text.octets == NULL)
		reader.stream = &stream;
	result = text.octets != NULL ? list_read(&reader, text.octets, text.length)
				     : list_read(&reader, stream.octets, stream.length);
	if (result == 0)
		*stats = reader.stats;
	file_release(&text);
	file_close(&stream);
	return result;
}
