/* test_wire.c: queries and responses, octet by octet. */
#include "dnstap/wire.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/dnstap_event.h"

#define QNAME "\3www\7example\3com"
#define TARGET "\3cdn\7example\3net"
#define NAME(text) (const uint8_t *)(text), sizeof(text)
#define RDATA(text) (const uint8_t *)(text), sizeof(text) - 1

static uint8_t buffer[WIRE_RESPONSE_MAX + 1];

static void assert_wire(size_t used, const char *wanted, size_t octets)
{
	assert_int_equal(used, octets);
	assert_memory_equal(buffer, wanted, octets);
}

#define assert_wire_is(used, text) assert_wire(used, text, sizeof(text) - 1)

static void writes_a_query_without_edns(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	assert_wire_is(wire_query(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\1\0\0\1\0\0\0\0\0\0" QNAME "\0\0\1\0\1");
}

static void writes_a_query_with_edns(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.event.edns = sample.event.edns_do = true;
	sample.event.udp_size = 4096;
	assert_wire_is(wire_query(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\1\0\0\1\0\0\0\0\0\1" QNAME "\0\0\1\0\1" "\0\0\x29\x10\0\0\0\x80\0\0\0");
}

static void points_owners_at_the_question_and_at_cname_targets(void **state)
{
	const struct record records[] = {
		{ SECTION_ANSWER, NAME("\3WwW\7Example\3COM"), 5, 1, 300, NAME(TARGET) },
		{ SECTION_ANSWER, NAME(TARGET), 1, 1, 60, RDATA("\xc0\0\2\1") },
		{ SECTION_AUTHORITY, NAME("\7example\3net"), 2, 1, 9, NAME("\2ns") },
		{ SECTION_AUTHORITY, NAME("\7example\3net"), 2, 1, 9, NAME("\2ms") },
	};
	struct sample sample;

	(void)state;
	sample_init(&sample, records, 4);
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\x81\x80\0\1\0\2\0\2\0\0" QNAME "\0\0\1\0\1"
		"\xc0\x0c\0\5\0\1\0\0\1\x2c\0\x11" TARGET "\0"
		"\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
		"\7example\3net\0\0\2\0\1\0\0\0\x9\0\4\2ns\0"
		"\xc0\x4e\0\2\0\1\0\0\0\x9\0\4\2ms\0");
}

static void writes_edns_with_the_extended_error(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	sample.event.edns = true;
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\x81\x85\0\1\0\0\0\0\0\1" QNAME "\0\0\1\0\1"
		"\0\0\x29\x04\xd0\0\0\0\0\0\x0d\0\x0f\0\x09\0\x12malware");
}

static void puts_the_upper_bits_of_the_rcode_into_edns(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.event.edns = true;
	sample.facts.rcode = 23;   /* BADCOOKIE */
	sample.event.response_flags = 0x8187;
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\x81\x87\0\1\0\0\0\0\0\1" QNAME "\0\0\1\0\1" "\0\0\x29\x04\xd0\1\0\0\0\0\0");
}

static void says_nothing_of_the_error_without_edns(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample_refuse(&sample);
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\x81\x85\0\1\0\0\0\0\0\0" QNAME "\0\0\1\0\1");
}

static void writes_no_question_where_there_is_none(void **state)
{
	struct sample sample;

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.facts.qname.length = 0;
	sample.facts.records = NULL;
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)), "\xbe\xef\x81\x80\0\0\0\0\0\0\0\0");
}

static void ends_early_with_tc_when_records_were_left_out(void **state)
{
	const struct record record = { SECTION_ANSWER, NAME(QNAME), 1, 1, 60, RDATA("\xc0\0\2\1") };
	struct sample sample;

	(void)state;
	sample_init(&sample, &record, 1);
	sample.left_out = 1;
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\x83\x80\0\1\0\1\0\0\0\0" QNAME "\0\0\1\0\1" "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1");
}

static void ends_early_with_tc_at_65535_octets(void **state)
{
	static uint8_t rdata[30000];
	const struct record records[] = {
		{ SECTION_ANSWER, NAME(QNAME), 16, 1, 60, rdata, sizeof(rdata) },
		{ SECTION_ANSWER, NAME(QNAME), 16, 1, 60, rdata, sizeof(rdata) },
		{ SECTION_ANSWER, NAME(QNAME), 16, 1, 60, rdata, sizeof(rdata) },
	};
	struct sample sample;

	(void)state;
	sample_init(&sample, records, 3);
	sample.event.edns = true;
	assert_int_equal(wire_response(&sample.event, buffer, sizeof(buffer)), 12 + 17 + 4 + 2 * 30012 + 11);
	assert_memory_equal(buffer, "\xbe\xef\x83\x80\0\1\0\2\0\0\0\1", 12);
}

static void skips_edns_among_the_records_and_refuses_disorder(void **state)
{
	const struct record records[] = {
		{ SECTION_ADDITIONAL, NAME(""), 41, 1232, 0, RDATA("") },
		{ SECTION_ADDITIONAL, NAME(QNAME), 1, 1, 60, RDATA("\xc0\0\2\1") },
		{ SECTION_ANSWER, NAME(QNAME), 1, 1, 60, RDATA("\xc0\0\2\2") },
	};
	struct sample sample;

	(void)state;
	sample_init(&sample, records, 3);
	assert_wire_is(wire_response(&sample.event, buffer, sizeof(buffer)),
		"\xbe\xef\x83\x80\0\1\0\0\0\0\0\1" QNAME "\0\0\1\0\1" "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1");
}

/* In a heap block of just that size, so that a sanitizer sees one octet too many. */
static void writes_all_or_nothing_in_every_size(void **state)
{
	const struct record records[] = {
		{ SECTION_ANSWER, NAME(QNAME), 5, 1, 300, NAME(TARGET) },
		{ SECTION_ANSWER, NAME(TARGET), 1, 1, 60, RDATA("\xc0\0\2\1") },
	};
	struct sample sample;
	size_t cap, need, query;

	(void)state;
	sample_init(&sample, records, 2);
	sample_refuse(&sample);
	sample.event.edns = true;
	need = wire_response(&sample.event, buffer, sizeof(buffer));
	query = wire_query(&sample.event, buffer, sizeof(buffer));
	for (cap = 0; cap <= need; cap++) {
		uint8_t *exact = malloc(cap ? cap : 1);

		assert_int_equal(wire_response(&sample.event, exact, cap), cap == need ? need : 0);
		assert_int_equal(wire_query(&sample.event, exact, cap), cap >= query ? query : 0);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_query_without_edns),
		cmocka_unit_test(writes_a_query_with_edns),
		cmocka_unit_test(points_owners_at_the_question_and_at_cname_targets),
		cmocka_unit_test(writes_edns_with_the_extended_error),
		cmocka_unit_test(puts_the_upper_bits_of_the_rcode_into_edns),
		cmocka_unit_test(says_nothing_of_the_error_without_edns),
		cmocka_unit_test(writes_no_question_where_there_is_none),
		cmocka_unit_test(ends_early_with_tc_when_records_were_left_out),
		cmocka_unit_test(ends_early_with_tc_at_65535_octets),
		cmocka_unit_test(skips_edns_among_the_records_and_refuses_disorder),
		cmocka_unit_test(writes_all_or_nothing_in_every_size),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
