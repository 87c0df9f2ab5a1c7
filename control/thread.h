/*
 * thread.h: threads of the live side: every signal is the resolver's, and no end is waited for without a limit.
 *
 * Threads: any.
 */
#ifndef CONTROL_THREAD_H
#define CONTROL_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread that has all signals blocked; `name` (at most 15 octets) shows in ps. 0, or an errno value. */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *arg), void *arg);

/* False: it has not ended within `timeout_ms` and is left alone; never join it again. */
bool thread_join(pthread_t thread, unsigned timeout_ms);

#endif
