/* check_print.c: what `verdictctl check` found out, for people: a table of lists, and what is odd about each. */
#include "tools/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/feed.h"

#define LINE_OCTETS 79
#define HITS_SHOWN 10

size_t check_skipped(const struct list_stats *stats)
{
	size_t total = 0;

	for (int reason = 0; reason < SKIP_COUNT; reason++)
		total += stats->skipped[reason];
	return total;
}

const char *check_action(const struct list_conf *list, const struct list_stats *stats)
{
	if (list->action != ACTION_ALLOW)
		return action_table[list->action].name;
	return format_has_actions(stats->format) ? "by rule" : action_table[ACTION_NXDOMAIN].name;
}

/* `to` holds 16. */
static char *size_text(size_t octets, char *to)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	double size = (double)octets;
	unsigned unit = 0;

	for (; size >= 1024 && unit < 3; unit++)
		size /= 1024;
	snprintf(to, 16, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
	return to;
}

/* How long ago, in the largest unit that fits. `to` holds 16. */
static char *age_text(int64_t seconds, char *to)
{
	if (seconds < 120)
		snprintf(to, 16, "%" PRId64 " s", seconds < 0 ? 0 : seconds);
	else if (seconds < 7200)
		snprintf(to, 16, "%" PRId64 " min", seconds / 60);
	else if (seconds < 172800)
		snprintf(to, 16, "%" PRId64 " h", seconds / 3600);
	else
		snprintf(to, 16, "%" PRId64 " days", seconds / 86400 % 100000);
	return to;
}

static int name_width(const struct checked *checked)
{
	size_t width = 4;

	for (size_t i = 0; i < checked->conf->list_count; i++)
		if (strlen(checked->conf->lists[i].name) > width)
			width = strlen(checked->conf->lists[i].name);
	return (int)width;
}

static int format_width(const struct checked *checked)
{
	size_t width = 8;

	for (size_t i = 0; i < checked->conf->list_count; i++) {
		const char *format = format_names[checked->report.lists[i].stats.format];

		if (strlen(format) > width)
			width = strlen(format);
	}
	return (int)width;
}

/* Outside text in at most `columns`. */
static void print_safe(const char *text, size_t columns)
{
	char safe[LINE_OCTETS + 1];

	term_escape(safe, columns < sizeof(safe) ? columns + 1 : sizeof(safe), text, strlen(text));
	fputs(safe, stdout);
}

static void print_skipped(const struct term *term, const struct list_stats *stats)
{
	for (int reason = 0; reason < SKIP_COUNT; reason++) {
		if (stats->skipped[reason] == 0)
			continue;
		printf("  %sskipped %zu: %s%s\n", term_on(term, STYLE_WARN), stats->skipped[reason],
			skip_texts[reason], term_off(term, STYLE_WARN));
		printf("    first in line %u: ", stats->skipped_line[reason]);
		print_safe(stats->skipped_text[reason], 48);
		putchar('\n');
	}
}

/* The list's health. */
static void print_details(const struct checked *checked, size_t index)
{
	const struct list_report *report = &checked->report.lists[index];
	const struct list_stats *stats = &report->stats;
	size_t subsumed = checked->subsumed[index];
	/* Some may have been over a limit of the compiled form. */
	size_t rules = subsumed > stats->rules + stats->withheld ? subsumed : stats->rules + stats->withheld;
	char text[16];

	printf("  %s", age_text(checked->now - stats->modified, text));
	printf(" old");
	if (report->expires_at != 0 && !report->expired)
		printf("; expires in %s", age_text(report->expires_at - checked->now, text));
	if (stats->file_octets != stats->octets)
		printf("; %s compressed", size_text(stats->file_octets, text));
	if (stats->detected)
		printf("; format: %s (detected)", format_names[stats->format]);
	if (subsumed > 0)
		printf("; %zu below others (%.1f %%)", subsumed, 100 * (double)subsumed / (double)rules);
	putchar('\n');
}

static void print_expired(const struct checked *checked, const struct term *term, size_t index)
{
	char text[256];

	if (feed_expired(&checked->report.lists[index].stats, checked->now, text, sizeof(text)))
		printf("  %s%s%s\n", term_on(term, STYLE_WARN), text, term_off(term, STYLE_WARN));
}

