/* seen_servers_print.c: what was seen of name servers, as a configuration with its evidence. */
#include "tools/seen_servers.h"

#define SHOWN 6u                     /* of a list inside a comment */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_texts(const json_t *array, const char *before, FILE *to)
{
	const json_t *text;
	size_t index;

	json_array_foreach(array, index, text)
		if (index < SHOWN)
			fprintf(to, "%s%s", index == 0 ? before : " ", json_string_value(text));
	if (json_array_size(array) > SHOWN)
		fprintf(to, " and %zu more", json_array_size(array) - SHOWN);
}

static void print_evidence(const json_t *item, FILE *to)
{
	const json_int_t answers = number_of(item, "answers");

	fprintf(to, "%" JSON_INTEGER_FORMAT " answer%s", answers, answers == 1 ? "" : "s");
	fprintf(to, ", %s to %s", text_of(item, "first"), text_of(item, "last"));
}

static void print_server(const json_t *server, FILE *to)
{
	fputs("\t# ", to);
	print_evidence(server, to);
	print_texts(json_object_get(server, "addresses"), "; at ", to);
	if (json_is_true(json_object_get(server, "proposed")))
		fprintf(to, "\n\tname-server: \"%s\"\n", text_of(server, "name"));
	else
		fprintf(to, "\n\t# %s:\n\t# name-server: \"%s\"\n", text_of(server, "why_not"), text_of(server, "name"));
}

static void print_network(const json_t *network, FILE *to)
{
	fputs("\t# ", to);
	print_evidence(network, to);
	if (json_is_true(json_object_get(network, "proposed")))
		fprintf(to, "\n\tnetwork: %s\n", text_of(network, "network"));
	else
		fprintf(to, "\n\t# %s:\n\t# network: %s\n", text_of(network, "why_not"), text_of(network, "network"));
}

static void print_zone(const json_t *zone, const char *action, FILE *to)
{
	const bool proposed = json_is_true(json_object_get(zone, "proposed"));
	const json_t *item;
	size_t index;

	if (json_array_size(json_object_get(zone, "servers")) + json_array_size(json_object_get(zone, "networks")) == 0) {
		fprintf(to, "\n# %s: no server was seen\n", text_of(zone, "zone"));
		return;
	}
	if (proposed)
		fprintf(to, "\napproved-name-server:\n\tzone: \"%s\"\n\taction: %s\n", text_of(zone, "zone"), action);
	else
		fprintf(to, "\n# not enough for a clause:\n# approved-name-server:\n\t# zone: \"%s\"\n", text_of(zone, "zone"));
	if (json_array_size(json_object_get(zone, "zones_below")) > 0) {
		print_texts(json_object_get(zone, "zones_below"), "\t# with the servers of ", to);
		fputc('\n', to);
	}
	json_array_foreach(json_object_get(zone, "servers"), index, item)
		print_server(item, to);
	json_array_foreach(json_object_get(zone, "networks"), index, item)
		print_network(item, to);
}

void seen_servers_print(const json_t *report, FILE *to)
{
	const json_t *zone;
	size_t index;

	fputs("# Made by `verdictctl inventory learn`, to be reviewed. ", to);
	print_evidence(report, to);
	fputs(".\n", to);
	fprintf(to, "# What was seen in fewer than %" JSON_INTEGER_FORMAT " answers is a comment.\n",
		number_of(report, "seen_min"));
	if (number_of(report, "left_out") > 0)
		fprintf(to, "# %" JSON_INTEGER_FORMAT " signs were too many and are left out: record less, or name the zones.\n",
			number_of(report, "left_out"));
	json_array_foreach(json_object_get(report, "zones"), index, zone)
		print_zone(zone, text_of(report, "action"), to);
}
