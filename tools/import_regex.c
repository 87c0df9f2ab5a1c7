/* import_regex.c: takes known beginnings and the end off, and what is left has to be a literal name. */
#include "tools/import_regex.h"

#include <stdio.h>
#include <string.h>

struct beginning {
	const char *text;
	enum cover cover;
};

/* A longer one stands before what it begins with. */
static const struct beginning beginnings[] = {
	{ "(^|\\.)", COVER_BOTH }, { "(\\.|^)", COVER_BOTH }, { "(^|[.])", COVER_BOTH }, { "(?:^|\\.)", COVER_BOTH },
	{ "(?:\\.|^)", COVER_BOTH },
	{ "^(.+\\.)?", COVER_BOTH }, { "^(.*\\.)?", COVER_BOTH }, { "^(?:.+\\.)?", COVER_BOTH },
	{ "^(?:.*\\.)?", COVER_BOTH }, { "^(.+[.])?", COVER_BOTH }, { "^(.*[.])?", COVER_BOTH },
	{ "^.+\\.", COVER_BELOW }, { "^.*\\.", COVER_BELOW }, { ".+\\.", COVER_BELOW }, { ".*\\.", COVER_BELOW },
	{ "\\.", COVER_BELOW }, { "[.]", COVER_BELOW },
	{ "^", COVER_NAME },
};

bool filter_of_name(const char *text, enum cover cover, char to[static FILTER_MAX])
{
	static const char *const before[] = { [COVER_NAME] = "|", [COVER_BELOW] = "*.", [COVER_BOTH] = "||" };
	char canonical[NAME_TEXT_MAX];
	struct name name;

	if (name_from_text(&name, text, strlen(text)) != NULL || name.labels == 0)
		return false;
	name_to_text(&name, canonical);
	/* What is not plain has a meaning in a filter. */
	if (strspn(canonical, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(canonical))
		return false;
	snprintf(to, FILTER_MAX, "%s%s^", before[cover], canonical);
	return true;
}

/* How many octets of `regex` stand for one of a name, which becomes *octet; 0: they do not. */
static unsigned read_octet(const char *regex, char *octet)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const bool escaped = regex[0] == '\\' && regex[1] != '\0' && strchr(".-_", regex[1]) != NULL;

	*octet = escaped ? regex[1] : strncmp(regex, "[.]", 3) == 0 ? '.' : regex[0];
	if (escaped)
		return 2;
	if (*octet != regex[0])
		return 3;
	return *regex != '\0' && strchr(plain, *regex) != NULL ? 1 : 0;
}

/* A literal name up to `$`, without escapes. */
static bool read_literal(const char *regex, char to[static NAME_TEXT_MAX])
{
	size_t length = 0;
	unsigned octets;

	while (length < NAME_TEXT_MAX - 1 && (octets = read_octet(regex, &to[length])) > 0) {
		regex += octets;
		length++;
	}
	to[length] = '\0';
	return length > 0 && strcmp(regex, "$") == 0;
}

bool filter_of_regex(const char *regex, char to[static FILTER_MAX])
{
	char literal[NAME_TEXT_MAX];

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		const size_t octets = strlen(beginnings[i].text);

		if (strncmp(beginnings[i].text, regex, octets) == 0)
			return read_literal(regex + octets, literal) && filter_of_name(literal, beginnings[i].cover, to);
	}
	return false;
}
