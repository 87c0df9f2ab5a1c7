/* epoch.c: readers that announce themselves, a writer that waits for nobody. */
#include "policy/epoch.h"

/* Everything here is seq_cst, and so must a reader's load of the published pointer be (a plain read of an atomic is).
 * In the one order of all these operations, either the reader's announcement comes before the writer's look at it,
 * and the writer sees it; or it comes after, so after the new pointer was put in, and the reader loads that. */

void epoch_enter(struct epoch *epoch, unsigned reader)
{
	/* Loads what epoch_publish stores. An old value only holds the writer up a little longer. */
	uint64_t now = atomic_load(&epoch->now);

	/* Pairs with the load in epoch_quiescent. */
	atomic_store(&epoch->readers[reader].inside, now);
}

void epoch_leave(struct epoch *epoch, unsigned reader)
{
	/* Release: what was read of the object came before. Pairs with the load in epoch_quiescent, after which the
	 * object is freed. */
	atomic_store_explicit(&epoch->readers[reader].inside, 0, memory_order_release);
}

void *epoch_publish(struct epoch *epoch, void *_Atomic *slot, void *object, uint64_t *ticket)
{
	/* Pairs with the reader's own load between enter and leave. */
	void *old = atomic_exchange(slot, object);

	/* After the exchange: who enters with the new number sees the new object. Pairs with the load in
	 * epoch_enter. */
	*ticket = atomic_fetch_add(&epoch->now, 1) + 1;
	return old;
}

bool epoch_quiescent(const struct epoch *epoch, uint64_t ticket)
{
	unsigned i;

	for (i = 0; i < EPOCH_READERS_MAX; i++) {
		/* Pairs with the stores in epoch_enter and epoch_leave. */
		uint64_t inside = atomic_load(&epoch->readers[i].inside);

		if (inside != 0 && inside < ticket)
			return false;
	}
	return true;
}
