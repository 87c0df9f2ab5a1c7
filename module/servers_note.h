/*
 * servers_note.h: the name servers behind an answer, as a note that is kept with it in the guarded cache.
 *
 * Who served an answer decides about it (NSDNAME, NSIP), but is not known any more when the answer comes from our
 * cache: nobody asks the iterator then, and what may not be shared never entered the RRset cache. So the servers are
 * written into one RRset of a private type, which is stored beside the message and taken off before anybody sees it.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_SERVERS_NOTE_H
#define MODULE_SERVERS_NOTE_H

#include "module/unbound.h"

#include <stdbool.h>

#include "module/servers.h"

/* The servers that servers_attach found, to be stored with the state's return_msg; in its region. NULL: no memory. */
struct ub_packed_rrset_key *servers_note(const struct servers *servers, const struct module_qstate *qstate);

/* Is this RRset a note? */
bool servers_is_note(const struct ub_packed_rrset_key *key);

/* As servers_attach, with what the note says; nothing is looked up. False: a rule of the snapshot asks for servers,
 * and there is no note (NULL), or it was made for other options. */
bool servers_attach_note(struct servers *servers, struct facts *facts, const struct ub_packed_rrset_key *note,
			 const struct snapshot *snapshot);

#endif
