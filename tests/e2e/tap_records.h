/*
 * tap_records.h: the answer in frames that are made.
 */
#ifndef TESTS_E2E_TAP_RECORDS_H
#define TESTS_E2E_TAP_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"

/* With the question, 180 octets of response: a CNAME and addresses. */
static inline size_t show_records(const void *source, record_visit visit, void *arg)
{
	static const uint8_t owner[] = "\3www\7example\3com";
	static const uint8_t target[] = "\3cdn\7example\3net";
	static const uint8_t address[4] = { 192, 0, 2, 1 };
	struct record record = { SECTION_ANSWER, owner, sizeof(owner), 5, 1, 300, target, sizeof(target) };
	unsigned i;

	(void)source;
	if (!visit(arg, &record))
		return 0;
	record = (struct record){ SECTION_ANSWER, target, sizeof(target), 1, 1, 60, address, sizeof(address) };
	for (i = 0; i < 6; i++)
		if (!visit(arg, &record))
			return 0;
	return 0;
}

#endif
