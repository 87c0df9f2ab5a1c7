/* frame_filter.c: conditions on frames. */
#define _XOPEN_SOURCE 700   /* strptime */
#include "tools/frame_filter.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <ldns/ldns.h>

#include "policy/action.h"
#include "tools/frame_decision.h"

/* --- making ------------------------------------------------------------------------------------------------- */

/* 90s, 30m, 2h, 7d. */
static bool parse_ago(const char *text, uint64_t now, uint64_t *seconds)
{
	static const struct { char unit; uint64_t seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 } };
	char *end;
	unsigned long long count = strtoull(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*text >= '0' && *text <= '9' && end[0] == units[i].unit && end[1] == '\0' && count < 1000000000) {
			*seconds = now > count * units[i].seconds ? now - count * units[i].seconds : 0;
			return true;
		}
	}
	return false;
}

/* UTC with Z at the end, else local time. */
static bool parse_date(const char *text, uint64_t *seconds)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
		"%Y-%m-%d" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm when = { .tm_isdst = -1 };
		const char *end = strptime(text, forms[i], &when);
		time_t time;

		if (end == NULL || (*end != '\0' && strcmp(end, "Z") != 0))
			continue;
		time = *end == 'Z' ? timegm(&when) : mktime(&when);
		if (time < 0)
			return false;
		*seconds = (uint64_t)time;
		return true;
	}
	return false;
}

static const char *parse_time(const char *text, uint64_t now, uint64_t *seconds)
{
	if (parse_ago(text, now, seconds) || parse_date(text, seconds))
		return NULL;
	return "a time is 2026-11-20T21:00:00Z, the same in local time without Z, or 90s, 30m, 2h or 7d ago";
}

static const char *parse_network(struct filter_value *value)
{
	char text[INET6_ADDRSTRLEN + 8];
	char *slash, *end;
	unsigned long bits;

	if (value->octets >= sizeof(text))
		return "a network is 10.0.0.0/8 or 2001:db8::/32, or one address";
	memcpy(text, value->text, value->octets + 1);
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	value->family_octets = inet_pton(AF_INET, text, value->address) == 1 ? 4 :
		inet_pton(AF_INET6, text, value->address) == 1 ? 16 : 0;
	bits = slash == NULL ? 8 * value->family_octets : strtoul(slash, &end, 10);
	if (value->family_octets == 0 || bits > 8 * value->family_octets ||
			(slash != NULL && (*slash < '0' || *slash > '9' || *end != '\0')))
		return "a network is 10.0.0.0/8 or 2001:db8::/32, or one address";
	value->bits = (unsigned)bits;
	return NULL;
}

static const char *parse_value(enum filter_key key, struct filter_value *value)
{
	switch (key) {
	case FILTER_NAME:
		if (value->octets > 1 && value->text[value->octets - 1] == '.')
			value->octets--;
		return NULL;
	case FILTER_CLIENT:
		return parse_network(value);
	case FILTER_VERDICT:
		return action_by_name(value->text) < ACTION_COUNT ? NULL :
			"a verdict is allow, pass, observe, nxdomain, nodata, refuse, drop, truncate, local-data or sinkhole";
	case FILTER_TYPE:
		value->type = (uint16_t)ldns_get_rr_type_by_name(value->text);
		return value->type != 0 ? NULL : "there is no record type of that name";
	case FILTER_LIST:
	case FILTER_PATH:
	case FILTER_FROM:
	case FILTER_TO:
	case FILTER_COUNT:
		break;
	}
	return NULL;
}

const char *frame_filter_add(struct frame_filter *filter, enum filter_key key, char *text, uint64_t now)
{
	char *rest = NULL;

	filter->any = true;
	if (key == FILTER_FROM || key == FILTER_TO) {
		filter->counts[key] = 1;
		return parse_time(text, now, key == FILTER_FROM ? &filter->from : &filter->to);
	}
	for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
		struct filter_value *value = &filter->values[key][filter->counts[key]];
		const char *wrong;

		if (filter->counts[key] == FILTER_VALUES_MAX)
			return "16 values at most";
		value->text = word;
		value->octets = strlen(word);
		wrong = parse_value(key, value);
		if (wrong != NULL)
			return wrong;
		filter->counts[key]++;
	}
	return filter->counts[key] > 0 ? NULL : "a value is missing";
}

/* --- asking ------------------------------------------------------------------------------------------------- */

static bool is_below(const struct dns_view *dns, const struct filter_value *value)
{
	size_t ahead;

	if (!dns->has_question || dns->qname_octets < value->octets)
		return false;
	if (strcmp(value->text, ".") == 0)
		return true;
	ahead = dns->qname_octets - value->octets;
	return strncasecmp(dns->qname + ahead, value->text, value->octets) == 0 &&
		(ahead == 0 || dns->qname[ahead - 1] == '.');
}

static bool is_in(const Dnstap__Message *message, const struct filter_value *value)
{
	const ProtobufCBinaryData *address = &message->query_address;
	unsigned whole = value->bits / 8, rest = value->bits % 8;

	if (!message->has_query_address || address->len != value->family_octets ||
			memcmp(address->data, value->address, whole) != 0)
		return false;
	return rest == 0 || (address->data[whole] ^ value->address[whole]) >> (8 - rest) == 0;
}

static bool holds(enum filter_key key, const struct filter_value *value, const struct frame_fields *fields,
	const struct frame_decision *decision)
{
	char text[FRAME_TEXT_MAX];

	switch (key) {
	case FILTER_NAME:
		return is_below(&fields->dns, value);
	case FILTER_CLIENT:
		return is_in(fields->message, value);
	case FILTER_VERDICT:
		return strcmp(decision->verdict, value->text) == 0;
	case FILTER_LIST:
		json_text_of(&decision->list, text, sizeof(text));
		return strcmp(text, value->text) == 0;
	case FILTER_TYPE:
		return fields->dns.has_question && fields->dns.qtype == value->type;
	case FILTER_PATH:
		return strcmp(frame_extra_text(fields, "path", text), value->text) == 0;
	case FILTER_FROM:
	case FILTER_TO:
	case FILTER_COUNT:
		break;
	}
	return true;
}

static bool is_in_time(const struct frame_filter *filter, const struct frame_fields *fields)
{
	uint64_t seconds;
	uint32_t ns;

	if (filter->counts[FILTER_FROM] == 0 && filter->counts[FILTER_TO] == 0)
		return true;
	if (!frame_time(fields->message, &seconds, &ns))
		return false;
	return (filter->counts[FILTER_FROM] == 0 || seconds >= filter->from) &&
		(filter->counts[FILTER_TO] == 0 || seconds < filter->to);
}

static bool holds_any(const struct frame_filter *filter, enum filter_key key, const struct frame_fields *fields,
	const struct frame_decision *decision)
{
	for (unsigned i = 0; i < filter->counts[key]; i++)
		if (holds(key, &filter->values[key][i], fields, decision))
			return true;
	return filter->counts[key] == 0;
}

bool frame_filter_takes(const struct frame_filter *filter, const struct frame_fields *fields)
{
	struct frame_decision decision;

	if (!filter->any)
		return true;
	if (!is_in_time(filter, fields))
		return false;
	if (filter->counts[FILTER_VERDICT] > 0 || filter->counts[FILTER_LIST] > 0)
		frame_decide(fields, &decision);
	for (enum filter_key key = FILTER_NAME; key < FILTER_FROM; key++)
		if (!holds_any(filter, key, fields, &decision))
			return false;
	return true;
}
