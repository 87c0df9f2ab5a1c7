/* replay_detect.c: recorded traffic as the detectors see it. */
#include "tools/replay_detect.h"

#include <stdlib.h>
#include <string.h>

#include "control/json.h"
#include "detect/detect.h"
#include "tools/counts.h"
#include "tools/term.h"

#define TOP_MAX 1000
#define LABELS_MAX 256
#define TURN_MS 60000
#define UNTIMED_MS INT64_C(946684800000)   /* the year 2000: any time that is none of the records' and not 0 */

/* What is known of the records of one label, and what was said of them. */
struct labelled {
	char label[RECORDED_LABEL_MAX];
	uint64_t records, found;             /* by any detector */
	uint64_t by[DETECTOR_COUNT];
	struct counts *zones, *zones_found;  /* distinct ones */
};

struct replay_detect {
	const struct conf *conf;
	struct detect *detect;
	int64_t now_ms, turned_ms;
	uint64_t records, said[DETECTOR_COUNT][TIER_COUNT];
	struct counts *zones, *clients;      /* about which something was said: the detector's number before */
	struct labelled *labels;
	size_t label_count;
	uint64_t labels_left_out, labels_too_long;
};

struct replay_detect *replay_detect_create(const struct conf *conf, struct diag *diag)
{
	const struct hash_key key = { 0x7665726469637400, 0x7265706c61790000 };
	const struct detection_conf *wanted = &conf->detection;
	const struct detect_sizes sizes = { wanted->zones, wanted->clients, wanted->pairs, wanted->names_octets,
		wanted->known_octets, wanted->answers_octets };
	struct replay_detect *detect = calloc(1, sizeof(*detect));

	if (detect == NULL) {
		diag_set(diag, conf->path, 0, 0, "out of memory");
		return NULL;
	}
	detect->conf = conf;
	detect->zones = counts_create();
	detect->clients = counts_create();
	detect->labels = calloc(LABELS_MAX, sizeof(*detect->labels));
	if (detect->zones == NULL || detect->clients == NULL || detect->labels == NULL)
		diag_set(diag, conf->path, 0, 0, "out of memory");
	else
		/* Of the future: the first turn makes it the time of the first record. */
		detect->detect = detect_create(&sizes, wanted->suffixes, &key, INT64_MAX, diag);
	if (detect->detect != NULL && detect_protect(detect->detect, conf->live.protected, conf->live.protected_count) != 0) {
		diag_set(diag, conf->path, 0, 0, "out of memory");
		detect_destroy(&detect->detect);
	}
	if (detect->detect == NULL)
		replay_detect_destroy(&detect);
	return detect;
}

