/* test_compiled_damage.c: a compiled policy that is damaged or made up is refused, or can be asked anything. */
#include "policy/compiled.h"

#include "tests/unit/compiling.h"

static void mend_checksum(char *octets, size_t length)
{
	const size_t at = offsetof(struct compiled_header, checksum);
	uint64_t sum;

	memset(octets + at, 0, sizeof(sum));
	sum = XXH3_64bits(octets, length);
	memcpy(octets + at, &sum, sizeof(sum));
}

static void refuses_every_truncation(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t length = 0; length < bench.length; length += length < 4096 ? 1 : 61) {
		write_octets(&bench, bench.octets, length);
		assert_refused(&bench, "offset", "cut");
	}
	write_octets(&bench, bench.octets, bench.length);
	assert_int_equal(truncate(bench.file, (off_t)bench.length + 1), 0);
	assert_refused(&bench, "should have", "an octet more");
	teardown(&bench);
}

static void refuses_every_octet_that_changes(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t i = 0; i < bench.length; i += i < sizeof(struct compiled_header) ? 1 : 13) {
		bench.octets[i] ^= 0x40;
		write_octets(&bench, bench.octets, bench.length);
		bench.octets[i] ^= 0x40;
		assert_refused(&bench, "", "one bit is another");
	}
	teardown(&bench);
}

static void refuses_hostile_numbers_with_a_right_checksum(void **state)
{
#define HEADER(field) offsetof(struct compiled_header, field)
	static const struct {
		size_t at;
		uint64_t value;
		size_t width;
		const char *why, *word;
	} rows[] = {
		{ HEADER(magic), 1, 8, "another kind of file", "no compiled policy" },
		{ HEADER(order), 0x04030201, 4, "of a machine with the other byte order", "byte order" },
		{ HEADER(format), 2, 2, "a later format", "format" },
		{ HEADER(word_octets), 4, 2, "of a machine with narrow words", "another build" },
		{ HEADER(list_octets), 8, 4, "lists of another shape", "another build" },
		{ HEADER(trigger_count), 99, 4, "more triggers", "another build" },
		{ HEADER(made_by), UINT64_MAX, 8, "another release", "release" },
		{ HEADER(octets), 1, 8, "a length that the counts do not make", "length" },
		{ HEADER(source_count), UINT64_MAX, 8, "sums overflow", "too many files" },
		{ HEADER(list_count), UINT64_MAX / 2, 8, "sums overflow", "too many lists" },
		{ HEADER(class_count), 0, 8, "not even number 0", "classes" },
		{ HEADER(class_count), UINT64_MAX, 8, "sums overflow", "classes" },
		{ HEADER(data_count), UINT64_MAX, 8, "sums overflow", "local data" },
		{ HEADER(data_octets), UINT64_MAX - 7, 8, "sums overflow", "local data" },
		{ HEADER(data_octets), 9, 8, "what follows is not aligned", "local data" },
		{ HEADER(prefixes), UINT64_C(1) << 63, 8, "an IPv4 prefix of 63 bits", "prefix" },
		{ HEADER(set.blocks), 0, 8, "a filter without a block", "filter" },
		{ HEADER(set.blocks), UINT64_MAX, 8, "sums overflow", "filter" },
		{ HEADER(set.entries), UINT64_MAX, 8, "more entries than slots", "entries" },
		{ HEADER(set.first), 1, 4, "the first part begins late", "first part" },
		{ HEADER(set.first[7]), UINT32_MAX, 4, "a part that ends before it begins", "order" },
		{ HEADER(data_count), 0, 8, "records that belong to nobody", "offset" },
	};
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *copy = malloc(bench.length);

		memcpy(copy, bench.octets, bench.length);
		memcpy(copy + rows[i].at, &rows[i].value, rows[i].width);
		mend_checksum(copy, bench.length);
		write_octets(&bench, copy, bench.length);
		assert_refused(&bench, rows[i].word, rows[i].why);
		free(copy);
	}
	teardown(&bench);
}

static void refuses_hostile_tables_with_a_right_checksum(void **state)
{
	struct compiled_header header;
	struct compiled_places places;
	struct bench bench;
	char *copy;

	(void)state;
	setup(&bench);
	memcpy(&header, bench.octets, sizeof(header));
	places = compiled_places(&header);
	copy = malloc(bench.length);
	for (unsigned row = 0; row < 6; row++) {
		static const char *const words[] = { "class that does not exist", "no search would end", "no class", "no class",
			"no records", "no records" };
		const uint16_t null_type = 10;
		struct compiled_class class = { .list = 0, .also = 1, .action = ACTION_NXDOMAIN, .exact = 1 };

		memcpy(copy, bench.octets, bench.length);
		switch (row) {
		case 0:   /* a slot of the first line */
			memset(copy + places.lines + 14, 0xff, 2);
			break;
		case 1:   /* every line was passed by everything */
			for (uint64_t at = places.lines + 63; at < places.filter; at += 64)
				copy[at] = (char)0xff;
			break;
		case 2:   /* a chain that is a ring */
			memcpy(copy + places.classes + sizeof(class), &class, sizeof(class));
			break;
		case 3:   /* a list that does not exist */
			class.also = 0;
			class.list = 2;
			memcpy(copy + places.classes + sizeof(class), &class, sizeof(class));
			break;
		case 4:   /* records longer than what there is */
			memset(copy + places.data, 0x7f, 8);
			break;
		case 5:   /* of a type that no list may have */
			memcpy(copy + places.data + 12, &null_type, sizeof(null_type));
			break;
		}
		mend_checksum(copy, bench.length);
		write_octets(&bench, copy, bench.length);
		assert_refused(&bench, words[row], words[row]);
	}
	free(copy);
	teardown(&bench);
}

/* Whatever still opens with a checksum that was mended can be asked anything. */
static void what_opens_can_be_asked(void **state)
{
	uint64_t draw = 1;
	struct bench bench;
	char *copy;

	(void)state;
	setup(&bench);
	copy = malloc(bench.length);
	for (unsigned round = 0; round < 2000; round++) {
		struct build_report report;
		struct snapshot *snapshot;
		struct diag diag;
		struct said said;

		memcpy(copy, bench.octets, bench.length);
		for (unsigned i = 0; i < 3; i++) {
			draw = draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			copy[(draw >> 20) % bench.length] ^= (char)(1u << (draw >> 60 & 7));
		}
		mend_checksum(copy, bench.length);
		write_octets(&bench, copy, bench.length);
		snapshot = load(&bench, &report, &diag);
		if (snapshot == NULL)
			continue;
		ask(snapshot, "a.one.example", 192, &said);
		ask(snapshot, "x.data.example", 192, &said);
		build_report_fini(&report);
		snapshot_destroy(&snapshot);
	}
	free(copy);
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_every_octet_that_changes),
		cmocka_unit_test(refuses_hostile_numbers_with_a_right_checksum),
		cmocka_unit_test(refuses_hostile_tables_with_a_right_checksum),
		cmocka_unit_test(what_opens_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
