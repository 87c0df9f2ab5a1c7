/* test_guard: the library runs in the Unbound that it was built for and in no other. The host is this program. */
#include "module/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ADDED 24   /* octets that an update puts before a field */

/* What the guard looks for in the program. */
const char host_version[] __attribute__((used)) = PACKAGE_STRING;

/* The guard looks for it across the red zones of a host with AddressSanitizer (tests/e2e/lab.py sets the same). */
__attribute__((used, visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "intercept_memmem=0:intercept_strlen=0:replace_str=0:intercept_strchr=0:intercept_strndup=0";
}

static char last_error[512];
static struct mesh_area mesh;
static _Alignas(16) unsigned char memory[sizeof(struct mesh_state) + ADDED];
static size_t moved_from;      /* this offset and all after it lie ADDED octets further; 0: none does */
static bool unique_elsewhere;
static struct regional *const region = (struct regional *)memory;
static int made, cleaned, deleted;

void log_err(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_error, sizeof(last_error), format, arguments);
	va_end(arguments);
}

int inplace_cb_register_wrapped(void *callback, enum inplace_cb_list_type type, void *arg, struct module_env *env, int id)
{
	(void)callback, (void)type, (void)arg, (void)env, (void)id;
	return 0;
}

int mesh_state_compare(const void *left, const void *right)
{
	return left == right;
}

int mesh_state_ref_compare(const void *left, const void *right)
{
	return left == right;
}

struct mesh_area *mesh_create(struct module_stack *stack, struct module_env *env)
{
	assert_int_equal(stack->num, 0);
	mesh = (struct mesh_area){ .env = env, .all.cmp = mesh_state_compare, .run.cmp = mesh_state_compare };
	return &mesh;
}

void mesh_delete(struct mesh_area *area)
{
	assert_ptr_equal(area, &mesh);
	deleted++;
}

struct mesh_state *mesh_state_create(struct module_env *env, struct query_info *question, struct respip_client_info *client,
	uint16_t flags, int prime, int valrec)
{
	struct mesh_state *state = (struct mesh_state *)memory;

	(void)client, (void)prime, (void)valrec;
	memset(memory, 0, sizeof(memory));
	assert_non_null(env->now);
	state->s.env = env;
	state->s.mesh_info = state;
	state->s.region = region;
	state->s.qinfo = *question;
	state->s.query_flags = flags;
	state->super_set.cmp = mesh_state_ref_compare;
	state->sub_set.cmp = mesh_state_ref_compare;
	if (moved_from != 0) {
		memmove(memory + moved_from + ADDED, memory + moved_from, sizeof(*state) - moved_from);
		memset(memory + moved_from, 0, ADDED);
	}
	made++;
	return state;
}

void mesh_state_make_unique(struct mesh_state *state)
{
	if (unique_elsewhere)
		state->num_activated = 1;
	else
		state->unique = state;
}

void mesh_state_cleanup(struct mesh_state *state)
{
	assert_ptr_equal(state, memory);
	cleaned++;
}

static void operate(struct module_qstate *qstate, enum module_ev event, int id, struct outbound_entry *entry)
{
	(void)qstate, (void)event, (void)id, (void)entry;
}

static void other_operate(struct module_qstate *qstate, enum module_ev event, int id, struct outbound_entry *entry)
{
	(void)qstate, (void)event, (void)id, (void)entry;
	abort();   /* a body of its own: equal functions may be folded into one */
}

static bool check(func_operate_t host_operate)
{
	struct dynlibmod_env dynlib = { .func_operate = host_operate, .inplace_cb_register_wrapped = inplace_cb_register_wrapped };
	struct module_env env = { .modinfo = { &dynlib } };

	last_error[0] = '\0';
	made = cleaned = deleted = 0;
	return guard_check(&env, 0, operate);
}

static void runs_where_it_was_built_for(void **state)
{
	(void)state;
	moved_from = 0;
	unique_elsewhere = false;
	assert_true(check(operate));
	assert_string_equal(last_error, "");
	assert_int_equal(made, 1);
	assert_int_equal(cleaned, 1);
	assert_int_equal(deleted, 1);
}

static void refuses_other_configure_flags(void **state)
{
	(void)state;
	moved_from = 0;
	assert_false(check(other_operate));
	assert_non_null(strstr(last_error, "with other configure flags"));
	assert_int_equal(made, 0);
}

static void refuses_when_an_update_has_moved_fields(void **state)
{
	static const struct {
		const char *why;
		size_t from;
	} rows[] = {
		{ "the first field", offsetof(struct mesh_state, s) },
		{ "in the query's state", offsetof(struct mesh_state, s) + offsetof(struct module_qstate, env) },
		{ "at its end", offsetof(struct mesh_state, reply_list) },
		{ "as the fix for jostling did it", offsetof(struct mesh_state, cb_list) },
		{ "between the sets", offsetof(struct mesh_state, sub_set) },
	};

	(void)state;
	unique_elsewhere = false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		moved_from = rows[i].from;
		if (check(operate) || strstr(last_error, "structures differ") == NULL)
			fail_msg("not noticed: %s (%s)", rows[i].why, last_error);
		assert_int_equal(cleaned + deleted, 0);
	}
}

static void refuses_when_the_unique_mark_is_elsewhere(void **state)
{
	(void)state;
	moved_from = 0;
	unique_elsewhere = true;
	assert_false(check(operate));
	assert_non_null(strstr(last_error, "structures differ"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_where_it_was_built_for),
		cmocka_unit_test(refuses_other_configure_flags),
		cmocka_unit_test(refuses_when_an_update_has_moved_fields),
		cmocka_unit_test(refuses_when_the_unique_mark_is_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