void replay_detect_destroy(struct replay_detect **detect)
{
	if (*detect == NULL)
		return;
	for (size_t i = 0; i < (*detect)->label_count; i++) {
		counts_destroy(&(*detect)->labels[i].zones);
		counts_destroy(&(*detect)->labels[i].zones_found);
	}
	free((*detect)->labels);
	counts_destroy(&(*detect)->zones);
	counts_destroy(&(*detect)->clients);
	detect_destroy(&(*detect)->detect);
	free(*detect);
	*detect = NULL;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

/* NULL: there are too many. */
static struct labelled *label_of(struct replay_detect *detect, const char *label)
{
	struct labelled *labelled;
	size_t i = 0;

	while (i < detect->label_count && strcmp(detect->labels[i].label, label) != 0)
		i++;
	labelled = &detect->labels[i];
	if (i < detect->label_count)
		return labelled;
	if (i == LABELS_MAX)
		return NULL;
	labelled->zones = counts_create();
	labelled->zones_found = counts_create();
	if (labelled->zones == NULL || labelled->zones_found == NULL) {
		counts_destroy(&labelled->zones);
		counts_destroy(&labelled->zones_found);
		return NULL;
	}
	memcpy(labelled->label, label, sizeof(labelled->label));
	detect->label_count++;
	return labelled;
}

/* The registrable domain; of a name that has none its last label, as flags have it. */
static const uint8_t *zone_of(const struct replay_detect *detect, const struct name *qname, size_t *octets)
{
	const unsigned labels = detect_zone_labels(detect->detect, qname);
	const uint8_t *zone = name_suffix(qname, qname->labels - (labels > 0 ? labels : qname->labels > 0));

	*octets = (size_t)(qname->octets + qname->length - zone);
	return zone;
}

static void count_label(struct replay_detect *detect, const struct recorded *recorded,
	const struct detections *detections)
{
	struct labelled *labelled = label_of(detect, recorded->label);
	const uint8_t *zone;
	size_t octets;

	if (labelled == NULL) {
		detect->labels_left_out++;
		return;
	}
	zone = zone_of(detect, &recorded->qname, &octets);
	labelled->records++;
	counts_add(labelled->zones, zone, octets, 1);
	if (detections->standing == 0)
		return;
	labelled->found++;
	counts_add(labelled->zones_found, zone, octets, 1);
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		labelled->by[i] += detections->standing >> i & 1;
}

static void count(struct replay_detect *detect, const struct recorded *recorded, const struct detections *detections)
{
	uint8_t key[1 + NAME_OCTETS_MAX], client[18] = { 0, (uint8_t)recorded->client.family };
	const uint8_t *zone;
	size_t octets;

	for (size_t i = 0; i < detections->count; i++) {
		const struct detection *detection = &detections->items[i];

		detect->said[detection->detector][detection->tier]++;
		if (detection->tier == TIER_TAG)
			continue;
		zone = zone_of(detect, &recorded->qname, &octets);
		key[0] = client[0] = detection->detector;
		memcpy(key + 1, zone, octets);
		counts_add(detect->zones, key, octets + 1, 1);
		memcpy(client + 2, recorded->client.octets, 16);
		if (recorded->client.family != ADDRESS_NONE)
			counts_add(detect->clients, client, sizeof(client), 1);
	}
}

void replay_detect_judge(struct replay_detect *detect, const struct recorded *recorded, unsigned traits,
	struct detections *detections)
{
	struct facts facts = recorded_facts(recorded);
	struct behind_zone zone;
	struct sight sight = { .facts = &facts, .path = recorded->path, .traits = traits,
		.security = recorded->behind.security,
		.ordinal = recorded->numbered ? recorded->ordinal : detect->records };

	detect->records++;
	recorded_facts_behind(recorded, detect_zone_labels(detect->detect, &facts.qname), &zone, &facts);
	/* Records without a time come when the one before came. */
	if (recorded->time_ms != 0)
		detect->now_ms = recorded->time_ms;
	else if (detect->now_ms == 0)
		detect->now_ms = UNTIMED_MS;
	if (detect->now_ms - detect->turned_ms >= TURN_MS) {
		detect_turn(detect->detect, detect->now_ms);
		detect->turned_ms = detect->now_ms;
	}
	sight.now_ms = detect->now_ms;
	detect_answer(detect->detect, detect->conf->options.detectors, &sight, detections);
	count(detect, recorded, detections);
	detect->labels_too_long += recorded->label_too_long;
	if (recorded->label[0] != '\0')
		count_label(detect, recorded, detections);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

char *detections_text(const struct detections *detections, char to[DETECTIONS_TEXT_MAX])
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; i < detections->count && used < DETECTIONS_TEXT_MAX; i++) {
		const struct detection *detection = &detections->items[i];

		used += (size_t)snprintf(to + used, DETECTIONS_TEXT_MAX - used, "%s%s %s %u/%u", i > 0 ? "; " : "",
			detector_table[detection->detector].name, tier_names[detection->tier], detection->value,
			detection->threshold);
		for (unsigned j = 0; j < detection->feature_count && used < DETECTIONS_TEXT_MAX; j++)
			used += (size_t)snprintf(to + used, DETECTIONS_TEXT_MAX - used, " %s=%u", feature_names[detection->features[j].name],
				detection->features[j].value);
	}
	return to;
}

static json_t *said_json(const struct replay_detect *detect)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		for (unsigned tier = 0; tier < TIER_COUNT; tier++) {
			json_t *object;

			if (detect->said[i][tier] == 0)
				continue;
			object = json_object();
			json_set_text(object, "detector", detector_table[i].name);
			json_set_text(object, "tier", tier_names[tier]);
			json_set_text(object, "attack", detector_table[i].attack);
			json_set_number(object, "count", detect->said[i][tier]);
			json_array_append_new(array, object);
		}
	return array;
}

