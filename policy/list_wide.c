/* list_wide.c: rules so wide that a slip of a feed's author would take half the world with it. */
#include <libpsl.h>
#include <string.h>

#include "policy/list_entry.h"

#define SUFFIX_LABELS_MAX 5    /* no registry's suffix has more */
#define INET_BITS_MIN 8
#define INET6_BITS_MIN 16

/* Looking into the Public Suffix List costs more than all the rest of reading a rule, and most names need not:
 * generic top-level domains have no suffix below them but in these, and those of countries have some but in these, of
 * which lists are full. A test holds both tables to the list. */
static const char *const deep_generics[] = { "aero", "arpa", "int", "museum", "pro", NULL };
static const char *const flat_countries[] = { "ru", "tk", "cc", "su", "cf", "gq", "ga", "eu", "de", NULL };

static bool is_one_of(const char *const *words, const uint8_t *label)
{
	for (; *words != NULL; words++)
		if (label[1] == (uint8_t)**words && strlen(*words) == *label &&
		    memcmp(label + 1, *words, *label) == 0)
			return true;
	return false;
}

static bool is_flat(const uint8_t *label)
{
	if (*label == 2)
		return is_one_of(flat_countries, label);
	return (*label < 4 || memcmp(label + 1, "xn--", 4) != 0) && !is_one_of(deep_generics, label);
}

static bool is_public_suffix(const struct name *name)
{
	char text[NAME_OCTETS_MAX + 1];
	const uint8_t *label = name->octets;
	size_t used = 0;

	for (; *label != 0; label += 1 + *label) {
		if (memchr(label + 1, '.', *label) != NULL || memchr(label + 1, '\0', *label) != NULL)
			return false;
		memcpy(text + used, label + 1, *label);
		used += *label;
		text[used++] = '.';
	}
	text[used - 1] = '\0';
	return psl_is_public_suffix2(psl_builtin(), text, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) == 1;
}

static bool is_wide_name(const struct rule *rule, bool in_zone)
{
	const struct name *name = &rule->name;

	/* Exact rules for hosts without a domain are common in zones of one's own. */
	if (name->labels <= 1)
		return rule->below || !in_zone || is_public_suffix(name);
	if (!rule->below || name->labels > SUFFIX_LABELS_MAX || is_flat(name_suffix(name, name->labels - 1u)))
		return false;
	return is_public_suffix(name);
}

bool list_is_wide(const struct rule *rule, bool in_zone)
{
	switch (rule->trigger) {
	case TRIGGER_CLIENT_IP: case TRIGGER_IP: case TRIGGER_NSIP:
		return rule->prefix_length < (rule->address.family == ADDRESS_INET ? INET_BITS_MIN : INET6_BITS_MIN);
	case TRIGGER_NONE: case TRIGGER_QNAME: case TRIGGER_NSDNAME: case TRIGGER_COUNT:
		break;
	}
	return is_wide_name(rule, in_zone);
}

void list_widen(struct rule *rule)
{
	struct name zone = rule->name;

	for (unsigned labels = 2; labels < rule->name.labels; labels++) {
		const uint8_t *suffix = name_suffix(&rule->name, rule->name.labels - labels);

		if (!name_from_wire(&zone, suffix, (size_t)(rule->name.octets + rule->name.length - suffix)))
			return;
		if (!is_public_suffix(&zone))
			break;
		zone = rule->name;
	}
	rule->name = zone;
	rule->exact = rule->below = true;
}
