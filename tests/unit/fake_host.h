/*
 * fake_host.h: a resolver for tests of control/: it keeps the policy that was published, and what was logged.
 *
 * Threads: as control/host.h; what tests look at is guarded by `lock`.
 */
#ifndef TESTS_UNIT_FAKE_HOST_H
#define TESTS_UNIT_FAKE_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/host.h"

struct fake_host {
	struct control_host host;
	pthread_mutex_t lock;
	/* under `lock` */
	struct snapshot *snapshot;     /* owned */
	unsigned publishes, sweeps;
	bool hangs;                    /* publish waits until it is false again, */
	bool is_hanging;               /* and does so now */
	bool incomplete;               /* what sweeps report */
	char log[64 * 1024];
};

struct fake_host *fake_host_create(void);
void fake_host_destroy(struct fake_host **fake);

/* What the policy in force does to a question of type A from nobody special; TRIGGER_NONE: it says nothing. */
enum action fake_host_asks(struct fake_host *fake, const char *name);

/* The same for a client. */
enum action fake_host_asks_for(struct fake_host *fake, const char *name, const char *client);

bool fake_host_said(struct fake_host *fake, const char *text);
unsigned fake_host_publishes(struct fake_host *fake);
void fake_host_set_hangs(struct fake_host *fake, bool hangs);
bool fake_host_comes_to_hang(struct fake_host *fake, unsigned patience_ms);

#endif