static json_t *zones_json(struct counts *counts, size_t top)
{
	struct counted tops[TOP_MAX];
	const size_t used = counts_top(counts, tops, top < TOP_MAX ? top : TOP_MAX);
	json_t *array = json_array();
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < used; i++) {
		json_t *object = json_object();

		json_set_text(object, "detector", detector_table[tops[i].key[0]].name);
		json_set_text(object, "zone", name_wire_to_text(tops[i].key + 1, tops[i].octets - 1, text));
		json_set_number(object, "count", tops[i].count);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *labels_json(const struct replay_detect *detect)
{
	json_t *array = json_array();

	for (size_t i = 0; i < detect->label_count; i++) {
		const struct labelled *labelled = &detect->labels[i];
		json_t *object = json_object(), *by = json_object();
		char safe[4 * RECORDED_LABEL_MAX];

		term_escape(safe, sizeof(safe), labelled->label, strlen(labelled->label));
		json_set_text(object, "label", safe);
		json_set_number(object, "records", labelled->records);
		json_set_number(object, "records_detected", labelled->found);
		json_set_number(object, "zones", counts_distinct(labelled->zones));
		json_set_number(object, "zones_detected", counts_distinct(labelled->zones_found));
		for (unsigned detector = 0; detector < DETECTOR_COUNT; detector++)
			if (labelled->by[detector] > 0)
				json_set_number(by, detector_table[detector].name, labelled->by[detector]);
		json_object_set_new(object, "by_detector", by);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *replay_detect_report(struct replay_detect *detect, size_t top)
{
	json_t *report = json_object();

	json_object_set_new(report, "said", said_json(detect));
	json_object_set_new(report, "zones", zones_json(detect->zones, top));
	json_set_number(report, "zones_detected", counts_distinct(detect->zones));
	json_set_number(report, "clients_detected", counts_distinct(detect->clients));
	json_object_set_new(report, "labels", labels_json(detect));
	json_set_number(report, "labels_left_out", detect->labels_left_out);
	json_set_number(report, "labels_too_long", detect->labels_too_long);
	return report;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_label(const json_t *row, FILE *to)
{
	json_t *by = json_object_get(row, "by_detector"), *count;
	const char *detector, *before = ": ";

	fprintf(to, "%12" JSON_INTEGER_FORMAT " of %-10" JSON_INTEGER_FORMAT " %12" JSON_INTEGER_FORMAT " of %-10"
		JSON_INTEGER_FORMAT "  %s", number_of(row, "records_detected"), number_of(row, "records"),
		number_of(row, "zones_detected"), number_of(row, "zones"), text_of(row, "label"));
	json_object_foreach(by, detector, count) {
		fprintf(to, "%s%s %" JSON_INTEGER_FORMAT, before, detector, json_integer_value(count));
		before = ", ";
	}
	fputc('\n', to);
}

void replay_detect_print(const json_t *report, FILE *to)
{
	const json_t *row;
	size_t index;

	json_array_foreach(json_object_get(report, "said"), index, row)
		fprintf(to, "%s%12" JSON_INTEGER_FORMAT "  %s: %s%s%s\n", index == 0 ? "\ndetections\n" : "",
			number_of(row, "count"), text_of(row, "detector"), text_of(row, "tier"),
			*text_of(row, "attack") != '\0' ? ", " : "", text_of(row, "attack"));
	json_array_foreach(json_object_get(report, "zones"), index, row)
		fprintf(to, "%s%12" JSON_INTEGER_FORMAT "  %s: %s\n", index == 0 ? "\nzones that detections are about\n" : "",
			number_of(row, "count"), text_of(row, "zone"), text_of(row, "detector"));
	json_array_foreach(json_object_get(report, "labels"), index, row) {
		if (index == 0)
			fputs("\n     records detected            zones detected  label: records by detector\n", to);
		print_label(row, to);
	}
	if (number_of(report, "labels_left_out") > 0)
		fprintf(to, "%12" JSON_INTEGER_FORMAT "  of further labels, not counted each\n",
			number_of(report, "labels_left_out"));
	if (number_of(report, "labels_too_long") > 0)
		fprintf(to, "%12" JSON_INTEGER_FORMAT "  whose label has more than %d octets, not counted\n",
			number_of(report, "labels_too_long"), RECORDED_LABEL_MAX - 1);
}
