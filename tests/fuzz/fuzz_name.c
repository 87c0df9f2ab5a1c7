/* fuzz_name.c: any octets as a name, in text and on the wire: refused, or valid and the same after a round trip. */
#include <stdlib.h>
#include <string.h>

#include "policy/list_reader.h"
#include "policy/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct name *name)
{
	char text[NAME_TEXT_MAX];
	struct name again;

	name_to_text(name, text);
	if (name_from_text(&again, text, strlen(text)) != NULL || !name_equal(name, &again))
		abort();
	if (!name_from_wire(&again, name->octets, name->length) || !name_equal(name, &again) ||
	    again.labels != name->labels)
		abort();
}

/* The scanner of plain names agrees with the full grammar wherever it takes all of a text. */
static void check_scan(const char *text, size_t size)
{
	struct name plain, full;
	enum skip_reason reason;
	const char *end = list_scan_name(&plain, text, text + size, &reason);

	if (end < text || end > text + size)
		abort();
	if (end != text + size)
		return;
	if ((name_from_text(&full, text, size) == NULL) != (reason == SKIP_COUNT))
		abort();
	if (reason == SKIP_COUNT && (!name_equal(&plain, &full) || plain.labels != full.labels))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct name name;

	if (name_from_wire(&name, data, size))
		check_round_trip(&name);
	if (name_from_text(&name, text, size) == NULL)
		check_round_trip(&name);
	check_scan(text, size);
	return 0;
}
