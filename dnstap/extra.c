/*
 * extra.c: the `extra` field of a frame.
 */
#include "dnstap/extra.h"

#include <string.h>

#include "dnstap/json_put.h"

#define EXTRA_VERSION 1

static const char *const privacy_names[PRIVACY_COUNT] = {
	[PRIVACY_NONE] = "none", [PRIVACY_MASK] = "mask", [PRIVACY_PSEUDONYM] = "pseudonym",
};

static void put_numbering(struct json *json, const struct frame_number *number)
{
	json_put_boot(json, number->boot);
	json_put_number(json, "worker", number->worker);
	json_put_number(json, "seq", number->counter);
}

static void put_rule(struct json *json, const struct event_rule *rule)
{
	if (rule->trigger == TRIGGER_NONE)
		return;
	json_put_span(json, "list", rule->list);
	json_put_span(json, "rule", rule->rule);
	json_put_word(json, "trigger", trigger_names[rule->trigger]);
	if (rule->chain)
		json_put_number(json, "chain", rule->chain);
	if (rule->serial)
		json_put_number(json, "serial", rule->serial);
	json_put_span(json, "category", rule->category);
	json_put_words(json, "attack", rule->attack);
}

static void put_shadow(struct json *json, const struct event_rule *shadow)
{
	if (shadow->trigger == TRIGGER_NONE)
		return;
	json_put_key(json, "shadow");
	json_put(json, "{", 1);
	json_put_span(json, "list", shadow->list);
	json_put_span(json, "rule", shadow->rule);
	json_put_word(json, "action", action_table[shadow->action].name);
	json_put_span(json, "category", shadow->category);
	json_put_words(json, "attack", shadow->attack);
	json_put(json, "}", 1);
}

static void put_detection(struct json *json, const struct detection *detection)
{
	const struct detector_info *info = &detector_table[detection->detector];

	json_open(json, '{');
	json_put_word(json, "detector", info->name);
	json_put_word(json, "tier", tier_names[detection->tier]);
	json_put_word(json, "action", reaction_names[detection->reaction]);
	json_put_number(json, "value", detection->value);
	json_put_number(json, "threshold", detection->threshold);
	if (detection->repeated > 0)
		json_put_number(json, "repeated", detection->repeated);
	json_put_words(json, "attack", (struct span){ (const uint8_t *)info->attack, strlen(info->attack) });
	if (detection->feature_count > 0) {
		json_put_key(json, "features");
		json_open(json, '{');
		for (unsigned i = 0; i < detection->feature_count; i++)
			json_put_number(json, feature_names[detection->features[i].name], detection->features[i].value);
		json_close(json, '}');
	}
	json_close(json, '}');
}

static void put_detections(struct json *json, const struct detections *detections)
{
	if (detections->count == 0)
		return;
	json_put_key(json, "detections");
	json_open(json, '[');
	for (size_t i = 0; i < detections->count; i++)
		put_detection(json, &detections->items[i]);
	json_close(json, ']');
}

size_t extra_write(const struct event_view *view, char *to, size_t cap)
{
	struct json json = { .to = to, .cap = cap };
	char number[FRAME_NUMBER_TEXT_MAX];

	json_put(&json, "{", 1);
	json_put_number(&json, "v", EXTRA_VERSION);
	put_numbering(&json, &view->number);
	json_put_word(&json, "path", path_table[view->path].name);
	json_put_word(&json, "verdict", action_table[view->action].name);
	json_put_span(&json, "group", view->group);
	if (view->privacy != PRIVACY_NONE)
		json_put_word(&json, "privacy", privacy_names[view->privacy]);
	put_rule(&json, &view->rule);
	if (view->ede != EDE_NONE)
		json_put_number(&json, "ede", (uint64_t)view->ede);
	put_shadow(&json, &view->shadow);
	put_detections(&json, &view->detections);
	if (action_table[view->action].denies)
		json_put_word(&json, "incident", frame_number_text(&view->number, number));
	if (view->dropped)
		json_put_number(&json, "dropped", view->dropped);
	if (view->left_out)
		json_put_number(&json, "left_out", view->left_out);
	json_put(&json, "}", 1);
	return json.full ? 0 : json.used;
}
