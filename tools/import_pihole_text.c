/* import_pihole_text.c: the text files of a Pi-hole: local names, lists of before v5, pihole.toml. */
#include "tools/import_pihole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOCAL_MAX 16384u    /* each alias is looked for among all names */

static char *skip_blanks(char *text)
{
	return text + strspn(text, " \t\r");
}

/* Cuts the next word off; NULL: there is none. */
static char *next_word(char **text, const char *separators)
{
	char *word = *text + strspn(*text, separators);

	if (*word == '\0')
		return NULL;
	*text = word + strcspn(word, separators);
	if (**text != '\0')
		*(*text)++ = '\0';
	return word;
}

static int add(struct pihole *pihole, enum pihole_kind kind, const char *text, const char *more, const char *file,
	unsigned line)
{
	struct pihole_row *row;

	if (strlen(text) >= PIHOLE_TEXT_MAX || (more != NULL && strlen(more) >= PIHOLE_TEXT_MAX)) {
		import_lost(pihole->import, file, line, "a value over %u octets", PIHOLE_TEXT_MAX);
		return 0;
	}
	if (kind != PIHOLE_LIST && pihole->local_count++ >= LOCAL_MAX)
		return diag_set(pihole->diag, file, line, 0, "over %u local names", LOCAL_MAX);
	row = pihole_add(pihole, kind, text, more);
	if (row == NULL)
		return -1;
	row->file = file;
	row->line = line;
	row->groups = PIHOLE_FOR_ALL;
	return 0;
}

/* `ADDRESS NAME ...` */
static int read_hosts_line(struct pihole *pihole, char *text, const char *file, unsigned line)
{
	char *address, *name;

	text[strcspn(text, "#")] = '\0';
	address = next_word(&text, " \t\r");
	if (address != NULL && text[strspn(text, " \t\r")] == '\0')
		import_lost(pihole->import, file, line, "local name without its address, or the other way: %.200s", address);
	while (address != NULL && (name = next_word(&text, " \t\r")) != NULL)
		if (add(pihole, PIHOLE_HOST, name, address, file, line) != 0)
			return -1;
	return 0;
}

/* `ALIAS[,ALIAS...],TARGET[,TTL]` */
static int read_alias_line(struct pihole *pihole, char *text, const char *file, unsigned line)
{
	char *words[16], *word;
	unsigned count = 0;

	while ((word = next_word(&text, ", \t\r")) != NULL && count < 16)
		words[count++] = word;
	if (count > 2 && words[count - 1][strspn(words[count - 1], "0123456789")] == '\0')
		count--;
	if (word != NULL || count < 2) {
		import_lost(pihole->import, file, line, "an alias without a target, or with too many names");
		return 0;
	}
	for (unsigned i = 0; i + 1 < count; i++)
		if (add(pihole, PIHOLE_ALIAS, words[i], words[count - 1], file, line) != 0)
			return -1;
	return 0;
}

static int read_dnsmasq_line(struct pihole *pihole, char *text, const char *file, unsigned line)
{
	if (strncmp(text, "cname=", 6) == 0)
		return read_alias_line(pihole, text + 6, file, line);
	import_lost(pihole->import, file, line, "%.200s", text);
	return 0;
}

static int read_url_line(struct pihole *pihole, char *text, const char *file, unsigned line)
{
	const char *url = next_word(&text, " \t\r");

	/* The database has what was in it before. */
	return url == NULL || pihole->has_database ? 0 : add(pihole, PIHOLE_LIST, url, NULL, file, line);
}

static void read_mode(struct pihole *pihole, const char *mode, const char *file, unsigned line)
{
	if (strcasecmp(mode, "NX") == 0 || strcasecmp(mode, "NXDOMAIN") == 0)
		pihole->block = BLOCK_NXDOMAIN;
	else if (strcasecmp(mode, "NODATA") == 0)
		pihole->block = BLOCK_NODATA;
	else if (strcasecmp(mode, "NULL") != 0)
		import_lost(pihole->import, file, line, "blocking mode %.40s: answered with 0.0.0.0 and ::", mode);
}

static int read_setting_line(struct pihole *pihole, char *text, const char *file, unsigned line)
{
	if (strncmp(text, "BLOCKINGMODE=", 13) == 0)
		read_mode(pihole, text + 13, file, line);
	return 0;
}

static int tell_line(struct pihole *pihole, char *text, const char *file, unsigned line)
{
	import_lost(pihole->import, file, line, "dnsmasq: %.200s", text);
	return 0;
}

/* --- pihole.toml ------------------------------------------------------------------------------------------------ */

/* Where pihole.toml is read. Of TOML only what it is written in: FTL writes the whole file anew at each change, one
 * value on a line, arrays over several, strings in double quotes. */
struct toml {
	char section[64];
	int (*array)(struct pihole *pihole, char *text, const char *file, unsigned line);   /* NULL: in none of ours */
};

