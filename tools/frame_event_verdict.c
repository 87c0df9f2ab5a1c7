/* frame_event_verdict.c: the verdict of a frame as text, number and words. */
#include "tools/frame_event_verdict.h"

#include <stdio.h>
#include <string.h>

#include "tools/frame_names.h"

/* --- texts -------------------------------------------------------------------------------------------------- */

static char *room(struct frame_event_reading *reading, size_t *octets)
{
	*octets = sizeof(reading->texts) - reading->text_used;
	return reading->texts + reading->text_used;
}

static const char *text_of(struct frame_event_reading *reading, struct json_value value)
{
	size_t octets, used;
	char *to = room(reading, &octets);

	if (value.at == NULL || octets < 2)
		return "";
	used = json_text_of(&value, to, octets < FRAME_TEXT_MAX ? octets : FRAME_TEXT_MAX);
	if (used == 0)
		return "";
	reading->text_used += used + 1;
	return to;
}

static const char *member(struct frame_event_reading *reading, const struct json_members *members, const char *key)
{
	return text_of(reading, json_find(members, key));
}

static uint32_t number(const struct json_members *members, const char *key)
{
	struct json_value value = json_find(members, key);
	uint64_t found;

	return json_number_of(&value, &found) && found <= UINT32_MAX ? (uint32_t)found : 0;
}

/* A list of words, each between blanks. */
struct words {
	char *at;
	size_t used, cap;
};

static void words_begin(struct frame_event_reading *reading, struct words *words)
{
	words->at = room(reading, &words->cap);
	words->used = 0;
}

static void words_put(struct words *words, const char *text)
{
	size_t octets = strlen(text);

	/* The blank before, the one behind, and the NUL. */
	if (octets == 0 || words->cap < 3 || octets > words->cap - 3 || words->used > words->cap - 3 - octets)
		return;
	if (words->used == 0)
		words->at[words->used++] = ' ';
	memcpy(words->at + words->used, text, octets);
	words->used += octets;
	words->at[words->used++] = ' ';
}

static const char *words_end(struct frame_event_reading *reading, struct words *words)
{
	if (words->used == 0)
		return "";
	words->at[words->used] = '\0';
	reading->text_used += words->used + 1;
	return words->at;
}

static void put_strings(struct words *words, struct json_value array)
{
	struct json_value element;
	char word[64];
	size_t at = 0;

	while (json_next(&array, &at, &element))
		if (json_text_of(&element, word, sizeof(word)) > 0)
			words_put(words, word);
}

/* --- the verdict -------------------------------------------------------------------------------------------- */

static void put_detector(struct words *words, const struct json_value *detection)
{
	struct json_members members;
	struct json_value name, tier, action;
	char word[200], part[64];
	int used;

	if (!json_scan(detection->at, detection->octets, &members))
		return;
	name = json_find(&members, "detector");
	tier = json_find(&members, "tier");
	action = json_find(&members, "action");
	json_text_of(&name, part, sizeof(part));
	used = snprintf(word, sizeof(word), "%s/", part);
	json_text_of(&tier, part, sizeof(part));
	used += snprintf(word + used, sizeof(word) - (size_t)used, "%s/", part);
	json_text_of(&action, part, sizeof(part));
	snprintf(word + used, sizeof(word) - (size_t)used, "%s", part);
	words_put(words, word);
}

static const char *detectors(struct frame_event_reading *reading, struct json_value detections)
{
	struct json_value element;
	struct words words;
	size_t at = 0;

	words_begin(reading, &words);
	while (json_next(&detections, &at, &element))
		put_detector(&words, &element);
	return words_end(reading, &words);
}

static const char *techniques(struct frame_event_reading *reading, const struct json_members *shadow,
	struct json_value detections)
{
	struct json_members members;
	struct json_value element;
	struct words words;
	size_t at = 0;

	words_begin(reading, &words);
	put_strings(&words, json_find(&reading->fields.extra, "attack"));
	put_strings(&words, json_find(shadow, "attack"));
	while (json_next(&detections, &at, &element))
		if (json_scan(element.at, element.octets, &members))
			put_strings(&words, json_find(&members, "attack"));
	return words_end(reading, &words);
}

/* The score of an event is what its first detection measured. */
static int64_t score_of(struct json_value detections)
{
	struct json_members members;
	struct json_value element, value;
	uint64_t score = 0;
	size_t at = 0, whole = 0;

	if (!json_next(&detections, &at, &element) || !json_scan(element.at, element.octets, &members))
		return 0;
	value = json_find(&members, "value");
	while (whole < value.octets && value.at[whole] != '.')
		whole++;
	value.octets = whole;
	return json_number_of(&value, &score) && score <= FRAME_COUNTER_MAX ? (int64_t)score : 0;
}

static void take_detections(struct frame_event_reading *reading, struct json_value detections)
{
	size_t octets;
	char *to = room(reading, &octets);

	if (detections.at == NULL || detections.octets >= octets)
		return;
	memcpy(to, detections.at, detections.octets);
	to[detections.octets] = '\0';
	reading->text_used += detections.octets + 1;
	reading->event.detail = to;
	reading->event.score = score_of(detections);
}

void frame_event_take_verdict(struct frame_event_reading *reading)
{
	const struct json_members *extra = &reading->fields.extra;
	struct json_value shadow = json_find(extra, "shadow"), detections = json_find(extra, "detections");
	struct store_verdict *verdict = &reading->event.verdict;
	struct json_members members = { .count = 0 };

	if (shadow.at != NULL)
		json_scan(shadow.at, shadow.octets, &members);
	verdict->verdict = member(reading, extra, "verdict");
	verdict->list = member(reading, extra, "list");
	verdict->rule = member(reading, extra, "rule");
	verdict->trigger = member(reading, extra, "trigger");
	verdict->category = member(reading, extra, "category");
	verdict->group = member(reading, extra, "group");
	verdict->privacy = member(reading, extra, "privacy");
	verdict->chain = number(extra, "chain");
	verdict->serial = number(extra, "serial");
	verdict->ede = number(extra, "ede");
	verdict->shadow_list = member(reading, &members, "list");
	verdict->shadow_rule = member(reading, &members, "rule");
	verdict->shadow_action = member(reading, &members, "action");
	verdict->shadow_category = member(reading, &members, "category");
	verdict->techniques = techniques(reading, &members, detections);
	verdict->detectors = detectors(reading, detections);
	take_detections(reading, detections);
	if (strcmp(verdict->verdict, "allow") != 0 || shadow.at != NULL || detections.at != NULL)
		reading->event.class = STORE_VERDICTS;
}

void frame_event_take_policy(struct frame_event_reading *reading, const struct frame_decision *decision)
{
	const Dnstap__Policy *policy = reading->fields.message->policy;
	size_t octets;
	char *to = room(reading, &octets);

	if (decision->verdict[0] == '\0')
		return;
	strcpy(to, decision->verdict);
	reading->text_used += strlen(to) + 1;
	reading->event.verdict.verdict = to;
	if (policy->has_rule && policy->rule.len < FRAME_TEXT_MAX) {
		to = room(reading, &octets);
		reading->text_used += frame_ascii(policy->rule.data, policy->rule.len, to, 4 * FRAME_TEXT_MAX + 1) + 1;
		reading->event.verdict.rule = to;
	}
	if (decision->hit)
		reading->event.class = STORE_VERDICTS;
}
