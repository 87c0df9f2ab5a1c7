/* facts.c: the table of answer paths. */
#include "policy/facts.h"

/* A cached or local answer is encoded from memory that the resolver shares between clients: it can be judged, never
 * changed. The last four reach no hook at all; they are here so that completeness can be stated against them. */
const struct path_info path_table[PATH_COUNT] = {
	/*                    name         seen   can_be_denied framed */
	[PATH_RESOLVED] = { "resolved", true, true, true },
	[PATH_CACHED] = { "cached", true, false, true },
	[PATH_LOCAL] = { "local", true, false, true },
	[PATH_CHAOS] = { "chaos", true, false, true },
	[PATH_SERVFAIL] = { "servfail", true, false, true },
	[PATH_DROPPED] = { "dropped", true, true, true },
	[PATH_TRANSFER] = { "transfer", false, false, false },
	[PATH_ACCESS] = { "access", false, false, false },
	[PATH_MALFORMED] = { "malformed", false, false, false },
	[PATH_LIMITED] = { "limited", false, false, false },
};
