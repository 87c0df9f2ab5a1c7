/* tap_flow.c: from octets to a format. */
#include "tools/tap_flow.h"

#include <time.h>

#include "tools/verdictctl.h"

enum print_result tap_flow_take(struct tap_flow *flow, const uint8_t *octets, size_t length)
{
	struct frame_fields *fields = &flow->fields;
	enum print_result result = PRINT_DONE;
	bool again;

	if (flow->sink != NULL)
		return flow->sink(flow->sink_arg, octets, length);
	if (!frame_fields_init(fields, octets, length))
		return PRINT_UNDECODABLE;
	again = flow->gaps != NULL && frame_gaps_note(flow->gaps, fields);
	if ((!again || !flow->dedup) && frame_filter_takes(&flow->filter, fields)) {
		if (flow->stats != NULL)
			frame_stats_note(flow->stats, fields);
		if (!flow->quiet)
			result = frame_print(&flow->printer, fields);
	}
	frame_fields_fini(fields);
	return result;
}

bool tap_flow_is_over(const struct tap_flow *flow)
{
	return ferror(flow->printer.to) != 0 ||
		(flow->printer.limit != 0 && flow->printer.printed >= flow->printer.limit);
}

static uint64_t report(struct tap_flow *flow)
{
	FILE *to = flow->quiet ? flow->printer.to : stderr;
	bool json = flow->printer.format != FRAME_FORMAT_DEFAULT;
	uint64_t missing = 0;

	if (flow->stats != NULL)
		frame_stats_report(flow->stats, to, json);
	if (flow->report_gaps && flow->gaps != NULL)
		missing = frame_gaps_report(flow->gaps, to, json);
	fflush(to);
	return missing;
}

void tap_flow_idle(struct tap_flow *flow)
{
	struct timespec now;

	if (flow->every_s == 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (flow->next_s == 0)
		flow->next_s = (uint64_t)now.tv_sec + flow->every_s;
	if ((uint64_t)now.tv_sec < flow->next_s)
		return;
	flow->next_s = (uint64_t)now.tv_sec + flow->every_s;
	frame_flush(&flow->printer);
	report(flow);
}

int tap_flow_end(struct tap_flow *flow)
{
	bool written = frame_flush(&flow->printer) && fflush(flow->printer.to) == 0;
	uint64_t missing = report(flow);

	return !written ? EXIT_FINE : missing > 0 ? EXIT_WRONG : EXIT_FINE;   /* command_end speaks of what is not written */
}

void tap_flow_fini(struct tap_flow *flow)
{
	frame_printer_fini(&flow->printer);
	frame_gaps_destroy(&flow->gaps);
	frame_stats_destroy(&flow->stats);
}
