/* test_fusion_example.c: the worked example of doc/detectors.md, as the code computes it. */
#include "detect/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define ROW_MAX 256
#define LABEL 40u
#define NAMES 180u
#define TEXT_OCTETS 60u

static struct detect *detect;
static struct detector_conf conf[DETECTOR_COUNT];
static const struct address client = { .family = ADDRESS_INET, .octets = { 192, 0, 2, 7 } };
static int64_t now_ms = START;
static char *manual;

/* --- one TXT record for each new name ----------------------------------------------------------------------------- */

static size_t show(const void *source, record_visit visit, void *arg)
{
	static const uint8_t text[TEXT_OCTETS];
	const struct name *owner = source;
	const struct record record = { SECTION_ANSWER, owner->octets, owner->length, RRTYPE_TXT, 1, 0, text, sizeof(text) };

	visit(arg, &record);
	return 0;
}

/* Letters from a fixed sequence (Numerical Recipes' linear congruence), all 32 of base32. */
static void next_name(struct name *name)
{
	static uint32_t state = 1;
	char text[LABEL + sizeof(".example.com")];

	for (unsigned i = 0; i < LABEL; i++) {
		state = state * 1664525u + 1013904223u;
		text[i] = "abcdefghijklmnopqrstuvwxyz234567"[state >> 27];
	}
	strcpy(text + LABEL, ".example.com");
	assert_null(name_from_text(name, text, strlen(text)));
}

static void answer(struct detections *said)
{
	struct facts facts = { .qtype = RRTYPE_TXT, .qclass = 1, .client = client, .records = show };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .now_ms = now_ms };

	next_name(&facts.qname);
	facts.source = &facts.qname;
	detect_answer(detect, conf, &sight, said);
}

/* --- rows of the table -------------------------------------------------------------------------------------------- */

static void row_of(unsigned names, const char *what, const char *becomes, char *row)
{
	struct view view;
	struct name zone;

	assert_null(name_from_text(&zone, "example.com", strlen("example.com")));
	detect_view(detect, conf, &zone, &client, 0, now_ms / 1000, &view);
	snprintf(row, ROW_MAX, "| %u | %u | %u | %u | %s | %u | %s |\n", names,
		view.detectors[DETECTOR_TUNNEL].measures[0].value, view.detectors[DETECTOR_TUNNEL].measures[1].value,
		view.detectors[DETECTOR_TUNNEL_DOWN].measures[0].value, what, view.pair.points, becomes);
}

static void expect(const char *row)
{
	if (strstr(manual, row) == NULL)
		fail_msg("doc/detectors.md has not the row:\n%s", row);
}

static void what_of(const struct detections *said, char *what, size_t cap)
{
	size_t used = 0;

	*what = '\0';
	for (size_t i = 0; i < said->count && used < cap; i++)
		used += (size_t)snprintf(what + used, cap - used, "%s`%s` %s", i > 0 ? ", " : "",
			detector_table[said->items[i].detector].name, tier_names[said->items[i].tier]);
}

static void the_worked_example_is_what_the_code_does(void **state)
{
	static const char *const becomes[] = { [REACTION_OFF] = "-", [REACTION_ALERT] = "alert", [REACTION_BLOCK] = "denial" };
	char what[ROW_MAX], row[ROW_MAX];
	struct detections said;
	unsigned rows = 0;

	(void)state;
	for (unsigned names = 1; names <= NAMES; names++, now_ms += 1000) {
		answer(&said);
		what_of(&said, what, sizeof(what));
		if (*what == '\0')
			continue;
		row_of(names, what, becomes[said.call.reaction], row);
		expect(row);
		rows++;
	}
	assert_true(rows >= 5);
	now_ms += 10 * 60000;
	row_of(NAMES, "ten minutes later", "-", row);
	expect(row);
	now_ms += 50 * 60000;
	row_of(NAMES, "an hour later", "-", row);
	expect(row);
}

static int start(void **state)
{
	static const struct hash_key key = { 1, 2 };
	const char *srcdir = getenv("srcdir");
	char path[4096];
	struct diag diag = { 0 };
	FILE *file;

	(void)state;
	detector_conf_defaults(conf);
	conf[DETECTOR_TUNNEL].reaction = REACTION_BLOCK;
	conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	detect = detect_create(&detect_sizes_small, suffix_list(path, "com\n"), &key, START, &diag);
	remove(path);
	snprintf(path, sizeof(path), "%s/doc/detectors.md", srcdir != NULL ? srcdir : ".");
	file = fopen(path, "r");
	manual = calloc(1, 1 << 20);
	if (detect == NULL || file == NULL || manual == NULL || fread(manual, 1, (1 << 20) - 1, file) == 0)
		return -1;
	fclose(file);
	return 0;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&detect);
	free(manual);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worked_example_is_what_the_code_does),
	};

	return cmocka_run_group_tests(tests, start, end);
}
