/*
 * left.h: a client whose connection has ended, as Unbound would have it if it still waited.
 *
 * Unbound forgets it. The state's record keeps who was there first, and where it came in: frames, groups and privacy ask
 * for both.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_LEFT_H
#define MODULE_LEFT_H

#include "module/unbound.h"

#include <stdbool.h>

struct left {
	struct mesh_reply reply;      /* in no list; of the question's EDNS, id and time nothing is known */
	struct comm_point point;      /* of which the type, whether it has TLS, the socket and the buffer are known */
	struct sldns_buffer packet;
	uint8_t header[LDNS_HEADER_SIZE];   /* the question's, as far as the state has it */
};

/* Keeps the client that the state has first. */
void left_note(struct module_qstate *qstate, int id);

/* Is it for a client that has left that the state is resolved? */
bool left_is(const struct module_qstate *qstate, int id);

/* False: it is not, as somebody waits, nobody asked, or a client that asked is told of already. *left is good where it lies. */
bool left_make(struct left *left, const struct module_qstate *qstate, int id);

#endif
