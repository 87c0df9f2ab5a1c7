/*
 * module_config.h: what Unbound's configuration says of modules, and whether the library is where it has to be.
 *
 * unbound-checkconf, which stands beside the program, reads that configuration with all it includes, and is run for it.
 *
 * Threads: as program_run.
 */
#ifndef TOOLS_MODULE_CONFIG_H
#define TOOLS_MODULE_CONFIG_H

#include <stddef.h>

#include "policy/diag.h"

#define MODULE_CONFIG_MAX 384

enum module_order {
	MODULE_ORDER_RIGHT,
	MODULE_ORDER_WRONG,     /* *diag says what, and what would be right */
	MODULE_ORDER_UNKNOWN    /* unbound-checkconf could not be run or refuses the file: *diag says why */
};

/* Fills `text` with the value of module-config, unless it is unknown. */
enum module_order module_config_check(const char *unbound, const char *conf, char text[static MODULE_CONFIG_MAX],
	struct diag *diag);

#endif