static void print_list(const struct checked *checked, const struct term *term, size_t index)
{
	const struct list_conf *list = &checked->conf->lists[index];
	const struct list_report *report = &checked->report.lists[index];
	char serial[12] = "-", size[16];

	if (report->stats.serial != 0)
		snprintf(serial, sizeof(serial), "%" PRIu32, report->stats.serial);
	printf("%-*s %-*s %-10s %8zu %7zu %6zu %10s %9s%s\n", name_width(checked), list->name, format_width(checked),
		format_names[report->stats.format], check_action(list, &report->stats), report->stats.rules,
		check_skipped(&report->stats), report->duplicates, serial, size_text(report->stats.octets, size),
		list->shadow ? " shadow" : "");
	print_details(checked, index);
	print_expired(checked, term, index);
	print_skipped(term, &report->stats);
}

static void print_hit(const struct popular_hit *hit)
{
	char name[NAME_TEXT_MAX], rule[NAME_TEXT_MAX + 2];

	printf("  line %zu: ", hit->line);
	print_safe(name_to_text(&hit->name, name), 24);
	printf(" %s by ", action_table[hit->rule.action].name);
	print_safe(hit->rule.list, 12);
	printf(": ");
	print_safe(rule_match_text(&hit->rule, rule), hit->shadow ? 10 : 18);
	fputs(hit->shadow ? " shadow" : "", stdout);
	putchar('\n');
}

static void print_popular(const struct checked *checked, const struct term *term)
{
	const struct popular *popular = &checked->popular;
	size_t shown = popular->hit_count < HITS_SHOWN ? popular->hit_count : HITS_SHOWN;

	printf("\n%spopular: %zu of %zu names would be denied (%.3f %%)%s\n",
		term_on(term, popular->denied > 0 ? STYLE_WARN : STYLE_GOOD), popular->denied, popular->names,
		(double)popular->denied * 100 / (double)popular->names,
		term_off(term, popular->denied > 0 ? STYLE_WARN : STYLE_GOOD));
	if (popular->shadow_denied > 0)
		printf("  %s%zu more if what is in shadow were enforced (%.3f %%)%s\n", term_on(term, STYLE_WARN),
			popular->shadow_denied, (double)popular->shadow_denied * 100 / (double)popular->names,
			term_off(term, STYLE_WARN));
	if (popular->unreadable > 0)
		printf("  %zu lines of the file hold no name\n", popular->unreadable);
	for (size_t i = 0; i < shown; i++)
		print_hit(&popular->hits[i]);
	if (popular->hit_count > shown)
		printf("  and %zu more that rules decide about (--json shows up to %d)\n", popular->hit_count - shown,
			POPULAR_HITS_MAX);
}

void check_print(const struct checked *checked, const struct term *term)
{
	const struct conf *conf = checked->conf;
	char safe[256], size[16];

	term_escape(safe, sizeof(safe), conf->path, strlen(conf->path));
	printf("%s%s%s: mode %s, %zu list%s in this order\n\n", term_on(term, STYLE_STRONG), safe,
		term_off(term, STYLE_STRONG), conf->mode == MODE_SHADOW ? "shadow" : "enforce", conf->list_count,
		conf->list_count == 1 ? "" : "s");
	if (conf->list_count > 0)
		printf("%-*s %-*s %-10s %8s %7s %6s %10s %9s\n", name_width(checked), "list", format_width(checked),
			"format", "action", "rules", "skipped", "double", "serial", "size");
	for (size_t i = 0; i < conf->list_count; i++)
		print_list(checked, term, i);
	check_print_groups(checked, term);
	printf("\n%zu rules in %s of memory, loaded in %.2f s of CPU\n", snapshot_rule_count(checked->snapshot),
		size_text(snapshot_octets(checked->snapshot), size), checked->cpu_seconds);
	if (checked->popular_path != NULL)
		print_popular(checked, term);
	if (conf->dnstap.socket_path == NULL && conf->dnstap.file == NULL)
		printf("%snote: no dnstap socket-path and no file, so no frames are sent%s\n",
			term_on(term, STYLE_WARN), term_off(term, STYLE_WARN));
	printf("%sfine%s\n", term_on(term, STYLE_GOOD), term_off(term, STYLE_GOOD));
}
