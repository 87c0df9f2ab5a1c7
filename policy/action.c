/* action.c: the tables of actions and triggers. */
#include "policy/action.h"

#include <stddef.h>
#include <string.h>

/* RFC 8914: 4 (Forged) is for policy that still gives an answer, 15 (Blocked) for policy that gives none. A drop has
 * nothing to carry a code, and a truncated answer is not kept from the client. */
const struct action_info action_table[ACTION_COUNT] = {
	[ACTION_ALLOW] = { "allow", NULL, false, EDE_NONE },
	[ACTION_PASS] = { "pass", "PASSTHRU", false, EDE_NONE },
	[ACTION_OBSERVE] = { "observe", NULL, false, EDE_NONE },
	[ACTION_NXDOMAIN] = { "nxdomain", "NXDOMAIN", true, EDE_BLOCKED },
	[ACTION_NODATA] = { "nodata", "NODATA", true, EDE_BLOCKED },
	[ACTION_REFUSE] = { "refuse", NULL, true, EDE_BLOCKED },
	[ACTION_DROP] = { "drop", "DROP", true, EDE_NONE },
	[ACTION_TRUNCATE] = { "truncate", "TCP-Only", true, EDE_NONE },
	[ACTION_LOCAL_DATA] = { "local-data", "Local-Data", true, EDE_FORGED },
	[ACTION_SINKHOLE] = { "sinkhole", NULL, true, EDE_FORGED },
};

const char *const trigger_names[TRIGGER_COUNT] = {
	[TRIGGER_NONE] = "none",
	[TRIGGER_CLIENT_IP] = "CLIENT-IP",
	[TRIGGER_QNAME] = "QNAME",
	[TRIGGER_IP] = "IP",
	[TRIGGER_NSDNAME] = "NSDNAME",
	[TRIGGER_NSIP] = "NSIP",
};

enum action action_by_name(const char *name)
{
	unsigned i;

	for (i = 0; i < ACTION_COUNT; i++)
		if (strcmp(action_table[i].name, name) == 0)
			break;
	return (enum action)i;
}
