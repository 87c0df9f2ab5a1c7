/* import_unbound_read.c: local-zone, local-data, tags, response-ip and rpz of unbound.conf(5), with its includes. */
#include "tools/import_unbound.h"

#include <arpa/inet.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/conf_lex.h"

#define ENTRIES_MAX ((size_t)4 << 20)
#define DEPTH_MAX 16u
#define RECORD_MAX 2048
#define RECORD_TTL 3600u    /* Unbound's own, where a record says none */
#define VALUES_MAX 4u

static void lost(struct unbound *unbound, const char *key, const char *value)
{
	import_lost(unbound->import, unbound->path, unbound->line, "%s %s", key, value);
}

static struct entry *add(struct unbound *unbound, enum kind kind, const char *text)
{
	struct entry *entry;

	if (unbound->count == unbound->cap) {
		const size_t cap = unbound->cap > 0 ? unbound->cap * 2 : 64;
		struct entry *grown = cap <= ENTRIES_MAX ? reallocarray(unbound->entries, cap, sizeof(*grown)) : NULL;

		if (grown == NULL)
			return NULL;
		unbound->entries = grown;
		unbound->cap = cap;
	}
	entry = &unbound->entries[unbound->count];
	*entry = (struct entry){ .kind = kind, .path = unbound->path, .line = unbound->line, .text = strdup(text) };
	unbound->count += entry->text != NULL;
	return entry->text != NULL ? entry : NULL;
}

/* --- what is read */

static uint64_t read_tags(struct unbound *unbound, const char *text)
{
	uint64_t tags = 0;

	while (*(text += strspn(text, " \t")) != '\0') {
		const size_t octets = strcspn(text, " \t");
		unsigned i;

		for (i = 0; i < unbound->tag_count; i++)
			if (strlen(unbound->tags[i]) == octets && strncmp(unbound->tags[i], text, octets) == 0)
				break;
		if (i == unbound->tag_count && i < TAGS_MAX && (unbound->tags[i] = strndup(text, octets)) != NULL)
			unbound->tag_count++;
		if (i < unbound->tag_count)
			tags |= UINT64_C(1) << i;
		else
			lost(unbound, "tag", text);
		text += octets;
	}
	return tags;
}

static int read_zone(struct unbound *unbound, char *values[])
{
	struct name name;
	struct entry *entry;

	if (name_from_text(&name, values[0], strlen(values[0])) != NULL) {
		lost(unbound, "local-zone", values[0]);
		return 0;
	}
	entry = add(unbound, KIND_ZONE, values[1]);
	if (entry != NULL)
		entry->name = name;
	return entry != NULL ? 0 : unbound_no_memory(unbound);
}

static int read_zone_tag(struct unbound *unbound, char *values[])
{
	const uint64_t tags = read_tags(unbound, values[1]);
	struct name name;

	if (name_from_text(&name, values[0], strlen(values[0])) == NULL)
		for (size_t i = unbound->count; i-- > 0;)
			if (unbound->entries[i].kind == KIND_ZONE && name_equal(&unbound->entries[i].name, &name)) {
				unbound->entries[i].tags |= tags;
				return 0;
			}
	lost(unbound, "local-zone-tag of no zone", values[0]);
	return 0;
}

/* `owner [ttl] [IN] A address` as `ttl A address`: other types have no equal. */
static bool split_record(const char *text, char *to, size_t cap)
{
	char copy[RECORD_MAX], *rest = copy, *word;
	unsigned ttl = RECORD_TTL;
	uint8_t octets[16];

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy) || strtok_r(copy, " \t", &rest) == NULL)
		return false;
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL && strcasecmp(word, "A") != 0 && strcasecmp(word, "AAAA") != 0)
		if (strcasecmp(word, "IN") != 0 && (strspn(word, "0123456789") != strlen(word) || sscanf(word, "%9u", &ttl) != 1))
			return false;
	if (word != NULL) {
		const bool four = word[1] == '\0';
		const char *address = strtok_r(NULL, " \t", &rest);

		if (address == NULL || inet_pton(four ? AF_INET : AF_INET6, address, octets) != 1 ||
		    strtok_r(NULL, " \t", &rest) != NULL)
			return false;
		return snprintf(to, cap, "%u %s %s", ttl, four ? "A" : "AAAA", address) < (int)cap;
	}
	return false;
}

