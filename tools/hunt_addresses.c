/* hunt_addresses.c: the addresses that a record brings, for statements in the workspace. */
#include "tools/hunt.h"

#include <string.h>

#include "policy/rdata.h"

#define DIGITS_EACH 35u              /* of an address at most, with quotes and a comma */

struct list {
	char *text;                  /* room for all of them */
	size_t octets;
	unsigned left;
};

static void add(void *arg, const struct address *address)
{
	struct list *list = arg;
	unsigned octets = address->family == ADDRESS_INET ? 4 : 16;
	char *to = list->text + list->octets;

	if (list->left == 0)
		return;
	list->left--;
	*to++ = list->octets == 1 ? '"' : ',';
	if (list->octets > 1)
		*to++ = '"';
	for (unsigned i = 0; i < octets; i++) {
		*to++ = "0123456789abcdef"[address->octets[i] >> 4];
		*to++ = "0123456789abcdef"[address->octets[i] & 15];
	}
	*to++ = '"';
	list->octets = (size_t)(to - list->text);
}

/* As many as day files lead to. */
static void addresses_of(sqlite3_context *context, int count, sqlite3_value **values)
{
	int octets = sqlite3_value_bytes(values[1]);
	const struct record record = { .type = (uint16_t)sqlite3_value_int(values[0]), .class = 1,
		.rdata = sqlite3_value_blob(values[1]), .rdata_length = (uint16_t)octets };
	char text[STORE_HINTS_MAX * DIGITS_EACH + 2] = "[";
	struct list list = { text, 1, STORE_HINTS_MAX };

	(void)count;
	if (octets > 0 && octets <= UINT16_MAX)
		rdata_addresses(&record, add, &list);
	text[list.octets++] = ']';
	sqlite3_result_text(context, text, (int)list.octets, SQLITE_TRANSIENT);
}

int hunt_functions_of_addresses(sqlite3 *db)
{
	return sqlite3_create_function(db, "addresses_of", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
		addresses_of, NULL, NULL);
}
