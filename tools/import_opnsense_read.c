/*
 * import_opnsense_read.c: the elements below OPNsense/unboundplus of a config.xml, by libexpat.
 *
 * A document type is refused: OPNsense writes none, and entities are how a small file becomes a huge one.
 */
#include "tools/import_opnsense.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/file.h"

#define FILE_OCTETS_MAX ((size_t)64 << 20)
#define PATH_MAX_OCTETS 512
#define DEPTH_MAX 1000000u    /* beyond that; each costs memory */
#define ITEMS_MAX ((size_t)1 << 18)
#define ROOT "/opnsense/OPNsense/unboundplus"

struct item_row {
	const char *path;            /* below ROOT */
	enum opnsense_kind kind;
};

/* One policy of blocklists in `dnsbl` itself, or several since 25.7. */
static const struct item_row item_rows[] = {
	{ "/hosts/host", OPNSENSE_HOST }, { "/aliases/alias", OPNSENSE_ALIAS }, { "/acls/acl", OPNSENSE_ACL },
	{ "/dnsbl", OPNSENSE_BLOCKLIST }, { "/dnsbl/blocklist", OPNSENSE_BLOCKLIST },
};

static const struct {
	const char *name;
	enum opnsense_field field;
} field_rows[] = {
	{ "enabled", FIELD_ENABLED }, { "hostname", FIELD_HOSTNAME }, { "domain", FIELD_DOMAIN }, { "rr", FIELD_RR },
	{ "server", FIELD_SERVER }, { "mx", FIELD_MX }, { "mxprio", FIELD_MXPRIO }, { "host", FIELD_HOST },
	{ "name", FIELD_NAME }, { "action", FIELD_ACTION }, { "networks", FIELD_NETWORKS }, { "type", FIELD_TYPE },
	{ "lists", FIELD_LISTS }, { "whitelists", FIELD_ALLOWED }, { "allowlists", FIELD_ALLOWED },
	{ "blocklists", FIELD_BLOCKLISTS }, { "wildcards", FIELD_WILDCARDS }, { "source_nets", FIELD_SOURCE_NETS },
	{ "address", FIELD_ADDRESS }, { "nxdomain", FIELD_NXDOMAIN }, { "safesearch", FIELD_SAFESEARCH },
};

struct reading {
	struct opnsense *opnsense;
	XML_Parser parser;
	char path[PATH_MAX_OCTETS];   /* of the element at hand: /opnsense/... */
	unsigned beyond;              /* levels below a path that did not fit */
	size_t item;                  /* the item at hand + 1; 0: none */
	char item_path[PATH_MAX_OCTETS];
	char *text;                   /* owned: of the element at hand */
	size_t length, room;
};

static void fail(struct reading *reading, const char *why)
{
	diag_set(reading->opnsense->diag, reading->opnsense->path, (unsigned)XML_GetCurrentLineNumber(reading->parser),
		(unsigned)XML_GetCurrentColumnNumber(reading->parser) + 1, "%s", why);
	XML_StopParser(reading->parser, XML_FALSE);
}

static void begin_item(struct reading *reading, enum opnsense_kind kind, const XML_Char **attributes)
{
	struct opnsense *opnsense = reading->opnsense;
	struct opnsense_item *item;

	if (opnsense->count == opnsense->room) {
		const size_t room = opnsense->room > 0 ? opnsense->room * 2 : 64;
		struct opnsense_item *grown = room <= ITEMS_MAX ? reallocarray(opnsense->items, room, sizeof(*grown)) : NULL;

		if (grown == NULL) {
			fail(reading, "out of memory, or too many entries");
			return;
		}
		opnsense->items = grown;
		opnsense->room = room;
	}
	item = &opnsense->items[opnsense->count++];
	*item = (struct opnsense_item){ .kind = kind, .line = (unsigned)XML_GetCurrentLineNumber(reading->parser) };
	for (; *attributes != NULL && item->uuid == NULL; attributes += 2)
		if (strcmp(attributes[0], "uuid") == 0)
			item->uuid = strdup(attributes[1]);
	reading->item = opnsense->count;
	strcpy(reading->item_path, reading->path);
}

