/*
 * event_read.c: the flat form of an event, read back and checked.
 */
#include "dnstap/event_read.h"

#include <string.h>

#include "dnstap/event_form.h"
#include "dnstap/wire.h"

#define NSEC_PER_SEC 1000000000u
#define COUNT_MAX (((uint64_t)1 << 53) - 1)   /* readers of JSON keep integers exact up to here */

/* The most octets of each part. */
static const uint16_t part_limits[PART_COUNT] = {
	[PART_LIST] = LIST_NAME_MAX,
	[PART_RULE] = NAME_TEXT_MAX + 2,
	[PART_CATEGORY] = CATEGORY_MAX,
	[PART_ATTACK] = ATTACK_MAX,
	[PART_SHADOW_LIST] = LIST_NAME_MAX,
	[PART_SHADOW_RULE] = NAME_TEXT_MAX + 2,
	[PART_SHADOW_CATEGORY] = CATEGORY_MAX,
	[PART_SHADOW_ATTACK] = ATTACK_MAX,
	[PART_VALUE] = NAME_OCTETS_MAX,
	[PART_QUERY] = WIRE_QUERY_MAX,
	[PART_RESPONSE] = WIRE_RESPONSE_MAX,
	[PART_GROUP] = LIST_NAME_MAX,
	[PART_DETECTIONS] = DETECTIONS_MAX * sizeof(struct event_form_detection),
	[PART_SERVERS] = BEHIND_OCTETS_MAX,
};

static bool numbers_are_sane(const struct event_form *form)
{
	return form->magic == EVENT_FORM_MAGIC
		&& (form->version == EVENT_FORM_VERSION || form->version == EVENT_FORM_VERSION_2)
		&& form->security < SECURITY_COUNT && form->has_servers <= 1 && form->unsent <= 1
		&& form->path < PATH_COUNT && form->transport <= TRANSPORT_DOQ && form->action < ACTION_COUNT
		&& form->privacy < PRIVACY_COUNT
		&& form->rule.trigger < TRIGGER_COUNT && form->rule.action < ACTION_COUNT
		&& form->shadow.trigger < TRIGGER_COUNT && form->shadow.action < ACTION_COUNT
		&& form->query_nsec < NSEC_PER_SEC && form->response_nsec < NSEC_PER_SEC
		&& form->query_sec >= 0 && form->response_sec >= 0 && form->boot >> 48 == 0
		&& form->counter <= COUNT_MAX && form->dropped <= COUNT_MAX && form->left_out <= COUNT_MAX
		&& form->ede >= EDE_NONE;
}

static bool family_is_sane(unsigned family)
{
	return family == ADDRESS_NONE || family == ADDRESS_INET || family == ADDRESS_INET6;
}

/* Finds the parts; false when they do not fill the `octets` after the form exactly. */
static bool find_parts(const struct event_form *form, const uint8_t *from, size_t octets, struct span *parts)
{
	size_t part;

	for (part = 0; part < PART_COUNT; part++) {
		if (form->lengths[part] > part_limits[part] || form->lengths[part] > octets)
			return false;
		parts[part] = (struct span){ from, form->lengths[part] };
		from += form->lengths[part];
		octets -= form->lengths[part];
	}
	return octets == 0;
}

static bool is_address_trigger(unsigned trigger)
{
	return trigger == TRIGGER_CLIENT_IP || trigger == TRIGGER_IP || trigger == TRIGGER_NSIP;
}

static bool parts_are_sane(const struct span *parts, unsigned trigger)
{
	struct name name;

	if (parts[PART_QUERY].length < WIRE_HEADER_OCTETS)
		return false;
	if (parts[PART_RESPONSE].length > 0 && parts[PART_RESPONSE].length < WIRE_HEADER_OCTETS)
		return false;
	if (is_address_trigger(trigger))
		return parts[PART_VALUE].length == 0 || parts[PART_VALUE].length == 4 || parts[PART_VALUE].length == 16;
	return parts[PART_VALUE].length == 0
		|| (name_from_wire(&name, parts[PART_VALUE].data, parts[PART_VALUE].length)
			&& name.length == parts[PART_VALUE].length);
}

