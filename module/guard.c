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
	return true;
}
