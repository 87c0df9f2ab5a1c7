/* https.c: reads SvcParams one by one and copies those that may stay. */
#include "policy/https.h"

#include <string.h>

#define KEY_MANDATORY 0
#define KEY_IPV4HINT 4
#define KEY_ECH 5
#define KEY_IPV6HINT 6
#define PARAM_HEAD 4      /* octets of key and length */
#define NO_KEY (-1)

/* `1 .`: the service is at the owner's name, and nothing else is said. */
static const uint8_t bare[] = { 0, 1, 0 };

static unsigned read_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void write_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

bool https_is_record(uint16_t type)
{
	return type == TYPE_SVCB || type == TYPE_HTTPS_RECORD;
}

static bool takes_out(enum https_mode mode, unsigned key)
{
	switch (mode) {
	case HTTPS_STRIP_HINTS:
		return key == KEY_IPV4HINT || key == KEY_IPV6HINT;
	case HTTPS_STRIP_ECH:
		return key == KEY_ECH;
	case HTTPS_PASS:
	case HTTPS_BLOCK:
		break;
	}
	return false;
}

/* The keys of `mandatory` that stay. Returns how many octets were written. */
static unsigned keep_mandatory(enum https_mode mode, const uint8_t *value, unsigned octets, uint8_t *to)
{
	unsigned i, used = 0;

	for (i = 0; i < octets; i += 2) {
		if (takes_out(mode, read_u16(value + i)))
			continue;
		memcpy(to + used, value + i, 2);
		used += 2;
	}
	return used;
}

/* Appends one parameter at *used, as far as it stays. */
static void keep(enum https_mode mode, const uint8_t *param, uint8_t *to, unsigned *used)
{
	unsigned key = read_u16(param), octets = read_u16(param + 2);
	uint8_t *value = to + *used + PARAM_HEAD;

	if (takes_out(mode, key))
		return;
	if (key == KEY_MANDATORY)
		octets = keep_mandatory(mode, param + PARAM_HEAD, octets, value);
	else
		memcpy(value, param + PARAM_HEAD, octets);
	/* An empty `mandatory` is malformed. */
	if (key == KEY_MANDATORY && octets == 0)
		return;
	write_u16(to + *used, key);
	write_u16(to + *used + 2, octets);
	*used += PARAM_HEAD + octets;
}

/* The parameter at `at`: its octets; 0 when it is unsound. Keys ascend, so that none comes twice. */
static unsigned param_octets(const uint8_t *at, unsigned left, int before)
{
	unsigned octets;

	if (left < PARAM_HEAD || (int)read_u16(at) <= before)
		return 0;
	octets = read_u16(at + 2);
	if (octets > left - PARAM_HEAD || (read_u16(at) == KEY_MANDATORY && octets % 2 != 0))
		return 0;
	return PARAM_HEAD + octets;
}

/* Copies what stays. Returns its octets; 0: the record is unsound. */
static unsigned copy_params(enum https_mode mode, const uint8_t *rdata, unsigned octets, uint8_t *to)
{
	struct name target;
	unsigned at, used, length;
	int before = NO_KEY;

	if (!name_from_wire(&target, rdata + 2, octets - 2))
		return 0;
	at = used = 2u + target.length;
	memcpy(to, rdata, at);
	for (; at < octets; at += length) {
		length = param_octets(rdata + at, octets - at, before);
		if (length == 0)
			return 0;
		before = (int)read_u16(rdata + at);
		keep(mode, rdata + at, to, &used);
	}
	return used;
}

bool https_has(enum https_mode mode, const uint8_t *rdata, uint16_t octets)
{
	struct name target;
	unsigned at, length;
	int before = NO_KEY;

	/* With less than a priority and a name it holds no parameters. */
	if (mode == HTTPS_PASS || mode == HTTPS_BLOCK || octets < sizeof(bare))
		return false;
	if (!name_from_wire(&target, rdata + 2, octets - 2u))
		return true;
	for (at = 2u + target.length; at < octets; at += length) {
		length = param_octets(rdata + at, octets - at, before);
		if (length == 0 || takes_out(mode, read_u16(rdata + at)))
			return true;
		before = (int)read_u16(rdata + at);
	}
	return false;
}

void https_strip(enum https_mode mode, const uint8_t *rdata, uint16_t octets, uint8_t *to, uint16_t *left)
{
	unsigned used = octets;

	if (!https_has(mode, rdata, octets)) {
		memcpy(to, rdata, octets);
	} else {
		used = copy_params(mode, rdata, octets, to);
		if (used == 0) {
			memcpy(to, bare, sizeof(bare));
			used = sizeof(bare);
		}
	}
	*left = (uint16_t)used;
}
