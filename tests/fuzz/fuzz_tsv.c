/*
 * fuzz_tsv.c: tab-separated text as a server of rows sends it.
 *
 * The first octet says in how large pieces it comes. Laws: reading ends; a column ends with a NUL where its length says;
 * the rows are the same as of the text in one piece; no text gets longer.
 */
#include "tools/tsv_rows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	uint64_t hash;
	size_t rows, octets;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void add(struct sum *sum, const void *octets, size_t count)
{
	const uint8_t *at = octets;

	for (size_t i = 0; i < count; i++)
		sum->hash = (sum->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static bool take(void *arg, const struct tsv_row *row)
{
	struct sum *sum = arg;

	check(row->count > 0 && row->count <= TSV_COLUMNS_MAX);
	for (unsigned i = 0; i < row->count; i++) {
		check(row->columns[i][row->octets[i]] == '\0');
		add(sum, &row->octets[i], sizeof(row->octets[i]));
		add(sum, row->columns[i], row->octets[i]);
		sum->octets += row->octets[i];
	}
	return ++sum->rows < 1000;
}

static struct sum read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct sum sum = { .rows = 0 };
	struct tsv_rows rows = { .row = take, .arg = &sum };

	for (size_t at = 0; at < size; at += piece)
		if (!tsv_rows_take(&rows, (const char *)data + at, size - at < piece ? size - at : piece))
			break;
	(void)tsv_rows_are_whole(&rows);
	tsv_rows_fini(&rows);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, parts;

	if (size < 2)
		return 0;
	whole = read_all(data + 1, size - 1, size);
	parts = read_all(data + 1, size - 1, data[0] + 1u);
	check(whole.hash == parts.hash && whole.rows == parts.rows && whole.octets <= size);
	return 0;
}
