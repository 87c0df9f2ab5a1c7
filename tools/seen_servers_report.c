/* seen_servers_report.c: what was seen of each wanted zone, and what of it makes a clause. */
#include "tools/seen_servers_parts.h"

#include "control/json.h"
#include "policy/conf.h"

static void put_evidence(json_t *object, const struct evidence_item *item)
{
	char text[EVIDENCE_TIME_MAX];

	json_set_number(object, "answers", item->count);
	json_set_text(object, "first", evidence_time(item->first_ms, text));
	json_set_text(object, "last", evidence_time(item->last_ms, text));
}

static void put_verdict(json_t *object, const char *why_not)
{
	json_set_flag(object, "proposed", why_not == NULL);
	if (why_not != NULL)
		json_set_text(object, "why_not", why_not);
}

/* NULL: it can be proposed. */
static const char *wrong_with(const struct seen_servers *seen, const struct evidence_item *item, size_t proposed)
{
	if (item->count < seen->options.seen_min)
		return item->count == 1 ? "seen once" : "seen too few times";
	return proposed >= CONF_SERVERS_MAX ? "one too many for a clause" : NULL;
}

static const char *network_text(const struct seen_servers *seen, const uint8_t *key, char *to, size_t cap)
{
	const bool inet = key[0] == ADDRESS_INET;
	const unsigned bits = inet ? seen->options.prefix_ipv4 : seen->options.prefix_ipv6;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(inet ? AF_INET : AF_INET6, key + 1, text, sizeof(text));
	snprintf(to, cap, bits < (inet ? 32u : 128u) ? "%s/%u" : "%s", text, bits);
	return to;
}

/* How often the network of a zone was seen, whoever had it. */
static uint64_t count_place(struct seen_servers *seen, const uint8_t *zone, const uint8_t *network)
{
	struct key key = { 0 };
	size_t count;
	const struct evidence_item *place;

	put(&key, zone, NUMBER_OCTETS);
	put(&key, network, network[0] == ADDRESS_INET ? 5 : ADDRESS_OCTETS);
	place = evidence_range(seen->places, key.at, key.octets, &count);
	return place != NULL ? place->count : 0;
}

/* Networks of a server, as texts; *enough: one of them was seen often enough. */
static json_t *networks_of(struct seen_servers *seen, const struct evidence_item *server, bool *enough)
{
	size_t count;
	const struct evidence_item *both = evidence_range(seen->both, server->key, server->octets, &count);
	json_t *array = json_array();
	char text[64];

	*enough = false;
	for (size_t i = 0; i < count; i++) {
		*enough |= count_place(seen, server->key, both[i].key + server->octets) >= seen->options.seen_min;
		json_array_append_new(array, json_string(network_text(seen, both[i].key + server->octets, text, sizeof(text))));
	}
	return array;
}

/* *placed: every proposed server has an address that was seen often enough. */
static json_t *servers_json(struct seen_servers *seen, size_t number, size_t *proposed, bool *placed)
{
	const struct key zone = key_of(number);
	size_t count;
	const struct evidence_item *servers = evidence_range(seen->servers, zone.at, zone.octets, &count);
	json_t *array = json_array();
	char text[NAME_TEXT_MAX];

	*placed = true;
	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();
		const char *wrong = wrong_with(seen, &servers[i], *proposed);
		bool enough;

		json_set_text(object, "name", name_wire_to_text(servers[i].key + NUMBER_OCTETS,
			servers[i].octets - NUMBER_OCTETS, text));
		put_evidence(object, &servers[i]);
		json_object_set_new(object, "addresses", networks_of(seen, &servers[i], &enough));
		put_verdict(object, wrong);
		*proposed += wrong == NULL;
		*placed &= enough || wrong != NULL;
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *places_json(struct seen_servers *seen, size_t number, bool placed, size_t *proposed)
{
	const struct key zone = key_of(number);
	size_t count;
	const struct evidence_item *places = evidence_range(seen->places, zone.at, zone.octets, &count);
	json_t *array = json_array();
	char text[64];

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();
		const char *wrong = placed ? wrong_with(seen, &places[i], *proposed) :
			"not every server's address is known";

		json_set_text(object, "network", network_text(seen, places[i].key + NUMBER_OCTETS, text, sizeof(text)));
		put_evidence(object, &places[i]);
		put_verdict(object, wrong);
		*proposed += wrong == NULL;
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *below_json(struct seen_servers *seen, size_t number)
{
	const struct key zone = key_of(number);
	size_t count;
	const struct evidence_item *below = evidence_range(seen->below, zone.at, zone.octets, &count);
	json_t *array = json_array();
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(name_wire_to_text(below[i].key + NUMBER_OCTETS,
			below[i].octets - NUMBER_OCTETS, text)));
	return array;
}

static json_t *zone_json(struct seen_servers *seen, size_t number)
{
	json_t *object = json_object();
	size_t servers = 0, places = 0;
	char text[NAME_TEXT_MAX];
	bool placed;

	json_set_text(object, "zone", name_to_text(&seen->zones[number], text));
	json_object_set_new(object, "zones_below", below_json(seen, number));
	json_object_set_new(object, "servers", servers_json(seen, number, &servers, &placed));
	json_object_set_new(object, "networks", places_json(seen, number, placed, &places));
	json_set_flag(object, "proposed", servers + places > 0);
	return object;
}

json_t *seen_servers_report(struct seen_servers *seen)
{
	json_t *report = json_object(), *zones = json_array();
	char text[EVIDENCE_TIME_MAX];

	if (seen_servers_gather(seen) != 0) {
		json_decref(zones);
		json_decref(report);
		return NULL;
	}
	for (size_t i = 0; i < seen->zone_count; i++)
		json_array_append_new(zones, zone_json(seen, i));
	json_set_number(report, "answers", seen->answers);
	json_set_text(report, "first", evidence_time(seen->first_ms, text));
	json_set_text(report, "last", evidence_time(seen->last_ms, text));
	json_set_number(report, "seen_min", seen->options.seen_min);
	json_set_text(report, "action", action_table[seen->options.action].name);
	json_set_number(report, "left_out", evidence_left_out(seen->names) + evidence_left_out(seen->pairs) +
		evidence_left_out(seen->hosts));
	json_object_set_new(report, "zones", zones);
	return report;
}
