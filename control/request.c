/* request.c: the tables of commands and members, and one line read by them. */
#include "control/request.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/nearest.h"
#include "control/override_store.h"
#include "control/quote.h"
#include "policy/address.h"
#include "policy/rrtype.h"

#define SAFE_MAX 96    /* of a client's word in an error */

const struct request_row request_commands[REQUEST_COUNT] = {
	[REQUEST_STATUS] = { "status", false, PLACE_SERVER, 0, 0 },
	[REQUEST_STATS] = { "stats", false, PLACE_SERVER, 0, 0 },
	[REQUEST_METRICS] = { "metrics", false, PLACE_SERVER, 0, 0 },
	[REQUEST_OVERRIDES] = { "overrides", false, PLACE_SERVER, 0, 0 },
	[REQUEST_EXPLAIN] = { "explain", false, PLACE_LOOKS, 0,
		MEMBER_NAME | MEMBER_TYPE | MEMBER_CLIENT | MEMBER_INTERFACE },
	[REQUEST_RECENT] = { "recent", false, PLACE_LOOKS, 0, 0 },
	[REQUEST_FLAGGED] = { "flagged", false, PLACE_SERVER, 0, 0 },
	[REQUEST_RELOAD] = { "reload", true, PLACE_LOADS, 0, MEMBER_FORCE | MEMBER_TO | MEMBER_PREVIOUS | MEMBER_AS },
	[REQUEST_ALLOW] = { "allow", true, PLACE_CHANGES, MEMBER_NAME | MEMBER_SECONDS | MEMBER_WHY,
		MEMBER_CLIENT | MEMBER_AS },
	[REQUEST_DENY] = { "deny", true, PLACE_CHANGES, MEMBER_NAME | MEMBER_SECONDS | MEMBER_WHY,
		MEMBER_CLIENT | MEMBER_AS },
	[REQUEST_REVOKE] = { "revoke", true, PLACE_CHANGES, 0, MEMBER_ID | MEMBER_NAME | MEMBER_WHY | MEMBER_AS },
	[REQUEST_FLUSH] = { "flush", true, PLACE_CHANGES, MEMBER_NAME, MEMBER_BELOW | MEMBER_AS },
	[REQUEST_LOG_REOPEN] = { "log-reopen", true, PLACE_SERVER, 0, MEMBER_AS },
};

static int complain(char *wrong, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(char *wrong, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(wrong, REQUEST_WRONG_MAX, format, args);
	va_end(args);
	return -1;
}

/* --- values ------------------------------------------------------------------------------------------------ */

bool request_network(struct network *network, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN + 1];
	size_t octets = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct address masked;
	unsigned long bits;
	char *end;

	memset(network, 0, sizeof(*network));
	if (octets >= sizeof(address))
		return false;
	memcpy(address, text, octets);
	address[octets] = '\0';
	network->address.family = strchr(address, ':') != NULL ? ADDRESS_INET6 : ADDRESS_INET;
	if (inet_pton(network->address.family == ADDRESS_INET ? AF_INET : AF_INET6, address,
			network->address.octets) != 1)
		return false;
	network->prefix_length = (uint8_t)address_bits(network->address.family);
	if (slash == NULL)
		return true;
	if (slash[1] < '0' || slash[1] > '9' || strlen(slash + 1) > 3)
		return false;
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || bits > network->prefix_length)
		return false;
	network->prefix_length = (uint8_t)bits;
	masked = network->address;
	address_mask(&masked, network->prefix_length);
	return address_compare(&masked, &network->address) == 0;
}

bool request_interface(struct address *interface, const char *text)
{
	const size_t length = strcspn(text, "@");
	const char *digits = text[length] == '@' ? text + length + 1 : "53";
	char address[INET6_ADDRSTRLEN];
	unsigned long port;

	memset(interface, 0, sizeof(*interface));
	if (length >= sizeof(address) || *digits == '\0' || strlen(digits) > 5 ||
	    digits[strspn(digits, "0123456789")] != '\0')
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	port = strtoul(digits, NULL, 10);
	if (port == 0 || port > UINT16_MAX)
		return false;
	interface->port = (uint16_t)port;
	interface->family = strchr(address, ':') != NULL ? ADDRESS_INET6 : ADDRESS_INET;
	return inet_pton(interface->family == ADDRESS_INET ? AF_INET : AF_INET6, address, interface->octets) == 1;
}

static int take_name(struct request *request, const char *text, size_t octets, char *wrong)
{
	const char *why = name_from_text(&request->name, text, octets);
	char safe[SAFE_MAX];

	if (why == NULL && request->name.labels > 0)
		return 0;
	quote_escape(safe, sizeof(safe), text, octets);
	return complain(wrong, "name: '%s' is no domain name: %s", safe, why != NULL ? why : "it is the root");
}

