/* test_respond: what is done is told as it was, also without memory. Unbound is this program. */
#include "module/respond.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "module/apply.h"
#include "module/callbacks.h"
#include "module/garden.h"
#include "module/limits.h"

/* --- what else the module and Unbound have ---------------------------------------------------------------------- */

static size_t memory;                  /* octets that there are still */
static unsigned failures;
static enum action dropped;

static struct {
	max_align_t align;
	char octets[2 * (sizeof(struct query) + sizeof(struct verdict))];
} region;

void *regional_alloc(struct regional *of, size_t octets)
{
	(void)of;
	if (octets > memory)
		return NULL;
	memory -= octets;
	return region.octets + memory / sizeof(max_align_t) * sizeof(max_align_t);
}

struct slot *state_slot(void)
{
	return NULL;
}

void failure_note(struct slot *slot, enum failure failure)
{
	(void)slot;
	assert_int_equal(failure, FAILURE_MEMORY);
	failures++;
}

bool apply_denial(struct module_qstate *qstate, const struct verdict *verdict, const struct reply_info *chain)
{
	(void)qstate, (void)verdict, (void)chain;
	return true;
}

void apply_drop(struct module_qstate *qstate)
{
	(void)qstate;
}

void callbacks_dropped(struct module_qstate *qstate, int id, const struct verdict *verdict)
{
	(void)qstate, (void)id;
	dropped = verdict->action;
}

enum garden_start garden_start(struct module_qstate *qstate, int id, const struct verdict *verdict,
	const struct reply_info *chain, struct garden **garden)
{
	(void)qstate, (void)id, (void)verdict, (void)chain, (void)garden;
	return GARDEN_NONE;
}

void garden_inform(struct garden *garden, const struct module_qstate *done, struct module_qstate *waiting)
{
	(void)garden, (void)done, (void)waiting;
}

bool garden_is_done(const struct garden *garden)
{
	(void)garden;
	return true;
}

bool garden_finish(const struct garden *garden, struct module_qstate *qstate)
{
	(void)garden, (void)qstate;
	return true;
}

/* --- a query state, and what is to be kept of it ----------------------------------------------------------------- */

struct scene {
	struct module_qstate qstate;
	struct mesh_state mesh;
	struct mesh_reply client;
	struct verdict verdict;
};

static void set_scene(struct scene *scene, enum action action, size_t octets)
{
	memset(scene, 0, sizeof(*scene));
	scene->qstate.mesh_info = &scene->mesh;
	scene->mesh.reply_list = &scene->client;
	verdict_init(&scene->verdict);
	scene->verdict.action = scene->verdict.rule.action = action;
	scene->verdict.rule.trigger = TRIGGER_QNAME;
	strcpy(scene->verdict.rule.list, "malware");
	memory = octets;
	failures = 0;
	dropped = ACTION_COUNT;
	respond_start();
}

static const struct verdict *kept(struct scene *scene)
{
	const struct query *query;

	query_keep(&scene->qstate, 0, &scene->verdict, EDE_MODE_TEXT);
	query = query_get(&scene->qstate, 0);
	assert_non_null(query);
	assert_true(query->judged);
	return query->verdict;
}

static void a_verdict_is_kept_with_its_rule(void **arg)
{
	struct scene scene;
	const struct verdict *verdict;

	(void)arg;
	set_scene(&scene, ACTION_REFUSE, sizeof(region.octets));
	verdict = kept(&scene);
	assert_int_equal(verdict->action, ACTION_REFUSE);
	assert_string_equal(verdict->rule.list, "malware");
	assert_int_equal(failures, 0);
}

static void without_memory_each_action_is_kept_and_no_rule(void **arg)
{
	struct scene scene;

	(void)arg;
	for (unsigned action = ACTION_ALLOW + 1; action < ACTION_COUNT; action++) {
		const struct verdict *verdict;

		set_scene(&scene, (enum action)action, sizeof(struct query));
		verdict = kept(&scene);
		assert_non_null(verdict);
		assert_int_equal(verdict->action, action);
		assert_int_equal(verdict->rule.trigger, TRIGGER_NONE);
		assert_int_equal(verdict->rule.ede, EDE_NONE);
		assert_int_equal(failures, 1);
	}
}

static void without_memory_what_would_have_been_done_is_no_denial(void **arg)
{
	struct scene scene;

	(void)arg;
	set_scene(&scene, ACTION_ALLOW, sizeof(struct query));
	scene.verdict.shadow.trigger = TRIGGER_QNAME;
	assert_null(kept(&scene));
	assert_int_equal(failures, 1);
}

static void a_plain_allow_needs_no_memory(void **arg)
{
	struct scene scene;

	(void)arg;
	set_scene(&scene, ACTION_ALLOW, sizeof(struct query));
	assert_null(kept(&scene));
	assert_int_equal(failures, 0);
}

static void without_any_memory_a_drop_is_told_of_as_one(void **arg)
{
	struct scene scene;

	(void)arg;
	set_scene(&scene, ACTION_DROP, 0);
	query_keep(&scene.qstate, 0, &scene.verdict, EDE_MODE_TEXT);
	respond_deny(&scene.qstate, 0, NULL, &scene.verdict, NULL);
	assert_int_equal(dropped, ACTION_DROP);
}

static void without_any_memory_a_denial_is_servfail(void **arg)
{
	struct scene scene;

	(void)arg;
	set_scene(&scene, ACTION_NXDOMAIN, 0);
	query_keep(&scene.qstate, 0, &scene.verdict, EDE_MODE_TEXT);
	respond_deny(&scene.qstate, 0, NULL, &scene.verdict, NULL);
	assert_int_equal(scene.qstate.return_rcode, LDNS_RCODE_SERVFAIL);
	assert_int_equal(failures, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_is_kept_with_its_rule),
		cmocka_unit_test(without_memory_each_action_is_kept_and_no_rule),
		cmocka_unit_test(without_memory_what_would_have_been_done_is_no_denial),
		cmocka_unit_test(a_plain_allow_needs_no_memory),
		cmocka_unit_test(without_any_memory_a_drop_is_told_of_as_one),
		cmocka_unit_test(without_any_memory_a_denial_is_servfail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
