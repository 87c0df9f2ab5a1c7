/* hunt_rule.c: pivots that begin at decisions: `hunt rule` and `hunt technique`. */
#include "tools/hunt.h"

#include <string.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

#define NAME_LIMIT 1024

/* Every decision that names a list or a technique lies in the files of verdicts, which have an index for it. */
#define BY_VERDICT(condition) \
	HUNT_FIND("SELECT p.* FROM day.verdict AS v CROSS JOIN day.pair AS p ON p.verdict = v.id WHERE (" condition ") AND" \
		HUNT_IN_WINDOW("p")) HUNT_MERGE

static const char of_rule[] = BY_VERDICT("(v.list = :list AND (:whole OR v.rule = :rule))"
	" OR (v.shadow_list = :list AND (:whole OR v.shadow_rule = :rule))");
static const char of_technique[] = BY_VERDICT("instr(v.techniques, :exact) OR (:below <> '' AND"
	" instr(v.techniques, :below))");

static const struct hunt_fetch fetches_rule[] = {
	{ "rule.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT }, { NULL, NULL, NULL }
};
static const struct hunt_fetch fetches_technique[] = {
	{ "technique.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT }, { NULL, NULL, NULL }
};

static int print(struct hunt *hunt, const char *name, const char *find, const struct hunt_fetch *fetches)
{
	if (query_run(hunt->query, HUNT_HIT_TABLES, &hunt->diag) != 0 || (hunt->remote != NULL ? hunt_fetch(hunt, fetches) :
			query_gather(hunt->query, QUERY_VERDICTS, find, &hunt->diag)) != 0)
		return -1;
	hunt_begin(hunt, name);
	return hunt_hits(hunt, HUNT_SUMMARY | HUNT_VERDICTS | HUNT_NAMES | HUNT_CLIENTS);
}

int hunt_rule(struct hunt *hunt)
{
	const char *colon = strchr(hunt->asked, ':');
	size_t octets = colon != NULL ? (size_t)(colon - hunt->asked) : strlen(hunt->asked);
	char list[NAME_LIMIT];

	if (octets == 0 || octets >= sizeof(list))
		return command_misuse(hunt->command, "name a list, or LIST:RULE");
	memcpy(list, hunt->asked, octets);
	list[octets] = '\0';
	if (!query_bind_text(hunt->query, ":list", list) || !query_bind_number(hunt->query, ":whole", colon == NULL) ||
			!query_bind_text(hunt->query, ":rule", colon != NULL ? colon + 1 : ""))
		return command_misuse(hunt->command, "the rule is too long");
	return print(hunt, "rule", of_rule, fetches_rule);
}

/* T and four digits, or with a dot and three more. */
static bool is_technique(const char *text)
{
	static const char form[] = "Tdddd.ddd";
	size_t octets = strlen(text);

	if (octets != 5 && octets != 9)
		return false;
	for (size_t i = 0; i < octets; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}

int hunt_technique(struct hunt *hunt)
{
	char exact[16] = " ", below[16] = "";

	if (!is_technique(hunt->asked))
		return command_misuse(hunt->command, "a technique is an ATT&CK id such as T1071.004 or T1568");
	strcat(strcat(exact, hunt->asked), " ");
	if (strlen(hunt->asked) == 5)
		strcat(strcat(strcpy(below, " "), hunt->asked), ".");
	if (!query_bind_text(hunt->query, ":exact", exact) || !query_bind_text(hunt->query, ":below", below))
		return -1;
	return print(hunt, "technique", of_technique, fetches_technique);
}
