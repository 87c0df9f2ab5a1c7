/* frame_print.c: one frame as one line for people. */
#include "tools/frame_print.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "policy/action.h"
#include "policy/name.h"

#define TEXT_MAX 256
#define NUMBER_MAX 64
#define NARROW_COLUMNS 100
#define NAME_COLUMNS_MIN 16
#define NAME_COLUMNS_MAX 32
#define OTHER_COLUMNS 58        /* what stands before the verdict on a narrow terminal, without the name */

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
	const char *name = message->has_socket_protocol ?
		frame_enum_name(&message->base, "socket_protocol", (int)message->socket_protocol) : NULL;

	put_lower(to, name != NULL ? name : "-", 3);
}

static void put_path(FILE *to, const struct frame_fields *fields)
{
	const char *path = frame_extra_string(fields, "path");
	char safe[24];

	if (path == NULL)
		path = frame_enum_name(&fields->message->base, "type", (int)fields->message->type);
	if (path == NULL)
		path = "-";
	term_escape(safe, sizeof(safe), path, strlen(path));
	put_lower(to, safe, 8);
}

static void put_name(FILE *to, const ldns_rdf *owner, int width)
{
	char *text = owner == NULL ? NULL : ldns_rdf2str(owner);
	char safe[NAME_TEXT_MAX];
	size_t length = text == NULL ? 0 : strlen(text);

	if (length > 1 && text[length - 1] == '.')
		length--;
	term_escape(safe, sizeof(safe), text != NULL ? text : "-", text != NULL ? length : 1);
	fprintf(to, "%-*s ", width, safe);
	LDNS_FREE(text);
}

/* On a narrow terminal the line breaks just before the verdict. */
static int name_columns(const struct frame_printer *printer)
{
	unsigned columns = printer->term.columns;

	if (columns == 0 || columns >= OTHER_COLUMNS + NAME_COLUMNS_MAX)
		return NAME_COLUMNS_MAX;
	return columns < OTHER_COLUMNS + NAME_COLUMNS_MIN ? NAME_COLUMNS_MIN : (int)(columns - OTHER_COLUMNS);
}

static void put_question(FILE *to, const struct frame_fields *fields, int width)
{
	char *type = fields->question == NULL ? NULL : ldns_rr_type2str(ldns_rr_get_type(fields->question));
	char rcode[16] = "-";

	put_name(to, fields->question == NULL ? NULL : ldns_rr_owner(fields->question), width);
	if (fields->packet != NULL && ldns_pkt_qr(fields->packet))
		frame_rcode_name(frame_rcode(fields->packet), rcode);
	fprintf(to, "%-5s %-8s ", type != NULL ? type : "-", rcode);
	LDNS_FREE(type);
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

static void put_safe(FILE *to, const char *before, const char *text, const char *after)
{
	char safe[NAME_TEXT_MAX];

	if (text == NULL || *text == '\0')
		return;
	term_escape(safe, sizeof(safe), text, strlen(text));
	fprintf(to, "%s%s%s", before, safe, after);
}

static void put_attack(FILE *to, json_t *ids)
{
	bool any = false;
	size_t index;
	json_t *id;

	json_array_foreach(ids, index, id) {
		if (json_string_length(id) > 0) {
			put_safe(to, any ? " " : " (", json_string_value(id), "");
			any = true;
		}
	}
	if (any)
		putc(')', to);
}

static void put_rule(FILE *to, json_t *match)
{
	put_safe(to, " by ", json_string_value(json_object_get(match, "list")), "");
	put_safe(to, ":", json_string_value(json_object_get(match, "rule")), "");
	put_attack(to, json_object_get(match, "attack"));
}

static void put_verdict(const struct frame_printer *printer, const struct frame_fields *fields, const char *verdict)
{
	enum term_style style = style_of(verdict);
	json_t *shadow = json_object_get(fields->extra, "shadow");

	put_safe(printer->to, term_on(&printer->term, style), verdict, term_off(&printer->term, style));
	put_rule(printer->to, fields->extra);
	if (shadow != NULL) {
		const char *action = json_string_value(json_object_get(shadow, "action"));

		fputs(term_on(&printer->term, STYLE_WARN), printer->to);
		put_safe(printer->to, ", would be ", action != NULL ? action : "denied", "");
		put_rule(printer->to, shadow);
		fputs(term_off(&printer->term, STYLE_WARN), printer->to);
	}
}

/* A frame of another writer that knows dnstap's policy. */
static void put_policy(FILE *to, const Dnstap__Policy *policy)
{
	const char *action = policy->has_action ? frame_enum_name(&policy->base, "action", (int)policy->action) : NULL;
	char safe[TEXT_MAX];

	fprintf(to, "policy %s", action != NULL ? action : "of unknown action");
	put_safe(to, " by ", policy->type, "");
	if (policy->has_rule) {
		term_escape(safe, sizeof(safe), policy->rule.data, policy->rule.len);
		fprintf(to, " %s", safe);
	}
}

static void put_decision(const struct frame_printer *printer, const struct frame_fields *fields)
{
	const char *verdict = frame_extra_string(fields, "verdict");

	if (verdict != NULL)
		put_verdict(printer, fields, verdict);
	else if (fields->message->policy != NULL)
		put_policy(printer->to, fields->message->policy);
	else if (fields->packet_error != NULL)
		fprintf(printer->to, "DNS message cannot be read: %s", fields->packet_error);
	else
		putc('-', printer->to);
}

/* Only where lists can tell them apart are there groups in a frame. */
static void put_group(FILE *to, const struct frame_fields *fields)
{
	put_safe(to, "  group ", frame_extra_string(fields, "group"), "");
}

static void put_tail(const struct frame_printer *printer, const struct frame_fields *fields)
{
	int64_t us = frame_duration_us(fields->message);
	char number[NUMBER_MAX];

	fputs(term_on(&printer->term, STYLE_FAINT), printer->to);
	if (frame_number(fields, number, sizeof(number)))
		put_safe(printer->to, "  ", number, "");
	if (us >= 0)
		fprintf(printer->to, us < 10000 ? "  %.2fms" : "  %.1fms", (double)us / 1000);
	fputs(term_off(&printer->term, STYLE_FAINT), printer->to);
}

bool frame_print_line(const struct frame_printer *printer, const struct frame_fields *fields)
{
	bool narrow = printer->term.columns != 0 && printer->term.columns < NARROW_COLUMNS;

	put_time(printer, fields->message, narrow);
	put_peer(printer->to, fields->message);
	put_transport(printer->to, fields->message);
	put_path(printer->to, fields);
	put_question(printer->to, fields, name_columns(printer));
	put_decision(printer, fields);
	put_group(printer->to, fields);
	put_tail(printer, fields);
	putc('\n', printer->to);
	if (printer->live)
		fflush(printer->to);
	return !ferror(printer->to);
}

enum print_result frame_print(struct frame_printer *printer, const uint8_t *octets, size_t length)
{
	struct frame_fields fields;
	bool written;

	if (!frame_fields_init(&fields, octets, length))
		return PRINT_UNDECODABLE;
	written = printer->json ? frame_print_json(printer, &fields) : frame_print_line(printer, &fields);
	frame_fields_fini(&fields);
	if (!written)
		return PRINT_FAILED;
	printer->printed++;
	return printer->printed == printer->limit ? PRINT_ENOUGH : PRINT_DONE;
}
