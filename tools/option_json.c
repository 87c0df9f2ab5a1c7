/* option_json.c: from values back to text, by type. */
#include "tools/option_json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/json.h"
#include "policy/address.h"

#define TEXT_MAX (NAME_TEXT_MAX + 32)

static char *address_text(const struct address *address, char *to)
{
	if (inet_ntop(address->family == ADDRESS_INET ? AF_INET : AF_INET6, address->octets, to, TEXT_MAX) == NULL)
		to[0] = '\0';
	return to;
}

static char *network_text(const struct network *network, char *to)
{
	const size_t used = strlen(address_text(&network->address, to));
	int more = 0;

	if (network->prefix_length < address_bits(network->address.family))
		more = snprintf(to + used, TEXT_MAX - used, "/%u", network->prefix_length);
	if (network->address.port != 0)
		snprintf(to + used + more, TEXT_MAX - used - (size_t)more, "@%u", network->address.port);
	return to;
}

/* The word that stands for the value: what the parser makes of each is compared with it. */
static char *word_text(const struct option *option, const void *at, size_t octets, char *to)
{
	const struct conf_limits limits = option_limits(option, "");
	char words[CONF_WRONG_MAX], wrong[CONF_WRONG_MAX], *rest = words, *word;
	uint64_t value;

	conf_type_limits(option->type, &limits, words, sizeof(words));
	while ((word = strsep(&rest, "|")) != NULL) {
		value = 0;
		if (conf_value_parse(option->type, &limits, word, &value, wrong) == 0 && memcmp(&value, at, octets) == 0)
			return strcpy(to, word);
	}
	return NULL;
}

static char *copy_text(const char *text, char *to)
{
	if (text == NULL || *text == '\0')
		return NULL;
	snprintf(to, TEXT_MAX, "%s", text);
	return to;
}

static char *number_text(uint64_t number, char *to)
{
	snprintf(to, TEXT_MAX, "%llu", (unsigned long long)number);
	return to;
}

static char *ede_text(const struct option *option, const void *at, char *to)
{
	int16_t code;
	char *word = word_text(option, at, sizeof(code), to);

	memcpy(&code, at, sizeof(code));
	return word != NULL || code < 0 ? word : number_text((uint64_t)code, to);
}

/* One value; NULL: it is not set. `to` holds TEXT_MAX. */
static char *value_text(const struct option *option, const void *at, char *to)
{
	switch (option->type) {
	case TYPE_TEXT: case TYPE_LIST_NAME: case TYPE_GROUP_NAME: case TYPE_GROUP: case TYPE_ATTACK:
		return copy_text(at, to);
	case TYPE_STRING: case TYPE_PATH: case TYPE_LOG:
		return copy_text(*(char *const *)at, to);
	case TYPE_NUMBER: case TYPE_PERCENT:
		return number_text(*(const uint32_t *)at, to);
	case TYPE_SIZE: case TYPE_OCTETS:
		return number_text(*(const size_t *)at, to);
	case TYPE_FLAG: case TYPE_INVERSE:
		return word_text(option, at, sizeof(bool), to);
	case TYPE_CHOICE: case TYPE_MODE: case TYPE_HTTPS: case TYPE_EXPIRE: case TYPE_FORMAT: case TYPE_TRIGGER:
	case TYPE_FRAMES: case TYPE_FAIL: case TYPE_EDE_MODE: case TYPE_PRIVACY: case TYPE_REACTION: case TYPE_TRAIT:
	case TYPE_ACTION: case TYPE_DENIAL: case TYPE_FLAG_ACTION:
		return word_text(option, at, sizeof(int), to);
	case TYPE_EDE:
		return ede_text(option, at, to);
	case TYPE_ZONE:
		return ((const struct name *)at)->length == 0 ? NULL : name_to_text(at, to);
	case TYPE_ADDRESS:
		return address_text(at, to);
	case TYPE_NETWORK: case TYPE_NAT64: case TYPE_INTERFACE:
		return network_text(at, to);
	case TYPE_RRTYPES: case TYPE_COUNT:
		break;
	}
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes the texts. */
static json_t *sorted(char **texts, size_t count)
{
	json_t *array = json_array();

	if (count > 1)
		qsort(texts, count, sizeof(*texts), by_text);
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(array, json_text(texts[i], strlen(texts[i])));
		free(texts[i]);
	}
	free(texts);
	return array;
}

static size_t value_count(const struct option *option, const void *base)
{
	if (option->type == TYPE_RRTYPES)
		return ((const struct rrtypes *)((const char *)base + option->offset))->count;
	if (option->repeat == NULL || option->repeat->octets == 0)
		return 1;
	return *(const size_t *)((const char *)base + option->repeat->count_offset);
}

json_t *option_json(const struct option *option, const void *base)
{
	const char *at = (const char *)base + option->offset;
	const bool repeated = option->repeat != NULL && option->repeat->octets != 0;
	const size_t count = value_count(option, base);
	char **texts = calloc(count + 1, sizeof(*texts)), text[TEXT_MAX];
	size_t used = 0;

	if (texts == NULL)
		return NULL;
	if (repeated && !option->repeat->fixed)
		at = *(const char *const *)at;
	for (size_t i = 0; i < count; i++) {
		const char *value = option->type == TYPE_RRTYPES ?
			rrtype_to_text(((const struct rrtypes *)at)->types[i], text) :
			value_text(option, repeated ? at + i * option->repeat->octets : at, text);

		if (value != NULL && (texts[used] = strdup(value)) != NULL)
			used++;
	}
	return sorted(texts, used);
}

/* What such an option does, the rules show. */
static bool is_reading(const struct option *option)
{
	static const char *const keys[] = { "file", "format", "trigger", "column", "subdomains", "zone", "size-max",
		"allow-wide" };

	for (size_t i = 0; option->clause == CLAUSE_LIST && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(option->key, keys[i]) == 0)
			return true;
	return false;
}

void option_json_compare(enum clause clause, const char *name, const void *before, const void *after, json_t *changes,
	json_t *reading)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &option_table[i];
		json_t *old, *new, *change;

		if (option->clause != clause || strcmp(option->key, "name") == 0)
			continue;
		old = option_json(option, before);
		new = option_json(option, after);
		if (!json_equal(old, new)) {
			change = json_object();
			json_set_text(change, "clause", clause_names[clause]);
			json_set_text(change, "name", name);
			json_set_text(change, "key", option->key);
			json_object_set(change, "before", old);
			json_object_set(change, "after", new);
			json_array_append_new(is_reading(option) ? reading : changes, change);
		}
		json_decref(old);
		json_decref(new);
	}
}
