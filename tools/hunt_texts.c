/* hunt_texts.c: functions for statements in the workspace: a record in one text, and an aggregate of texts. */
#include "tools/hunt.h"

#include <stdlib.h>
#include <string.h>

/* --- a record: owner, type, TTL, data, with blanks between ---------------------------------------------------- */

enum part { PART_OWNER, PART_TYPE, PART_TTL, PART_DATA };

static const char *find_part(const char *text, enum part part, size_t *octets)
{
	for (unsigned i = 0; i < (unsigned)part && text != NULL; i++) {
		text = strchr(text, ' ');
		text = text != NULL ? text + 1 : NULL;
	}
	*octets = text == NULL ? 0 : part == PART_DATA ? strlen(text) : strcspn(text, " ");
	return text;
}

static unsigned digit_of(char letter)
{
	return (unsigned)(letter >= 'a' ? letter - 'a' + 10 : letter - '0');
}

static void give_octets(sqlite3_context *context, const char *digits, size_t count)
{
	unsigned char *octets = sqlite3_malloc64(count / 2 + 1);

	if (octets == NULL || count % 2 != 0 || strspn(digits, "0123456789abcdef") != count) {
		sqlite3_free(octets);
		sqlite3_result_error(context, "is no record", -1);
		return;
	}
	for (size_t i = 0; i < count / 2; i++)
		octets[i] = (unsigned char)(digit_of(digits[2 * i]) << 4 | digit_of(digits[2 * i + 1]));
	sqlite3_result_blob64(context, octets, count / 2, sqlite3_free);
}

static void record_part(sqlite3_context *context, int count, sqlite3_value **values)
{
	const enum part *part = sqlite3_user_data(context);
	const char *text = (const char *)sqlite3_value_text(values[0]);
	size_t octets;

	(void)count;
	text = find_part(text, *part, &octets);
	if (text == NULL)
		sqlite3_result_error(context, "is no record", -1);
	else if (*part == PART_OWNER)
		sqlite3_result_text(context, text, (int)octets, SQLITE_TRANSIENT);
	else if (*part == PART_DATA)
		give_octets(context, text, octets);
	else
		sqlite3_result_int64(context, strtoll(text, NULL, 10));
}

/* --- texts, each once and in order: two stores give the same ------------------------------------------------- */

struct texts {
	char **rows;                 /* owned, and so is each */
	size_t count, cap, octets;
};

static bool insert(struct texts *texts, size_t at, const char *text)
{
	char *copy = sqlite3_mprintf("%s", text);

	if (copy != NULL && texts->count == texts->cap) {
		size_t cap = 2 * texts->cap + 4;
		char **rows = sqlite3_realloc64(texts->rows, cap * sizeof(*rows));

		if (rows != NULL) {
			texts->rows = rows;
			texts->cap = cap;
		}
	}
	if (copy == NULL || texts->count == texts->cap) {
		sqlite3_free(copy);
		return false;
	}
	memmove(&texts->rows[at + 1], &texts->rows[at], (texts->count - at) * sizeof(*texts->rows));
	texts->rows[at] = copy;
	texts->count++;
	texts->octets += strlen(copy) + 1;
	return true;
}

static void texts_step(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct texts *texts = sqlite3_aggregate_context(context, sizeof(*texts));
	const char *text = (const char *)sqlite3_value_text(values[0]);
	size_t low = 0, high = texts != NULL ? texts->count : 0;

	(void)count;
	if (texts == NULL || text == NULL)
		return;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(text, texts->rows[middle]);

		if (order == 0)
			return;
		low = order > 0 ? middle + 1 : low;
		high = order < 0 ? middle : high;
	}
	if (!insert(texts, low, text))
		sqlite3_result_error_nomem(context);
}

static void texts_end(sqlite3_context *context)
{
	struct texts *texts = sqlite3_aggregate_context(context, 0);
	char *joined, *to;

	if (texts == NULL)
		return;
	joined = to = sqlite3_malloc64(texts->octets + 1);
	for (size_t i = 0; i < texts->count; i++) {
		if (joined != NULL) {
			to = i > 0 ? to + 1 : to;
			strcpy(to, texts->rows[i]);
			to += strlen(to);
			*to = ',';
		}
		sqlite3_free(texts->rows[i]);
	}
	sqlite3_free(texts->rows);
	if (joined == NULL)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text(context, joined, (int)(to - joined), sqlite3_free);
}

int hunt_functions_of_texts(sqlite3 *db)
{
	static const struct { const char *name; enum part part; } rows[] = {
		{ "record_owner", PART_OWNER }, { "record_type", PART_TYPE }, { "record_ttl", PART_TTL },
		{ "record_data", PART_DATA },
	};
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
	int code = sqlite3_create_function(db, "texts", 1, flags, NULL, NULL, texts_step, texts_end);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && code == SQLITE_OK; i++) {
		void *part = (void *)(uintptr_t)&rows[i].part;

		code = sqlite3_create_function(db, rows[i].name, 1, flags, part, record_part, NULL, NULL);
	}
	return code;
}
