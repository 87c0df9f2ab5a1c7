/*
 * load_breadth.c: how much of the addresses, and of the name servers asked lately, would a policy newly deny?
 *
 * Questions that were kept have no client and no answer, so rules for addresses are tried on addresses from
 * everywhere: for answers and name servers one of each /8 of IPv4 and some of networks that everybody uses in IPv6, for
 * clients also those that inner networks have. A rule for name servers by name is tried as if each name asked were
 * served by itself.
 */
#include "control/load_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/crowd.h"
#include "control/probe.h"
#include "policy/evaluate.h"
#include "policy/group.h"

#define BIT(trigger) (1u << (trigger))
#define PROBES_MAX 256     /* of one place */

/* --- places ----------------------------------------------------------------------------------------------------- */

enum { PLACE_INET, PLACE_INET6, PLACE_PUBLIC_COUNT, PLACE_TEN = PLACE_PUBLIC_COUNT, PLACE_172, PLACE_192, PLACE_100,
	PLACE_LOCAL, PLACE_COUNT };

static const char *const place_texts[PLACE_COUNT] = { "IPv4", "IPv6", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
	"100.64.0.0/10", "fd00::/8" };

/* Networks of several continents: most of the rest of IPv6 is nobody's. */
static const char *const six[] = { "2001:200::53", "2001:4860:4860::8888", "2400:cb00::53", "2404:6800::53",
	"2600::53",
	"2603:1000::53", "2606:4700:4700::1111", "2620:fe::fe", "2620:119:35::35", "2800:3f0::53", "2a00:1450::53",
	"2a01:111::53", "2a02:26f0::53", "2a03:2880::53", "2a0d:2a00::53", "2c0f:fb50::53" };

static struct address inet(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (struct address){ .family = ADDRESS_INET,
		.octets = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d } };
}

/* The probe number `i` of a place. False: there are no more. */
static bool place_probe(unsigned place, unsigned i, struct address *address)
{
	/* The same ones each time, and none that is special. */
	const unsigned b = (i * 97 + 29) % 250 + 1, c = (i * 151 + 83) % 250 + 1, d = (i * 61 + 17) % 250 + 1;

	switch (place) {
	case PLACE_INET:
		*address = inet(i + 1, b, c, d);
		return i < 223;
	case PLACE_INET6:
		*address = (struct address){ .family = ADDRESS_INET6 };
		return i < sizeof(six) / sizeof(six[0]) && inet_pton(AF_INET6, six[i], address->octets) == 1;
	case PLACE_TEN:
		*address = inet(10, i, c, d);
		return i < 256;
	case PLACE_172:
		*address = inet(172, 16 + i / 16, i % 16 * 16 + 3, d);
		return i < 256;
	case PLACE_192:
		*address = inet(192, 168, i, d);
		return i < 256;
	case PLACE_100:
		*address = inet(100, 64 + i / 4, i % 4 * 64 + 5, d);
		return i < 256;
	case PLACE_LOCAL:
		*address = (struct address){ .family = ADDRESS_INET6, .octets = { 0xfd, (uint8_t)i, (uint8_t)b, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0, 1 } };
		return i < 256;
	}
	return false;
}

/* --- one address ------------------------------------------------------------------------------------------------ */

struct trial {
	const struct check_side *before, *after;
	struct crowd crowd;          /* of `after` */
	struct name qname;           /* that no list has */
	struct verdict verdict;      /* of what is newly denied */
	struct verdict old;
	struct probe probe;
};

static bool judge(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	if (facts->records != NULL)
		evaluate_answer(snapshot, facts, verdict);
	else
		evaluate_question(snapshot, facts, verdict);
	return action_table[verdict->action].denies;
}

