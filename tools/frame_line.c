/* frame_line.c: one frame as one line for people. */
#include "tools/frame_format.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "policy/action.h"
#include "policy/name.h"
#include "tools/frame_text.h"

#define TEXT_MAX 256
#define NUMBER_MAX (FRAME_BOOT_MAX + 48)
#define NARROW_COLUMNS 100
#define NAME_COLUMNS_MIN 16
#define NAME_COLUMNS_MAX 32
#define OTHER_COLUMNS 58        /* what stands before the verdict on a narrow terminal, without the name */
#define RCODE_SERVFAIL 2

/* --- columns; each writes safe text ----------------------------------------------------------------------- */

/* The end of the exchange that is not this resolver: it asked its clients' side, and was the one asking upstream. */
static void put_peer(FILE *to, const Dnstap__Message *message)
{
	char text[INET6_ADDRSTRLEN];
	bool upstream;

	switch (message->type) {
	case DNSTAP__MESSAGE__TYPE__RESOLVER_QUERY:
	case DNSTAP__MESSAGE__TYPE__RESOLVER_RESPONSE:
	case DNSTAP__MESSAGE__TYPE__FORWARDER_QUERY:
	case DNSTAP__MESSAGE__TYPE__FORWARDER_RESPONSE:
		upstream = true;
		break;
	default:   /* types are open: later ones are shown by who asked */
		upstream = false;
	}
	if (upstream)
		frame_address(&message->response_address, message->has_response_address, text);
	else
		frame_address(&message->query_address, message->has_query_address, text);
	fprintf(to, "%-15s ", text);
}

static void put_time(const struct frame_printer *printer, const Dnstap__Message *message, bool narrow)
{
	bool response = message->has_response_time_sec;
	time_t seconds = (time_t)(response ? message->response_time_sec : message->query_time_sec);
	unsigned us = (response ? message->response_time_nsec : message->query_time_nsec) / 1000;
	struct tm when;
	char text[40];

	if ((!response && !message->has_query_time_sec) || us > 999999 || localtime_r(&seconds, &when) == NULL ||
			strftime(text, sizeof(text), printer->live ? "%T" : "%F %T", &when) == 0) {
		fprintf(printer->to, "%*s ", (printer->live ? 0 : 11) + (narrow ? 12 : 15), "-");
		return;
	}
	if (narrow)
		fprintf(printer->to, "%s.%03u ", text, us / 1000);
	else
		fprintf(printer->to, "%s.%06u ", text, us);
}

