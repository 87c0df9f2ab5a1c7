/* verdict.c: the verdict as a value: empty, demoted, told in words. */
#include "policy/verdict.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Sets what marks a match as empty and leaves the rest of its 500 octets alone: this runs for every answer. */
static void empty(struct rule_match *match)
{
	match->trigger = TRIGGER_NONE;
	match->action = ACTION_ALLOW;
	match->list[0] = '\0';
	match->category[0] = '\0';
	match->attack[0] = '\0';
	match->serial = 0;
	match->ede = EDE_NONE;
	match->wildcard = false;
	match->chain = 0;
	match->prefix_length = 0;
	match->address.family = ADDRESS_NONE;
	match->matched_address.family = ADDRESS_NONE;
	match->matched_name.length = 0;
	match->rule_name.length = 1;
	match->rule_name.labels = 0;
	match->rule_name.octets[0] = 0;
}

void verdict_init(struct verdict *verdict)
{
	verdict->action = ACTION_ALLOW;
	empty(&verdict->rule);
	empty(&verdict->shadow);
	verdict->denied_to_some = false;
	verdict->differs = false;
	verdict->final = false;
	verdict->group = 0;
	verdict->group_name[0] = '\0';
	verdict->ttl = 0;
	verdict->data = NULL;
}

bool verdict_demote(struct verdict *verdict)
{
	if (!action_table[verdict->action].denies)
		return false;
	/* As evaluate reports: what would decide is worth more than what would not. */
	if (verdict->shadow.trigger == TRIGGER_NONE || verdict->shadow.action == ACTION_OBSERVE)
		verdict->shadow = verdict->rule;
	empty(&verdict->rule);
	verdict->action = ACTION_ALLOW;
	verdict->data = NULL;
	return true;
}

static char *prefix_text(const struct rule_match *match, char *to)
{
	char text[INET6_ADDRSTRLEN];
	const int family = match->address.family == ADDRESS_INET ? AF_INET : AF_INET6;

	if (inet_ntop(family, match->address.octets, text, sizeof(text)) == NULL)
		text[0] = '\0';
	snprintf(to, NAME_TEXT_MAX + 2, "%s/%u", text, match->prefix_length);
	return to;
}

char *rule_match_text(const struct rule_match *match, char *to)
{
	if (match->trigger == TRIGGER_NONE) {
		to[0] = '\0';
		return to;
	}
	if (match->address.family != ADDRESS_NONE)
		return prefix_text(match, to);
	if (!match->wildcard)
		return name_to_text(&match->rule_name, to);
	to[0] = '*';
	to[1] = '.';
	name_to_text(&match->rule_name, to + 2);
	return to;
}

/* List names come from the operator's file and may hold anything but a NUL. */
static void plain_list_name(const struct rule_match *match, char *to)
{
	size_t i;

	for (i = 0; i < LIST_NAME_MAX - 1 && match->list[i] != '\0'; i++)
		to[i] = match->list[i] >= 0x20 && match->list[i] < 0x7f ? match->list[i] : '?';
	to[i] = '\0';
}

/* Appends what fits. */
static size_t append(char *to, size_t used, size_t cap, const char *text)
{
	size_t octets = strlen(text);

	if (octets > cap - 1 - used)
		octets = cap - 1 - used;
	memcpy(to + used, text, octets);
	return used + octets;
}

size_t verdict_ede_text(const struct verdict *verdict, const char *incident, char *to, size_t cap)
{
	static const char before[] = "list ", between[] = ", rule ", behind[] = ", incident ";
	const bool numbered = incident != NULL && *incident != '\0';
	const char *trigger = trigger_names[verdict->rule.trigger];
	char list[LIST_NAME_MAX];
	char rule[NAME_TEXT_MAX + 2];
	char end[FRAME_NUMBER_TEXT_MAX + 64];
	size_t used = 0, ends = 0, room;

	if (cap == 0)
		return 0;
	to[0] = '\0';
	if (verdict->rule.trigger == TRIGGER_NONE)
		return 0;
	plain_list_name(&verdict->rule, list);
	rule_match_text(&verdict->rule, rule);
	if (verdict->rule.trigger != TRIGGER_QNAME) {
		ends = append(end, ends, sizeof(end), " (");
		ends = append(end, ends, sizeof(end), trigger);
		ends = append(end, ends, sizeof(end), ")");
	}
	ends = append(end, ends, sizeof(end), numbered ? behind : "");
	ends = append(end, ends, sizeof(end), numbered ? incident : "");
	end[ends] = '\0';
	/* The incident number finds the frame, which has the whole rule: so the rule is what is cut. */
	room = sizeof(before) + sizeof(between) - 2 + strlen(list) + ends + 1;
	if (room + 3 <= cap && strlen(rule) > cap - room)
		memcpy(rule + (cap - room - 3), "...", sizeof("..."));
	used = append(to, used, cap, before);
	used = append(to, used, cap, list);
	used = append(to, used, cap, between);
	used = append(to, used, cap, rule);
	used = append(to, used, cap, end);
	to[used] = '\0';
	return used;
}
