/* behaviour_print.c: flags, and a zone's state against the thresholds. */
#include "tools/behaviour_print.h"

#include <string.h>

#include "control/json.h"
#include "tools/live.h"
#include "tools/live_print.h"

static const char *safe(const json_t *object, const char *key, char *to)
{
	const char *text = json_get_text(object, key);

	term_escape(to, LIVE_SAFE_MAX, text, strlen(text));
	return to;
}

static bool is(const json_t *object, const char *key, const char *value)
{
	return strcmp(json_get_text(object, key), value) == 0;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_get_number(object, key);
}

/* --- flags -------------------------------------------------------------------------------------------------------- */

void flag_print(const json_t *flag, int64_t now, const struct term *term, FILE *to)
{
	char state[LIVE_SAFE_MAX], zone[LIVE_SAFE_MAX], client[LIVE_SAFE_MAX], detector[LIVE_SAFE_MAX], tier[LIVE_SAFE_MAX];
	char technique[LIVE_SAFE_MAX], why[LIVE_SAFE_MAX], error[LIVE_SAFE_MAX], since[LIVE_TEXT_MAX], left[LIVE_TEXT_MAX];
	const enum term_style style = is(flag, "state", "denied") ? STYLE_BAD : STYLE_WARN;

	fprintf(to, "%s%s%s  %s by %s: %s (%s)\n", term_on(term, style), safe(flag, "state", state), term_off(term, style),
		strcmp(safe(flag, "zone", zone), ".") == 0 ? "all questions" : zone,
		*safe(flag, "client", client) != '\0' ? client : "everybody", safe(flag, "detector", detector),
		safe(flag, "tier", tier));
	fprintf(to, "    %s%s%s\n", safe(flag, "why", why), *safe(flag, "technique", technique) != '\0' ? "; ATT&CK " : "",
		technique);
	fprintf(to, "    since %s, %s left, %lld hit%s", live_time(json_get_number(flag, "since"), since),
		live_span(json_get_number(flag, "until") > now ? json_get_number(flag, "until") - now : 0, left),
		number(flag, "hits"), number(flag, "hits") == 1 ? "" : "s");
	if (json_get_number(flag, "override") != 0)
		fprintf(to, ", override %lld", number(flag, "override"));
	if (*safe(flag, "error", error) != '\0')
		fprintf(to, "; not denied: %s", error);
	putc('\n', to);
}