static bool newly_denied(struct trial *trial, const struct facts *asker, enum trigger trigger,
	const struct address *address)
{
	if (trigger == TRIGGER_CLIENT_IP)
		probe_client(&trial->probe, asker, address);
	else if (trigger == TRIGGER_IP)
		probe_record(&trial->probe, asker, address);
	else
		probe_server(&trial->probe, asker, &asker->qname, address);
	return judge(trial->after->snapshot, &trial->probe.facts, &trial->verdict) &&
		trial->verdict.rule.trigger == trigger &&
		!judge(trial->before->snapshot, &trial->probe.facts, &trial->old);
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static int blame(const struct trial *trial, const char *place, const struct address *example, unsigned share,
	struct diag *diag)
{
	const struct conf *conf = trial->after->conf;
	char rule[NAME_TEXT_MAX + 2], text[INET6_ADDRSTRLEN] = "";

	inet_ntop(example->family == ADDRESS_INET ? AF_INET : AF_INET6, example->octets, text, sizeof(text));
	return diag_set(diag, conf->path, 0, 0, "would newly deny %u %% of %s, such as %s by the %s rule %.150s of "
		"policy-list %s: over %u %%; if that is right, use `verdictctl reload --force`, or set `deny-share-max:` "
		"higher", share, place, text, trigger_names[trial->verdict.rule.trigger],
		rule_match_text(&trial->verdict.rule, rule), trial->verdict.rule.list, conf->live.deny_share_max);
}

static int try_place(struct trial *trial, const struct facts *asker, enum trigger trigger, unsigned place,
	struct diag *diag)
{
	const uint32_t share = trial->after->conf->live.deny_share_max;
	struct address address, example = { .family = ADDRESS_NONE };
	unsigned count, newly = 0;

	for (count = 0; count < PROBES_MAX && place_probe(place, count, &address); count++) {
		if (!newly_denied(trial, asker, trigger, &address))
			continue;
		newly++;
		example = address;
	}
	if (newly * 100 <= count * share)
		return 0;
	/* Once more, for the rule. */
	newly_denied(trial, asker, trigger, &example);
	return blame(trial, place_texts[place], &example, newly * 100 / count, diag);
}

static int try_asker(struct trial *trial, const struct facts *asker, struct diag *diag)
{
	static const enum trigger triggers[] = { TRIGGER_CLIENT_IP, TRIGGER_IP, TRIGGER_NSIP };
	const unsigned there = snapshot_triggers(trial->after->snapshot);

	for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
		const bool clients = triggers[i] == TRIGGER_CLIENT_IP;

		for (unsigned place = 0; place < (clients ? PLACE_COUNT : PLACE_PUBLIC_COUNT); place++)
			if ((there & BIT(triggers[i])) != 0 && try_place(trial, asker, triggers[i], place, diag) != 0)
				return -1;
	}
	return 0;
}

int check_breadth(const struct check_side *before, const struct check_side *after, struct diag *diag)
{
	static const char unheard[] = "qzxjwvkq.xqjzvkwq.qjxzkwvq";
	const unsigned tried = BIT(TRIGGER_CLIENT_IP) | BIT(TRIGGER_IP) | BIT(TRIGGER_NSIP);
	struct trial *trial;
	int result = 0;

	if ((snapshot_triggers(after->snapshot) & tried) == 0)
		return 0;
	trial = calloc(1, sizeof(*trial));
	if (trial == NULL)
		return diag_set(diag, after->conf->path, 0, 0, "out of memory");
	trial->before = before;
	trial->after = after;
	name_from_text(&trial->qname, unheard, strlen(unheard));
	crowd_init(&trial->crowd, after->conf, snapshot_groups(after->snapshot));
	for (unsigned group = 0; result == 0 && group < CROWD_MAX; group++) {
		struct facts asker = trial->crowd.clients[group];

		asker.qname = trial->qname;
		asker.qtype = 1;
		if (trial->crowd.known[group])
			result = try_asker(trial, &asker, diag);
	}
	free(trial);
	return result;
}

bool breadth_newly_denies_server(const struct check_side *before, const struct check_side *after,
	const struct facts *asker)
{
	const struct address unknown = { .family = ADDRESS_NONE };
	struct verdict verdict;
	struct probe probe;

	if ((snapshot_triggers(after->snapshot) & BIT(TRIGGER_NSDNAME)) == 0)
		return false;
	probe_server(&probe, asker, &asker->qname, &unknown);
	if (!judge(after->snapshot, &probe.facts, &verdict) || verdict.rule.trigger != TRIGGER_NSDNAME)
		return false;
	return !judge(before->snapshot, &probe.facts, &verdict);
}
