/* list_trigger.c: from owners such as 24.0.2.0.192.rpz-ip to triggers and networks. */
#include "policy/list_trigger.h"

#include <string.h>

#define INET_LABELS 4
#define INET6_WORDS 8
#define PREFIX_DIGITS 3

struct trigger_label {
	const char *label;
	enum trigger trigger;
};

static const struct trigger_label trigger_labels[] = {
	{ "rpz-client-ip", TRIGGER_CLIENT_IP },
	{ "rpz-ip", TRIGGER_IP },
	{ "rpz-nsdname", TRIGGER_NSDNAME },
	{ "rpz-nsip", TRIGGER_NSIP },
};

bool trigger_is_network(enum trigger trigger)
{
	return trigger == TRIGGER_CLIENT_IP || trigger == TRIGGER_IP || trigger == TRIGGER_NSIP;
}

static const uint8_t *next_label(const uint8_t *label)
{
	return label + 1 + *label;
}

/* Takes the last label off. TRIGGER_NONE, and nothing taken: it names no trigger. */
static enum trigger cut_trigger(struct name *name)
{
	uint8_t *label = name->octets;
	size_t i;

	for (i = 1; i < name->labels; i++)
		label += 1 + *label;
	for (i = 0; i < sizeof(trigger_labels) / sizeof(trigger_labels[0]); i++) {
		const char *text = trigger_labels[i].label;

		if (*label != strlen(text) || memcmp(label + 1, text, *label) != 0)
			continue;
		*label = 0;
		name->length = (uint8_t)(label - name->octets + 1);
		name->labels--;
		return trigger_labels[i].trigger;
	}
	return TRIGGER_NONE;
}

static int digit_value(uint8_t octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : 16;
}

/* A whole label as a number. Decimal ones have no zeros in front: elsewhere that would be octal. */
static bool read_number(const uint8_t *label, int base, unsigned digits, unsigned max, unsigned *number)
{
	unsigned i;

	if (*label == 0 || *label > digits || (base == 10 && *label > 1 && label[1] == '0'))
		return false;
	*number = 0;
	for (i = 1; i <= *label; i++) {
		int value = digit_value(label[i]);

		if (value >= base)
			return false;
		*number = *number * (unsigned)base + (unsigned)value;
	}
	return *number <= max;
}

static bool is_zz(const uint8_t *label)
{
	return *label == 2 && label[1] == 'z' && label[2] == 'z';
}

/* `label` is the last octet's. */
static bool read_inet(struct address *address, const uint8_t *label)
{
	unsigned i, octet;

	for (i = 0; i < INET_LABELS; i++, label = next_label(label)) {
		if (!read_number(label, 10, 3, 255, &octet))
			return false;
		address->octets[INET_LABELS - 1 - i] = (uint8_t)octet;
	}
	return true;
}

/* `label` is the last word's; there are `count`, `zz` included. */
static bool read_inet6(struct address *address, const uint8_t *label, unsigned count)
{
	unsigned i, word, at = INET6_WORDS;
	bool zeros = false;

	if (count > INET6_WORDS)
		return false;
	for (i = 0; i < count; i++, label = next_label(label)) {
		if (is_zz(label) && zeros)
			return false;
		if (is_zz(label)) {
			zeros = true;
			at -= INET6_WORDS - count + 1;
			continue;
		}
		if (!read_number(label, 16, 4, 0xffff, &word) || at == 0)
			return false;
		at--;
		address->octets[2 * at] = (uint8_t)(word >> 8);
		address->octets[2 * at + 1] = (uint8_t)word;
	}
	return at == 0;
}

static bool has_host_bits(const struct address *address, unsigned prefix, unsigned bits)
{
	unsigned bit;

	for (bit = prefix; bit < bits; bit++)
		if (address->octets[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

static enum skip_reason read_network(struct rule *rule)
{
	const uint8_t *label = rule->name.octets;
	unsigned prefix, bits, count = rule->name.labels;
	bool zeros = false, inet, good;

	memset(&rule->address, 0, sizeof(rule->address));
	if (count < 2 || !read_number(label, 10, PREFIX_DIGITS, 128, &prefix))
		return SKIP_ADDRESS;
	label = next_label(label);
	for (const uint8_t *at = label; *at != 0; at = next_label(at))
		zeros |= is_zz(at);
	inet = count - 1 == INET_LABELS && !zeros;
	good = inet ? read_inet(&rule->address, label) : read_inet6(&rule->address, label, count - 1);
	bits = inet ? 32 : 128;
	/* A prefix of 0 would match every address. */
	if (!good || prefix > bits || prefix == 0)
		return SKIP_ADDRESS;
	if (has_host_bits(&rule->address, prefix, bits))
		return SKIP_HOST_BITS;
	rule->address.family = inet ? ADDRESS_INET : ADDRESS_INET6;
	rule->prefix_length = (uint8_t)prefix;
	return SKIP_COUNT;
}

enum skip_reason trigger_read(struct rule *rule, bool wildcard)
{
	rule->trigger = cut_trigger(&rule->name);
	if (rule->trigger == TRIGGER_NONE)
		return SKIP_TRIGGER;
	if (trigger_is_network(rule->trigger))
		return wildcard ? SKIP_ADDRESS : read_network(rule);
	if (rule->name.labels == 0)
		return wildcard ? SKIP_ROOT : SKIP_TRIGGER;
	return SKIP_COUNT;
}
