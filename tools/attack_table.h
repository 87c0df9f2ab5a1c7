/*
 * attack_table.h: names and tactics of the ATT&CK techniques that a resolver can have something to say of.
 *
 * Source: MITRE ATT&CK, Enterprise (https://attack.mitre.org), version 17. An id that is not here still counts.
 *
 * Threads: constant data.
 */
#ifndef TOOLS_ATTACK_TABLE_H
#define TOOLS_ATTACK_TABLE_H

#include <stddef.h>

#define ATTACK_VERSION "18"

enum tactic {
	TACTIC_RECONNAISSANCE,
	TACTIC_RESOURCES,
	TACTIC_ACCESS,
	TACTIC_EXECUTION,
	TACTIC_DISCOVERY,
	TACTIC_COMMAND,
	TACTIC_EXFILTRATION,
	TACTIC_IMPACT,
	TACTIC_OTHER,                    /* of techniques that the table has not */
	TACTIC_COUNT
};

struct attack_technique {
	const char *id, *name;
	enum tactic tactic;
};

extern const char *const tactic_names[TACTIC_COUNT];
extern const struct attack_technique attack_table[];   /* by tactic, and there by id */
extern const size_t attack_count;

/* NULL: it is not here. */
const struct attack_technique *attack_find(const char *id);

#endif
