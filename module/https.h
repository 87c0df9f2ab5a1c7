/*
 * https.h: SVCB and HTTPS records (RFC 9460) in messages of Unbound: what `https:` asks to take out of them.
 *
 * Unsigned records are altered once, in the response, before Unbound stores it: what the caches hold is what clients
 * may have. Signed ones are validated as they are and kept out of the caches; each answer is then a copy without what
 * was taken out, without signatures and AD, or, for a client that asks for signatures, no data at all.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_HTTPS_H
#define MODULE_HTTPS_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/snapshot.h"

enum https_found {
	HTTPS_FINE,        /* nothing to take out, or it is out */
	HTTPS_SIGNED,      /* there is, of signed records: left as they are */
	HTTPS_NO_MEMORY
};

/* Alters the unsigned records of a response that is not stored yet. */
enum https_found https_edit_response(const struct snapshot *snapshot, struct reply_info *reply,
				     struct regional *region);

/* Has the answer records that something must be taken out of? */
bool https_has_more(const struct snapshot *snapshot, const struct reply_info *reply);

/* Answers with a copy without it. False: no memory, *qstate untouched. */
bool https_strip_answer(const struct snapshot *snapshot, struct module_qstate *qstate);

#endif
