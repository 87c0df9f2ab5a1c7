/* live_print.c: loads and sweeps, for people. */
#include "tools/live_print.h"

#include <string.h>

#include "control/json.h"
#include "tools/live.h"

static const char *safe_text(const json_t *object, const char *key, char *to)
{
	const char *text = json_get_text(object, key);

	term_escape(to, LIVE_SAFE_MAX, text, strlen(text));
	return to;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_get_number(object, key);
}

static void print_us(long long microseconds, FILE *to)
{
	if (microseconds < 10000)
		fprintf(to, "%lld us", microseconds);
	else if (microseconds < 10000000)
		fprintf(to, "%lld ms", microseconds / 1000);
	else
		fprintf(to, "%.1f s", (double)microseconds / 1e6);
}

static long long total_us(const json_t *load)
{
	json_t *phases = json_object_get(load, "phases_us"), *value;
	const char *name;
	long long sum = 0;

	json_object_foreach(phases, name, value)
		sum += (long long)json_integer_value(value);
	return sum;
}

void live_print_load(const json_t *load, const struct term *term, FILE *to)
{
	const bool good = json_get_number(load, "policy") != 0;
	char when[LIVE_TEXT_MAX], cause[LIVE_SAFE_MAX], error[LIVE_SAFE_MAX];

	fprintf(to, "  %s  %-9s ", live_time(json_get_number(load, "started"), when), safe_text(load, "cause", cause));
	if (good)
		fprintf(to, "policy %lld, %lld rules, ", number(load, "policy"), number(load, "rules"));
	else
		fprintf(to, "%srefused%s after ", term_on(term, STYLE_BAD), term_off(term, STYLE_BAD));
	print_us(total_us(load), to);
	if (*safe_text(load, "error", error) != '\0')
		fprintf(to, ": %s", error);
	putc('\n', to);
}

void live_print_sweep(const json_t *sweep, FILE *to)
{
	fprintf(to, "swept %lld of %lld messages and %lld of %lld RRsets out of the caches in ",
		number(sweep, "messages_removed"), number(sweep, "messages"), number(sweep, "rrsets_removed"),
		number(sweep, "rrsets"));
	print_us(number(sweep, "microseconds"), to);
	fprintf(to, " (longest slice %lld us)%s\n", number(sweep, "longest_slice_us"),
		json_get_flag(sweep, "complete") ? "" : "; the rest is being swept");
}

void live_print_phases(const json_t *load, const struct term *term, FILE *to)
{
	json_t *phases = json_object_get(load, "phases_us"), *value;
	const char *name;
	char safe[LIVE_SAFE_MAX];

	json_object_foreach(phases, name, value) {
		term_escape(safe, sizeof(safe), name, strlen(name));
		fprintf(to, "  %-8s ", safe);
		print_us((long long)json_integer_value(value), to);
		putc('\n', to);
	}
	fputs("  ", to);
	live_print_sweep(json_object_get(load, "sweep"), to);
	if (number(load, "questions") > 0)
		fprintf(to, "  of %lld recent questions %lld are newly denied%s%s\n", number(load, "questions"),
			number(load, "newly_denied"), *safe_text(load, "example", safe) != '\0' ? ", such as " : "", safe);
	if (*safe_text(load, "restart", safe) != '\0')
		fprintf(to, "  %swaits for a reload of the resolver: %s%s\n", term_on(term, STYLE_WARN), safe,
			term_off(term, STYLE_WARN));
}
