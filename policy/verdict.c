/* verdict.c: the verdict as a value: empty, demoted, told in words. */
#include "policy/verdict.h"
#include "policy/hot.h"

#include <arpa/inet.h>
#include <endian.h>
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

HOT void verdict_init(struct verdict *verdict)
{
	verdict->action = ACTION_ALLOW;
	empty(&verdict->rule);
	empty(&verdict->shadow);
	verdict->denied_to_some = false;
	verdict->differs = false;
	verdict->final = false;
	verdict->traits = 0;
	verdict->group = 0;
	verdict->group_name[0] = '\0';
	verdict->ttl = 0;
	verdict->unlisted_in = 0;
	verdict->data = NULL;
}

static HOT void copy_match(struct rule_match *to, const struct rule_match *from)
{
	if (from->trigger == TRIGGER_NONE) {
		empty(to);
		return;
	}
	memcpy(to, from, offsetof(struct rule_match, rule_name));
	name_copy(&to->rule_name, &from->rule_name);
	name_copy(&to->matched_name, &from->matched_name);
}

HOT void verdict_copy(struct verdict *to, const struct verdict *from)
{
	memcpy(to, from, offsetof(struct verdict, rule));
	copy_match(&to->rule, &from->rule);
	copy_match(&to->shadow, &from->shadow);
}

bool verdict_demote(struct verdict *verdict)
{
	if (!action_table[verdict->action].denies)
		return false;
	/* As evaluate reports: what would decide is worth more than what would not. */
	if (verdict->shadow.trigger == TRIGGER_NONE || verdict->shadow.action == ACTION_OBSERVE)
		copy_match(&verdict->shadow, &verdict->rule);
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

HOT char *rule_match_text(const struct rule_match *match, char *to)
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

/* Appends; returns behind it. */
static char *put(char *to, const char *text, size_t octets)
{
	memcpy(to, text, octets);
	return to + octets;
}

_Static_assert(LIST_NAME_MAX % sizeof(uint64_t) == 0, "names of lists are whole words");

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

/* Which octet of a word that is read little-endian is the first that is no printable ASCII; 8: none. */
static unsigned first_odd(uint64_t word)
{
	/* Borrow and carry can mark others by mistake, but only behind a right one. */
	const uint64_t odd = (((word - EACH(0x20)) & ~word) | (word + EACH(1)) | word) & EACH(0x80);

	return odd != 0 ? (unsigned)__builtin_ctzll(odd) / 8 : 8;
}

/* List names come from the operator's file and may hold anything but a NUL. May write 7 octets behind what it
 * returns. */
static char *put_list(char *to, const char *list)
{
	unsigned good = sizeof(uint64_t);
	size_t i = 0;

	while (good == sizeof(uint64_t) && i < LIST_NAME_MAX) {
		uint64_t word;

		memcpy(&word, list + i, sizeof(word));
		memcpy(to, &word, sizeof(word));
		good = first_odd(le64toh(word));
		to += good;
		i += good;
	}
	for (; i < LIST_NAME_MAX - 1 && list[i] != '\0'; i++)
		*to++ = list[i] >= 0x20 && list[i] < 0x7f ? list[i] : '?';
	return to;
}

/* Behind the rule: its trigger, unless it is the usual one, and the incident number. */
static char *put_rest(char *to, enum trigger trigger, const char *incident)
{
	if (trigger != TRIGGER_QNAME) {
		to = put(to, " (", 2);
		to = put(to, trigger_names[trigger], strlen(trigger_names[trigger]));
		to = put(to, ")", 1);
	}
	if (incident == NULL || *incident == '\0')
		return to;
	to = put(to, ", incident ", 11);
	return put(to, incident, strnlen(incident, FRAME_NUMBER_TEXT_MAX));
}

HOT size_t verdict_ede_text(const struct verdict *verdict, const char *incident, char *to, size_t cap)
{
	char text[LIST_NAME_MAX + NAME_TEXT_MAX + FRAME_NUMBER_TEXT_MAX + 64];
	size_t octets, behind;
	char *rule, *rest;

	if (cap == 0)
		return 0;
	to[0] = '\0';
	if (verdict->rule.trigger == TRIGGER_NONE)
		return 0;
	rule = put(put_list(put(text, "list ", 5), verdict->rule.list), ", rule ", 7);
	rest = rule + strlen(rule_match_text(&verdict->rule, rule));
	behind = (size_t)(put_rest(rest, verdict->rule.trigger, incident) - rest);
	/* The incident number finds the frame, which has the whole rule: so the rule is what is cut. */
	octets = (size_t)(rule - text) + behind + 1;
	if (octets + 3 <= cap && (size_t)(rest - rule) > cap - octets) {
		char *cut = rule + (cap - octets);

		memcpy(cut - 3, "...", 3);
		memmove(cut, rest, behind);
		rest = cut;
	}
	octets = (size_t)(rest - text) + behind;
	if (octets > cap - 1)
		octets = cap - 1;
	memcpy(to, text, octets);
	to[octets] = '\0';
	return octets;
}