static bool read_detection(struct detection *to, const struct event_form_detection *from)
{
	if (from->detector >= DETECTOR_COUNT || from->tier >= TIER_COUNT || from->reaction >= REACTION_COUNT ||
	    from->feature_count > DETECTION_FEATURES_MAX)
		return false;
	*to = (struct detection){ from->detector, from->tier, from->reaction, from->feature_count, from->value,
		from->threshold, from->repeated, { { 0 } } };
	for (unsigned i = 0; i < from->feature_count; i++) {
		if (from->features[i] >= FEATURE_COUNT)
			return false;
		to->features[i] = (struct feature){ from->features[i], from->values[i] };
	}
	return true;
}

static bool read_detections(struct detections *to, struct span from)
{
	struct event_form_detection form;

	to->count = from.length / sizeof(form);
	if (from.length % sizeof(form) != 0 || to->count > DETECTIONS_MAX)
		return false;
	for (size_t i = 0; i < to->count; i++) {
		memcpy(&form, from.data + i * sizeof(form), sizeof(form));
		if (!read_detection(&to->items[i], &form))
			return false;
	}
	return true;
}

static bool are_servers(struct span servers)
{
	struct behind_server server;
	size_t at = 0, count = 0;

	while (behind_next(servers.data, servers.length, &at, &server))
		count++;
	return at == servers.length && count <= BEHIND_SERVERS_MAX;
}

/* Returns how many octets it takes; 0: they are too few. */
static size_t read_form(struct event_form *form, const uint8_t *from, size_t octets)
{
	if (octets < EVENT_FORM_OCTETS_2)
		return 0;
	memset(form, 0, sizeof(*form));
	memcpy(form, from, EVENT_FORM_OCTETS_2);
	if (form->version == EVENT_FORM_VERSION_2)
		return EVENT_FORM_OCTETS_2;
	if (octets < sizeof(*form))
		return 0;
	memcpy(form, from, sizeof(*form));
	return sizeof(*form);
}

static void read_rule(struct event_rule *rule, const struct event_form_rule *form, const struct span *parts)
{
	rule->trigger = form->trigger;
	rule->action = form->action;
	rule->chain = form->chain;
	rule->serial = form->serial;
	rule->list = parts[0];
	rule->rule = parts[1];
	rule->category = parts[2];
	rule->attack = parts[3];
}

static void read_address(struct address *address, const struct event_form_address *form)
{
	address->family = form->family;
	address->port = form->port;
	memcpy(address->octets, form->octets, sizeof(address->octets));
}

static void read_numbers(struct event_view *view, const struct event_form *form)
{
	view->number = (struct frame_number){ form->boot, form->worker, form->counter };
	view->privacy = form->privacy;
	view->path = form->path;
	view->transport = form->transport;
	view->action = form->action;
	read_address(&view->client, &form->client);
	read_address(&view->server, &form->server);
	view->query_time = (struct timespec){ form->query_sec, form->query_nsec };
	view->response_time = (struct timespec){ form->response_sec, form->response_nsec };
	view->dropped = form->dropped;
	view->left_out = form->left_out;
	view->ede = form->ede;
	view->unsent = form->unsent != 0;
}

bool event_read(struct event_view *view, const uint8_t *from, size_t octets)
{
	struct event_form form;
	struct span parts[PART_COUNT];
	struct detections detections = { 0 };
	const size_t begin = read_form(&form, from, octets);

	if (begin == 0 || !numbers_are_sane(&form))
		return false;
	if (!family_is_sane(form.client.family) || !family_is_sane(form.server.family))
		return false;
	if (!find_parts(&form, from + begin, octets - begin, parts) || !parts_are_sane(parts, form.rule.trigger))
		return false;
	if (!read_detections(&detections, parts[PART_DETECTIONS]) || !are_servers(parts[PART_SERVERS]))
		return false;
	read_numbers(view, &form);
	view->detections = detections;
	view->security = form.security;
	view->has_servers = form.has_servers != 0;
	view->servers = parts[PART_SERVERS];
	read_rule(&view->rule, &form.rule, &parts[PART_LIST]);
	read_rule(&view->shadow, &form.shadow, &parts[PART_SHADOW_LIST]);
	view->value = parts[PART_VALUE];
	view->query = parts[PART_QUERY];
	view->response = parts[PART_RESPONSE];
	view->group = parts[PART_GROUP];
	return true;
}

bool event_qname(const struct event_view *view, struct name *name)
{
	const uint8_t *query = view->query.data;

	if (query[4] == 0 && query[5] == 0)
		return false;
	return name_from_wire(name, query + WIRE_HEADER_OCTETS, view->query.length - WIRE_HEADER_OCTETS);
}
