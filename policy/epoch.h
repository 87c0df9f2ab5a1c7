/*
 * epoch.h: publishing an object to readers that never lock, and knowing when the old one is unused.
 *
 * One struct epoch guards any number of published pointers. A reader announces entering and leaving in a slot of its
 * own (one cache line); a writer publishes by one store, then asks or waits until every reader that was inside at
 * that moment has left. An idle reader is outside, so it never holds up a writer.
 *
 *   who      | calls                          | needs outside synchronisation with
 *   reader i | epoch_enter(i), epoch_leave(i) | nobody; one thread for each i; not nested
 *   writer   | epoch_publish, epoch_quiescent | other writers
 *
 * Rule: load a published pointer only between enter and leave, with memory_order_seq_cst (as a plain read of an
 * atomic is), and keep nothing of it afterwards.
 */
#ifndef POLICY_EPOCH_H
#define POLICY_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EPOCH_READERS_MAX 256

struct epoch_reader {
	_Alignas(64) _Atomic uint64_t inside;   /* 0: outside; else the epoch at entering */
};

struct epoch {
	_Alignas(64) _Atomic uint64_t now;      /* from 1 */
	struct epoch_reader readers[EPOCH_READERS_MAX];
};

#define EPOCH_INITIALIZER { .now = 1 }

/* Everything here is seq_cst, and so must a reader's load of the published pointer be (a plain read of an atomic is).
 * In the one order of all these operations, either the reader's announcement comes before the writer's look at it,
 * and the writer sees it; or it comes after, so after the new pointer was put in, and the reader loads that. */

/* Reader side, inline since every answer goes through it. `reader` is below EPOCH_READERS_MAX. */
static inline void epoch_enter(struct epoch *epoch, unsigned reader)
{
	/* Loads what epoch_publish stores. An old value only holds the writer up a little longer. */
	uint64_t now = atomic_load(&epoch->now);

	/* Pairs with the load in epoch_quiescent. */
	atomic_store(&epoch->readers[reader].inside, now);
}

static inline void epoch_leave(struct epoch *epoch, unsigned reader)
{
	/* Release: what was read of the object came before. Pairs with the load in epoch_quiescent, after which the
	 * object is freed. */
	atomic_store_explicit(&epoch->readers[reader].inside, 0, memory_order_release);
}

/* Puts `object` into *slot and returns the old one, which may still be in use; *ticket is what epoch_quiescent needs. */
void *epoch_publish(struct epoch *epoch, void *_Atomic *slot, void *object, uint64_t *ticket);

/* Has every reader that could still see what `ticket`'s publish replaced left? Never blocks. */
bool epoch_quiescent(const struct epoch *epoch, uint64_t ticket);

#endif
