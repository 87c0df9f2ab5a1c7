/* evaluate_override.c: what overrides decide: operators' before all lists, detectors' behind them. */
#include "policy/judging.h"

/* The overrides at one position, of operators or of detectors. */
struct overriding {
	struct judging *judging;
	const struct position *position;
	bool detectors;
	bool detected;               /* there are some of detectors */
};

static bool is_its_turn(struct overriding *overriding, const struct override *override)
{
	const bool detectors = override_is_detectors(override);

	overriding->detected |= detectors;
	return detectors == overriding->detectors;
}

static uint64_t spared_by(const struct overriding *overriding)
{
	return overriding->detectors ? overriding->judging->spared : 0;
}

/* Can what the answer brings still come before it? Nothing comes before an operator's, but some answers are not denied.
 * Of lists those that might let it pass alone: a denial that waited for another denial would let a tunnel go on. */
static bool is_final(const struct overriding *overriding)
{
	const struct judging *judging = overriding->judging;
	const struct policy_options *options = &judging->snapshot->options;

	if (judging->stage == STAGE_ANSWER)
		return true;
	if (options->qname_wait_recurse || (options->keep_dnssec && judging->facts->dnssec_ok))
		return false;
	return !overriding->detectors || (judging->snapshot->passing_late & judging->client) == 0;
}

static void override_for_client(const struct overriding *overriding, const struct override *override)
{
	struct judging *judging = overriding->judging;
	const struct policy_options *options = &judging->snapshot->options;
	struct verdict *verdict = judging->verdict;

	match_describe_override(override, overriding->position->name, overriding->position->chain, &verdict->rule);
	verdict->action = override->action;
	verdict->final = is_final(overriding);
	verdict->ttl = options->max_policy_ttl != 0 && options->max_policy_ttl < OVERRIDE_TTL ? options->max_policy_ttl
											      : OVERRIDE_TTL;
	verdict->data = NULL;
	judging->open = false;
}

static bool is_ours(const struct overriding *overriding, const struct override *override)
{
	const struct judging *judging = overriding->judging;

	return judging->open && (spared_by(overriding) & judging->client) == 0 &&
	       override_is_for(override, &judging->facts->client);
}

/* In shadow an override is reported as a list would be. */
static bool report_override(void *arg, const struct override *override)
{
	struct overriding *overriding = arg;
	struct rule_match *shadow;

	if (!is_its_turn(overriding, override) || !is_ours(overriding, override))
		return true;
	shadow = &overriding->judging->verdict->shadow;
	if (shadow->trigger == TRIGGER_NONE || shadow->action == ACTION_OBSERVE)
		match_describe_override(override, overriding->position->name, overriding->position->chain, shadow);
	return false;
}

/* Some clients of every group are those that it is for; all of them, if it is for everybody. */
static bool apply_override(void *arg, const struct override *override)
{
	struct overriding *overriding = arg;
	struct judging *judging = overriding->judging;
	const uint64_t groups = judging->undecided & ~spared_by(overriding);

	if (!is_its_turn(overriding, override))
		return true;
	if (groups != 0) {
		judging->decisions++;
		judging->denied_to_some |= action_table[override->action].denies;
	}
	if (is_ours(overriding, override))
		override_for_client(overriding, override);
	if (override->client.address.family == ADDRESS_NONE)
		judging->undecided &= ~groups;
	return judging_goes_on(judging);
}

bool judge_overrides(struct judging *judging, const struct position *position, bool detectors)
{
	struct overriding overriding = { judging, position, detectors, false };
	const struct snapshot *snapshot = judging->snapshot;

	override_match(snapshot->overrides, position->name, snapshot->shadow ? report_override : apply_override,
		       &overriding);
	return overriding.detected;
}
