/*
 * guard.h: is this the Unbound that the library was built for?
 *
 * Unbound's structures change with its version and its configure flags, and it exports no function that tells either.
 * So the guard reads what cannot lie: the version text in the main program's read-only memory, and two places of a
 * structure whose content is known.
 */
#ifndef MODULE_GUARD_H
#define MODULE_GUARD_H

#include "module/unbound.h"

#include <stdbool.h>

/* False, with one error line in Unbound's log that names both versions, when the library must not run here. Call it
 * before anything else touches `env`. `operate` is our own function of that name. */
bool guard_check(struct module_env *env, int id, func_operate_t operate);

#endif
