/*
 * fuzz_tap.c: hostile octets as a stream of frames for `verdictctl tap`, and as one frame.
 *
 * The first octet says how: bit 0 JSON, bit 1 a narrow terminal, bit 2 one frame without a stream, the others how many
 * octets a read gives. Laws: nothing is read outside the input; the reader always asks for at least one octet and holds
 * no more than a frame; what is printed is printable ASCII and ends in a newline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/frame_print.h"
#include "tools/frame_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void print(struct frame_printer *printer, const uint8_t *frame, size_t octets)
{
	char *text = NULL;
	size_t length = 0, i;
	enum print_result result;

	printer->to = open_memstream(&text, &length);
	check(printer->to != NULL);
	result = frame_print(printer, frame, octets);
	fclose(printer->to);
	check(result == PRINT_UNDECODABLE ? length == 0 : length > 0 && text[length - 1] == '\n');
	for (i = 0; i + 1 < length; i++)
		check(text[i] >= 0x20 && text[i] <= 0x7e);
	free(text);
}

/* False: the reader has given up. */
static bool drain(struct frame_printer *printer, struct frame_reader *reader)
{
	struct frame_view frame;

	for (;;) {
		switch (frame_reader_next(reader, &frame)) {
		case FRAME_MORE:
			return true;
		case FRAME_DATA:
			check(frame.length <= FRAME_READ_MAX);
			print(printer, frame.octets, frame.length);
			break;
		case FRAME_BAD:
			check(frame_reader_error(reader) != NULL);
			return false;
		case FRAME_READY:
		case FRAME_START:
		case FRAME_STOP:
			break;
		}
	}
}

static void read_stream(struct frame_printer *printer, const uint8_t *data, size_t size, size_t step)
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
		if (!drain(printer, reader))
			break;
	}
	frame_reader_destroy(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_printer printer = { .json = false };

	if (size == 0)
		return 0;
	printer.json = data[0] & 1;
	printer.term.columns = data[0] & 2 ? 80 : 0;
	if (data[0] & 4)
		print(&printer, data + 1, size - 1);
	else
		read_stream(&printer, data + 1, size - 1, (size_t)(data[0] >> 3) * 16 + 1);
	return 0;
}
