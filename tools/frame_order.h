/*
 * frame_order.h: frames in the order in which their answers left, as far as a window of them tells.
 *
 * Frames with verdicts travel before plain ones, and each worker writes its own, so that a file has them in another
 * order than the detectors of the resolver had the answers. Frames without a time stay behind the one before them.
 *
 * Threads: one order belongs to one thread.
 */
#ifndef TOOLS_FRAME_ORDER_H
#define TOOLS_FRAME_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/dnstap.pb-c.h"

#define FRAME_ORDER_MOST 32768u
#define FRAME_ORDER_OCTETS_MOST ((size_t)64 << 20)

struct frame_order;

/* NULL: no memory. Destroying frees the frames that are left. */
struct frame_order *frame_order_create(void);
void frame_order_destroy(struct frame_order **order);

/* Does the window hold as much as it may? One more is taken all the same. */
bool frame_order_is_full(const struct frame_order *order);

/* Takes a frame that has a message, `octets` long, from `where` of its input. False, and it was not taken: there is
 * no room at all. */
bool frame_order_push(struct frame_order *order, Dnstap__Dnstap *frame, size_t octets, uint64_t where);

/* The earliest one, owned; NULL: there is none. */
Dnstap__Dnstap *frame_order_pop(struct frame_order *order, uint64_t *where);

#endif
