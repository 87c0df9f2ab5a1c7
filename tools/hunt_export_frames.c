/* hunt_export_frames.c: events in the formats of `tap`, by the same code (tools/frame_format.h). */
#include "tools/hunt_export.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/frame_format.h"
#include "tools/kept_frame.h"

struct frames {
	struct frame_printer printer;
	struct kept_frame frame;
};

static bool begin(struct exporting *exporting)
{
	struct frames *frames = calloc(1, sizeof(*frames));

	if (frames == NULL)
		return false;
	frames->printer.to = stdout;
	frames->printer.format = frame_format_find(exporting->format->name);
	exporting->own = frames;
	return true;
}

static bool put(struct exporting *exporting, sqlite3_value **values, unsigned count)
{
	struct frames *frames = exporting->own;
	bool fine;

	if (count != EVENT_COLUMNS || !kept_frame_make(&frames->frame, values))
		return false;
	fine = frame_print(&frames->printer, &frames->frame.fields) == PRINT_DONE;
	kept_frame_done(&frames->frame);
	return fine;
}

static void end(struct exporting *exporting)
{
	struct frames *frames = exporting->own;

	frame_printer_fini(&frames->printer);
	kept_frame_fini(&frames->frame);
	free(frames);
}

const struct export_format export_ecs = { .name = "ecs", .select = export_events, .fetch = "export.events",
	.types = EXPORT_EVENT_TYPES, .begin = begin, .put = put, .end = end };
const struct export_format export_ocsf = { .name = "ocsf", .select = export_events, .fetch = "export.events",
	.types = EXPORT_EVENT_TYPES, .begin = begin, .put = put, .end = end };
