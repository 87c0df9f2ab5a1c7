/* hunt_functions.c: what is kept as octets and numbers, as text; functions for statements in the workspace. */
#include "tools/hunt.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy/facts.h"
#include "policy/name.h"
#include "policy/rrtype.h"
#include "store/event.h"
#include "store/name_key.h"
#include "tools/dns_view.h"

#define RECORD_HEAD 11u              /* an owner that is the root, type, class, TTL, length */

static void give(sqlite3_context *context, const char *text)
{
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* As a hunt takes it: a '*' that is an octet is not all that is below, and no option begins like that. `to` holds
 * DNS_NAME_MAX + 8. */
static void write_askable(const char *text, char *to)
{
	if (*text == '-')
		*to++ = '\\';
	for (; *text != '\0'; text++) {
		if (*text == '*')
			*to++ = '\\';
		*to++ = *text;
		if (*text == '\\' && text[1] != '\0')
			*to++ = *++text;
	}
	*to = '\0';
}

/* The user data of a function: NULL: names are for people, who ask for them next; else for programs. */
static bool is_for_people(sqlite3_context *context)
{
	return sqlite3_user_data(context) == NULL;
}

static void name_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *key = (const char *)sqlite3_value_text(values[0]);
	char text[NAME_KEY_MAX], askable[DNS_NAME_MAX + 8];

	(void)count;
	if (key == NULL)
		return;
	name_key_to_text(key, text);
	if (is_for_people(context))
		write_askable(text, askable);
	give(context, is_for_people(context) ? askable : text);
}

static void wire_of(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *key = (const char *)sqlite3_value_text(values[0]);
	char text[NAME_KEY_MAX];
	struct name name;

	(void)count;
	if (key == NULL)
		return;
	name_key_to_text(key, text);
	if (name_from_text(&name, text, strlen(text)) == NULL)
		sqlite3_result_blob(context, name.octets, name.length, SQLITE_TRANSIENT);
}

static void path_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	int path = sqlite3_value_int(values[0]);

	(void)count;
	if (path >= 0 && path < PATH_COUNT)
		give(context, path_table[path].name);
	else if (path == STORE_PATH_QUERY)
		give(context, "query");
	else
		give(context, "response");
}

static void address_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	const void *octets = sqlite3_value_blob(values[0]);
	int length = sqlite3_value_bytes(values[0]);
	char text[INET6_ADDRSTRLEN];

	(void)count;
	if (length != 4 && length != 16)
		give(context, "-");
	else if (inet_ntop(length == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)) != NULL)
		give(context, text);
}

static void type_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	char text[DNS_TYPE_MAX];

	(void)count;
	give(context, dns_type_name((unsigned)sqlite3_value_int(values[0]) & 0xffff, text));
}

static void rcode_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	int code = sqlite3_value_int(values[0]);
	char text[DNS_TYPE_MAX];

	(void)count;
	give(context, code < 0 ? "-" : dns_rcode_name((unsigned)code & 0xfff, text));
}

/* As RFC 3597 section 5 has it. */
static void give_unknown(sqlite3_context *context, const uint8_t *data, size_t octets)
{
	char *text = sqlite3_malloc64(2 * octets + 32);
	int used;

	if (text == NULL) {
		sqlite3_result_error_nomem(context);
		return;
	}
	used = sqlite3_snprintf(32, text, "\\# %d ", (int)octets) == NULL ? 0 : (int)strlen(text);
	for (size_t i = 0; i < octets; i++, used += 2) {
		text[used] = "0123456789abcdef"[data[i] >> 4];
		text[used + 1] = "0123456789abcdef"[data[i] & 15];
	}
	text[used] = '\0';
	sqlite3_result_text(context, text, used, sqlite3_free);
}

/* Is such a record's data a name and nothing else? */
static bool is_name(unsigned type)
{
	return type == RRTYPE_NS || type == RRTYPE_CNAME || type == RRTYPE_PTR || type == RRTYPE_DNAME;
}

/* The printer takes data inside a message: a record is made of them. */
static void record_text(sqlite3_context *context, int count, sqlite3_value **values)
{
	unsigned type = (unsigned)sqlite3_value_int(values[0]) & 0xffff;
	const uint8_t *data = sqlite3_value_blob(values[1]);
	size_t octets = (size_t)sqlite3_value_bytes(values[1]), used = 0;
	char small[DNS_NAME_MAX + 8], askable[DNS_NAME_MAX + 8], *text = NULL;
	uint8_t *message;

	(void)count;
	if (octets > UINT16_MAX) {           /* no record has so much */
		give_unknown(context, data, octets);
		return;
	}
	message = malloc(RECORD_HEAD + octets);
	if (message == NULL) {
		sqlite3_result_error_nomem(context);
		return;
	}
	memcpy(message, (const uint8_t[RECORD_HEAD]){ 0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0, 0, 0,
		(uint8_t)(octets >> 8), (uint8_t)octets }, RECORD_HEAD);
	if (octets > 0) {
		struct dns_view view = { .octets = message, .length = RECORD_HEAD + octets };
		struct dns_record record = { 0, (uint16_t)type, 1, 0, RECORD_HEAD, (uint16_t)octets };

		memcpy(message + RECORD_HEAD, data, octets);
		text = dns_data(&view, &record, false, small, &used);
	}
	if (text != NULL && is_name(type) && is_for_people(context)) {
		write_askable(text, askable);
		give(context, askable);
	} else if (text != NULL)
		sqlite3_result_text(context, text, (int)used, SQLITE_TRANSIENT);
	else
		give_unknown(context, data, octets);
	if (text != small)
		free(text);
	free(message);
}

int hunt_functions(struct hunt *hunt)
{
	static const struct {
		const char *name;
		int count;
		void (*function)(sqlite3_context *context, int count, sqlite3_value **values);
	} rows[] = {
		{ "name_text", 1, name_text }, { "wire_of", 1, wire_of }, { "path_text", 1, path_text },
		{ "address_text", 1, address_text }, { "type_text", 1, type_text },
		{ "rcode_text", 1, rcode_text }, { "record_text", 2, record_text },
		{ "exported_name", 1, name_text }, { "exported_record", 2, record_text }
	};
	sqlite3 *db = query_workspace(hunt->query);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sqlite3_create_function(db, rows[i].name, rows[i].count, SQLITE_UTF8 | SQLITE_DETERMINISTIC |
				SQLITE_DIRECTONLY, strncmp(rows[i].name, "exported_", 9) == 0 ? db : NULL, rows[i].function, NULL, NULL) !=
				SQLITE_OK)
			return diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(db));
	return hunt_functions_of_addresses(db) == SQLITE_OK && hunt_functions_of_texts(db) == SQLITE_OK && hunt_functions_of_slices(db) == SQLITE_OK &&
		hunt_functions_of_windows(db) == SQLITE_OK ? 0 :
		diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(db));
}
