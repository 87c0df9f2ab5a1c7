/*
 * extra.h: the `extra` field of a frame: compact UTF-8 JSON (RFC 8259) with what dnstap's schema has no field for.
 *
 * Keys, in this order, each left out when there is nothing to say: v, boot, worker, seq, path, verdict, group, list,
 * rule, trigger, chain, serial, category, attack, ede, shadow {list, rule, action, category, attack}, detections [detector, tier,
 * action, value, threshold, repeated, attack, features], security, servers [name, addresses], incident, dropped.
 * doc/frames.md describes them, doc/schema/extra-1.json holds them: a key is added there, too. v grows when one changes
 * its meaning, not when one is added.
 *
 * Threads: functions here touch their arguments only. Nothing is allocated.
 */
#ifndef DNSTAP_EXTRA_H
#define DNSTAP_EXTRA_H

#include <stddef.h>

#include "dnstap/event_read.h"

/* Every text of an event at six characters for an octet, and the rest. */
#define EXTRA_OCTETS_MAX (32 * 1024)

/* Writes the object, without a NUL. Whatever octets the texts hold, it is valid UTF-8. Returns the octets used; 0 when
 * it does not fit in `cap` (EXTRA_OCTETS_MAX always suffices). */
size_t extra_write(const struct event_view *view, char *to, size_t cap);

#endif