static int read_data(struct unbound *unbound, char *values[])
{
	const char *text = values[0] + strspn(values[0], " \t");
	char record[RECORD_MAX];
	struct name name;
	struct entry *entry;

	if (name_from_text(&name, text, strcspn(text, " \t")) != NULL || !split_record(text, record, sizeof(record))) {
		lost(unbound, "local-data other than A and AAAA", text);
		return 0;
	}
	entry = add(unbound, KIND_DATA, text);
	if (entry == NULL || (entry->data = strdup(record)) == NULL)
		return unbound_no_memory(unbound);
	entry->name = name;
	return 0;
}

static int read_client(struct unbound *unbound, char *values[])
{
	struct entry *entry = add(unbound, KIND_CLIENT, values[0]);

	if (entry != NULL)
		entry->tags = read_tags(unbound, values[1]);
	return entry != NULL ? 0 : unbound_no_memory(unbound);
}

/* Whom it is about has no tags, unless the same network has some elsewhere. */
static int read_access(struct unbound *unbound, char *values[])
{
	return add(unbound, KIND_CLIENT, values[0]) != NULL ? 0 : unbound_no_memory(unbound);
}

static int read_address(struct unbound *unbound, char *values[])
{
	struct entry *entry = add(unbound, KIND_ADDRESS, values[0]);

	return entry != NULL && (entry->action = strdup(values[1])) != NULL ? 0 : unbound_no_memory(unbound);
}

static int read_address_data(struct unbound *unbound, char *values[])
{
	for (size_t i = unbound->count; i-- > 0;) {
		struct entry *entry = &unbound->entries[i];

		if (entry->kind == KIND_ADDRESS && strcmp(entry->text, values[0]) == 0 && entry->data == NULL) {
			entry->data = strdup(values[1]);
			return entry->data != NULL ? 0 : unbound_no_memory(unbound);
		}
	}
	lost(unbound, "response-ip-data", values[0]);
	return 0;
}

static int read_rpz(struct unbound *unbound, const char *key, const char *value)
{
	struct entry *entry = unbound->count > 0 ? &unbound->entries[unbound->count - 1] : NULL;
	char **to = NULL;

	if (entry == NULL || entry->kind != KIND_RPZ)
		return 0;
	if (strcmp(key, "name:") == 0)
		to = &entry->text;
	else if (strcmp(key, "zonefile:") == 0)
		to = &entry->zonefile;
	else if (strcmp(key, "rpz-action-override:") == 0)
		to = &entry->action;
	else if (strcmp(key, "rpz-cname-override:") == 0)
		to = &entry->data;
	else if (strcmp(key, "tags:") == 0)
		entry->tags |= read_tags(unbound, value);
	else if (strncmp(key, "rpz-log", 7) != 0)
		lost(unbound, key, value);
	if (to == NULL)
		return 0;
	free(*to);
	*to = strdup(value);
	return *to != NULL ? 0 : unbound_no_memory(unbound);
}

struct option_row {
	const char *key;
	unsigned values;
	int (*read)(struct unbound *unbound, char *values[]);   /* NULL: it has no equal */
};

static const struct option_row option_rows[] = {
	{ "local-zone:", 2, read_zone }, { "local-data:", 1, read_data }, { "local-zone-tag:", 2, read_zone_tag },
	{ "access-control-tag:", 2, read_client }, { "access-control:", 2, read_access },
	{ "response-ip:", 2, read_address },
	{ "response-ip-data:", 2, read_address_data }, { "local-data-ptr:", 1, NULL }, { "local-zone-override:", 1, NULL },
	{ "access-control-tag-action:", 1, NULL }, { "access-control-tag-data:", 1, NULL },
	{ "access-control-view:", 1, NULL }, { "response-ip-tag:", 1, NULL }, { "interface-tag:", 1, NULL },
	{ "interface-tag-action:", 1, NULL }, { "interface-tag-data:", 1, NULL }, { "interface-view:", 1, NULL },
};


static int include(struct unbound *unbound, const char *pattern)
{
	char *whole = import_path(unbound->path, pattern);
	glob_t found;
	int code = 0;

	if (whole == NULL)
		return unbound_no_memory(unbound);
	switch (glob(whole, GLOB_NOSORT, NULL, &found)) {
	case 0:
		for (size_t i = 0; i < found.gl_pathc && code == 0; i++)
			code = unbound_read(unbound, found.gl_pathv[i]);
		globfree(&found);
		break;
	case GLOB_NOMATCH:
		if (strpbrk(whole, "*?[") == NULL)
			code = diag_set(unbound->diag, unbound->path, unbound->line, 0, "%s does not exist", whole);
		break;
	default:
		code = diag_set(unbound->diag, unbound->path, unbound->line, 0, "%s cannot be read", whole);
	}
	free(whole);
	return code;
}

