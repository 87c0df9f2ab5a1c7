/*
 * link.h: an octet stream to a collector that never waits: a unix socket, TCP, or TLS over TCP (OpenSSL, which Unbound
 * itself links).
 *
 * With TLS the collector's certificate is checked against `tls_ca_file` (the system's store when NULL) and must be for
 * `tls_name`, a host name or an address; 1.2 is the oldest version. A client certificate is sent where one is
 * configured. Files are read at each connection, so that a renewed certificate is taken without a restart.
 *
 * A struct link outlives its connections. Host names are not resolved: a resolver that asks itself for its collector
 * would wait for itself.
 *
 * Threads: one at a time. SIGPIPE has to be blocked or ignored in it.
 */
#ifndef DNSTAP_LINK_H
#define DNSTAP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/facts.h"

struct link;

/* Texts are copied. */
struct link_options {
	const char *socket_path;      /* a unix socket; else NULL */
	struct address address;       /* TCP */
	bool tls;
	const char *tls_name;         /* NULL: the address */
	const char *tls_ca_file;      /* PEM; NULL: the system's */
	const char *tls_certificate;  /* ours, PEM, with its chain; NULL: none */
	const char *tls_key;          /* NULL: in the same file */
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

/* Owned; NULL with errno: no memory, or ENAMETOOLONG for a socket's path. */
struct link *link_create(const struct link_options *options);
void link_destroy(struct link **link);

/* Begins to connect. -1: failed at once. */
int link_open(struct link *link);

/* Goes on with what is under way. -1: failed; the link is down. */
int link_step(struct link *link);

enum link_state link_state(const struct link *link);

/* Has the other side's kernel taken it? TLS may not be done yet. */
bool link_is_connected(const struct link *link);

/* As write(2) and read(2) on a socket that does not block: 0 from link_write means that nothing is taken now, 0 from
 * link_read that nothing is there. -1: the link is broken, or the other side has ended it. */
ssize_t link_write(struct link *link, const void *octets, size_t count);
ssize_t link_read(struct link *link, void *to, size_t cap);

/* Says goodbye as far as TLS has one, and closes. */
void link_close(struct link *link);

/* For poll: the descriptor (-1: none) and the events that it waits for; `wants_write`: the caller has something. */
int link_fd(const struct link *link);
short link_events(const struct link *link, bool wants_write);

/* What went wrong last, for people; "" when nothing has. Good until the next call. */
const char *link_error(const struct link *link);

#endif
