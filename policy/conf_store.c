/* conf_store.c: where values of the configuration go: one place, or one more of several. */
#include "policy/conf_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf_value.h"

/* Frees what a default put there, before it is replaced. */
static void drop_string(const struct option *option, char *base)
{
	if (option->type == TYPE_STRING || option->type == TYPE_PATH || option->type == TYPE_LOG) {
		free(*(char **)(void *)(base + option->offset));
		*(char **)(void *)(base + option->offset) = NULL;
	}
}

/* The place for one more value; NULL: out of memory. Room is doubled when the number has become a power of two. */
static char *next_place(const struct option *option, char *base, size_t count)
{
	const struct repeat *repeat = option->repeat;
	char *values, *more;

	if (repeat->fixed)
		return base + option->offset + count * repeat->octets;
	memcpy(&values, base + option->offset, sizeof(values));
	if ((count & (count - 1)) == 0) {
		more = realloc(values, (count == 0 ? 1 : count * 2) * repeat->octets);
		if (more == NULL)
			return NULL;
		values = more;
		memcpy(base + option->offset, &values, sizeof(values));
	}
	return values + count * repeat->octets;
}

static int add(const struct option *option, char *base, const char *text, const struct conf_limits *limits,
	char *wrong)
{
	size_t *count = (size_t *)(void *)(base + option->repeat->count_offset);
	char *to;

	if (*count == option->repeat->max) {
		snprintf(wrong, CONF_WRONG_MAX, "a `%s:` takes %zu: remove some", clause_names[option->clause],
			*count);
		return -1;
	}
	to = next_place(option, base, *count);
	if (to == NULL) {
		snprintf(wrong, CONF_WRONG_MAX, "out of memory");
		return -1;
	}
	if (conf_value_parse(option->type, limits, text, to, wrong) != 0)
		return -1;
	++*count;
	return 0;
}

int option_store(const struct option *option, char *base, const char *text, const char *folder, char *wrong)
{
	struct conf_limits limits = option_limits(option, folder);

	if (option->repeat != NULL && option->repeat->octets > 0)
		return add(option, base, text, &limits, wrong);
	if (option->repeat == NULL)
		drop_string(option, base);
	return conf_value_parse(option->type, &limits, text, base + option->offset, wrong);
}
