/*
 * tap_listen.h: a collector for dnstap senders at a unix socket, over TCP or over TLS, many at a time.
 *
 * One poll loop. Senders speak Frame Streams both ways (READY, ACCEPT, START .. STOP, FINISH) or one way (START ..
 * STOP). A connection that breaks the protocol, sends what is no dnstap message, or does not begin in time is closed
 * with a message on standard error; the others go on. At most TAP_CONNECTIONS_MAX at once, each with one bounded
 * reader.
 */
#ifndef TOOLS_TAP_LISTEN_H
#define TOOLS_TAP_LISTEN_H

#include "tools/tap_flow.h"
#include "tools/tap_socket.h"

#define TAP_CONNECTIONS_MAX 128   /* a resolver has two for a moment, again and again */
#define TAP_BEGIN_TIMEOUT_MS 10000

/* Listens until SIGINT, SIGTERM, SIGHUP or the flow has had enough. Returns an exit code. */
int tap_listen(struct tap_flow *flow, const struct tap_place *place);

#endif
