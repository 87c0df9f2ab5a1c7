/* module.c: the six functions that Unbound's dynlib module looks up. */
#include "module/unbound.h"

#include <stdlib.h>

#include "module/callbacks.h"
#include "module/enforce.h"
#include "module/guard.h"
#include "module/guarded.h"
#include "module/late.h"
#include "module/live_host.h"
#include "module/order.h"
#include "module/respond.h"
#include "module/state.h"
#include "module/wakeup.h"
#include "policy/hot.h"

#define EXPORT __attribute__((visibility("default")))

/* Which of the modules we are. Main thread while no worker runs, and workers read it. */
static int own_id = -1;

EXPORT int init(struct module_env *env, int id);
EXPORT void deinit(struct module_env *env, int id);
EXPORT void operate(struct module_qstate *qstate, enum module_ev event, int id, struct outbound_entry *outbound);
EXPORT void inform_super(struct module_qstate *qstate, int id, struct module_qstate *super);
EXPORT void clear(struct module_qstate *qstate, int id);
EXPORT size_t get_mem(struct module_env *env, int id);

/* The clause `dynlib:` takes nothing but the library, so the configuration is found without it. */
static const char *conf_path(void)
{
	const char *path = getenv("UNBOUND_VERDICT_CONF");

	return path != NULL && path[0] != '\0' ? path : SYSCONFDIR "/unbound/verdict.conf";
}

/* For a second one of us in the chain: as if it was not there. */
static RARE void pass_on(struct module_qstate *qstate, enum module_ev event, int id)
{
	if (event == module_event_new || event == module_event_pass)
		qstate->ext_state[id] = module_wait_module;
	else
		qstate->ext_state[id] = event == module_event_moddone ? module_finished : module_error;
}

static int complain(const char *what)
{
	log_err("unbound-verdict: %s", what);
	return 0;
}

/* What the policy in force asks of the process; nothing of it keeps a resolver from running. */
static void start_rest(struct module_env *env)
{
	const struct conf *conf = live_host_conf();
	struct diag diag = { 0 };
	char text[1024];

	if (state_start(conf, (unsigned)env->cfg->num_threads, &diag) != 0)
		complain(diag_format(&diag, text, sizeof(text)));
	enforce_start(&conf->guard);
	if (!guarded_start(env, own_id, &conf->guard))
		complain("out of memory: answers that some may not have are resolved anew each time");
	live_host_ready(env);
	log_info("unbound-verdict " VERDICT_VERSION ": %s, %zu lists",
		conf->mode == MODE_SHADOW ? "mode shadow" : "mode enforce", conf->list_count);
}

/* Registered before the load, so that a failure leaves nothing half done. At the first start an error keeps Unbound
 * from starting; at a reload returning 0 would end a running resolver, so there the last good policy stays. */
int init(struct module_env *env, int id)
{
	char text[1024];
	struct diag diag = { 0 };

	if (!guard_check(env, id, operate))
		return 0;
	if (env->cfg->num_threads > STATE_SLOTS_MAX)
		return complain("num-threads is over 256");
	if (!order_check(env, id, operate))
		return 1;
	own_id = id;
	if (!callbacks_register(env, id))
		return complain("out of memory");
	if (live_host_start(conf_path(), env->cfg->chrootdir, &diag) != 0 && live_host_live() == NULL)
		return complain(diag_format(&diag, text, sizeof(text)));
	start_rest(env);
	return 1;
}

void deinit(struct module_env *env, int id)
{
	const struct dynlibmod_env *dynlib = env->modinfo[id];
	char text[512];

	/* Unbound calls this after a failed init too, even one that refused to touch anything. */
	if (dynlib == NULL || dynlib->func_operate != operate || id != own_id || live_host_live() == NULL)
		return;
	callbacks_unregister(env, id);
	live_host_stop();
	guarded_stop();
	state_stop();
	state_summary(text, sizeof(text));
	log_info("unbound-verdict: %s", text);
}

HOT void operate(struct module_qstate *qstate, enum module_ev event, int id, struct outbound_entry *outbound)
{
	(void)outbound;
	if (id != own_id) {
		pass_on(qstate, event, id);
		return;
	}
	wakeup_register(qstate->env);
	switch (event) {
	case module_event_new:
	case module_event_pass:
		if (!respond_waited(qstate, id))
			enforce_question(qstate, id);
		late_answers(qstate, id);
		return;
	case module_event_moddone:
		enforce_answer(qstate, id);
		late_answers(qstate, id);
		return;
	case module_event_reply:
	case module_event_noreply:
	case module_event_capsfail:
	case module_event_error:
		break;
	}
	qstate->ext_state[id] = module_error;
}

/* `super` waits for the sub-query `qstate`. */
void inform_super(struct module_qstate *qstate, int id, struct module_qstate *super)
{
	if (id == own_id)
		respond_inform(qstate, id, super);
}

/* What is kept lies in the state's region, which Unbound frees. */
HOT void clear(struct module_qstate *qstate, int id)
{
	if (id == own_id)
		enforce_clear(qstate, id);
}

size_t get_mem(struct module_env *env, int id)
{
	(void)env;
	return id == own_id ? state_octets() : 0;
}
