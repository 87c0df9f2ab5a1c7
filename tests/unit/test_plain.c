/* test_plain: the guards are spared what they would leave as it is, and nothing else. Unbound is this program. */
#include "module/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "module/extract.h"
#include "module/judge.h"
#include "module/limits.h"
#include "module/respond.h"

#define POLICY 7u      /* the number of the one in force */
#define WWW "\3www\4test"
#define OTHER "\5other\4test"
#define BELOW "\4mail\3www\4test"

/* --- what else the module and Unbound have ---------------------------------------------------------------------- */

int MINIMAL_RESPONSES = 1;
time_t SERVE_EXPIRED_REPLY_TTL = 30;

bool state_is_plain(uint64_t unlisted_in)
{
	return unlisted_in == POLICY;
}

const struct reply_info *reply_of(const struct module_qstate *qstate)
{
	return qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;
}

bool budget_tick(struct budget *budget)
{
	(void)budget;
	return false;
}

int query_dname_compare(uint8_t *one, uint8_t *other)
{
	(void)one;
	(void)other;
	fail_msg("nothing here compares names in the slow way");
	return 0;
}

/* --- a query state, and a response to it ------------------------------------------------------------------------ */

#define RRSETS 3

/* Each name has a place of its own: it is the same by its octets. */
struct scene {
	struct module_qstate qstate;
	struct module_env env;
	struct mesh_area mesh;
	struct module_func_block modules[2], *stack[2];
	struct query query;
	struct iter_qstate iterator;
	struct dns_msg response;
	struct reply_info reply;
	struct ub_packed_rrset_key rrsets[RRSETS], *all[RRSETS];
	uint8_t names[RRSETS + 3][NAME_OCTETS_MAX];
};

static void name_it(struct scene *scene, unsigned place, const char *name, uint8_t **to, size_t *octets)
{
	*octets = strlen(name) + 1;
	memcpy(scene->names[place], name, *octets);
	*to = scene->names[place];
}

static void add(struct scene *scene, const char *owner, uint16_t type)
{
	struct ub_packed_rrset_key *key = &scene->rrsets[scene->reply.rrset_count];

	name_it(scene, (unsigned)scene->reply.rrset_count, owner, &key->rk.dname, &key->rk.dname_len);
	key->rk.type = htons(type);
	scene->all[scene->reply.rrset_count++] = key;
}

/* The question, what the response is about and what the iterator looks for; the first `answers` of the records
 * are its answer section. */
struct row {
	const char *why;
	const char *asked, *wanted;
	struct { const char *owner; uint16_t type; } records[RRSETS];
	size_t answers;
	bool plain;
};

static void set_scene(struct scene *scene, const struct row *row)
{
	*scene = (struct scene){ .modules = { { .name = "dynlib" }, { .name = "iterator" } } };
	scene->stack[0] = &scene->modules[0];
	scene->stack[1] = &scene->modules[1];
	scene->mesh.mods.num = 2;
	scene->mesh.mods.mod = scene->stack;
	scene->env.mesh = &scene->mesh;
	scene->qstate.env = &scene->env;
	scene->qstate.minfo[0] = &scene->query;
	scene->qstate.minfo[1] = &scene->iterator;
	scene->query.unlisted_in = POLICY;
	scene->response.rep = &scene->reply;
	scene->reply.rrsets = scene->all;
	name_it(scene, RRSETS, WWW, &scene->qstate.qinfo.qname, &scene->qstate.qinfo.qname_len);
	name_it(scene, RRSETS + 1, row->asked, &scene->response.qinfo.qname, &scene->response.qinfo.qname_len);
	if (row->wanted != NULL)
		name_it(scene, RRSETS + 2, row->wanted, &scene->iterator.qchase.qname, &scene->iterator.qchase.qname_len);
	for (unsigned i = 0; i < RRSETS && row->records[i].owner != NULL; i++)
		add(scene, row->records[i].owner, row->records[i].type);
	scene->reply.an_numrrsets = row->answers;
	scene->reply.ns_numrrsets = scene->reply.rrset_count - row->answers;
}

