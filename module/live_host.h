/*
 * live_host.h: the live side (control/) in this Unbound: its threads, and what it asks of the resolver.
 *
 *   who          | calls                                          | needs outside synchronisation with
 *   main thread  | live_host_start, live_host_ready, live_host_stop | workers: none may be running
 *   worker       | live_host_live                                 | nobody
 */
#ifndef MODULE_LIVE_HOST_H
#define MODULE_LIVE_HOST_H

#include "module/unbound.h"

#include <stdbool.h>

#include "control/live.h"
#include "policy/conf.h"
#include "policy/diag.h"

/* In init, first: loads the policy and puts it into force, starts the threads. 0; -1 with *diag set: the last good
 * policy, if there is one, is in force and live_host_live is not NULL. */
int live_host_start(const char *conf_path, const char *chroot, struct diag *diag);

/* In init, last: takes out of the caches of `env` what the policy denies: reload_keep_cache keeps them, and other
 * modules may have filled them. From then on a policy that is put into force is swept for. */
void live_host_ready(struct module_env *env);

/* In deinit. The policy stays in force, and what is known stays for the next start. */
void live_host_stop(void);

/* NULL: nothing was ever loaded. The same object as long as the process lives. */
struct live *live_host_live(void);

/* In force at live_host_start: what decides on sockets and sizes. Main thread. */
const struct conf *live_host_conf(void);

#endif
