/*
 * view_json.h: what the detectors remember of a zone and a client, for the control socket.
 *
 * Threads: any but workers (detect/view.h).
 */
#ifndef CONTROL_VIEW_JSON_H
#define CONTROL_VIEW_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "control/behaviour.h"

struct view_question {
	const struct name *name;             /* NULL: of a client alone */
	const struct address *client;        /* NULL: nobody */
	const struct detector_conf *conf;    /* of all detectors */
	unsigned traits;                     /* of enum trait, of the zone */
	int64_t now_s;
};

/* As doc/verdictctl.1 has it. Owned; NULL: no memory. */
json_t *view_json(struct behaviour *behaviour, const struct view_question *question);

#endif
