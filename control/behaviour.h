/*
 * behaviour.h: the detectors of a running resolver (detect/detect.h) and the thread that looks after what they
 * remember, and after the flags that they call for (control/flag_book.h).
 *
 * What they remember outlives a reload, and a restart (control/behaviour_file.h). It begins anew where the configuration
 * asks for other sizes, which is said; flags stay. The Public Suffix List is read again each time.
 *
 *     worker --- ring of calls --- this thread --- book of flags --- `act` (the server's hand for changes)
 *
 *   who         | calls                                              | needs outside synchronisation with
 *   main thread | behaviour_start, behaviour_stop, behaviour_act_by  | workers: none may be running
 *   worker w    | behaviour_note, behaviour_hit, behaviour_wants     | nobody
 *   own threads | behaviour_book, behaviour_counts, behaviour_detect | behaviour_start
 */
#ifndef CONTROL_BEHAVIOUR_H
#define CONTROL_BEHAVIOUR_H

#include <stdbool.h>

#include "control/flag_book.h"
#include "control/host.h"
#include "detect/detect.h"
#include "policy/conf.h"
#include "policy/diag.h"

struct behaviour;

/* Makes `*behaviour` fit the configuration, and starts its thread; NULL afterwards: no detectors are wanted. `host` is
 * borrowed, for its log. 0; -1 with *diag set: there are none, or the thread could not be started and what is old is
 * forgotten late. */
int behaviour_start(struct behaviour **behaviour, const struct conf *conf, const struct control_host *host,
	struct diag *diag);

/* Ends the thread within about `timeout_ms`. What is remembered stays. False: the thread was given up, and what it may
 * use stays for ever. */
bool behaviour_stop(struct behaviour *behaviour, unsigned timeout_ms);

/* Calls `act` whenever an override is due, and as long as one is; it must not wait. NULL: nobody makes them. Waits for a
 * call in progress. */
void behaviour_act_by(struct behaviour *behaviour, void (*act)(void *arg), void *arg);

/* Takes in one answer. Never blocks nor allocates. `options` are those of the policy that judged it. */
void behaviour_note(struct behaviour *behaviour, const struct policy_options *options, const struct sight *sight,
	struct detections *detections);

/* Would behaviour_note look at it? Of cached answers only some matter. */
bool behaviour_wants(const struct behaviour *behaviour, const struct facts *facts, enum answer_path path,
	uint64_t ordinal);

/* There are detectors, and of the answer they would only count that it was (detect_is_hit). */
void behaviour_hit(struct behaviour *behaviour, struct detect_hits *hits, const struct facts *facts, int64_t now_s);

struct flag_book *behaviour_book(struct behaviour *behaviour);
const struct detect *behaviour_detect(const struct behaviour *behaviour);

struct behaviour_counts {
	uint64_t said[DETECTOR_COUNT][TIER_COUNT];   /* since the start of the process */
	uint64_t calls_lost;                         /* found no room on their way to the book */
	int64_t looked_s;                            /* when the thread last looked around: each minute, Unix seconds */
	struct flag_counts flags;
};

void behaviour_counts(const struct behaviour *behaviour, struct behaviour_counts *counts);

#endif
