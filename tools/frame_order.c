/* frame_order.c: a heap of frames, the earliest on top. */
#include "tools/frame_order.h"

#include <stdlib.h>

#define NS_PER_SECOND UINT64_C(1000000000)

struct held {
	Dnstap__Dnstap *frame;
	size_t octets;
	uint64_t where, time_ns, number;     /* the number: the how manieth it was */
};

struct frame_order {
	size_t count, octets;
	uint64_t pushed, last_ns;
	struct held heap[FRAME_ORDER_MOST + 1];
};

struct frame_order *frame_order_create(void)
{
	return calloc(1, sizeof(struct frame_order));
}

void frame_order_destroy(struct frame_order **order)
{
	if (*order == NULL)
		return;
	for (size_t i = 0; i < (*order)->count; i++)
		dnstap__dnstap__free_unpacked((*order)->heap[i].frame, NULL);
	free(*order);
	*order = NULL;
}

bool frame_order_is_full(const struct frame_order *order)
{
	return order->count >= FRAME_ORDER_MOST || order->octets >= FRAME_ORDER_OCTETS_MOST;
}

/* Of the same nanosecond as the input has them. */
static bool is_before(const struct held *one, const struct held *other)
{
	return one->time_ns != other->time_ns ? one->time_ns < other->time_ns : one->number < other->number;
}

static uint64_t time_of(const Dnstap__Message *message, uint64_t fallback)
{
	const bool response = message->has_response_time_sec;
	const uint64_t seconds = response ? message->response_time_sec : message->query_time_sec;
	const uint32_t ns = response ? message->response_time_nsec : message->query_time_nsec;

	if ((!response && !message->has_query_time_sec) || seconds >= UINT64_MAX / NS_PER_SECOND - 1)
		return fallback;
	return seconds * NS_PER_SECOND + ns % NS_PER_SECOND;
}

bool frame_order_push(struct frame_order *order, Dnstap__Dnstap *frame, size_t octets, uint64_t where)
{
	struct held held = { frame, octets, where, time_of(frame->message, order->last_ns), order->pushed };
	size_t at = order->count;

	if (at > FRAME_ORDER_MOST)
		return false;
	for (; at > 0 && is_before(&held, &order->heap[(at - 1) / 2]); at = (at - 1) / 2)
		order->heap[at] = order->heap[(at - 1) / 2];
	order->heap[at] = held;
	order->last_ns = held.time_ns;
	order->octets += octets;
	order->count++;
	order->pushed++;
	return true;
}

Dnstap__Dnstap *frame_order_pop(struct frame_order *order, uint64_t *where)
{
	struct held first, last;
	size_t at = 0, child;

	if (order->count == 0)
		return NULL;
	first = order->heap[0];
	last = order->heap[--order->count];
	order->octets -= first.octets;
	while ((child = 2 * at + 1) < order->count) {
		if (child + 1 < order->count && is_before(&order->heap[child + 1], &order->heap[child]))
			child++;
		if (!is_before(&order->heap[child], &last))
			break;
		order->heap[at] = order->heap[child];
		at = child;
	}
	order->heap[at] = last;
	*where = first.where;
	return first.frame;
}
