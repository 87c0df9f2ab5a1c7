/*
 * fuzz_tap.c: hostile octets as a stream of frames for `verdictctl tap`, and as one frame.
 *
 * The first octet says how: bits 0 and 5 to 6 the format (bit 0 alone is native JSON), bit 1 a narrow terminal, bit 2 one
 * frame without a stream, bits 3 to 7 how many octets a read gives. Laws: nothing is read outside the input; the reader
 * always asks for at least one octet and holds no more than a frame; what is printed is printable ASCII and ends in a
 * newline, and in the JSON formats it is JSON, as libjansson reads it; the same for the reports of gaps and counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tools/frame_format.h"
#include "tools/frame_gaps.h"
#include "tools/frame_read.h"
#include "tools/frame_stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

struct target {
	struct frame_printer printer;
	struct frame_gaps *gaps;
	struct frame_stats *stats;
};

static void check_line(const char *text, size_t octets)
{
	json_t *object = json_loadb(text, octets, 0, NULL);

	check(object != NULL);
	json_decref(object);
}

static void check_text(const char *text, size_t length, bool json)
{
	const char *line = text;

	check(length == 0 || text[length - 1] == '\n');
	for (size_t i = 0; i < length; i++) {
		check(text[i] == '\n' || (text[i] >= 0x20 && text[i] <= 0x7e));
		if (text[i] == '\n') {
			if (json)
				check_line(line, (size_t)(text + i - line));
			line = text + i + 1;
		}
	}
}

static void print(struct target *target, const uint8_t *frame, size_t octets)
{
	struct frame_printer *printer = &target->printer;
	static struct frame_fields fields;
	char *text = NULL;
	size_t length = 0;

	if (!frame_fields_init(&fields, frame, octets))
		return;
	printer->to = open_memstream(&text, &length);
	check(printer->to != NULL);
	frame_gaps_note(target->gaps, &fields);
	frame_stats_note(target->stats, &fields);
	check(frame_print(printer, &fields) == PRINT_DONE);
	frame_fields_fini(&fields);
	check(frame_flush(printer));
	fclose(printer->to);
	check_text(text, length, printer->format != FRAME_FORMAT_DEFAULT);
	free(text);
}

static void report(struct target *target, bool json)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	check(to != NULL);
	frame_gaps_report(target->gaps, to, json);
	frame_stats_report(target->stats, to, json);
	fclose(to);
	check_text(text, length, json);
	free(text);
}

static void drain(struct target *target, struct frame_reader *reader)
{
	struct frame_view frame;

	for (;;) {
		switch (frame_reader_next(reader, &frame)) {
		case FRAME_MORE:
			return;
		case FRAME_DATA:
			check(frame.length <= FRAME_READ_MAX);
			print(target, frame.octets, frame.length);
			break;
		case FRAME_BAD:
			check(frame_reader_error(reader) != NULL);
			frame_reader_resume(reader);
			break;
		case FRAME_READY:
		case FRAME_START:
		case FRAME_STOP:
			break;
		}
	}
}

static void read_stream(struct target *target, const uint8_t *data, size_t size, size_t step)
{
	struct frame_reader *reader = frame_reader_create();

	check(reader != NULL);
	while (size > 0) {
		size_t room, count;
		uint8_t *space = frame_reader_space(reader, &room);

		check(space != NULL && room > 0 && room <= FRAME_READ_MAX + 4);
		count = room < step ? room : step;
		count = count < size ? count : size;
		memcpy(space, data, count);
		frame_reader_filled(reader, count);
		data += count;
		size -= count;
		drain(target, reader);
	}
	frame_reader_destroy(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const formats[] = { "native", "ecs", "ocsf", "flat" };
	struct target target = { .gaps = NULL };
	bool json;

	if (size == 0)
		return 0;
	json = data[0] & 1;
	target.printer.format = frame_format_find(json ? formats[data[0] >> 5 & 3] : data[0] >> 5 == 7 ? "cof" : "line");
	target.printer.term.columns = data[0] & 2 ? 80 : 0;
	target.gaps = frame_gaps_create();
	target.stats = frame_stats_create();
	check(target.gaps != NULL && target.stats != NULL);
	if (data[0] & 4)
		print(&target, data + 1, size - 1);
	else
		read_stream(&target, data + 1, size - 1, (size_t)(data[0] >> 3) * 16 + 1);
	report(&target, json);
	frame_printer_fini(&target.printer);
	frame_gaps_destroy(&target.gaps);
	frame_stats_destroy(&target.stats);
	return 0;
}
