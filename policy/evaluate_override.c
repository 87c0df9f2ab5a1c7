/* evaluate_override.c: what overrides decide, before all lists. */
#include "policy/judging.h"

/* The overrides at one position. */
struct overriding {
	struct judging *judging;
	const struct position *position;
};

static void override_for_client(const struct overriding *overriding, const struct override *override)
{
	struct judging *judging = overriding->judging;
	const struct policy_options *options = &judging->snapshot->options;
	struct verdict *verdict = judging->verdict;

	match_describe_override(override, overriding->position->name, overriding->position->chain, &verdict->rule);
	verdict->action = override->action;
	/* Nothing comes before an override, but some answers are not denied. */
	verdict->final = judging->stage == STAGE_ANSWER ||
			 (!options->qname_wait_recurse && !(options->keep_dnssec && judging->facts->dnssec_ok));
	verdict->ttl = options->max_policy_ttl != 0 && options->max_policy_ttl < OVERRIDE_TTL ? options->max_policy_ttl
											      : OVERRIDE_TTL;
	verdict->data = NULL;
	judging->open = false;
}

/* In shadow an override is reported as a list would be. */
static bool report_override(void *arg, const struct override *override)
{
	const struct overriding *overriding = arg;
	struct judging *judging = overriding->judging;

	if (!override_is_for(override, &judging->facts->client))
		return true;
	if (judging->open && (judging->verdict->shadow.trigger == TRIGGER_NONE ||
			      judging->verdict->shadow.action == ACTION_OBSERVE))
		match_describe_override(override, overriding->position->name, overriding->position->chain,
					&judging->verdict->shadow);
	return false;
}

/* Some clients of every group are those that it is for; all of them, if it is for everybody. */
static bool apply_override(void *arg, const struct override *override)
{
	const struct overriding *overriding = arg;
	struct judging *judging = overriding->judging;

	if (judging->undecided != 0) {
		judging->decisions++;
		judging->denied_to_some |= action_table[override->action].denies;
	}
	if (judging->open && override_is_for(override, &judging->facts->client))
		override_for_client(overriding, override);
	if (override->client.address.family == ADDRESS_NONE)
		judging->undecided = 0;
	return judging->undecided != 0 || judging->open;
}

void judge_overrides(struct judging *judging, const struct position *position)
{
	struct overriding overriding = { judging, position };
	const struct snapshot *snapshot = judging->snapshot;

	override_match(snapshot->overrides, position->name, snapshot->shadow ? report_override : apply_override,
		       &overriding);
}