static int begin_clause(struct unbound *unbound, const char *key)
{
	snprintf(unbound->clause, sizeof(unbound->clause), "%s", key);
	if (strcmp(key, "view:") == 0)
		lost(unbound, "view", "what it holds is left out");
	return strcmp(key, "rpz:") != 0 || add(unbound, KIND_RPZ, "") != NULL ? 0 : unbound_no_memory(unbound);
}

/* `server: local-zone: ...` */
static bool is_clause(const char *key)
{
	static const char *const clauses[] = { "server:", "rpz:", "view:", "auth-zone:", "forward-zone:", "stub-zone:",
		"remote-control:", "dnstap:", "python:", "dynlib:", "cachedb:", "dnscrypt:", "ipset:", NULL };

	return unbound_is_one_of(key, clauses);
}

static int read_option(struct unbound *unbound, const char *key, char *values[], unsigned count)
{
	if (is_clause(key))
		return begin_clause(unbound, key) != 0 ? -1 :
			count > 1 ? read_option(unbound, values[0], values + 1, count - 1) : 0;
	if (strcmp(key, "include:") == 0 || strcmp(key, "include-toplevel:") == 0)
		return include(unbound, values[0]);
	if (strcmp(unbound->clause, "rpz:") == 0)
		return read_rpz(unbound, key, values[0]);
	if (strcmp(key, "directory:") == 0 && unbound->directory == NULL)
		return (unbound->directory = strdup(values[0])) != NULL ? 0 : unbound_no_memory(unbound);
	if (strcmp(unbound->clause, "view:") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		const struct option_row *row = &option_rows[i];

		if (strcmp(row->key, key) != 0)
			continue;
		if (row->read == NULL || count < row->values) {
			lost(unbound, key, values[0]);
			return 0;
		}
		if (count > row->values)
			lost(unbound, "what is behind an option on its line:", values[row->values]);
		return row->read(unbound, values);
	}
	return 0;
}

/* 1, 0 at the end, -1. */
static int read_line(struct unbound *unbound, struct conf_lex *lex)
{
	struct conf_word word;
	char *key, *values[VALUES_MAX] = { NULL };
	unsigned count = 0;
	int code = conf_lex_next(lex, &word, unbound->diag);

	if (code <= 0)
		return code;
	unbound->line = word.line;
	key = strdup(word.text);
	while (key != NULL && (code = conf_lex_next_on_line(lex, &word, unbound->diag)) == 1)
		if (count < VALUES_MAX && (values[count] = strdup(word.text)) != NULL)
			count++;
	if (key == NULL)
		code = unbound_no_memory(unbound);
	else if (code == 0 && (key[0] == '\0' || key[strlen(key) - 1] != ':'))
		lost(unbound, "a line without a key", key);
	else if (code == 0)
		code = count == 0 ? begin_clause(unbound, key) : read_option(unbound, key, values, count);
	while (count > 0)
		free(values[--count]);
	free(key);
	return code == 0 ? 1 : -1;
}

int unbound_read(struct unbound *unbound, const char *path)
{
	const char *from = unbound->path, *wrong;
	const unsigned line = unbound->line;
	char **grown = reallocarray(unbound->paths, unbound->path_count + 1, sizeof(*grown));
	struct conf_lex *lex;
	int code;

	if (grown == NULL)
		return unbound_no_memory(unbound);
	unbound->paths = grown;
	grown[unbound->path_count] = strdup(path);
	if (grown[unbound->path_count] == NULL)
		return unbound_no_memory(unbound);
	if (unbound->depth == DEPTH_MAX || unbound->path_count == 4096) {
		free(grown[unbound->path_count]);
		return diag_set(unbound->diag, path, 0, 0, "too many includes");
	}
	unbound->path = grown[unbound->path_count++];
	unbound->depth++;
	lex = conf_lex_open(path, &wrong);
	if (lex == NULL)
		return diag_set(unbound->diag, path, 0, 0, "%s", wrong);
	while ((code = read_line(unbound, lex)) == 1)
		;
	conf_lex_close(&lex);
	unbound->depth--;
	unbound->path = from;
	unbound->line = line;
	return code;
}
