/* frame_decision.c: from verdict and policy to an outcome. */
#include "tools/frame_decision.h"

#include <string.h>

#include "policy/action.h"

static const enum frame_outcome outcomes[ACTION_COUNT] = {
	[ACTION_ALLOW] = OUTCOME_ALLOWED,
	[ACTION_PASS] = OUTCOME_ALLOWED,
	[ACTION_OBSERVE] = OUTCOME_OBSERVED,
	[ACTION_NXDOMAIN] = OUTCOME_DENIED,
	[ACTION_NODATA] = OUTCOME_DENIED,
	[ACTION_REFUSE] = OUTCOME_DENIED,
	[ACTION_DROP] = OUTCOME_DROPPED,
	[ACTION_TRUNCATE] = OUTCOME_TRUNCATED,
	[ACTION_LOCAL_DATA] = OUTCOME_MODIFIED,
	[ACTION_SINKHOLE] = OUTCOME_MODIFIED,
};

/* dnstap.proto's actions as ours. */
static const char *policy_verdict(const Dnstap__Policy *policy)
{
	static const char *const names[] = {
		[DNSTAP__POLICY__ACTION__NXDOMAIN] = "nxdomain",
		[DNSTAP__POLICY__ACTION__NODATA] = "nodata",
		[DNSTAP__POLICY__ACTION__PASS] = "pass",
		[DNSTAP__POLICY__ACTION__DROP] = "drop",
		[DNSTAP__POLICY__ACTION__TRUNCATE] = "truncate",
		[DNSTAP__POLICY__ACTION__LOCAL_DATA] = "local-data",
	};

	if (!policy->has_action || (size_t)policy->action >= sizeof(names) / sizeof(names[0]))
		return NULL;
	return names[policy->action];
}

static enum frame_outcome outcome_of(const char *verdict)
{
	enum action action = action_by_name(verdict);

	return action < ACTION_COUNT ? outcomes[action] : OUTCOME_NONE;
}

static void take_rule(const struct json_members *members, struct frame_decision *decision)
{
	decision->list = json_find(members, "list");
	decision->rule = json_find(members, "rule");
	decision->trigger = json_find(members, "trigger");
	decision->category = json_find(members, "category");
	decision->attack = json_find(members, "attack");
	decision->serial = json_find(members, "serial");
}

static void take_shadow(const struct json_value *shadow, struct frame_decision *decision)
{
	struct json_members members;

	if (decision->outcome != OUTCOME_ALLOWED || !json_scan(shadow->at, shadow->octets, &members))
		return;
	take_rule(&members, decision);
	decision->shadow = decision->hit = true;
	decision->outcome = OUTCOME_OBSERVED;
}

void frame_decide(const struct frame_fields *fields, struct frame_decision *decision)
{
	const Dnstap__Policy *policy = fields->message->policy;
	struct json_value verdict = json_find(&fields->extra, "verdict");
	struct json_value shadow;

	memset(decision, 0, sizeof(*decision));
	if (json_text_of(&verdict, decision->verdict, sizeof(decision->verdict)) == 0) {
		const char *name = policy == NULL || fields->kind != FRAME_EVENT ? NULL : policy_verdict(policy);

		if (name == NULL)
			return;
		strcpy(decision->verdict, name);
		decision->outcome = outcome_of(name);
		decision->hit = decision->outcome != OUTCOME_ALLOWED || policy->has_rule;
		return;
	}
	decision->outcome = outcome_of(decision->verdict);
	take_rule(&fields->extra, decision);
	decision->hit = decision->list.at != NULL || decision->outcome > OUTCOME_ALLOWED;
	shadow = json_find(&fields->extra, "shadow");
	if (shadow.at != NULL)
		take_shadow(&shadow, decision);
}
