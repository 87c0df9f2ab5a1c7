/*
 * pseudonym.h: a client is asked for by its address where frames or day files have its pseudonym (dnstap/privacy.h).
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_PSEUDONYM_H
#define TOOLS_PSEUDONYM_H

#include <netinet/in.h>

#include "policy/diag.h"

#define PSEUDONYM_MAX INET6_ADDRSTRLEN

/* Of the address in `client`, by the key in that file, as text. 0; -1 with *diag: no such file, no key, no address. */
int pseudonym_find(const char *key_file, const char *client, char text[PSEUDONYM_MAX], struct diag *diag);

/* Says on stderr, where the directory of day files has a key, that `client` may be in them under a pseudonym: for who asked
 * without a key and found nothing. Not of what is a pseudonym. */
void pseudonym_tell(const char *directory, const char *client);

#endif
