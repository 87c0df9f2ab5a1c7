/*
 * flag_json.h: flags and what detectors remember, for the control socket.
 *
 * Threads: reads its arguments only.
 */
#ifndef CONTROL_FLAG_JSON_H
#define CONTROL_FLAG_JSON_H

#include <jansson.h>

#include "control/behaviour.h"

/* {"id", "zone", "client", "detector", "technique", "says", "why", "tier", "action", "state", "value", "threshold",
 * "unit", "features": {...}, "points", "hits", "since", "last", "until", "override", "error"}. Owned. */
json_t *flag_json(const struct flag *flag);

/* {"since", "octets", "parts": [{"name", "octets", "used", "capacity", "evicted", "lost"}], "said": [{"detector", "tier",
 * "count"}], "flags": {...}}. Owned. */
json_t *behaviour_json(const struct behaviour *behaviour);

#endif
