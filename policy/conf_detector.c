/* conf_detector.c: the clause of a detector; its keys are the options of the table of detectors. */
#include <string.h>

#include "policy/conf_parse.h"
#include "policy/conf_value.h"

static int take_name(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *value)
{
	const enum detector detector = detector_by_name(value->text);

	if (parsing->detector != DETECTOR_COUNT)
		return fail_at(parsing, lex, value, "name: is there already in this `detector:`: remove one of the two");
	if (detector == DETECTOR_COUNT)
		return fail_at(parsing, lex, value, "name: there is no detector `%.64s`; verdict.conf(5) lists them",
			value->text);
	if (parsing->detectors[detector])
		return fail_at(parsing, lex, value, "name: there is a `detector:` for %s already: join the two",
			detector_table[detector].name);
	parsing->detector = detector;
	parsing->detectors[detector] = true;
	return 0;
}

static int take_action(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *value)
{
	const struct detector_info *info = &detector_table[parsing->detector];
	const char *instead = detector_instead[parsing->detector];
	struct conf_limits limits = { 0 };
	enum reaction reaction;
	char wrong[CONF_WRONG_MAX];

	if (conf_value_parse(TYPE_REACTION, &limits, value->text, &reaction, wrong) != 0)
		return fail_at(parsing, lex, value, "action: %s", wrong);
	if (reaction > info->reaction_max)
		return fail_at(parsing, lex, value, "action: %s is evidence that may lead to `%s` and no further%s%s", info->name,
			reaction_names[info->reaction_max], instead != NULL ? ": " : "",
			instead != NULL ? instead : "");
	parsing->conf->options.detectors[parsing->detector].reaction = reaction;
	return 0;
}

int clause_detector_key(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *at,
	const char *key, const struct conf_word *value)
{
	const struct detector_info *info = parsing->detector < DETECTOR_COUNT ? &detector_table[parsing->detector] : NULL;
	char wrong[CONF_WRONG_MAX];

	if (strlen(value->text) != value->length)
		return fail_at(parsing, lex, value, "%s: has a NUL octet", key);
	if (strcmp(key, "name") == 0)
		return take_name(parsing, lex, value);
	if (info == NULL)
		return fail_at(parsing, lex, at, "%s: write the `name:` of the detector first", key);
	if (strcmp(key, "action") == 0)
		return take_action(parsing, lex, value);
	for (unsigned i = 0; i < DETECTOR_OPTIONS_MAX && info->options[i].name != NULL; i++) {
		const struct conf_limits limits = { .min = info->options[i].min, .max = info->options[i].max };

		if (strcmp(info->options[i].name, key) != 0)
			continue;
		if (conf_value_parse(TYPE_NUMBER, &limits, value->text, &parsing->conf->options.detectors[parsing->detector].values[i],
			wrong) != 0)
			return fail_at(parsing, lex, value, "%s: %s", key, wrong);
		return keep_place(&parsing->values[parsing->detector][i], lex, value) ? 0 :
			fail_at(parsing, lex, value, "%s: out of memory", key);
	}
	return fail_at(parsing, lex, at, "%s: not a key of the detector %s; verdict.conf(5) lists them", key, info->name);
}

/* Defaults are in order: one of the two was given, and the lower one is to blame before the other. */
int clause_detectors_check(struct parsing *parsing)
{
	for (unsigned i = 0; i < DETECTOR_ORDERS; i++) {
		const struct detector_order *order = &detector_orders[i];
		const struct detector_option *options = detector_table[order->detector].options;
		const uint32_t *values = parsing->conf->options.detectors[order->detector].values;
		const struct conf_place *places = parsing->values[order->detector];
		const bool blame_low = places[order->low].file != NULL;
		const unsigned at = blame_low ? order->low : order->high, other = blame_low ? order->high : order->low;

		if (values[order->low] > values[order->high])
			return fail_there(parsing, &places[at], "%s: %u is %s %s, %u: what is more certain takes more",
				options[at].name, values[at], blame_low ? "over" : "under", options[other].name, values[other]);
	}
	return 0;
}
