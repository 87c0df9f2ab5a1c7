/*
 * clients.h: the clients that wait for a query state, and how they are kept apart.
 *
 * Unbound joins equal questions of different clients in one state, which has one answer. A question whose verdict can
 * differ between clients gets a state for each class of clients that must get the same verdict: those of one group,
 * or one address where rules ask for addresses. Such a state has its class as the key that Unbound knows as `unique`,
 * so it can be found: a client of the same class that asks meanwhile joins it, and one client never has two of them
 * for one question. How many a client has at a time is limited (unique-per-client); over that the state is shared,
 * and its clients part when there is an answer: each goes to a state of its class, which is answered from the guarded
 * cache.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_CLIENTS_H
#define MODULE_CLIENTS_H

#include "module/unbound.h"

#include <stdbool.h>

#include "module/state.h"
#include "policy/facts.h"
#include "policy/snapshot.h"

/* Which of the counters a state of its own stands in. */
struct client_share {
	bool counted;
	uint16_t at[2];
};

/* Main thread, no worker runs. */
void clients_start(void);

/* Who gets the same verdict from this policy on the same question and answer; never 0. Clients of one class can still
 * get different ones by overrides for networks: so whoever waits is judged for itself where the verdict differs. */
uintptr_t clients_class(const struct snapshot *snapshot, const struct facts *facts);

enum clients_alone {
	CLIENTS_ALONE,       /* the state is for that class alone; *share is set */
	CLIENTS_SHARED,      /* others may join: the client has too many already, or another state waits for this one */
	CLIENTS_MOVED        /* its client waits with others of its class now: nobody waits for this state */
};

/* For a state whose one client has that class. */
enum clients_alone clients_be_alone(struct module_qstate *qstate, uintptr_t class, const struct facts *facts,
				    struct client_share *share, struct slot *slot);

/* Moves one of the state's clients to a state of its class, which is made if need be and runs soon. False, and
 * nothing has changed: no memory, or Unbound has too many states. */
bool clients_move(struct module_qstate *qstate, struct mesh_reply *reply, uintptr_t class);

/* The state ends. */
void clients_release(struct client_share *share);

#endif
