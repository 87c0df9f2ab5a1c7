/* json.c: texts and numbers in and out of JSON objects. */
#include "control/json.h"

#include <stdlib.h>
#include <string.h>

#include "control/quote.h"

json_t *json_text(const void *from, size_t octets)
{
	json_t *text = json_stringn(from, octets);
	char *escaped;
	size_t cap;

	if (text != NULL || octets > SIZE_MAX / QUOTE_OCTETS - 1)
		return text;
	cap = QUOTE_OCTETS * octets + 1;
	escaped = malloc(cap);
	if (escaped == NULL)
		return NULL;
	text = json_stringn(escaped, quote_escape(escaped, cap, from, octets));
	free(escaped);
	return text;
}

void json_set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, json_text(text, strlen(text)));
}

void json_set_number(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

void json_set_flag(json_t *object, const char *key, int value)
{
	json_object_set_new(object, key, json_boolean(value));
}

const char *json_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

int64_t json_get_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

int json_get_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}