static void put_lower(FILE *to, const char *text, int width)
{
	char lower[24];
	size_t i;

	for (i = 0; text[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = text[i] == '_' ? '-' : (char)tolower((unsigned char)text[i]);
	lower[i] = '\0';
	fprintf(to, "%-*s ", width, lower);
}

static void put_transport(FILE *to, const Dnstap__Message *message)
{
	const char *name = frame_transport(message);

	put_lower(to, name != NULL ? name : "-", 3);
}

static void put_path(FILE *to, const struct frame_fields *fields)
{
	char path[FRAME_TEXT_MAX], safe[24];
	const char *text = frame_extra_text(fields, "path", path);

	if (*text == '\0')
		text = frame_enum_name(&fields->message->base, "type", (int)fields->message->type);
	if (text == NULL)
		text = "-";
	term_escape(safe, sizeof(safe), text, strlen(text));
	put_lower(to, safe, 8);
}

/* On a narrow terminal the line breaks just before the verdict. */
static int name_columns(const struct frame_printer *printer)
{
	unsigned columns = printer->term.columns;

	if (columns == 0 || columns >= OTHER_COLUMNS + NAME_COLUMNS_MAX)
		return NAME_COLUMNS_MAX;
	return columns < OTHER_COLUMNS + NAME_COLUMNS_MIN ? NAME_COLUMNS_MIN : (int)(columns - OTHER_COLUMNS);
}

static void put_question(const struct frame_printer *printer, const struct dns_view *dns)
{
	bool response = dns->octets != NULL && (dns->flags & DNS_QR) != 0;
	enum term_style style = response && dns->rcode == RCODE_SERVFAIL ? STYLE_WARN : STYLE_PLAIN;
	char type[DNS_TYPE_MAX], rcode[DNS_TYPE_MAX], safe[NAME_TEXT_MAX];

	term_escape(safe, sizeof(safe), dns->has_question ? dns->qname : "-", dns->has_question ? dns->qname_octets : 1);
	fprintf(printer->to, "%-*s %-5s %s%-8s%s ", name_columns(printer), safe,
		dns->has_question ? dns_type_name(dns->qtype, type) : "-", term_on(&printer->term, style),
		response ? dns_rcode_name(dns->rcode, rcode) : "-", term_off(&printer->term, style));
}

/* --- the verdict ------------------------------------------------------------------------------------------- */

static enum term_style style_of(const char *action)
{
	enum action known = action_by_name(action);

	if (known == ACTION_OBSERVE)
		return STYLE_WARN;
	if (known == ACTION_PASS)
		return STYLE_GOOD;
	return known < ACTION_COUNT && action_table[known].denies ? STYLE_BAD : STYLE_PLAIN;
}

void frame_put_safe(FILE *to, const char *before, const char *text, const char *after)
{
	char safe[NAME_TEXT_MAX];

	if (text == NULL || *text == '\0')
		return;
	term_escape(safe, sizeof(safe), text, strlen(text));
	fprintf(to, "%s%s%s", before, safe, after);
}

void frame_put_text(FILE *to, const char *before, struct json_value value)
{
	char text[FRAME_TEXT_MAX];

	json_text_of(&value, text, sizeof(text));
	frame_put_safe(to, before, text, "");
}

static void put_attack(FILE *to, struct json_value ids)
{
	struct json_value id;
	bool any = false;
	size_t at = 0;

	while (json_next(&ids, &at, &id)) {
		if (id.octets > 2 && id.at[0] == '"') {
			frame_put_text(to, any ? " " : " (", id);
			any = true;
		}
	}
	if (any)
		putc(')', to);
}

static void put_rule(FILE *to, const struct frame_decision *decision)
{
	frame_put_text(to, " by ", decision->list);
	frame_put_text(to, ":", decision->rule);
	put_attack(to, decision->attack);
}

static void put_shadow(const struct frame_printer *printer, const struct frame_fields *fields,
	const struct frame_decision *decision)
{
	struct json_value shadow = json_find(&fields->extra, "shadow"), action;
	struct json_members members;
	char text[TEXT_MAX] = "";

	if (json_scan(shadow.at, shadow.octets, &members)) {
		action = json_find(&members, "action");
		json_text_of(&action, text, sizeof(text));
	}
	fputs(term_on(&printer->term, STYLE_WARN), printer->to);
	frame_put_safe(printer->to, ", would be ", *text != '\0' ? text : "denied", "");
	put_rule(printer->to, decision);
	fputs(term_off(&printer->term, STYLE_WARN), printer->to);
}

static void put_verdict(const struct frame_printer *printer, const struct frame_fields *fields,
	const struct frame_decision *decision)
{
	enum term_style style = style_of(decision->verdict);

	frame_put_safe(printer->to, term_on(&printer->term, style), decision->verdict, term_off(&printer->term, style));
	if (decision->shadow)
		put_shadow(printer, fields, decision);
	else
		put_rule(printer->to, decision);
}

/* What the detectors make of it; a tag says nothing against anybody. */
static void put_detections(const struct frame_printer *printer, const struct frame_fields *fields)
{
	const struct json_value all = json_find(&fields->extra, "detections");
	struct json_value one, detector, tier;
	struct json_members members;
	uint64_t value, threshold;
	size_t at = 0;

	while (json_next(&all, &at, &one)) {
		enum term_style style;

		if (!json_scan(one.at, one.octets, &members))
			continue;
		detector = json_find(&members, "detector");
		tier = json_find(&members, "tier");
		style = json_is_text(&tier, "tag") ? STYLE_FAINT : STYLE_WARN;
		fputs(term_on(&printer->term, style), printer->to);
		frame_put_text(printer->to, "; ", detector);
		frame_put_text(printer->to, " ", tier);
		value = threshold = 0;
		detector = json_find(&members, "value");
		tier = json_find(&members, "threshold");
		if (json_number_of(&detector, &value) && json_number_of(&tier, &threshold) && threshold > 1)
			fprintf(printer->to, " %llu/%llu", (unsigned long long)value, (unsigned long long)threshold);
		put_attack(printer->to, json_find(&members, "attack"));
		fputs(term_off(&printer->term, style), printer->to);
	}
}

/* A frame of another writer that knows dnstap's policy. */
static void put_policy(FILE *to, const Dnstap__Policy *policy)
{
	const char *action = policy->has_action ? frame_enum_name(&policy->base, "action", (int)policy->action) : NULL;
	char safe[TEXT_MAX];

	fprintf(to, "policy %s", action != NULL ? action : "of unknown action");
	frame_put_safe(to, " by ", policy->type, "");
	if (policy->has_rule) {
		term_escape(safe, sizeof(safe), policy->rule.data, policy->rule.len);
		fprintf(to, " %s", safe);
	}
}

static void put_decision(const struct frame_printer *printer, const struct frame_fields *fields)
{
	struct frame_decision decision;

	frame_decide(fields, &decision);
	if (json_find(&fields->extra, "verdict").at != NULL)
		put_verdict(printer, fields, &decision), put_detections(printer, fields);
	else if (fields->message->policy != NULL)
		put_policy(printer->to, fields->message->policy);
	else if (fields->dns.error != NULL)
		fprintf(printer->to, "DNS message cannot be read: %s", fields->dns.error);
	else
		putc('-', printer->to);
}

/* Where no group is configured a frame has none; where some are, most clients are in the one that needs no word. */
static void put_tail(const struct frame_printer *printer, const struct frame_fields *fields)
{
	struct json_value group = json_find(&fields->extra, "group");
	int64_t ns = frame_duration_ns(fields->message);
	char number[NUMBER_MAX];

	fputs(term_on(&printer->term, STYLE_FAINT), printer->to);
	if (!json_is_text(&group, "default"))
		frame_put_text(printer->to, "  group ", group);
	if (frame_number(fields, number, sizeof(number)))
		frame_put_safe(printer->to, "  ", number, "");
	if (ns >= 0)
		fprintf(printer->to, ns < 10000000 ? "  %.2fms" : "  %.1fms", (double)(ns / 1000) / 1000);
	fputs(term_off(&printer->term, STYLE_FAINT), printer->to);
}

static void put_answer(const struct frame_printer *printer, const struct frame_fields *fields)
{
	put_peer(printer->to, fields->message);
	put_transport(printer->to, fields->message);
	put_path(printer->to, fields);
	put_question(printer, &fields->dns);
	put_decision(printer, fields);
	put_tail(printer, fields);
}

bool frame_print_line(struct frame_printer *printer, const struct frame_fields *fields)
{
	bool narrow = printer->term.columns != 0 && printer->term.columns < NARROW_COLUMNS;
	enum term_style style = fields->kind == FRAME_EVENT ? STYLE_PLAIN : frame_note_style(fields);

	fputs(term_on(&printer->term, style), printer->to);
	put_time(printer, fields->message, narrow);
	if (fields->kind == FRAME_EVENT)
		put_answer(printer, fields);
	else
		frame_put_note(printer->to, fields);
	fputs(term_off(&printer->term, style), printer->to);
	putc('\n', printer->to);
	return !ferror(printer->to);
}
