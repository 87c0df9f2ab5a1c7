/*
 * test_list_real.c: real lists, read and compared with counts made without the reader. They are not part of the
 * project: VERDICT_DATA names their folder, and without it every claim is skipped. Speaks TAP itself, since cmocka
 * reports what is skipped as failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/file.h"
#include "tests/unit/read_zone.h"

/* What a file holds, and the mark by which a line with a rule is known. */
struct real_list {
	const char *file;
	enum list_format format;
	const char *zone;
	const char *mark;      /* a rule for each line that has it and is no comment */
};

static const struct real_list lists[] = {
	{ "lists/format_domains.txt", FORMAT_DOMAINS, NULL, "." },
	{ "lists/format_hosts.txt", FORMAT_HOSTS, NULL, "0.0.0.0 " },
	{ "lists/format_wildcard.txt", FORMAT_WILDCARD, NULL, "*." },
	{ "lists/block_phishing_nrd_2025-09.txt", FORMAT_DOMAINS, NULL, "." },
	{ "lists/doh_domains.txt", FORMAT_DOMAINS, NULL, "." },
	{ "rpz/rpz_ph00lt0_noSOA.zone", FORMAT_RPZ, NULL, " CNAME " },
	{ "rpz/rpz_rodrigo_wildcards.zone", FORMAT_RPZ, "rpz", " CNAME " },
};

#define LIST_COUNT (sizeof(lists) / sizeof(lists[0]))

static size_t count_marked_lines(const char *text, size_t length, const char *mark)
{
	const char *at = text, *end = text + length;
	size_t count = 0;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;

		if (*at != '#' && *at != ';' && memmem(at, (size_t)(stop - at), mark, strlen(mark)) != NULL)
			count++;
		at = stop + 1;
	}
	return count;
}

static bool count_rule(void *arg, const struct rule *rule)
{
	(void)rule;
	++*(size_t *)arg;
	return true;
}

/* NULL: as claimed; else what is wrong, good until the next call. */
static const char *judge(const struct real_list *list, char *path, const struct file_text *text)
{
	static char wrong[1024];
	struct list_conf conf = { .name = "real", .file = path, .format = list->format };
	size_t should = count_marked_lines(text->octets, text->length, list->mark), rules = 0;
	struct list_stats stats;
	struct diag diag;

	if (list->zone != NULL)
		name_from_text(&conf.zone, list->zone, strlen(list->zone));
	if (list_load(&conf, 0, count_rule, &rules, &stats, &diag) != 0)
		return diag_format(&diag, wrong, sizeof(wrong));
	if (rules != should || stats.rules != should) {
		snprintf(wrong, sizeof(wrong), "%zu rules instead of %zu", rules, should);
		return wrong;
	}
	return list->format == FORMAT_RPZ ? zone_differs(text->octets, text->length, list->zone, &rules) : NULL;
}

int main(void)
{
	const char *folder = getenv("VERDICT_DATA"), *srcdir = getenv("srcdir");
	bool good = true;
	size_t i;

	printf("1..%zu\n", LIST_COUNT);
	for (i = 0; i < LIST_COUNT; i++) {
		struct file_text text;
		const char *wrong;
		char path[4096];

		if (folder != NULL)
			snprintf(path, sizeof(path), "%s/%s", folder, lists[i].file);
		else
			snprintf(path, sizeof(path), "%s/../shared/data/%s",
				srcdir != NULL ? srcdir : ".", lists[i].file);
		if (file_load(&text, path, (size_t)1 << 30) != NULL) {
			printf("ok %zu # SKIP no %s: set VERDICT_DATA to the folder of the real lists\n",
				i + 1, path);
			continue;
		}
		wrong = judge(&lists[i], path, &text);
		printf("%sok %zu - reads every rule of %s%s%s\n", wrong != NULL ? "not " : "", i + 1, lists[i].file,
			wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
		good = good && wrong == NULL;
		file_release(&text);
	}
	return good ? 0 : 1;
}
