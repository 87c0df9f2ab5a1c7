/* overlap.c: looks for each rule's name among the rules that cover what is below them. */
#include "policy/overlap.h"

#include "policy/list_names.h"

struct overlap {
	struct names qnames;
	struct names servers;    /* of NSDNAME rules */
	size_t subsumed;
};

/* The table that the rule belongs into; NULL: it is not counted. */
static struct names *table_of(struct overlap *overlap, const struct rule *rule)
{
	if (rule->rdata != NULL)
		return NULL;
	switch (rule->trigger) {
	case TRIGGER_NONE: case TRIGGER_QNAME:
		return &overlap->qnames;
	case TRIGGER_NSDNAME:
		return &overlap->servers;
	case TRIGGER_CLIENT_IP: case TRIGGER_IP: case TRIGGER_NSIP: case TRIGGER_COUNT:
		break;
	}
	return NULL;
}

/* Actions without data come before LOCAL_DATA, so each has a bit. */
_Static_assert(ACTION_LOCAL_DATA == 8, "the flags of names hold eight actions");

static bool add(void *arg, const struct rule *rule)
{
	struct names *names = table_of(arg, rule);

	return names == NULL || !rule->below || rule->action >= ACTION_LOCAL_DATA ||
		names_add(names, &rule->name, (uint8_t)(1u << rule->action));
}

static bool count(void *arg, const struct rule *rule)
{
	struct overlap *overlap = arg;
	const struct names *names = table_of(overlap, rule);
	unsigned cut;

	for (cut = 1; names != NULL && rule->action < ACTION_LOCAL_DATA && cut < rule->name.labels; cut++) {
		if (names_find(names, &rule->name, cut) & 1u << rule->action) {
			overlap->subsumed++;
			break;
		}
	}
	return true;
}

int overlap_count(const struct list_conf *conf, size_t *subsumed, struct diag *diag)
{
	struct overlap overlap = { .subsumed = 0 };
	struct list_stats stats;
	int result;

	if (!names_init(&overlap.qnames) || !names_init(&overlap.servers))
		return diag_set(diag, conf->file, 0, 0, "no random key from the system");
	result = list_load(conf, 0, add, &overlap, &stats, diag);
	if (result == 0)
		result = list_load(conf, 0, count, &overlap, &stats, diag);
	names_fini(&overlap.qnames);
	names_fini(&overlap.servers);
	if (result == 0)
		*subsumed = overlap.subsumed;
	return result;
}
