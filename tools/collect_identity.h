/*
 * collect_identity.h: which resolvers a certificate may report for. Numbers prove that a record is complete only
 * where nobody else can bring frames under the same identity.
 *
 * A certificate that an authority has signed may report for the identity that is its name (a DNS name of its SAN, or its
 * CN), and for those that a table gives it. An identity in the table comes with its certificates alone: over a plain
 * connection it is refused. So is one that has come with its own certificate, from then on.
 *
 * Threads: belong to their caller.
 */
#ifndef TOOLS_COLLECT_IDENTITY_H
#define TOOLS_COLLECT_IDENTITY_H

#include <stdbool.h>

#include "policy/diag.h"

#define PEER_NAMES_MAX 16
#define PEER_NAME_OCTETS 256

struct tap_link;
struct identities;

/* The other end of a connection. */
struct peer {
	unsigned number;                 /* of the connection, from 1; 0: a file */
	bool certified;
	unsigned count;
	char names[PEER_NAMES_MAX][PEER_NAME_OCTETS];
	char allowed[PEER_NAME_OCTETS];  /* the identity that was allowed last; "": none */
	unsigned generation;             /* of the table that allowed it */
};

/* Owned; NULL: no memory. */
struct identities *identities_create(void);
void identities_destroy(struct identities **identities);

/* Adds CERTIFICATE=IDENTITY. NULL; else a constant text that says what is wrong. */
const char *identities_add(struct identities *identities, const char *text);

/* Adds the lines of a file: a certificate's name, blanks, an identity; '#' begins a comment. */
int identities_load(struct identities *identities, const char *path, struct diag *diag);

/* From now on remembers, in a file with a line each, which identities came with their own certificate. */
int identities_remember(struct identities *identities, const char *path, struct diag *diag);

/* What was added, loaded and remembered, once more; what it gives then takes the place of *identities. -1: *diag, and it
 * stays as it was. */
int identities_read_again(struct identities **identities, struct diag *diag);

/* Reads the names out of the certificate that was shown. */
void peer_init(struct peer *peer, unsigned number, const struct tap_link *link);

bool identities_allow(struct identities *identities, struct peer *peer, const char *identity);

#endif
