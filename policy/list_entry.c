/* list_entry.c: from one token to a name or a network. */
#include "policy/list_entry.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_TEXT_MAX 64    /* an IPv6 address with a zone, and the NUL */
#define BITS_DIGITS_MAX 3

static const char *const usual_hosts[] = {
	"localhost", "localhost.localdomain", "localhost4", "localhost6", "local", "broadcasthost", "0.0.0.0",
	"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters",
	"ip6-allhosts",
};

bool list_is_usual_host(const char *text, const char *end)
{
	size_t i, octets = (size_t)(end - text);

	for (i = 0; i < sizeof(usual_hosts) / sizeof(usual_hosts[0]); i++)
		if (strlen(usual_hosts[i]) == octets && strncasecmp(usual_hosts[i], text, octets) == 0)
			return true;
	return false;
}

/* 192.0.2.1 in the place of a name: no top-level domain is a number (RFC 3696 section 2). */
static bool is_numeric(const struct name *name)
{
	const uint8_t *label = name->octets;
	unsigned i;

	if (name->octets[name->length - 2] > '9')
		return false;
	for (i = 1; i < name->labels; i++)
		label += 1 + *label;
	for (i = 1; i <= *label; i++)
		if (label[i] < '0' || label[i] > '9')
			return false;
	return true;
}

enum skip_reason list_read_name(struct name *name, const char *text, const char *end)
{
	enum skip_reason reason;
	const char *stop = list_scan_name(name, text, end, &reason);

	if (stop != end)
		reason = list_read_idn(name, text, end);
	if (reason != SKIP_COUNT)
		return reason;
	if (name->labels == 0)
		return SKIP_ROOT;
	return is_numeric(name) ? SKIP_NAME : SKIP_COUNT;
}

enum skip_reason list_read_pattern(struct rule *rule, const char *text, const char *end, bool below)
{
	rule->exact = true;
	rule->below = below;
	if (end - text > 0 && end - text <= 2 && strncmp(text, "*.", (size_t)(end - text)) == 0)
		return SKIP_ROOT;
	if (end - text > 1 && text[0] == '*' && text[1] == '.') {
		text += 2;
		rule->below = true;
	}
	return list_read_name(&rule->name, text, end);
}

static bool read_address(struct address *address, const char *text, size_t length)
{
	char copy[ADDRESS_TEXT_MAX];

	*address = (struct address){ .family = ADDRESS_INET };
	if (length >= sizeof(copy) || memchr(text, '\0', length) != NULL)
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (inet_pton(AF_INET, copy, address->octets) == 1)
		return true;
	address->family = ADDRESS_INET6;
	return inet_pton(AF_INET6, copy, address->octets) == 1;
}

bool list_read_address(struct address *address, const char *text, const char *end)
{
	const char *zone = memchr(text, '%', (size_t)(end - text));

	return read_address(address, text, (size_t)((zone != NULL ? zone : end) - text));
}

bool list_is_null_address(const struct address *address)
{
	static const uint8_t null[][16] = { { 0 }, { 127, 0, 0, 1 }, { [15] = 1 } };
	const size_t octets = address->family == ADDRESS_INET ? 4 : 16;

	return memcmp(address->octets, null[0], octets) == 0 ||
		memcmp(address->octets, address->family == ADDRESS_INET ? null[1] : null[2], octets) == 0;
}

/* The digits behind the slash; -1: there are none, or they are no number. */
static int read_bits(const char *text, const char *end)
{
	int bits = 0;

	if (text == end || end - text > BITS_DIGITS_MAX)
		return -1;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		bits = bits * 10 + (*text - '0');
	}
	return bits;
}

static bool has_host_bits(const uint8_t *octets, int bits, int size)
{
	for (; bits < size; bits++)
		if (octets[bits / 8] & 0x80 >> bits % 8)
			return true;
	return false;
}

enum skip_reason list_read_network(struct rule *rule, const char *text, const char *end)
{
	const char *slash = memchr(text, '/', (size_t)(end - text));
	int bits, size;

	if (!read_address(&rule->address, text, (size_t)((slash != NULL ? slash : end) - text)))
		return SKIP_NETWORK;
	size = rule->address.family == ADDRESS_INET ? 32 : 128;
	bits = slash == NULL ? size : read_bits(slash + 1, end);
	if (bits < 0 || bits > size)
		return SKIP_NETWORK;
	if (has_host_bits(rule->address.octets, bits, size))
		return SKIP_HOST_BITS;
	rule->prefix_length = (uint8_t)bits;
	return bits == 0 ? SKIP_ROOT : SKIP_COUNT;
}
