/* frame_format.c: the table of formats. */
#include "tools/frame_format.h"

#include <string.h>

const struct frame_format frame_formats[] = {
	{ "line", true, frame_print_line, NULL },
	{ "native", true, frame_print_native, NULL },
	{ "ecs", false, frame_print_ecs, NULL },
	{ "ocsf", false, frame_print_ocsf, NULL },
	{ "flat", false, frame_print_flat, NULL },
	{ "cof", false, frame_print_cof, frame_flush_cof },
};

const struct frame_format *frame_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(frame_formats) / sizeof(frame_formats[0]); i++)
		if (strcmp(frame_formats[i].name, name) == 0)
			return &frame_formats[i];
	return NULL;
}

enum print_result frame_print(struct frame_printer *printer, const struct frame_fields *fields)
{
	if (fields->kind != FRAME_EVENT && (printer->hide_notes || !printer->format->notes))
		return PRINT_DONE;
	if (!printer->format->print(printer, fields))
		return PRINT_FAILED;
	printer->printed++;
	return printer->printed == printer->limit ? PRINT_ENOUGH : PRINT_DONE;
}

bool frame_flush(struct frame_printer *printer)
{
	return printer->format->flush == NULL || printer->format->flush(printer);
}

void frame_printer_fini(struct frame_printer *printer)
{
	json_line_fini(&printer->line);
	frame_cof_destroy(&printer->cof);
}
