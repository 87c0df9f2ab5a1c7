/*
 * import_unbound_address.c: response-ip and response-ip-data, as a list of addresses each.
 *
 * Unbound takes the longest prefix that an address lies in; lists decide in their order, so the longest come first.
 */
#include "tools/import_unbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const address_actions[][2] = {
	{ "deny", "drop" }, { "inform_deny", "drop" }, { "always_refuse", "refuse" }, { "always_nxdomain", "nxdomain" },
	{ "always_nodata", "nodata" }, { "always_transparent", "pass" }, { "transparent", "pass" }, { "inform", "observe" },
};

static int put_address(struct unbound *unbound, const struct entry *address, unsigned number)
{
	const char *value = address->data != NULL ? strrchr(address->data, ' ') : NULL;
	const bool redirect = strstr(address->action, "redirect") != NULL && value != NULL;
	char name[32], *path = NULL;
	const char *action = redirect ? "sinkhole" : strstr(address->action, "redirect") != NULL ? "nodata" : NULL;
	FILE *to;

	for (size_t i = 0; i < sizeof(address_actions) / sizeof(address_actions[0]); i++)
		if (strcasecmp(address_actions[i][0], address->action) == 0)
			action = address_actions[i][1];
	if (action == NULL) {
		import_lost(unbound->import, address->path, address->line, "response-ip: %s %s", address->text, address->action);
		return 0;
	}
	snprintf(name, sizeof(name), "response-ip-%u", number);
	to = import_make_list(unbound->import, name, &path, unbound->diag);
	if (to == NULL)
		return -1;
	fprintf(to, "%s\n", address->text);
	if (fclose(to) == 0 && import_list(unbound->import, name, false, address->path, address->line)) {
		import_file(unbound->import, path);
		import_option(unbound->import, "format", "cidr");
		import_option(unbound->import, "allow-wide", "yes");
		import_option(unbound->import, "action", action);
		if (redirect)
			import_option(unbound->import, strcasestr(address->data, "CNAME ") != NULL ? "sinkhole-name" :
				"sinkhole-address", value + 1);
	}
	free(path);
	return 0;
}

/* Bits; an address alone has the most there are. */
static unsigned prefix_of(const struct entry *address)
{
	const char *slash = strchr(address->text, '/');
	const unsigned most = strchr(address->text, ':') != NULL ? 128 : 32;
	const unsigned long length = slash != NULL ? strtoul(slash + 1, NULL, 10) : most;

	return length < most ? (unsigned)length : most;
}

/* In the order of the file where prefixes are as long. */
static int compare_addresses(const void *a, const void *b)
{
	const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
	const unsigned of_x = prefix_of(x), of_y = prefix_of(y);

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

static bool do_the_same(const struct entry *a, const struct entry *b)
{
	return strcasecmp(a->action, b->action) == 0 &&
		strcmp(a->data != NULL ? a->data : "", b->data != NULL ? b->data : "") == 0;
}

int unbound_put_addresses(struct unbound *unbound)
{
	const struct entry **sorted = calloc(unbound->count + 1, sizeof(*sorted));
	bool differ = false;
	const struct entry *rpz = NULL;
	unsigned count = 0;
	int code = 0;

	if (sorted == NULL)
		return unbound_no_memory(unbound);
	for (size_t i = 0; i < unbound->count; i++) {
		if (unbound->entries[i].kind == KIND_RPZ)
			rpz = &unbound->entries[i];
		if (unbound->entries[i].kind == KIND_ADDRESS) {
			sorted[count++] = &unbound->entries[i];
			differ |= !do_the_same(sorted[0], sorted[count - 1]);
		}
	}
	if (count > 0 && rpz != NULL)
		import_differs(unbound->import, rpz->path, rpz->line, "rpz: what it lets through is not asked of response-ip, and "
			"its addresses come before those; in Unbound they come behind");
	if (differ)
		import_differs(unbound->import, sorted[0]->path, sorted[0]->line, "response-ip: of an answer with addresses in "
			"several networks the longest prefix decides here, the first of these addresses in Unbound");
	qsort(sorted, count, sizeof(*sorted), compare_addresses);
	for (unsigned i = 0; code == 0 && i < count; i++)
		code = put_address(unbound, sorted[i], i + 1);
	free(sorted);
	return code;
}
