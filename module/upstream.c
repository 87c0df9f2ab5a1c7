/* upstream.c: looks names up among forwards and stubs, as each release has it. */
#include "module/upstream.h"

static uint8_t *octets_of(const struct name *name)
{
	return (uint8_t *)(uintptr_t)name->octets;
}

#if UNBOUND_UPSTREAMS_HAVE_LOCKS

/* All workers share those of the daemon. */
void upstream_init(struct module_env *env)
{
	(void)env;
}

void upstream_fini(struct module_env *env)
{
	(void)env;
}

bool upstream_is_forwarded(struct module_env *env, const struct name *name, uint16_t class)
{
	if (env->fwds == NULL || forwards_lookup(env->fwds, octets_of(name), class, 0) == NULL)
		return false;
	lock_rw_unlock(&env->fwds->lock);
	return true;
}

bool upstream_visit_stub(struct module_env *env, const struct name *name, uint16_t class,
			 void (*visit)(void *arg, const struct delegpt *stub), void *arg)
{
	const struct iter_hints_stub *stub;

	if (env->hints == NULL)
		return false;
	stub = hints_lookup_stub(env->hints, octets_of(name), class, NULL, 0);
	if (stub == NULL)
		return false;
	visit(arg, stub->dp);
	lock_rw_unlock(&env->hints->lock);
	return true;
}

#else

void upstream_init(struct module_env *env)
{
	env->fwds = forwards_create();
	env->hints = hints_create();
	if (env->fwds != NULL && !forwards_apply_cfg(env->fwds, env->cfg)) {
		forwards_delete(env->fwds);
		env->fwds = NULL;
	}
	if (env->hints != NULL && !hints_apply_cfg(env->hints, env->cfg)) {
		hints_delete(env->hints);
		env->hints = NULL;
	}
}

void upstream_fini(struct module_env *env)
{
	forwards_delete(env->fwds);
	hints_delete(env->hints);
}

bool upstream_is_forwarded(struct module_env *env, const struct name *name, uint16_t class)
{
	return env->fwds != NULL && forwards_lookup(env->fwds, octets_of(name), class) != NULL;
}

bool upstream_visit_stub(struct module_env *env, const struct name *name, uint16_t class,
			 void (*visit)(void *arg, const struct delegpt *stub), void *arg)
{
	const struct iter_hints_stub *stub;

	if (env->hints == NULL)
		return false;
	stub = hints_lookup_stub(env->hints, octets_of(name), class, NULL);
	if (stub != NULL)
		visit(arg, stub->dp);
	return stub != NULL;
}

#endif

static void note_labels(void *arg, const struct delegpt *stub)
{
	uint8_t *labels = arg;

	/* Of a delegation the root is counted as a label. */
	*labels = (uint8_t)(stub->namelabs - 1);
}

uint8_t upstream_configured_labels(struct module_env *env, const struct name *name, uint16_t class)
{
	uint8_t labels = 0;

	if (upstream_is_forwarded(env, name, class))
		return UINT8_MAX;
	upstream_visit_stub(env, name, class, note_labels, &labels);
	return labels;
}
