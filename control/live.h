/*
 * live.h: the live side as one object: loader, file watch, overrides, control socket, denial log.
 *
 *     verdictctl --- control.sock --- server thread --- loader thread --- host (module/)
 *                                        |  inotify, timers, overrides, denial log
 *
 *   who         | calls                                | needs outside synchronisation with
 *   main thread | live_start, live_stop                | workers: none may be running
 *   worker w    | live_note_...                        | nobody
 */
#ifndef CONTROL_LIVE_H
#define CONTROL_LIVE_H

#include "control/host.h"
#include "detect/detect.h"
#include "dnstap/event.h"
#include "policy/conf.h"
#include "policy/diag.h"

struct live;

struct live_options {
	const char *conf_path;            /* as this process sees it */
	const char *chroot;               /* prefix to cut from paths, or "" */
	const struct control_host *host;  /* borrowed for the life of the process */
};

/* Loads the policy (host->publish is called once) and starts the threads. `*live` is NULL at the first start, else what
 * the last live_stop left. 0; -1 with *diag set: the last good policy is in force if there was one, and the threads run
 * for it; *live is NULL when there was none. A socket or log that cannot be made is logged, and no error. */
int live_start(struct live **live, const struct live_options *options, struct diag *diag);

/* Ends the threads within about `timeout_ms`; policy, overrides and counters stay in `live`. */
void live_stop(struct live *live, unsigned timeout_ms);

/* The configuration in force: main thread, right after live_start. */
const struct conf *live_conf(const struct live *live);

/* A worker's: never block, never allocate but at the first call. `group`: the client's, as verdicts have it. */
void live_note_question(struct live *live, unsigned worker, const struct name *qname, uint16_t qtype,
	const char *group);
void live_note_verdict(struct live *live, unsigned worker, const struct verdict *verdict);   /* control/tally.h */
/* An answer got out of a cache that the policy denies: sweeps soon. */
void live_note_escape(struct live *live);
/* Does the denial log want a line of it? */
bool live_takes(const struct live *live, const struct verdict *verdict);
void live_note_denial(struct live *live, unsigned worker, const struct event *event);
/* The detectors (control/behaviour.h): are there any? Would they look at it? And what do they say? */
bool live_has_detectors(const struct live *live);
bool live_detects(const struct live *live, const struct facts *facts, enum answer_path path, uint64_t ordinal);
/* Of those that would be counted, and no more (detect_is_hit); `hits` is the worker's. */
void live_hit(struct live *live, struct detect_hits *hits, const struct facts *facts, int64_t now_s);
void live_detect(struct live *live, const struct policy_options *options, const struct sight *sight,
	struct detections *detections);

#endif
