/*
 * late.h: answers that Unbound makes and then throws away, because their client has waited for longer than
 * discard-timeout, or that nobody waits for any more, because its connection has ended.
 *
 * They reach no callback. A name server that takes its time would be one that nobody sees: what clients ask of it gets
 * there, and neither frames nor detectors would know.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_LATE_H
#define MODULE_LATE_H

#include "module/unbound.h"

/* Of a state that operate() is done with; does nothing for one that goes on. */
void late_answers(struct module_qstate *qstate, int id);

#endif
