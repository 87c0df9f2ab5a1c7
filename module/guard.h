/*
 * guard.h: is this the Unbound that the library was built for?
 *
 * Unbound's structures change with its version, its configure flags and its distribution's patches, and it exports no
 * function that tells any of them. So the guard reads what cannot lie: the version text in the main program's read-only
 * memory, two places of a structure whose content is known, and a state that it has Unbound make for the purpose.
 */
#ifndef MODULE_GUARD_H
#define MODULE_GUARD_H

#include "module/unbound.h"

#include <stdbool.h>

/* False, with one error line in Unbound's log that names both versions, when the library must not run here. Call it
 * before anything else touches `env`. `operate` is our own function of that name. */
bool guard_check(struct module_env *env, int id, func_operate_t operate);

#endif
