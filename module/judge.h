/*
 * judge.h: one event of one query state, and the policy that judges it.
 *
 * Between judge_begin and judge_end the policy is held and the event's time runs. Facts and servers are of one client
 * at a time, or of nobody.
 *
 * Threads: the worker that owns the query state. Large: it lives on that worker's stack.
 */
#ifndef MODULE_JUDGE_H
#define MODULE_JUDGE_H

#include "module/unbound.h"

#include <stdbool.h>

#include "module/extract.h"
#include "module/limits.h"
#include "module/servers.h"
#include "module/state.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

struct judge {
	struct module_qstate *qstate;
	int id;
	struct slot *slot;
	const struct snapshot *snapshot;
	const struct snapshot *next;     /* about to be in force; NULL: none */
	struct budget budget;
	struct extract extract;
	struct facts facts;
	struct match_start start;        /* behind the facts */
	struct verdict verdict;
	struct servers servers;          /* behind the facts */
};

/* False, counted: it cannot be judged (judge_not), and judge_end must not be called. `question` is what is judged:
 * the state's, or that of a response. */
bool judge_begin(struct judge *judge, struct module_qstate *qstate, int id, const struct query_info *question);
void judge_end(struct judge *judge);

/* What could not be judged is nobody's but the client's who asked, and with `fail: closed` not even that. */
void judge_not(struct module_qstate *qstate);

/* Whose verdict it is, NULL: nobody's. The servers stay. */
void judge_for(struct judge *judge, const struct mesh_reply *client);

/* What was found out about rules for the question's name is kept for the answer, and known from here on. */
void judge_note_unlisted(struct judge *judge, uint64_t unlisted_in);

/* The verdict is what the state's clients get. */
void judge_keep(struct judge *judge);

/* The same for a verdict on the question alone. */
void judge_keep_question(struct judge *judge);

/* Somebody may not have the state's answer: it moves from the shared cache, if it is there, to the guarded one, with
 * the servers behind the facts. Before a denial replaces it. */
void judge_keep_apart(struct judge *judge);

/* dns64 stores what it makes before anybody has judged it. So it is kept from that at the question, and what
 * everybody may have is stored once it is judged. */
void judge_take_over(struct judge *judge);
void judge_share(struct judge *judge);

/* Would the policy that comes deny this to somebody? `reply` is NULL at the question. To be asked before anything
 * else: facts and servers are nobody's afterwards. */
bool judge_next(struct judge *judge, const struct reply_info *reply);

/* What no rule decides and `https: block` does. It is no rule of a list, and says so by a name that none can have. */
bool judge_is_https_blocked(const struct snapshot *snapshot, const struct facts *facts, const struct verdict *verdict);
void judge_block_https(struct judge *judge);

/* return_msg and the clients are the answer guard's from here: makes the state's answer fit its verdict. */
void judge_answer(struct judge *judge);

/* The records of return_msg; NULL: none. */
const struct reply_info *reply_of(const struct module_qstate *qstate);

/* Does another state wait for this one? Then its message must stay what it is. */
bool has_supers(const struct module_qstate *qstate);

#endif
