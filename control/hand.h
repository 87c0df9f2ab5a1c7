/*
 * hand.h: a thread that does one thing after the other for somebody who must not wait.
 *
 * Work is a function and its argument; the queue is bounded and owns nothing.
 *
 * Threads: hand_push from any; create and destroy from one.
 */
#ifndef CONTROL_HAND_H
#define CONTROL_HAND_H

#include <stdbool.h>

#define HAND_QUEUE_MAX 32

struct hand;

/* Owned; NULL with errno set: no memory or no thread. `name` as thread_start; `nice` is added to its niceness. */
struct hand *hand_create(const char *name, int nice);

/* False: the queue is full. `run(arg)` is called once, in order. */
bool hand_push(struct hand *hand, void (*run)(void *arg), void *arg);

/* Ends after the work in progress; what waits is not begun. Sets *hand to NULL. False: that work did not end within
 * `timeout_ms`; the thread is left alone with what it holds. */
bool hand_destroy(struct hand **hand, unsigned timeout_ms);

#endif