/* The strings of a piece of an array. Ends it at `]`. */
static int read_strings(struct pihole *pihole, struct toml *toml, char *text, const char *file, unsigned line)
{
	for (; *text != '\0' && *text != '#'; text++) {
		char *end = *text == '"' ? strchr(text + 1, '"') : text;
		int code;

		if (*text == ']') {
			toml->array = NULL;
			return 0;
		}
		if (end == NULL || memchr(text, '\\', (size_t)(end - text)) != NULL)
			return diag_set(pihole->diag, file, line, 0, "a string that does not end here, or with escapes");
		if (end == text)
			continue;
		*end = '\0';
		code = toml->array(pihole, text + 1, file, line);
		if (code != 0)
			return code;
		text = end;
	}
	return 0;
}

static int read_toml_line(struct pihole *pihole, struct toml *toml, char *text, const char *file, unsigned line)
{
	char *value = strchr(text, '=');
	const size_t octets = value != NULL ? strcspn(text, " \t=") : 0;

	if (toml->array != NULL)
		return read_strings(pihole, toml, text, file, line);
	if (*text == '[') {
		snprintf(toml->section, sizeof(toml->section), "%.*s", (int)strcspn(text + 1, "]"), text + 1);
		return 0;
	}
	if (value == NULL)
		return 0;
	value = skip_blanks(value + 1);
	if (strcmp(toml->section, "dns") == 0 && *value == '[') {
		toml->array = octets == 5 && strncmp(text, "hosts", 5) == 0 ? read_hosts_line :
			octets == 12 && strncmp(text, "cnameRecords", 12) == 0 ? read_alias_line : NULL;
		return toml->array != NULL ? read_strings(pihole, toml, value + 1, file, line) : 0;
	}
	if (strcmp(toml->section, "misc") == 0 && octets == 13 && strncmp(text, "dnsmasq_lines", 13) == 0 && *value == '[') {
		toml->array = tell_line;
		return read_strings(pihole, toml, value + 1, file, line);
	}
	if (strcmp(toml->section, "dns.specialDomains") == 0 && strncmp(value, "true", 4) == 0)
		import_lost(pihole->import, file, line, "%.*s: names that Pi-hole denies besides its lists", (int)octets, text);
	if (strcmp(toml->section, "dns.blocking") == 0 && octets == 6 && strncmp(text, "active", 6) == 0 &&
	    strncmp(value, "false", 5) == 0)
		import_differs(pihole->import, file, line, "blocking is off: here `mode: shadow` of verdict: does that");
	if (strcmp(toml->section, "dns.blocking") == 0 && octets == 4 && strncmp(text, "mode", 4) == 0 && *value == '"') {
		value[1 + strcspn(value + 1, "\"")] = '\0';
		read_mode(pihole, value + 1, file, line);
	}
	return 0;
}

/* --- files ------------------------------------------------------------------------------------------------------ */

struct text_file {
	const char *name;
	int (*read)(struct pihole *pihole, char *text, const char *file, unsigned line);   /* NULL: TOML */
};

static const struct text_file text_files[] = {
	{ "custom.list", read_hosts_line },
	{ "adlists.list", read_url_line },
	{ "05-pihole-custom-cname.conf", read_dnsmasq_line },
	{ "pihole-FTL.conf", read_setting_line },
	{ "pihole.toml", NULL },
};

static int read_lines(struct pihole *pihole, const struct text_file *kind, char *text, const char *end)
{
	struct toml toml = { .array = NULL };

	for (unsigned line = 1; text < end; line++) {
		char *next = memchr(text, '\n', (size_t)(end - text));
		int code = 0;

		if (next != NULL)
			*next = '\0';
		text = skip_blanks(text);
		text[strcspn(text, "\r")] = '\0';
		if (kind->read != NULL && *text != '#' && *text != '\0') {
			text[strcspn(text, "#")] = '\0';
			code = kind->read(pihole, text, kind->name, line);
		} else if (kind->read == NULL)
			code = read_toml_line(pihole, &toml, text, kind->name, line);
		if (code != 0)
			return -1;
		text = next != NULL ? next + 1 : text + strlen(text) + 1;
	}
	return 0;
}

int pihole_read_text(struct pihole *pihole, const char *name, char *text, size_t length)
{
	const char *slash = strrchr(name, '/');

	for (size_t i = 0; i < sizeof(text_files) / sizeof(text_files[0]); i++)
		if (strcmp(slash != NULL ? slash + 1 : name, text_files[i].name) == 0) {
			if (memchr(text, '\0', length) != NULL)
				return diag_set(pihole->diag, name, 0, 0, "is no text: it has NUL octets");
			pihole->files++;
			return read_lines(pihole, &text_files[i], text, text + length);
		}
	return 0;
}
