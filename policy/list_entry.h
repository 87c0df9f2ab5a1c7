/*
 * list_entry.h: the names and addresses that entries of lists are made of. For policy/list*.c, and for commands that
 * take names as lists do.
 *
 * Every function takes a whole token, text to end, and says by SKIP_COUNT that it is good, else why it is not; its
 * result is undefined then.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_LIST_ENTRY_H
#define POLICY_LIST_ENTRY_H

#include <stdbool.h>

#include "policy/list_reader.h"

/* A name in ASCII or, by UTS 46 (nontransitional) and IDNA2008, in any script. Neither the root nor an address. */
enum skip_reason list_read_name(struct name *name, const char *text, const char *end);

/* The same behind an optional `*.`, into the name, exact and below of a rule; `below` is what a plain name covers. */
enum skip_reason list_read_pattern(struct rule *rule, const char *text, const char *end, bool below);

/* An address, or a network as ADDRESS/BITS, into address and prefix_length of a rule. */
enum skip_reason list_read_network(struct rule *rule, const char *text, const char *end);

/* An address as hosts files have it, a zone (fe80::1%lo0) included. */
bool list_read_address(struct address *address, const char *text, const char *end);

/* 0.0.0.0, 127.0.0.1, :: and ::1 stand where a list means no address at all. */
bool list_is_null_address(const struct address *address);

/* localhost and the like, which stand in every hosts file and are no rule. */
bool list_is_usual_host(const char *text, const char *end);

/* A name outside plain ASCII to its A-labels (xn--...). SKIP_NAME: it is ASCII, and no name. list_idna.c. */
enum skip_reason list_read_idn(struct name *name, const char *text, const char *end);

/* Would that rule judge half the world: a top-level domain, everything below a public suffix (of the section of
 * registries; what companies let there is listed on purpose), or a huge network? In a zone (rpz) an exact rule for
 * one label is fine when that is no top-level domain; elsewhere it is a word of an error page. list_wide.c. */
bool list_is_wide(const struct rule *rule, bool in_zone);

/* Makes a rule for a name one for its whole registrable domain. What is a public suffix stays what it is. */
void list_widen(struct rule *rule);

#endif
