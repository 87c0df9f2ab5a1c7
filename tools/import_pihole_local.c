/* import_pihole_local.c: the names that a Pi-hole itself has addresses for, as one list of local data. */
#include "tools/import_pihole.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/name.h"

/* A record of the name with the address of the host row; false: they are none. */
static bool put_address(const char *owner, const char *address, FILE *to)
{
	char text[NAME_TEXT_MAX];
	uint8_t octets[16];
	struct name name;
	const bool four = inet_pton(AF_INET, address, octets) == 1;

	if (name_from_text(&name, owner, strlen(owner)) != NULL || name.labels == 0 ||
	    (!four && inet_pton(AF_INET6, address, octets) != 1))
		return false;
	fprintf(to, "%s %s %s\n", name_to_text(&name, text), four ? "A" : "AAAA", address);
	return true;
}

static unsigned put_host(struct pihole *pihole, const struct pihole_row *row, FILE *to)
{
	if (put_address(row->text, row->more, to))
		return 1;
	import_lost(pihole->import, row->file, row->line, "local name %.100s %.100s", row->more, row->text);
	return 0;
}

/* An alias has the addresses of its target at once: whoever is asked need not look further. */
static unsigned put_alias(struct pihole *pihole, const struct pihole_row *alias, FILE *to)
{
	unsigned found = 0;

	for (size_t i = 0; i < pihole->row_count; i++)
		if (pihole->rows[i].kind == PIHOLE_HOST && strcasecmp(pihole->rows[i].text, alias->more) == 0)
			found += put_address(alias->text, pihole->rows[i].more, to);
	if (found == 0)
		import_lost(pihole->import, alias->file, alias->line, "alias %.100s of %.100s, which is no local name here",
			alias->text, alias->more);
	return found;
}

int pihole_put_local_names(struct pihole *pihole)
{
	static const char head[] = "$ORIGIN local-names.\n$TTL 300\n@ SOA localhost. root.localhost. 1 3600 600 86400 300\n"
		"@ NS localhost.\n";
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	unsigned hosts = 0;
	int code = 0;

	if (to == NULL)
		return diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
	fputs(head, to);
	for (size_t i = 0; i < pihole->row_count; i++)
		if (pihole->rows[i].kind == PIHOLE_HOST)
			hosts += put_host(pihole, &pihole->rows[i], to);
		else if (pihole->rows[i].kind == PIHOLE_ALIAS)
			hosts += put_alias(pihole, &pihole->rows[i], to);
	if (fclose(to) != 0)
		code = diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
	else if (hosts > 0)
		code = import_put_list(pihole->import, "local-names", "rpz", text, length, false, pihole->diag);
	free(text);
	if (code != 1)
		return code;
	import_option(pihole->import, "qtype", "A AAAA");
	import_lost(pihole->import, pihole->path, 0,
		"addresses of local names to names (%u): local-data-ptr: of Unbound", hosts);
	return 0;
}
