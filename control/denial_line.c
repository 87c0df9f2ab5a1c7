/* denial_line.c: what stands in a line of the denial log. */
#include "control/denial_line.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/quote.h"
#include "policy/rrtype.h"

void denial_record_fill(struct denial_record *record, const struct event *event)
{
	const struct timespec *when = &event->response_time;

	record->milliseconds = (int64_t)when->tv_sec * 1000 + when->tv_nsec / 1000000;
	record->incident = event->number;
	record->client = event->facts->client;
	record->qname = event->facts->qname;
	record->qtype = event->facts->qtype;
	record->ede = event->ede;
	record->action = (uint8_t)event->verdict->action;
	record->rule = event->verdict->rule;
	memcpy(record->group, event->verdict->group_name, sizeof(record->group));
}

size_t denial_line_begin(char *to, int64_t milliseconds)
{
	const time_t when = (time_t)(milliseconds / 1000);
	struct tm broken;
	size_t used = 0;

	if (gmtime_r(&when, &broken) != NULL)
		used = strftime(to, DENIAL_LINE_MAX, "time=%Y-%m-%dT%H:%M:%S", &broken);
	return used + (size_t)snprintf(to + used, DENIAL_LINE_MAX - used, ".%03dZ", (int)(milliseconds % 1000));
}

size_t denial_line_add(char *line, size_t used, const char *key, const char *value)
{
	const size_t length = strlen(key);

	if (length + 8 >= DENIAL_LINE_MAX - used)
		return used;
	line[used++] = ' ';
	memcpy(line + used, key, length);
	used += length;
	line[used++] = '=';
	return used + quote_value(line + used, DENIAL_LINE_MAX - used, value);
}

static const char *client_text(const struct address *client, char *to, size_t cap)
{
	const int family = client->family == ADDRESS_INET ? AF_INET : AF_INET6;

	if (client->family == ADDRESS_NONE || inet_ntop(family, client->octets, to, (socklen_t)cap) == NULL)
		snprintf(to, cap, "-");
	return to;
}

size_t denial_line(const struct denial_record *record, char *to)
{
	char text[NAME_TEXT_MAX + 2], number[FRAME_NUMBER_TEXT_MAX];
	size_t used = denial_line_begin(to, record->milliseconds);

	used = denial_line_add(to, used, "client", client_text(&record->client, text, sizeof(text)));
	used = denial_line_add(to, used, "name", name_to_text(&record->qname, text));
	used = denial_line_add(to, used, "type", rrtype_to_text(record->qtype, text));
	used = denial_line_add(to, used, "action", action_table[record->action].name);
	used = denial_line_add(to, used, "list", record->rule.list);
	used = denial_line_add(to, used, "rule", rule_match_text(&record->rule, text));
	used = denial_line_add(to, used, "trigger", trigger_names[record->rule.trigger]);
	if (record->ede != EDE_NONE) {
		snprintf(text, sizeof(text), "%d", record->ede);
		used = denial_line_add(to, used, "ede", text);
	}
	used = denial_line_add(to, used, "incident", frame_number_text(&record->incident, number));
	if (record->group[0] != '\0')
		used = denial_line_add(to, used, "group", record->group);
	return used;
}
