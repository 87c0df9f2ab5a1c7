/* epoch.c: readers that announce themselves, a writer that waits for nobody. */
#include "policy/epoch.h"

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
