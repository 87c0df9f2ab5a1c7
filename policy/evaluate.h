/*
 * evaluate.h: facts in, verdict out. The one function that decides.
 *
 * It is pure: the same snapshot and facts give the same verdict. It allocates nothing, takes no lock and reads no
 * clock.
 *
 * Groups: a verdict is made for the client's group (policy/group.h) and says whether other clients get another one.
 *
 * Order (draft-vixie-dnsop-dns-rpz-00 sections 5 and 6; doc/policy.md): each position in turn (policy/position.h: the
 * question, each name of the CNAME chain, names that other records lead to); for it operators' overrides
 * (policy/override.h), the inventory of name servers, then
 * the lists that serve the group in file order, the
 * first with a match wins, then what detectors deny, unless a list calls the name, or one that led to it, popular,
 * approved or internal; inside a list CLIENT-IP, QNAME, IP, NSDNAME, NSIP; inside a trigger match_is_before.
 * `observe` and lists in shadow are reported and never decide.
 */
#ifndef POLICY_EVALUATE_H
#define POLICY_EVALUATE_H

#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

/* Begins the search for the qname, so that memory is on its way while the caller does something else before it judges.
 * The facts borrow `start` and `memo` from here on, and their qname may not change any more. `memo` is the calling
 * worker's, of any snapshot; it makes no verdict another one. NULL: none. */
void evaluate_begin(const struct snapshot *snapshot, struct facts *facts, struct match_memo *memo,
	struct match_start *start);

/* Ends the search that was begun for these facts, if that is all that there is to do: `unlisted_in` of the verdict on
 * the question, which is a plain allow whoever the client is. 0: that is not certain; what was found is kept in
 * `start`. */
uint64_t evaluate_end_plain(const struct snapshot *snapshot, const struct facts *facts, struct match_start *start);

/* What `unlisted_in` of a question has to be for its answer to be a plain allow, whoever the client is, as long as no
 * record leads to another name. 0: that depends on more. */
uint64_t evaluate_plain_number(const struct snapshot *snapshot);

/* Is it certain that evaluate_answer makes a plain allow of them, whoever the client is? So it is for most names, and
 * costs less to know; false says nothing. Reads the qname and whether there are records that lead elsewhere. */
bool evaluate_is_plain(const struct snapshot *snapshot, const struct facts *facts);

/* The same where it is known already that no rule is about the qname (`unlisted_in`): no search is needed. */
bool evaluate_is_known_plain(const struct snapshot *snapshot, const struct facts *facts);

/* Judges the question alone, before anything is resolved. Who puts the verdict's `unlisted_in` into the facts spares
 * later calls for the same qname the search for it. */
void evaluate_question(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict);

/* Judges question and records. */
void evaluate_answer(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict);

/* The client's group, as verdicts have it. */
unsigned evaluate_group(const struct snapshot *snapshot, const struct facts *facts);

/* What a denied client of that group is told. */
enum ede_mode evaluate_ede_mode(const struct snapshot *snapshot, unsigned group);

/* Is the answer denied to some client, or is any name or address among its records (owners, addresses and targets in
 * the answer section)? Then the response must stay out of shared caches, whatever question leads to it. */
bool evaluate_denied_to_some(const struct snapshot *snapshot, const struct facts *facts);

#endif