static const struct row responses[] = {
	{ "addresses of the name asked for", WWW, WWW, { { WWW, LDNS_RR_TYPE_A }, { WWW, LDNS_RR_TYPE_AAAA } }, 2, true },
	{ "nothing, and why", WWW, WWW, { { "\4test", LDNS_RR_TYPE_SOA } }, 0, true },
	{ "nothing at all", WWW, WWW, { { NULL, 0 } }, 0, true },
	{ "who serves it leads no client anywhere", WWW, WWW,
		{ { WWW, LDNS_RR_TYPE_A }, { "\4test", LDNS_RR_TYPE_NS }, { OTHER, LDNS_RR_TYPE_A } }, 1, true },
	{ "the iterator has not begun", WWW, NULL, { { WWW, LDNS_RR_TYPE_A } }, 1, true },
	{ "an address of a name that may be listed", WWW, WWW, { { OTHER, LDNS_RR_TYPE_A } }, 1, false },
	{ "such a one behind the right one", WWW, WWW, { { WWW, LDNS_RR_TYPE_A }, { OTHER, LDNS_RR_TYPE_A } }, 2, false },
	{ "another name of the same length", WWW, WWW, { { "\3wwx\4test", LDNS_RR_TYPE_A } }, 1, false },
	{ "a name below", WWW, WWW, { { BELOW, LDNS_RR_TYPE_A } }, 1, false },
	{ "an alias", WWW, WWW, { { WWW, LDNS_RR_TYPE_CNAME } }, 1, false },
	{ "an alias behind the answer", WWW, WWW, { { WWW, LDNS_RR_TYPE_A }, { WWW, LDNS_RR_TYPE_CNAME } }, 2, false },
	{ "what other names are made from", WWW, WWW, { { "\4test", LDNS_RR_TYPE_DNAME } }, 1, false },
	{ "a type that may lead elsewhere", WWW, WWW, { { WWW, LDNS_RR_TYPE_MX } }, 1, false },
	{ "a type whose number has the octets of A's the other way round", WWW, WWW, { { WWW, 256 } }, 1, false },
	{ "something may have to be taken out", WWW, WWW, { { WWW, LDNS_RR_TYPE_A }, { WWW, LDNS_RR_TYPE_HTTPS } }, 1,
		false },
	{ "the answer of the name that an alias led to", OTHER, OTHER, { { OTHER, LDNS_RR_TYPE_A } }, 1, false },
	{ "a part of the name, as minimisation asks for it", "\4test", WWW, { { "\4test", LDNS_RR_TYPE_SOA } }, 0, false },
	{ "an alias has led below the name, and minimisation asks for that once more", WWW, BELOW,
		{ { "\4test", LDNS_RR_TYPE_SOA } }, 0, false },
};

static void only_what_is_of_the_question_is_spared(void **arg)
{
	struct scene scene;

	(void)arg;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		set_scene(&scene, &responses[i]);
		if (plain_response(&scene.qstate, &scene.response, 0) != responses[i].plain)
			fail_msg("%s: %s", responses[i].why, responses[i].plain ? "judged" : "not judged");
	}
}

static void want_judged(struct scene *scene, const char *why)
{
	scene->qstate.return_msg = &scene->response;
	if (plain_response(&scene->qstate, &scene->response, 0) || plain_answer(&scene->qstate, 0) ||
	    scene->query.judged)
		fail_msg("%s: not judged", why);
}

static void what_the_guards_have_to_do_is_not_spared(void **arg)
{
	struct verdict verdict;
	struct scene scene;

	(void)arg;
	set_scene(&scene, &responses[0]);
	scene.query.unlisted_in = POLICY - 1;
	want_judged(&scene, "the policy has changed since the question");
	set_scene(&scene, &responses[0]);
	scene.query.unlisted_in = 0;
	want_judged(&scene, "a rule is about the name");
	set_scene(&scene, &responses[0]);
	scene.query.unshared = true;
	want_judged(&scene, "kept out of the shared caches");
	set_scene(&scene, &responses[0]);
	scene.query.guarded = true;
	want_judged(&scene, "out of the guarded cache");
	set_scene(&scene, &responses[0]);
	scene.query.stores = true;
	want_judged(&scene, "to be stored once it is judged");
	set_scene(&scene, &responses[0]);
	scene.query.verdict = &verdict;
	want_judged(&scene, "there is a verdict");
	set_scene(&scene, &responses[0]);
	scene.qstate.minfo[0] = NULL;
	want_judged(&scene, "nobody has looked at the question");
}

static void answers_without_another_name_are_judged(void **arg)
{
	struct scene scene;

	(void)arg;
	set_scene(&scene, &responses[0]);
	assert_true(plain_answer(&scene.qstate, 0));
	assert_true(scene.query.judged);
	set_scene(&scene, &responses[0]);
	scene.qstate.return_msg = &scene.response;
	assert_true(plain_answer(&scene.qstate, 0));
	assert_true(scene.query.judged);
}

static void answers_that_lead_elsewhere_are_not(void **arg)
{
	static const uint16_t types[] = { LDNS_RR_TYPE_CNAME, LDNS_RR_TYPE_DNAME, LDNS_RR_TYPE_MX, LDNS_RR_TYPE_HTTPS, 256 };
	struct row row = { .asked = WWW, .records = { { WWW, LDNS_RR_TYPE_A }, { WWW, 0 } }, .answers = 2 };
	struct scene scene;

	(void)arg;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		row.records[1].type = types[i];
		set_scene(&scene, &row);
		scene.qstate.return_msg = &scene.response;
		assert_false(plain_answer(&scene.qstate, 0));
		assert_false(scene.query.judged);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_of_the_question_is_spared),
		cmocka_unit_test(what_the_guards_have_to_do_is_not_spared),
		cmocka_unit_test(answers_without_another_name_are_judged),
		cmocka_unit_test(answers_that_lead_elsewhere_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