static int take_type(struct request *request, const char *text, size_t octets, char *wrong)
{
	char safe[SAFE_MAX];

	if (rrtype_from_text(&request->type, text, octets) && request->type != 0)
		return 0;
	quote_escape(safe, sizeof(safe), text, octets);
	return complain(wrong, "type: there is no record type '%s'; try A, AAAA, HTTPS, TXT or TYPE65", safe);
}

static int take_client(struct request *request, const char *text, size_t octets, char *wrong)
{
	char safe[SAFE_MAX];

	if (request_network(&request->client, text))
		return 0;
	quote_escape(safe, sizeof(safe), text, octets);
	return complain(wrong, "client: '%s' is no address or network, such as 192.0.2.7 or 2001:db8::/32 (with no bit "
		"set behind the prefix)", safe);
}

static int take_interface(struct request *request, const char *text, size_t octets, char *wrong)
{
	char safe[SAFE_MAX];

	if (request_interface(&request->interface, text))
		return 0;
	quote_escape(safe, sizeof(safe), text, octets);
	return complain(wrong, "interface: '%s' is no address and perhaps a port, such as 192.0.2.53@853", safe);
}

static int take_why(struct request *request, const char *text, size_t octets, char *wrong)
{
	if (octets == 0 || text[strspn(text, " \t\r\n")] == '\0')
		return complain(wrong, "why: say in a few words why, for the audit log");
	if (octets >= sizeof(request->why))
		return complain(wrong, "why: %zu octets; at most %zu are kept", octets, sizeof(request->why) - 1);
	memcpy(request->why, text, octets + 1);
	return 0;
}

static int take_as(struct request *request, const char *text, size_t octets, char *wrong)
{
	if (octets == 0 || octets >= sizeof(request->as))
		return complain(wrong, "as: a user's name of 1 to %zu octets", sizeof(request->as) - 1);
	memcpy(request->as, text, octets + 1);
	return 0;
}

/* --- members ----------------------------------------------------------------------------------------------- */

struct member_row {
	const char *name;
	enum request_member bit;
	json_type type;            /* JSON_TRUE: a flag */
	/* texts */
	int (*take)(struct request *request, const char *text, size_t octets, char *wrong);
	/* numbers and flags */
	size_t offset, size;
	json_int_t min, max;
};

#define FIELD(field) offsetof(struct request, field), sizeof(((struct request *)0)->field)

static const struct member_row members[] = {
	{ "name", MEMBER_NAME, JSON_STRING, take_name, 0, 0, 0, 0 },
	{ "type", MEMBER_TYPE, JSON_STRING, take_type, 0, 0, 0, 0 },
	{ "client", MEMBER_CLIENT, JSON_STRING, take_client, 0, 0, 0, 0 },
	{ "interface", MEMBER_INTERFACE, JSON_STRING, take_interface, 0, 0, 0, 0 },
	{ "why", MEMBER_WHY, JSON_STRING, take_why, 0, 0, 0, 0 },
	{ "as", MEMBER_AS, JSON_STRING, take_as, 0, 0, 0, 0 },
	{ "seconds", MEMBER_SECONDS, JSON_INTEGER, NULL, FIELD(seconds), 1, OVERRIDE_SECONDS_MAX },
	{ "id", MEMBER_ID, JSON_INTEGER, NULL, FIELD(id), 1, INT64_MAX },
	{ "to", MEMBER_TO, JSON_INTEGER, NULL, FIELD(to), 1, INT64_MAX },
	{ "previous", MEMBER_PREVIOUS, JSON_TRUE, NULL, FIELD(previous), 0, 1 },
	{ "force", MEMBER_FORCE, JSON_TRUE, NULL, FIELD(force), 0, 1 },
	{ "below", MEMBER_BELOW, JSON_TRUE, NULL, FIELD(below), 0, 1 },
};
#define MEMBER_ROWS (sizeof(members) / sizeof(members[0]))

