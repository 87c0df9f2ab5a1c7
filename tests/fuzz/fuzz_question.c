/* fuzz_question.c: any octets as recorded questions: lines are skipped, or valid and the same again when written. */
#include <stdlib.h>
#include <string.h>

#include "policy/rrtype.h"
#include "tools/question_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct question *question)
{
	char name[NAME_TEXT_MAX], type[RRTYPE_TEXT_MAX], line[2 * NAME_TEXT_MAX];
	struct question again;
	int octets;

	octets = snprintf(line, sizeof(line), "0\t%s\t%s\t%s\t\t\t%llu", question->client_text,
		name_to_text(&question->qname, name), rrtype_to_text(question->qtype, type),
		(unsigned long long)question->count);
	if (!question_parse(&again, line, (size_t)octets))
		abort();
	if (!name_equal(&question->qname, &again.qname) || question->qtype != again.qtype ||
	    question->count != again.count || strcmp(question->group, again.group) != 0 ||
	    question->client.family != again.client.family ||
	    memcmp(question->client.octets, again.client.octets, sizeof(again.client.octets)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[1];
	FILE *from = fmemopen((void *)(uintptr_t)(size > 0 ? data : nothing), size > 0 ? size : 1, "r");
	struct question_reader reader;
	struct question question;
	uint64_t good = 0;

	if (from == NULL || !question_reader_init(&reader, from))
		abort();
	while (question_next(&reader, &question)) {
		if (question.count == 0 || strlen(question.client_text) >= sizeof(question.client_text))
			abort();
		check_again(&question);
		good++;
	}
	if (good + reader.unreadable > reader.number || (reader.unreadable == 0) != (reader.unreadable_line == 0))
		abort();
	question_reader_fini(&reader);
	fclose(from);
	return 0;
}
