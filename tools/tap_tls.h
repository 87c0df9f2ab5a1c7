/*
 * tap_tls.h: TLS of a place to listen at (tools/tap_socket.h), by OpenSSL: certificate, key, authorities of clients and
 * what these have revoked.
 *
 * Threads: belongs to its caller.
 */
#ifndef TOOLS_TAP_TLS_H
#define TOOLS_TAP_TLS_H

#include <stddef.h>

#include <openssl/ssl.h>

#include "tools/tap_socket.h"

/* Owned; NULL: a complaint was written. */
SSL_CTX *tap_tls_create(const struct tap_place *place);

/* Reads place->client_ca and place->crl for what `tls` accepts from now on. -1: a complaint was written, and nothing has
 * changed. */
int tap_tls_trust(SSL_CTX *tls, const struct tap_place *place);

/* Why the last call of OpenSSL failed. */
void tap_tls_reason(char *to, size_t cap);

/* Writes to standard error what is wrong with what the operator named; `why` may be NULL. Returns -1. */
int tap_complain(const char *text, const char *what, const char *why);

#endif
