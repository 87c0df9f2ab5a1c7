/* load_try.c: what would a policy deny that is not denied now? */
#include "control/load_check.h"

#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <sys/random.h>

#include "control/crowd.h"
#include "policy/evaluate.h"
#include "policy/group.h"
#include "policy/hash.h"

#define TYPES_TRIED 4

static const uint16_t types[TYPES_TRIED] = { 1, 28, 65, 15 };   /* A, AAAA, HTTPS, MX */

static bool denies(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	evaluate_question(snapshot, facts, verdict);
	return action_table[verdict->action].denies && verdict->rule.trigger == TRIGGER_QNAME;
}

/* --- the blast radius ------------------------------------------------------------------------------------------- */

struct trial {
	const struct check_side *before, *after;
	struct crowd crowd;          /* of `before`: that is whose groups the questions have */
	struct hash_key key;
	uint64_t *seen;              /* owned: hashes of questions, open addressing */
	size_t room;                 /* of `seen`, a power of two */
	size_t count;                /* of questions, the same one of two workers twice */
	uint64_t distinct, newly;
	struct name example;
};

static bool count_one(void *arg, const struct recent_question *question)
{
	struct trial *trial = arg;

	(void)question;
	trial->count++;
	return true;
}

/* False: it was there before. There is always room: it is twice as large as all that was counted, and full enough is
 * no reason to go on. */
static bool remember(struct trial *trial, const struct recent_question *question)
{
	const uint64_t group = hash_octets(&trial->key, (const uint8_t *)question->group, strlen(question->group));
	const uint64_t salt = (group + question->qtype) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t tag = hash_octets(&trial->key, question->qname.octets, question->qname.length) ^ salt;

	tag = tag != 0 ? tag : 1;
	for (size_t i = 0; i < trial->room; i++) {
		uint64_t *place = &trial->seen[(tag + i) & (trial->room - 1)];

		if (*place == tag)
			return false;
		if (*place == 0) {
			*place = tag;
			return true;
		}
	}
	return false;
}

/* Of `before`; a group that is not there any more, or that no client was found for, is the default one. */
static unsigned group_of(const struct trial *trial, const char *name)
{
	const struct conf *conf = trial->before->conf;

	for (unsigned i = 0; i < conf->group_count && i + 1 < CROWD_MAX; i++)
		if (trial->crowd.known[i + 1] && strcmp(conf->groups[i].name, name) == 0)
			return i + 1;
	return GROUP_DEFAULT;
}

static bool try_question(void *arg, const struct recent_question *question)
{
	struct trial *trial = arg;
	struct facts facts = trial->crowd.clients[group_of(trial, question->group)];
	struct verdict verdict;

	if (!remember(trial, question))
		return true;
	facts.qname = question->qname;
	facts.qtype = question->qtype;
	trial->distinct++;
	if ((denies(trial->before->snapshot, &facts, &verdict) || !denies(trial->after->snapshot, &facts, &verdict)) &&
	    !breadth_newly_denies_server(trial->before, trial->after, &facts))
		return true;
	trial->newly++;
	trial->example = question->qname;
	return true;
}

static bool trial_init(struct trial *trial, const struct recent *recent)
{
	crowd_init(&trial->crowd, trial->before->conf, snapshot_groups(trial->before->snapshot));
	/* Without randomness somebody could make questions that count as one. */
	if (getrandom(&trial->key, sizeof(trial->key), GRND_NONBLOCK) != (ssize_t)sizeof(trial->key))
		trial->key.k0 = (uint64_t)(uintptr_t)trial;
	recent_visit(recent, count_one, trial);
	/* Workers go on asking meanwhile. */
	for (trial->room = 1024; trial->room < trial->count * 2; trial->room *= 2)
		;
	trial->seen = calloc(trial->room, sizeof(*trial->seen));
	return trial->seen != NULL;
}

