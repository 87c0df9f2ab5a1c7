/*
 * tap_listen.h: a collector for dnstap senders on a unix socket, many at a time.
 *
 * One poll loop. Senders speak Frame Streams both ways (READY, ACCEPT, START .. STOP, FINISH) or one way (START ..
 * STOP). A connection that breaks the protocol, sends what is no dnstap message, or does not begin in time is closed
 * with a message on standard error; the others go on. At most TAP_CONNECTIONS_MAX at once, each with one bounded
 * reader.
 */
#ifndef TOOLS_TAP_LISTEN_H
#define TOOLS_TAP_LISTEN_H

#include <sys/types.h>

#include "tools/frame_print.h"

#define TAP_CONNECTIONS_MAX 64
#define TAP_BEGIN_TIMEOUT_MS 10000

/* Listens at `path`, creating the socket with `mode` (a stale socket there is replaced, anything else is not) and
 * removing it at the end. Runs until SIGINT, SIGTERM, SIGHUP or the printer has had enough. Returns an exit code. */
int tap_listen(struct frame_printer *printer, const char *path, mode_t mode);

#endif