static int take_number(struct request *request, const struct member_row *row, json_int_t value, char *wrong)
{
	uint8_t *to = (uint8_t *)request + row->offset;

	if (value < row->min || value > row->max)
		return complain(wrong, "%s: %lld is not in %lld to %lld", row->name, (long long)value, (long long)row->min,
			(long long)row->max);
	if (row->size == sizeof(uint64_t))
		memcpy(to, &(uint64_t){ (uint64_t)value }, sizeof(uint64_t));
	else if (row->size == sizeof(uint32_t))
		memcpy(to, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
	else
		memcpy(to, &(bool){ value != 0 }, sizeof(bool));
	return 0;
}

static int take_member(struct request *request, const struct member_row *row, const json_t *value, char *wrong)
{
	if (row->type == JSON_TRUE && json_is_boolean(value))
		return take_number(request, row, json_is_true(value), wrong);
	if (row->type == JSON_STRING && json_is_string(value))
		return row->take(request, json_string_value(value), json_string_length(value), wrong);
	if (row->type == JSON_INTEGER && json_is_integer(value))
		return take_number(request, row, json_integer_value(value), wrong);
	return complain(wrong, "%s: it is to be a %s", row->name, row->type == JSON_STRING ? "text" :
		row->type == JSON_INTEGER ? "whole number" : "true or false");
}

static const struct member_row *find_member(const struct request_row *command, const char *name)
{
	for (size_t i = 0; i < MEMBER_ROWS; i++)
		if (strcmp(members[i].name, name) == 0 && (members[i].bit & (command->needed | command->allowed)) != 0)
			return &members[i];
	return NULL;
}

static int unknown_member(const struct request_row *command, const char *name, char *wrong)
{
	char safe[SAFE_MAX];

	quote_escape(safe, sizeof(safe), name, strlen(name));
	return complain(wrong, "%s: it takes no member '%s'", command->name, safe);
}

static int check_needed(const struct request *request, const struct request_row *command, char *wrong)
{
	const unsigned missing = command->needed & ~request->given;
	const unsigned by_id = request->given & MEMBER_ID, by_name = request->given & MEMBER_NAME;

	for (size_t i = 0; i < MEMBER_ROWS; i++)
		if ((members[i].bit & missing) != 0)
			return complain(wrong, "%s: '%s' is missing", command->name, members[i].name);
	if (request->command == REQUEST_REVOKE && (by_id != 0) == (by_name != 0))
		return complain(wrong, "revoke: give either 'id' or 'name'");
	if (request->command == REQUEST_EXPLAIN && by_name == 0 && request->given != MEMBER_CLIENT)
		return complain(wrong, "explain: give 'name', or 'client' alone");
	/* Clients of one network can be in several groups. */
	if (request->command == REQUEST_EXPLAIN && (request->given & MEMBER_CLIENT) != 0 &&
	    request->client.prefix_length != address_bits(request->client.address.family))
		return complain(wrong, "explain: client: give an address, not a network");
	if ((request->given & MEMBER_INTERFACE) != 0 && (request->given & MEMBER_CLIENT) == 0)
		return complain(wrong, "explain: 'interface' goes with 'client'");
	if ((request->given & MEMBER_TO) != 0 && request->previous)
		return complain(wrong, "reload: give either 'to' or 'previous'");
	return 0;
}

static int take_members(struct request *request, json_t *object, char *wrong)
{
	const struct request_row *command = &request_commands[request->command];
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		const struct member_row *row;

		if (strcmp(name, "command") == 0)
			continue;
		row = find_member(command, name);
		if (row == NULL)
			return unknown_member(command, name, wrong);
		if (take_member(request, row, value, wrong) != 0)
			return -1;
		request->given |= row->bit;
	}
	return check_needed(request, command, wrong);
}

/* --- the line ---------------------------------------------------------------------------------------------- */

static int take_command(struct request *request, const json_t *value, char *wrong)
{
	const char *name = json_string_value(value), *nearest = NULL;
	unsigned best = NEAREST_FAR;
	char safe[SAFE_MAX];

	if (name == NULL)
		return complain(wrong, "a request needs a text 'command', such as \"status\"");
	for (int i = 0; i < REQUEST_COUNT; i++) {
		if (strcmp(request_commands[i].name, name) == 0) {
			request->command = (enum request_command)i;
			return 0;
		}
		if (nearest_is(name, request_commands[i].name, &best))
			nearest = request_commands[i].name;
	}
	quote_escape(safe, sizeof(safe), name, strlen(name));
	return complain(wrong, "there is no command '%s'%s%s%s", safe, nearest != NULL ? "; did you mean '" : "",
		nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

int request_parse(struct request *request, const char *line, size_t octets, char *wrong)
{
	json_error_t error;
	json_t *object = json_loadb(line, octets, JSON_REJECT_DUPLICATES, &error);
	char safe[SAFE_MAX];
	int result;

	memset(request, 0, sizeof(*request));
	if (object == NULL) {
		quote_escape(safe, sizeof(safe), error.text, strlen(error.text));
		return complain(wrong, "no JSON: %s at octet %d", safe, error.position);
	}
	if (json_is_object(object))
		result = take_command(request, json_object_get(object, "command"), wrong);
	else
		result = complain(wrong, "a request is a JSON object, {\"command\": ...}");
	if (result == 0)
		result = take_members(request, object, wrong);
	json_decref(object);
	return result;
}
