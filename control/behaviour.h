/*
 * behaviour.h: the detectors of a running resolver (detect/detect.h) and the thread that looks after what they
 * remember.
 *
 * What they remember outlives a reload. It begins anew where the configuration asks for other sizes.
 *
 *   who         | calls                              | needs outside synchronisation with
 *   main thread | behaviour_start, behaviour_stop    | workers: none may be running
 *   worker w    | behaviour_note                     | nobody
 */
#ifndef CONTROL_BEHAVIOUR_H
#define CONTROL_BEHAVIOUR_H

#include <stdbool.h>

#include "detect/detect.h"
#include "policy/conf.h"
#include "policy/diag.h"

struct behaviour;

/* Makes `*behaviour` fit the configuration, and starts its thread; NULL afterwards: no detectors are wanted. 0; -1 with
 * *diag set: there are none, or the thread could not be started and what is old is forgotten late. */
int behaviour_start(struct behaviour **behaviour, const struct conf *conf, struct diag *diag);

/* Ends the thread within about `timeout_ms`. What is remembered stays. False: the thread was given up, and what it may
 * use stays for ever. */
bool behaviour_stop(struct behaviour *behaviour, unsigned timeout_ms);

/* Takes in one answer. Never blocks nor allocates. `options` are those of the policy that judged it. */
void behaviour_note(struct behaviour *behaviour, const struct policy_options *options, const struct sight *sight,
	struct detections *detections);

/* Would behaviour_note look at it? Of cached answers only some matter. */
bool behaviour_wants(const struct behaviour *behaviour, const struct facts *facts, enum answer_path path,
	uint64_t ordinal);

#endif