static void begin_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = arg;
	const size_t used = strlen(reading->path);

	reading->length = 0;
	if (reading->beyond > 0 || strlen(name) + 2 > sizeof(reading->path) - used) {
		if (++reading->beyond > DEPTH_MAX)
			fail(reading, "has too many elements in each other");
		return;
	}
	sprintf(reading->path + used, "/%s", name);
	if (used == 0 && strcmp(name, "opnsense") != 0)
		fail(reading, "is no config.xml of OPNsense: it does not begin with <opnsense>");
	if (strcmp(reading->path, "/opnsense/unbound/hosts") == 0 && reading->opnsense->old_line == 0)
		reading->opnsense->old_line = (unsigned)XML_GetCurrentLineNumber(reading->parser);
	if (strncmp(reading->path, ROOT, sizeof(ROOT) - 1) != 0)
		return;
	reading->opnsense->has_unbound = true;
	for (size_t i = 0; i < sizeof(item_rows) / sizeof(item_rows[0]); i++)
		if (strcmp(reading->path + sizeof(ROOT) - 1, item_rows[i].path) == 0)
			begin_item(reading, item_rows[i].kind, attributes);
}

static void take_field(struct reading *reading, const char *name)
{
	struct opnsense_item *item = &reading->opnsense->items[reading->item - 1];

	reading->text[reading->length] = '\0';
	for (size_t i = 0; i < sizeof(field_rows) / sizeof(field_rows[0]); i++) {
		char **field = &item->fields[field_rows[i].field];

		if (strcmp(field_rows[i].name, name) != 0 || *field != NULL)
			continue;
		*field = strdup(reading->text);
		if (*field == NULL)
			fail(reading, "out of memory");
	}
}

static void end_element(void *arg, const XML_Char *name)
{
	struct reading *reading = arg;
	char *slash = strrchr(reading->path, '/');

	if (reading->beyond > 0) {
		reading->beyond--;
		return;
	}
	if (strcmp(reading->path, reading->item_path) == 0)
		reading->item = 0;
	if (slash != NULL)
		*slash = '\0';
	if (reading->item > 0 && reading->length > 0 && strcmp(reading->path, reading->item_path) == 0)
		take_field(reading, name);
	reading->length = 0;
}

static void take_text(void *arg, const XML_Char *text, int octets)
{
	struct reading *reading = arg;
	const size_t more = (size_t)octets;

	if (reading->item == 0)
		return;
	if (more >= reading->room - reading->length) {
		const size_t room = (reading->length + more + 1) * 2;
		char *grown = realloc(reading->text, room);

		if (grown == NULL) {
			fail(reading, "out of memory");
			return;
		}
		reading->text = grown;
		reading->room = room;
	}
	memcpy(reading->text + reading->length, text, more);
	reading->length += more;
}

static void refuse_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public,
	int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	fail(arg, "has a document type, as no config.xml of OPNsense: not read");
}

static int parse(struct reading *reading, const struct file_text *text)
{
	struct diag *diag = reading->opnsense->diag;

	XML_SetUserData(reading->parser, reading);
	XML_SetElementHandler(reading->parser, begin_element, end_element);
	XML_SetCharacterDataHandler(reading->parser, take_text);
	XML_SetStartDoctypeDeclHandler(reading->parser, refuse_doctype);
	if (XML_Parse(reading->parser, text->octets, (int)text->length, 1) == XML_STATUS_OK)
		return 0;
	if (XML_GetErrorCode(reading->parser) != XML_ERROR_ABORTED)
		diag_set(diag, reading->opnsense->path, (unsigned)XML_GetCurrentLineNumber(reading->parser),
			(unsigned)XML_GetCurrentColumnNumber(reading->parser) + 1, "%s",
			XML_ErrorString(XML_GetErrorCode(reading->parser)));
	return -1;
}

int opnsense_read(struct opnsense *opnsense)
{
	struct reading reading = { .opnsense = opnsense, .parser = XML_ParserCreate(NULL) };
	struct file_text text;
	const char *wrong = file_load(&text, opnsense->path, FILE_OCTETS_MAX);
	int code = -1;

	if (wrong != NULL)
		diag_set(opnsense->diag, opnsense->path, 0, 0, "%s", wrong);
	else if (reading.parser == NULL)
		diag_set(opnsense->diag, opnsense->path, 0, 0, "out of memory");
	else
		code = parse(&reading, &text);
	if (wrong == NULL)
		file_release(&text);
	if (reading.parser != NULL)
		XML_ParserFree(reading.parser);
	free(reading.text);
	return code;
}
