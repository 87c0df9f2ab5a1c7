/*
 * order.h: where the library stands among Unbound's modules.
 *
 * What stands above it can answer, make or store what no policy has judged, so it has to be the first; and it can be
 * there only once, since it keeps one state for the process. Neither keeps a resolver from running: it is said, as an
 * error, at each load.
 *
 * Threads: main thread, in init.
 */
#ifndef MODULE_ORDER_H
#define MODULE_ORDER_H

#include "module/unbound.h"

#include <stdbool.h>

/* False: the library stands above already (the dynlib module there has the same `operate`), and this one must do
 * nothing. To be called after guard_check. */
bool order_check(const struct module_env *env, int id, func_operate_t operate);

#endif
