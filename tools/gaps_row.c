/* gaps_row.c: a line of the gap report, for people or as JSON. */
#include "tools/gaps_row.h"

#include <inttypes.h>
#include <string.h>

#include "tools/frame_fields.h"
#include "tools/json_line.h"
#include "tools/term.h"

#define RANGES_SHOWN 8

static void print_line(const struct gaps_row *row, FILE *to)
{
	const struct ranges *all = &row->without;
	char boot[4 * FRAME_BOOT_MAX];

	term_escape(boot, sizeof(boot), row->boot, strlen(row->boot));
	fprintf(to, "boot %s worker %" PRIu64 ": ", boot, row->worker);
	if (row->seen)
		fprintf(to, "%" PRIu64 " to %" PRIu64 ": ", row->first, row->last);
	else
		fputs("no frame came: ", to);
	if (row->missing == 0)
		fprintf(to, "complete, %" PRIu64 " frames", row->frames);
	else
		fprintf(to, "%" PRIu64 " missing%s", row->missing, row->left_out == 0 ? ":" : "");
	if (row->left_out > 0)
		fprintf(to, "; %" PRIu64 " answers have no frame by `frames:`", row->left_out);
	for (unsigned i = 0; row->left_out == 0 && i < all->count && i < RANGES_SHOWN; i++)
		if (all->rows[i].first == all->rows[i].last)
			fprintf(to, "%s %" PRIu64, i > 0 ? "," : "", all->rows[i].first);
		else
			fprintf(to, "%s %" PRIu64 "-%" PRIu64, i > 0 ? "," : "", all->rows[i].first, all->rows[i].last);
	if (row->left_out == 0 && all->count > RANGES_SHOWN)
		fputs(" and more", to);
	if (row->awaited > 0)
		fprintf(to, "; %" PRIu64 " more may still come", row->awaited);
	if (row->dropped > 0)
		fprintf(to, "; %" PRIu64 " dropped as told by the resolver", row->dropped);
	if (row->duplicates > 0)
		fprintf(to, "; %" PRIu64 " came twice", row->duplicates);
	if (row->late > 0)
		fprintf(to, "; %" PRIu64 " came too late to be told from duplicates", row->late);
	if (!row->told)
		fprintf(to, "; unknown after %" PRIu64, row->last);
	putc('\n', to);
}

static void print_json(const struct gaps_row *row, FILE *to)
{
	const struct ranges *all = &row->without;
	struct json_line line = { .octets = NULL };

	json_line_open(&line, '{');
	json_line_text(&line, "report", "gaps");
	json_line_text(&line, "boot", row->boot);
	json_line_count(&line, "worker", row->worker);
	json_line_count(&line, "frames", row->frames);
	if (row->seen) {
		json_line_count(&line, "first", row->first);
		json_line_count(&line, "last", row->last);
	}
	json_line_count(&line, "missing", row->missing);
	json_line_key(&line, "ranges");
	json_line_open(&line, '[');
	for (unsigned i = 0; row->left_out == 0 && i < all->count; i++) {
		json_line_open(&line, '[');
		json_line_number(&line, all->rows[i].first);
		json_line_number(&line, all->rows[i].last);
		json_line_close(&line, ']');
	}
	json_line_close(&line, ']');
	json_line_count(&line, "left_out", row->left_out);
	json_line_count(&line, "awaited", row->awaited);
	json_line_count(&line, "dropped", row->dropped);
	json_line_count(&line, "duplicates", row->duplicates);
	json_line_count(&line, "late", row->late);
	json_line_count(&line, "known_to", row->known_to);
	json_line_key(&line, "told");
	json_line_raw(&line, row->told ? "true" : "false", row->told ? 4 : 5);
	json_line_put(&line, "}\n", 2);
	if (!line.failed)
		fwrite(line.octets, 1, line.used, to);
	json_line_fini(&line);
}

void gaps_row_print(const struct gaps_row *row, FILE *to, bool json)
{
	(json ? print_json : print_line)(row, to);
}
