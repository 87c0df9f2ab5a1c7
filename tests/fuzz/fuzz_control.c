/* fuzz_control.c: any octets as a request, as a file of overrides, and as a value in a log: refused with a text that
 * is safe to print, or sound; and what was written reads back as the same. */
#include <stdlib.h>
#include <string.h>

#include "control/override_file.h"
#include "control/override_store.h"
#include "control/quote.h"
#include "control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_safe(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			abort();
}

static void check_request(const struct request *request)
{
	const struct request_row *row = &request_commands[request->command];

	if ((request->given & row->needed) != row->needed || (request->given & ~(row->needed | row->allowed)) != 0)
		abort();
	if ((request->given & MEMBER_SECONDS) != 0 && (request->seconds == 0 || request->seconds > OVERRIDE_SECONDS_MAX))
		abort();
	if ((request->given & MEMBER_NAME) != 0 && request->name.labels == 0)
		abort();
	if (memchr(request->why, '\0', sizeof(request->why)) == NULL ||
			memchr(request->as, '\0', sizeof(request->as)) == NULL)
		abort();
}

static void check_file(const char *text, size_t size)
{
	struct override_file file, again;
	struct diag diag = { .line = 0 };
	char *written;

	if (override_file_parse(&file, text, size, "overrides", &diag) != 0) {
		check_safe(diag.text);
		if (*diag.text == '\0')
			abort();
		return;
	}
	written = override_file_format(&file);
	if (written == NULL || override_file_parse(&again, written, strlen(written), "again", &diag) != 0)
		abort();
	if (again.count != file.count || again.next != file.next ||
			memcmp(again.overrides, file.overrides, file.count * sizeof(*file.overrides)) != 0)
		abort();
	free(written);
	free(file.overrides);
	free(again.overrides);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), wrong[REQUEST_WRONG_MAX], value[64];
	struct request request;

	memcpy(text, data, size);
	text[size] = '\0';
	if (request_parse(&request, text, size, wrong) == 0)
		check_request(&request);
	else
		check_safe(wrong);
	check_file(text, size);
	if (quote_value(value, sizeof(value), text) >= sizeof(value))
		abort();
	check_safe(value);
	free(text);
	return 0;
}
