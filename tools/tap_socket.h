/*
 * tap_socket.h: where `tap --listen` listens, and the octets of its connections, plain or TLS.
 *
 *     unix:PATH    tcp:ADDRESS@PORT    tls:ADDRESS@PORT    ADDRESS@PORT (tcp, or tls when there is a certificate)
 *
 * A unix socket takes the place of a stale one, of nothing else. TLS is OpenSSL's, 1.2 and later; with a file of
 * authorities a client must show a certificate of one of them.
 *
 * Threads: belong to their caller. All descriptors are non-blocking.
 */
#ifndef TOOLS_TAP_SOCKET_H
#define TOOLS_TAP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tap_place {
	const char *text;         /* as given, for messages; borrowed, as are all */
	const char *path;         /* of a unix socket; NULL: TCP */
	mode_t mode;
	const char *certificate;  /* a chain in PEM; NULL: no TLS */
	const char *key;
	const char *client_ca;    /* NULL: clients need no certificate */
	const char *crl;          /* of these authorities, PEM; NULL: nothing is revoked */
};

struct tap_socket;
struct tap_link;

/* Owned; NULL: a complaint was written. */
struct tap_socket *tap_socket_open(const struct tap_place *place);
void tap_socket_close(struct tap_socket **socket);
int tap_socket_fd(const struct tap_socket *socket);

/* Reads place->crl again, for connections to come. False: a complaint was written, and the old one is in force. */
bool tap_socket_read_crl(struct tap_socket *socket, const struct tap_place *place);

/* The next connection. Owned; NULL: none (errno). */
struct tap_link *tap_link_accept(struct tap_socket *socket);
void tap_link_close(struct tap_link **link);
int tap_link_fd(const struct tap_link *link);

/* What to poll for: POLLIN, or POLLOUT while TLS has to write first. */
short tap_link_events(const struct tap_link *link);

/* As read(2): -1 with EAGAIN: nothing now. -1 with EPROTO: TLS failed, tap_link_error says why. */
ssize_t tap_link_read(struct tap_link *link, void *to, size_t room);
const char *tap_link_error(const struct tap_link *link);

/* Did it show a certificate that an authority of the place has signed? */
bool tap_link_is_certified(const struct tap_link *link);
/* Is its certificate none any more, by what `socket` knows now? */
bool tap_link_is_revoked(const struct tap_link *link, const struct tap_socket *socket);

/* Calls `visit` for each name in the certificate that the peer has shown and an authority has signed: the DNS names of
 * its SAN or, without any, its CN. `visit` returning false ends that. Returns how many it was called for. */
unsigned tap_link_names(const struct tap_link *link, bool (*visit)(void *arg, const char *name), void *arg);

/* Has TLS octets that no poll tells of? */
bool tap_link_holds(const struct tap_link *link);

/* True: all of it was taken. */
bool tap_link_write(struct tap_link *link, const void *octets, size_t count);

#endif
