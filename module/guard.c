/* guard.c: refuses to run inside an Unbound that the library was not built for. */
#include "module/guard.h"

#include <link.h>
#include <string.h>

/* What an Unbound says of itself: PACKAGE_NAME, a blank, a version that begins with a digit, NUL. */
#define SIGNATURE PACKAGE_NAME " "
#define VERSION_MAX 64

/* Scanning whole segments reads the red zones that AddressSanitizer puts between the objects of an instrumented host. */
#define READS_RED_ZONES __attribute__((no_sanitize("address")))

struct scan {
	bool same;                  /* our PACKAGE_STRING stands there */
	char other[VERSION_MAX];    /* else the first text that looks like one */
};

READS_RED_ZONES static void scan_at(struct scan *scan, const char *text, size_t room)
{
	size_t length = strnlen(text, room < VERSION_MAX ? room : VERSION_MAX);

	if (length == room || length == VERSION_MAX)
		return;
	if (strcmp(text, PACKAGE_STRING) == 0)
		scan->same = true;
	else if (scan->other[0] == '\0' && text[strlen(SIGNATURE)] >= '0' && text[strlen(SIGNATURE)] <= '9' &&
		 strchr(text + strlen(SIGNATURE), ' ') == NULL)
		memcpy(scan->other, text, length + 1);
}

READS_RED_ZONES static void scan_segment(struct scan *scan, const char *start, size_t octets)
{
	const char *end = start + octets;
	const char *at = start;

	while (at < end && !scan->same &&
	       (at = memmem(at, (size_t)(end - at), SIGNATURE, strlen(SIGNATURE))) != NULL) {
		if (at == start || at[-1] == '\0')
			scan_at(scan, at, (size_t)(end - at));
		at++;
	}
}

/* The first object that dl_iterate_phdr shows is the main program. */
static int scan_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type == PT_LOAD && (header->p_flags & PF_R) && !(header->p_flags & PF_W))
			scan_segment(arg, (const char *)(info->dlpi_addr + header->p_vaddr), header->p_filesz);
	}
	return 1;
}

/* The places that the module changes in a state of the mesh, and what lies between them. */
static bool state_is_known(struct mesh_state *state, const struct mesh_area *mesh, const struct query_info *question)
{
	const struct module_qstate *qstate = &state->s;

	if (mesh->env != qstate->env || mesh->all.cmp != &mesh_state_compare || mesh->run.cmp != &mesh_state_compare ||
	    qstate->mesh_info != state || qstate->region == NULL || qstate->qinfo.qtype != question->qtype ||
	    qstate->query_flags != BIT_RD || state->super_set.cmp != &mesh_state_ref_compare ||
	    state->sub_set.cmp != &mesh_state_ref_compare || state->unique != NULL)
		return false;
	mesh_state_make_unique(state);
	return state->unique == state;
}

/* Distributions add fields to Unbound's structures in security updates that keep its version. So Unbound makes a state
 * as it does for a question, in a mesh of its own, and what it wrote must be found where this library looks for it. */
static bool states_are_known(const struct module_env *host)
{
	struct module_env env = *host;
	struct module_stack none = { 0 };
	struct query_info question = { .qname = (uint8_t[]){ 0 }, .qname_len = 1, .qtype = LDNS_RR_TYPE_NULL,
		.qclass = LDNS_RR_CLASS_IN };
	struct mesh_state *state;
	time_t now = 0;
	bool known;

	env.now = &now;
	env.mesh = mesh_create(&none, &env);
	state = env.mesh != NULL ? mesh_state_create(&env, &question, NULL, BIT_RD, 0, 0) : NULL;
	known = state != NULL && state_is_known(state, env.mesh, &question);
	/* What is not known is not touched again: it stays, and the process ends. */
	if (known) {
		mesh_state_cleanup(state);
		mesh_delete(env.mesh);
	}
	return known;
}

bool guard_check(struct module_env *env, int id, func_operate_t operate)
{
	struct scan scan = { 0 };
	const struct dynlibmod_env *dynlib;

	dl_iterate_phdr(scan_program, &scan);
	if (!scan.same) {
		log_err("unbound-verdict: built for \"%s\", but this program is \"%s\": rebuild the library against this "
			"version's source tree (./configure --with-unbound=DIR)", PACKAGE_STRING,
			scan.other[0] != '\0' ? scan.other : "not a known Unbound");
		return false;
	}
	/* The same version with other configure flags moves the fields: dynlibmod stores these two before init. */
	dynlib = id >= 0 && id < MAX_MODULE ? env->modinfo[id] : NULL;
	if (dynlib == NULL || dynlib->func_operate != operate ||
	    dynlib->inplace_cb_register_wrapped != &inplace_cb_register_wrapped) {
		log_err("unbound-verdict: built for \"%s\" with other configure flags than this program's: rebuild the "
			"library against its configured source tree", PACKAGE_STRING);
		return false;
	}
	if (!states_are_known(env)) {
		log_err("unbound-verdict: built for \"%s\", but this program's structures differ, as after a security update "
			"that keeps the version: rebuild the library against its configured source tree", PACKAGE_STRING);
		return false;
	}
	return true;
}
