/*
 * probe.h: facts with one address or one name server in them, to try rules for those on.
 *
 * Threads: values only. A probe points into itself: it is not copied.
 */
#ifndef CONTROL_PROBE_H
#define CONTROL_PROBE_H

#include "policy/facts.h"

struct probe {
	struct facts facts;
	struct address address;
	struct name server;
};

/* `asker` with the address instead of its own. */
void probe_client(struct probe *probe, const struct facts *asker, const struct address *address);

/* `asker` gets a record of its question's name with the address. */
void probe_record(struct probe *probe, const struct facts *asker, const struct address *address);

/* `asker` asks for a name whose server that is; the address' family may be ADDRESS_NONE. */
void probe_server(struct probe *probe, const struct facts *asker, const struct name *server,
	const struct address *address);

#endif