static int judge_radius(const struct trial *trial, const struct conf *conf, const struct load_report *report,
	struct diag *diag)
{
	const uint32_t share = conf->live.deny_share_max;

	if (trial->distinct < CHECK_QUESTIONS_LEAST || trial->newly * 100 <= trial->distinct * share)
		return 0;
	return diag_set(diag, conf->path, 0, 0, "would newly deny %llu of the last %llu distinct questions, such as %.200s: "
		"over %u %%; if that is right, use `verdictctl reload --force`, or set `deny-share-max:` higher",
		(unsigned long long)trial->newly, (unsigned long long)trial->distinct, report->example, share);
}

int check_radius(const struct check_side *before, const struct check_side *after, const struct recent *recent,
	struct load_report *report, struct diag *diag)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	int result;

	if (trial != NULL) {
		trial->before = before;
		trial->after = after;
	}
	if (trial == NULL || !trial_init(trial, recent)) {
		free(trial);
		return diag_set(diag, after->conf->path, 0, 0, "out of memory");
	}
	recent_visit(recent, try_question, trial);
	report->questions = trial->distinct;
	report->newly_denied = trial->newly;
	if (trial->newly > 0)
		name_to_text(&trial->example, report->example);
	result = judge_radius(trial, after->conf, report, diag);
	free(trial->seen);
	free(trial);
	return result;
}

/* --- protected names -------------------------------------------------------------------------------------------- */

static int blame(const struct conf *conf, const struct name *name, const struct verdict *verdict, const char *group,
	struct diag *diag)
{
	char text[NAME_TEXT_MAX], rule[NAME_TEXT_MAX + 2];

	return diag_set(diag, conf->path, 0, 0, "protected-name: %.150s would be denied by %.150s of policy-list %s%s%s: "
		"mend the list, or take the line out", name_to_text(name, text), rule_match_text(&verdict->rule, rule),
		verdict->rule.list, *group != '\0' ? " for group " : "", group);
}

/* What is denied already is no change. */
static int check_name(const struct check_side *before, const struct check_side *after, const struct facts *client,
	const struct name *name, struct diag *diag)
{
	struct facts facts = *client;
	struct verdict verdict, old;

	facts.qname = *name;
	for (unsigned i = 0; i < TYPES_TRIED; i++) {
		facts.qtype = types[i];
		if (denies(after->snapshot, &facts, &verdict) &&
		    (before == NULL || !denies(before->snapshot, &facts, &old)))
			return blame(after->conf, name, &verdict, verdict.group_name, diag);
	}
	return 0;
}

int check_protected(const struct conf *names, const struct check_side *before, const struct check_side *after,
	struct diag *diag)
{
	const struct live_conf *live = &names->live;
	struct crowd crowd;
	int result = 0;

	if (live->protected_count == 0)
		return 0;
	crowd_init(&crowd, after->conf, snapshot_groups(after->snapshot));
	for (unsigned group = 0; group < CROWD_MAX; group++)
		for (size_t i = 0; result == 0 && crowd.known[group] && i < live->protected_count; i++)
			result = check_name(before, after, &crowd.clients[group], &live->protected[i], diag);
	return result;
}

static bool has_id(const struct check_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->all[i].id == id)
			return true;
	return false;
}

int check_overrides(const struct conf *conf, const struct check_list *before, const struct check_list *after,
	struct diag *diag)
{
	const struct live_conf *live = &conf->live;
	char text[NAME_TEXT_MAX], name[NAME_TEXT_MAX];

	for (size_t i = 0; i < after->count; i++) {
		const struct override *override = &after->all[i];

		for (size_t j = 0; override->action != ACTION_PASS && j < live->protected_count; j++)
			if (name_is_below(&live->protected[j], &override->name) && !has_id(before, override->id))
				return diag_set(diag, conf->path, 0, 0, "protected-name: %.200s would be denied by the "
					"override of %.200s", name_to_text(&live->protected[j], name),
					name_to_text(&override->name, text));
	}
	return 0;
}
