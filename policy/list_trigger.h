/*
 * list_trigger.h: owners in a response policy zone that are no query names (draft-vixie-dnsop-dns-rpz-00 section 4):
 * networks below rpz-client-ip, rpz-ip and rpz-nsip, and names below rpz-nsdname. For policy/list*.c alone.
 *
 * A network is written backwards, its prefix length first: 24.0.2.0.192.rpz-ip is 192.0.2.0/24 and
 * 48.zz.1.db8.2001.rpz-ip is 2001:db8:1::/48; one `zz` stands for a run of words that are 0.
 *
 * Threads: values only.
 */
#ifndef POLICY_LIST_TRIGGER_H
#define POLICY_LIST_TRIGGER_H

#include "policy/list_reader.h"

/* Takes the trigger label off the end of rule->name, which has at least one label, and fills what the trigger needs:
 * rule->name stays the name that is left; for a network, address and prefix_length are set beside it. SKIP_COUNT; or
 * why it cannot be used, with *rule undefined. A wildcard owner comes without its `*.`. */
enum skip_reason trigger_read(struct rule *rule, bool wildcard);

/* Is it a trigger that matches addresses? */
bool trigger_is_network(enum trigger trigger);

#endif
