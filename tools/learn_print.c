/* learn_print.c: what was learned, as a configuration with its evidence, and as a list. */
#include "tools/learn.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_proposed(const json_t *object)
{
	return json_is_true(json_object_get(object, "proposed"));
}

static void print_number(const json_t *object, const char *key, const char *before, const char *behind, FILE *to)
{
	fprintf(to, "%s%" JSON_INTEGER_FORMAT "%s", before, number_of(object, key), behind);
}

/* --- what detectors said ------------------------------------------------------------------------------------------ */

static void print_said(const json_t *subject, FILE *to)
{
	json_t *features, *value;
	const json_t *said;
	const char *name;
	size_t index;

	json_array_foreach(json_object_get(subject, "said"), index, said) {
		features = json_object_get(said, "features");
		fprintf(to, "#   %s %s", text_of(said, "detector"), text_of(said, "tier"));
		print_number(said, "answers", ": ", number_of(said, "answers") == 1 ? " answer" : " answers", to);
		if (json_object_get(said, "clients") != NULL)
			print_number(said, "clients", " by ", number_of(said, "clients") == 1 ? " client" : " clients", to);
		print_number(said, "value", ", at most ", "", to);
		json_object_foreach(features, name, value)
			fprintf(to, " %s=%" JSON_INTEGER_FORMAT, name, json_integer_value(value));
		fprintf(to, ", %s to %s\n", text_of(said, "first"), text_of(said, "last"));
	}
}

static void print_zone(const json_t *zone, bool as_comment, FILE *to)
{
	fprintf(to, "# %s", text_of(zone, "zone"));
	print_number(zone, "clients", ": ", " clients", to);
	print_number(zone, "witnesses", " (", " that ask for much else)", to);
	print_number(zone, "days", " on ", " days", to);
	fprintf(to, "%s%s\n", is_proposed(zone) ? "" : "; not proposed: ", text_of(zone, "why_not"));
	print_said(zone, to);
	fprintf(to, "%s%s\n", as_comment ? "# " : "", text_of(zone, "zone"));
}

static size_t count_zones(const json_t *report, bool proposed)
{
	const json_t *zone;
	size_t index, count = 0;

	json_array_foreach(json_object_get(report, "zones"), index, zone)
		count += is_proposed(zone) == proposed;
	return count;
}

static void print_zones(const json_t *report, bool proposed, bool as_comment, FILE *to)
{
	const json_t *zone;
	size_t index;

	json_array_foreach(json_object_get(report, "zones"), index, zone)
		if (is_proposed(zone) == proposed)
			print_zone(zone, as_comment, to);
}

/* --- the configuration -------------------------------------------------------------------------------------------- */

static void print_head(const json_t *report, FILE *to)
{
	fputs("# Made by `verdictctl learn`, to be reviewed.", to);
	print_number(report, "records", " ", " records", to);
	print_number(report, "clients", " of ", " clients", to);
	print_number(report, "days", " on ", " days", to);
	fprintf(to, ", %s to %s.\n", text_of(report, "first"), text_of(report, "last"));
	if (json_is_true(json_object_get(report, "too_short")))
		print_number(report, "days_wanted", "# TOO SHORT: ",
			" days are wanted (--days), so nothing is proposed and all is a comment.\n", to);
	if (number_of(report, "left_out") > 0)
		print_number(report, "left_out", "# ",
			" signs were too many and are left out: learn from fewer days at a time.\n", to);
}

static void print_alarms(const json_t *alarms, FILE *to)
{
	const json_t *alarm;
	size_t index;

	json_array_foreach(alarms, index, alarm) {
		fprintf(to, "#   %s%s, %s", text_of(alarm, "zone"), text_of(alarm, "client"), text_of(alarm, "detector"));
		print_number(alarm, "calls", ", ", number_of(alarm, "calls") == 1 ? " time\n" : " times\n", to);
	}
}

