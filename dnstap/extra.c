/*
 * extra.c: the `extra` field of a frame.
 */
#include "dnstap/extra.h"

#include <arpa/inet.h>
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

static void begin_server(struct json *json, const struct name *name)
{
	char text[NAME_TEXT_MAX];

	json_open(json, '{');
	if (name->labels == 0)
		return;
	name_to_text(name, text);
	json_put_span(json, "name", (struct span){ (const uint8_t *)text, strlen(text) });
}

static void end_server(struct json *json, size_t addresses)
{
	if (addresses > 0)
		json_close(json, ']');
	json_close(json, '}');
}

static void put_address(struct json *json, const struct address *address, bool first)
{
	char text[INET6_ADDRSTRLEN];

	if (first)
		json_put_key(json, "addresses");
	inet_ntop(address->family == ADDRESS_INET ? AF_INET : AF_INET6, address->octets, text, sizeof(text));
	json_put(json, first ? "[\"" : ",\"", 2);
	json_put(json, text, strlen(text));
	json_put(json, "\"", 1);
}

/* An object for each name. */
static void put_servers(struct json *json, struct span servers)
{
	struct behind_server server;
	size_t at = 0, before = 0, addresses = 0;

	json_put_key(json, "servers");
	json_open(json, '[');
	for (; behind_next(servers.data, servers.length, &at, &server); before = at) {
		if (servers.data[before] != 0 && before > 0)
			end_server(json, addresses);
		if (servers.data[before] != 0) {
			begin_server(json, &server.name);
			addresses = 0;
		}
		if (server.address.family != ADDRESS_NONE)
			put_address(json, &server.address, addresses++ == 0);
	}
	if (at > 0)
		end_server(json, addresses);
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
	if (view->unsent)
		json_put_flag(&json, "unsent", true);
	put_rule(&json, &view->rule);
	if (view->ede != EDE_NONE)
		json_put_number(&json, "ede", (uint64_t)view->ede);
	put_shadow(&json, &view->shadow);
	put_detections(&json, &view->detections);
	if (view->security != SECURITY_UNKNOWN)
		json_put_word(&json, "security", security_names[view->security]);
	if (view->has_servers)
		put_servers(&json, view->servers);
	if (action_table[view->action].denies)
		json_put_word(&json, "incident", frame_number_text(&view->number, number));
	if (view->dropped)
		json_put_number(&json, "dropped", view->dropped);
	if (view->left_out)
		json_put_number(&json, "left_out", view->left_out);
	json_put(&json, "}", 1);
	return json.full ? 0 : json.used;
}