static void print_flags(const json_t *flags, int64_t now, const struct term *term, FILE *to)
{
	const json_t *flag;
	size_t index;

	if (json_array_size(flags) == 0) {
		fputs("  no flag is in force\n", to);
		return;
	}
	fputs("Flags in force:\n", to);
	json_array_foreach(flags, index, flag)
		flag_print(flag, now, term, to);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void print_traits(const json_t *traits, FILE *to)
{
	const json_t *trait;
	size_t index;

	json_array_foreach(traits, index, trait) {
		const char *text = json_string_value(trait) != NULL ? json_string_value(trait) : "";
		char clean[LIVE_SAFE_MAX];

		term_escape(clean, sizeof(clean), text, strlen(text));
		fprintf(to, "%s%s", index == 0 ? "; a list says that it is " : ", ", clean);
	}
}

static void print_zone(const json_t *zone, const json_t *traits, FILE *to)
{
	char name[LIVE_SAFE_MAX], first[LIVE_TEXT_MAX], last[LIVE_TEXT_MAX];
	const long long clients = number(zone, "clients");

	if (zone == NULL)
		return;
	if (*safe(zone, "name", name) == '\0')
		fputs("  the name has no registrable domain (a public suffix, or below no top-level domain that there is)", to);
	else
		fprintf(to, "  zone %s: ", name);
	if (json_get_flag(zone, "remembered")) {
		fprintf(to, "%s%s, last %s, %lld new names, %lld%s client%s", number(zone, "first") != 0 ? "first asked for " :
			"known before the memory began", number(zone, "first") != 0 ?
			live_time(json_get_number(zone, "first"), first) : "", live_time(json_get_number(zone, "last"), last),
			number(zone, "names"), clients, clients >= 4 ? " or more" : "", clients == 1 ? "" : "s");
	} else if (*name != '\0') {
		fprintf(to, "unknown: %s", json_get_flag(zone, "asked_for") ?
			"it was asked for within the last month or two, and its record has made room for others" :
			"nobody has asked for it within the last month, or it is never weighed (popular, approved, internal)");
	}
	print_traits(traits, to);
	putc('\n', to);
}

static void print_client(const json_t *client, FILE *to)
{
	char address[LIVE_SAFE_MAX], since[LIVE_TEXT_MAX];

	if (client == NULL)
		return;
	fprintf(to, "  client %s: ", safe(client, "address", address));
	if (!json_get_flag(client, "remembered"))
		fputs("unknown\n", to);
	else
		fprintf(to, "%lld answers since %s, %lld of them NXDOMAIN\n", number(client, "answers"),
			live_time(json_get_number(client, "since"), since), number(client, "missing"));
}

static void print_pair(const json_t *pair, FILE *to)
{
	char last[LIVE_TEXT_MAX];

	if (pair == NULL)
		return;
	if (!json_get_flag(pair, "remembered"))
		fputs("  both: the client has not been seen to ask for the zone\n", to);
	else
		fprintf(to, "  both: last %s, %lld octets its own of what is weighed, %lld points (3 alert, 8 deny)\n",
			live_time(json_get_number(pair, "last"), last), number(pair, "own_octets"), number(pair, "points"));
}

/* --- detectors ---------------------------------------------------------------------------------------------------- */

static void print_measure(const json_t *measure, const struct term *term, FILE *to)
{
	const bool crossed = json_get_flag(measure, "crossed");
	char name[LIVE_SAFE_MAX], of[LIVE_SAFE_MAX], bound[LIVE_SAFE_MAX], unit[LIVE_SAFE_MAX], option[LIVE_SAFE_MAX];
	char value[24] = "long";

	if (json_object_get(measure, "value") != NULL)
		snprintf(value, sizeof(value), "%lld", number(measure, "value"));
	fprintf(to, "    %s%s %-6s %-20s %10s  %s %lld %s", term_on(term, crossed ? STYLE_STRONG : STYLE_PLAIN),
		crossed ? ">" : " ", safe(measure, "of", of), safe(measure, "name", name), value, safe(measure, "bound", bound),
		number(measure, "threshold"), safe(measure, "unit", unit));
	if (*safe(measure, "option", option) != '\0')
		fprintf(to, " (%s)", option);
	fprintf(to, "%s\n", term_off(term, crossed ? STYLE_STRONG : STYLE_PLAIN));
}

static void print_detector(const json_t *detector, bool with_client, const struct term *term, FILE *to)
{
	const json_t *features = json_object_get(detector, "features"), *measure;
	const bool fires = !is(detector, "tier", "none"), said = !is(detector, "said", "none");
	char name[LIVE_SAFE_MAX], tier[LIVE_SAFE_MAX], text[LIVE_SAFE_MAX], technique[LIVE_SAFE_MAX];
	size_t index;

	if (!fires && !said && json_array_size(features) == 0)
		return;
	fprintf(to, "  %s%s%s: %s", term_on(term, fires ? STYLE_WARN : STYLE_PLAIN), safe(detector, "detector", name),
		term_off(term, fires ? STYLE_WARN : STYLE_PLAIN), safe(detector, "tier", tier));
	if (with_client)
		fprintf(to, ", said of both: %s", safe(detector, "said", text));
	fprintf(to, ", action %s", safe(detector, "action", text));
	fprintf(to, "%s%s\n", *safe(detector, "technique", technique) != '\0' ? ", ATT&CK " : "", technique);
	json_array_foreach(features, index, measure)
		print_measure(measure, term, to);
}

void behaviour_print(const json_t *behaviour, const struct term *term, FILE *to)
{
	const json_t *detectors = json_object_get(behaviour, "detectors"), *detector;
	size_t index;

	fputs("What the detectors know (> crosses the threshold):\n", to);
	print_zone(json_object_get(behaviour, "zone"), json_object_get(behaviour, "traits"), to);
	print_client(json_object_get(behaviour, "client"), to);
	print_pair(json_object_get(behaviour, "pair"), to);
	json_array_foreach(detectors, index, detector)
		print_detector(detector, json_get_flag(json_object_get(behaviour, "pair"), "remembered"), term, to);
	print_flags(json_object_get(behaviour, "flags"), json_get_number(behaviour, "time"), term, to);
}