static void print_all_alarms(const json_t *report, FILE *to)
{
	const json_t *alarms = json_object_get(report, "alarms"), *left = json_object_get(report, "alarms_left");

	fprintf(to, "#\n# With all detectors at the most they may do, %zu zones and clients would have been flagged",
		json_array_size(alarms));
	if (left != NULL) {
		fprintf(to, ",\n# and with this configuration %zu%s\n", json_array_size(left), json_array_size(left) > 0 ? ":" : ".");
		print_alarms(left, to);
	} else {
		fputs(":\n", to);
		print_alarms(alarms, to);
	}
}

static void print_list_clause(const json_t *report, const char *list, FILE *to)
{
	const size_t proposed = count_zones(report, true);
	const char *off = list != NULL && proposed > 0 ? "" : "# ";

	fprintf(to, "\n# %zu zones that detectors spoke of are plainly in common use%s\n", proposed,
		list != NULL ? "; the list says why" : "; --list FILE makes a list of them");
	fprintf(to, "%spolicy-list:\n%s\tname: \"learned-approved\"\n%s\tfile: \"%s\"\n"
		"%s\tformat: domains\n%s\tenrich: approved\n", off, off, off, list != NULL ? list : "learned-approved.txt", off, off);
	if (list == NULL)
		print_zones(report, true, true, to);
}

static void print_threshold(const json_t *threshold, FILE *to)
{
	print_number(threshold, "measured", "\t# ", " ", to);
	fprintf(to, "%s measured, ", text_of(threshold, "of"));
	print_number(threshold, "highest", "the highest ", "; ", to);
	print_number(threshold, "common", "", " in common use", to);
	if (number_of(threshold, "common") > 0) {
		print_number(threshold, "median", ": half up to ", ", ", to);
		print_number(threshold, "p99", "99 % up to ", ", ", to);
		print_number(threshold, "p999", "99.9 % up to ", "", to);
	}
	print_number(threshold, "was", "; it was ", "\n", to);
	if (!is_proposed(threshold))
		fprintf(to, "\t# not changed: %s\n", text_of(threshold, "why_not"));
	fprintf(to, "\t%s%s", is_proposed(threshold) ? "" : "# ", text_of(threshold, "option"));
	print_number(threshold, "value", ": ", "\n", to);
}

/* A clause for each detector, in force when one of its thresholds is. */
static void print_thresholds(const json_t *report, FILE *to)
{
	const json_t *all = json_object_get(report, "thresholds"), *threshold, *other;
	const char *detector = "";
	size_t index, next;

	json_array_foreach(all, index, threshold) {
		if (strcmp(detector, text_of(threshold, "detector")) != 0) {
			bool proposed = false;

			detector = text_of(threshold, "detector");
			json_array_foreach(all, next, other)
				proposed |= is_proposed(other) && strcmp(text_of(other, "detector"), detector) == 0;
			fprintf(to, "\n%sdetector:\n%s\tname: %s\n", proposed ? "" : "# ", proposed ? "" : "# ", detector);
		}
		print_threshold(threshold, to);
	}
}

static void print_clients(const json_t *report, FILE *to)
{
	const json_t *client;
	size_t index;

	json_array_foreach(json_object_get(report, "clients_said"), index, client) {
		if (index == 0)
			fputs("\n# Clients that detectors spoke of. None is proposed: nobody is to be overlooked as a whole.\n", to);
		fprintf(to, "# %s\n", text_of(client, "client"));
		print_said(client, to);
	}
}

void learn_print(const json_t *report, const char *list, FILE *to)
{
	print_head(report, to);
	print_all_alarms(report, to);
	print_list_clause(report, list, to);
	if (count_zones(report, false) > 0)
		fprintf(to, "\n# %zu zones are not proposed. Add those that you know to a list of your own.\n",
			count_zones(report, false));
	print_zones(report, false, true, to);
	fputs("\n# Where the configuration has a clause of such a detector already, put the line there.\n", to);
	print_thresholds(report, to);
	print_clients(report, to);
}

void learn_print_list(const json_t *report, FILE *to)
{
	fputs("# Made by `verdictctl learn`: zones that detectors spoke of and that are plainly in common use.\n# Take out what you do not know.\n", to);
	print_zones(report, true, false, to);
}
