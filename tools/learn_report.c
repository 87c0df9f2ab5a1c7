/* learn_report.c: what was learned, as JSON. */
#include "tools/learn_parts.h"

#include <arpa/inet.h>
#include <string.h>

#include "control/json.h"
#include "policy/address.h"

static void put_times(json_t *object, int64_t first_ms, int64_t last_ms)
{
	char text[EVIDENCE_TIME_MAX];

	json_set_text(object, "first", evidence_time(first_ms, text));
	json_set_text(object, "last", evidence_time(last_ms, text));
}

static void put_verdict(json_t *object, const char *why_not)
{
	json_set_flag(object, "proposed", why_not == NULL);
	if (why_not != NULL)
		json_set_text(object, "why_not", why_not);
}

static const char *client_text(const uint8_t *key, char to[INET6_ADDRSTRLEN + 4])
{
	struct address client = { .family = (enum address_family)key[0] };

	memcpy(client.octets, key + 1, sizeof(client.octets));
	inet_ntop(client.family == ADDRESS_INET ? AF_INET : AF_INET6, client.octets, to, INET6_ADDRSTRLEN);
	return address_client(&client) == 64 ? strcat(to, "/64") : to;
}

/* The most of each feature, of items that begin with `key` and a detector. */
static json_t *features_json(struct evidence *features, const uint8_t *key, size_t octets)
{
	size_t count;
	const struct evidence_item *items = evidence_range(features, key, octets, &count);
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_set_number(object, feature_names[items[i].key[octets]], items[i].most);
	return object;
}

/* What detectors said of one zone or client: `octets` of it begin each key. */
static json_t *said_json(struct learn *learn, struct evidence *said, struct evidence *features, const uint8_t *subject,
	size_t octets, bool blames)
{
	size_t count, clients;
	const struct evidence_item *items = evidence_range(said, subject, octets, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		json_set_text(object, "detector", detector_table[items[i].key[octets]].name);
		json_set_text(object, "tier", tier_names[items[i].key[octets + 1]]);
		json_set_number(object, "answers", items[i].count);
		json_set_number(object, "value", items[i].most);
		put_times(object, items[i].first_ms, items[i].last_ms);
		if (blames) {
			evidence_range(learn->blame, items[i].key, octets + 1, &clients);
			json_set_number(object, "clients", clients);
		}
		json_object_set_new(object, "features", features_json(features, items[i].key, octets + 1));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *zones_json(struct learn *learn)
{
	json_t *array = json_array();
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < learn->zone_count; i++) {
		const struct learn_zone *zone = &learn->zones[i];
		json_t *object = json_object();
		size_t asking;

		evidence_range(learn->pairs, zone->name.octets, zone->name.length, &asking);
		json_set_text(object, "zone", name_to_text(&zone->name, text));
		json_set_number(object, "clients", asking);
		json_set_number(object, "witnesses", zone->clients);
		json_set_number(object, "days", zone->days);
		put_verdict(object, zone->why_not);
		json_object_set_new(object, "said", said_json(learn, learn->said, learn->features, zone->name.octets,
			zone->name.length, true));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *clients_json(struct learn *learn)
{
	size_t count;
	const struct evidence_item *said = evidence_sorted(learn->client_said, &count);
	const uint8_t *last = NULL;
	json_t *array = json_array();
	char text[INET6_ADDRSTRLEN + 4];

	for (size_t i = 0; i < count; i++) {
		json_t *object;

		if (last != NULL && memcmp(last, said[i].key, LEARN_CLIENT_OCTETS) == 0)
			continue;
		last = said[i].key;
		object = json_object();
		json_set_text(object, "client", client_text(last, text));
		json_object_set_new(object, "said", said_json(learn, learn->client_said, learn->client_features, last,
			LEARN_CLIENT_OCTETS, false));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *thresholds_json(const struct learn *learn)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < learn_row_count; i++) {
		const struct learn_threshold *from = &learn->thresholds[i];
		const struct detector_info *info = &detector_table[learn_rows[i].detector];
		json_t *object = json_object();

		json_set_text(object, "detector", info->name);
		json_set_text(object, "option", info->options[learn_rows[i].option].name);
		json_set_text(object, "of", learn_rows[i].about_client ? "clients" : "zones");
		json_set_number(object, "was", from->was);
		json_set_number(object, "value", from->proposed);
		json_set_number(object, "measured", from->subjects);
		json_set_number(object, "highest", from->most_left);
		json_set_number(object, "common", from->common);
		json_set_number(object, "median", from->median);
		json_set_number(object, "p99", from->p99);
		json_set_number(object, "p999", from->p999);
		put_verdict(object, from->why_not);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *alarms_json(struct evidence *alarms)
{
	size_t count;
	const struct evidence_item *items = evidence_sorted(alarms, &count);
	json_t *array = json_array();
	char text[NAME_TEXT_MAX], client[INET6_ADDRSTRLEN + 4];

	for (size_t i = 0; i < count; i++) {
		const bool about_client = items[i].key[0] == 'c';
		json_t *object = json_object();

		json_set_text(object, about_client ? "client" : "zone", about_client ? client_text(items[i].key + 1, client) :
			name_wire_to_text(items[i].key + 1, items[i].octets - 2, text));
		json_set_text(object, "detector", detector_table[items[i].key[items[i].octets - 1]].name);
		json_set_number(object, "calls", items[i].count);
		json_array_append_new(array, object);
	}
	return array;
}

static uint64_t left_out(struct learn *learn)
{
	return evidence_left_out(learn->said) + evidence_left_out(learn->blame) + evidence_left_out(learn->pairs) +
		evidence_left_out(learn->zone_days) + evidence_left_out(learn->listed) + evidence_left_out(learn->peaks);
}

json_t *learn_report(struct learn *learn)
{
	json_t *report = json_object();
	size_t days, clients;

	if (report == NULL)
		return NULL;
	evidence_sorted(learn->days, &days);
	evidence_sorted(learn->clients, &clients);
	json_set_number(report, "records", learn->records);
	put_times(report, learn->first_ms, learn->last_ms);
	json_set_number(report, "days", learn->last_ms > 0 ? days : 0);
	json_set_number(report, "days_wanted", learn->options.days);
	json_set_flag(report, "too_short", learn->is_short);
	json_set_number(report, "clients", clients);
	json_set_number(report, "clients_wanted", learn->options.clients);
	json_set_number(report, "left_out", left_out(learn));
	json_object_set_new(report, "alarms", alarms_json(learn->alarms));
	if (learn->again)
		json_object_set_new(report, "alarms_left", alarms_json(learn->left));
	json_object_set_new(report, "zones", zones_json(learn));
	json_object_set_new(report, "clients_said", clients_json(learn));
	json_object_set_new(report, "thresholds", thresholds_json(learn));
	return report;
}
