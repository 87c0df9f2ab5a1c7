/* import_network.c: networks of clients, as other systems write them. */
#include "tools/import_network.h"

#include <string.h>

#include "policy/address.h"
#include "policy/conf_value.h"

bool import_read_network(const char *text, struct network *network)
{
	const struct conf_limits limits = { .max = 0 };
	char wrong[CONF_WRONG_MAX];
	struct network read = { .prefix_length = 0 };

	if (conf_network_parse(&limits, text, &read, wrong) != 0)
		return false;
	*network = read;
	return true;
}

bool import_is_inside(const struct network *inner, const struct network *outer)
{
	struct address address = inner->address;

	if (address.family != outer->address.family || inner->prefix_length < outer->prefix_length)
		return false;
	address_mask(&address, outer->prefix_length);
	return memcmp(address.octets, outer->address.octets, sizeof(address.octets)) == 0;
}
