/* conf_network.c: networks and interfaces as values of the configuration. */
#include "policy/conf_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/conf.h"

#define NETWORK_TEXT_MAX 64        /* the longest is an IPv6 address with a prefix and a port: 55 octets */

static const char should_network[] = "a network, as 192.0.2.0/24 or 2001:db8::/32";
static const char should_interface[] = "an address, as 192.0.2.1, 192.0.2.1@853 or 192.0.2.0/24";

#define refuse(wrong, ...) (snprintf(wrong, CONF_WRONG_MAX, __VA_ARGS__), -1)

/* Digits alone, at most `max`. */
static bool read_number(const char *text, unsigned max, unsigned *number)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return false;
	*number = (unsigned)strtoul(text, NULL, 10);
	return *number <= max;
}

static bool read_address(const char *text, struct address *address)
{
	*address = (struct address){ .family = ADDRESS_INET };
	if (inet_pton(AF_INET, text, address->octets) == 1)
		return true;
	address->family = ADDRESS_INET6;
	return inet_pton(AF_INET6, text, address->octets) == 1;
}

static int check_rest(const struct network *network, const char *text, char *wrong)
{
	struct address right = network->address;
	char shown[INET6_ADDRSTRLEN];

	address_mask(&right, network->prefix_length);
	if (memcmp(right.octets, network->address.octets, sizeof(right.octets)) == 0)
		return 0;
	inet_ntop(right.family == ADDRESS_INET ? AF_INET : AF_INET6, right.octets, shown, sizeof(shown));
	return refuse(wrong, "`%.64s` has bits set behind its prefix: it should be %s/%u, or one address alone", text,
		shown, network->prefix_length);
}

/* `copy` is `text` without the port; `should` what it should be. */
static int parse(const char *text, char *copy, const char *should, struct network *network, char *wrong)
{
	char *slash = strchr(copy, '/');
	unsigned bits, length;

	if (slash != NULL)
		*slash = '\0';
	if (!read_address(copy, &network->address))
		return refuse(wrong, "`%.64s` should be %s", text, should);
	bits = length = address_bits(network->address.family);
	if (slash != NULL && !read_number(slash + 1, bits, &length))
		return refuse(wrong, "`%.64s` should have a prefix length from 0 to %u behind the slash", text, bits);
	network->prefix_length = (uint8_t)length;
	if (check_rest(network, text, wrong) != 0)
		return -1;
	prefix_unmap(&network->address, &network->prefix_length);
	return 0;
}

int conf_network_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	struct network network;
	char copy[NETWORK_TEXT_MAX];

	(void)limits;
	snprintf(copy, sizeof(copy), "%s", text);
	if (strlen(text) >= sizeof(copy) || strchr(text, '@') != NULL)
		return refuse(wrong, "`%.64s` should be %s", text, should_network);
	if (parse(text, copy, should_network, &network, wrong) != 0)
		return -1;
	memcpy(to, &network, sizeof(network));
	return 0;
}

int conf_nat64_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	struct network network;

	if (conf_network_parse(limits, text, &network, wrong) != 0)
		return -1;
	if (network.address.family != ADDRESS_INET6 || !address_nat64_length(network.prefix_length))
		return refuse(wrong, "`%.64s` should be an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, "
			"as 2001:db8:64::/96", text);
	memcpy(to, &network, sizeof(network));
	return 0;
}

int conf_interface_parse(const struct conf_limits *limits, const char *text, void *to, char *wrong)
{
	struct network network;
	char copy[NETWORK_TEXT_MAX];
	unsigned port = 0;
	char *at;

	(void)limits;
	snprintf(copy, sizeof(copy), "%s", text);
	if (strlen(text) >= sizeof(copy))
		return refuse(wrong, "`%.64s` should be %s", text, should_interface);
	at = strchr(copy, '@');
	if (at != NULL) {
		*at = '\0';
		if (!read_number(at + 1, 65535, &port) || port == 0)
			return refuse(wrong, "`%.64s` should have a port from 1 to 65535 behind the @", text);
	}
	if (parse(text, copy, should_interface, &network, wrong) != 0)
		return -1;
	network.address.port = (uint16_t)port;
	memcpy(to, &network, sizeof(network));
	return 0;
}
