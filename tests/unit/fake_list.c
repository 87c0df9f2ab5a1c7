#include "tests/unit/fake_list.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct policy_options fake_options;

static const struct fake_list *known;

struct name fake_name(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

static struct rule rule_of(const struct fake_rule *fake, unsigned line)
{
	struct rule rule = { .trigger = TRIGGER_QNAME, .exact = true, .below = true, .action = fake->action, .line = line };
	const char *text = fake->name;

	if (text[0] == '=')
		rule.below = false;
	if (strncmp(text, "*.", 2) == 0)
		rule.exact = false;
	text += !rule.below ? 1 : !rule.exact ? 2 : 0;
	rule.name = fake_name(text);
	rule.type = fake->type;
	rule.rdata = (const uint8_t *)fake->rdata;
	rule.rdata_length = fake->rdata_length;
	rule.ttl = fake->ttl;
	return rule;
}

int list_load(const struct list_conf *conf, int64_t now, rule_visit visit, void *arg, struct list_stats *stats,
	struct diag *diag)
{
	const struct fake_list *list = &known[strtoul(conf->file, NULL, 10)];
	size_t i;

	(void)now;
	for (i = 0; i < list->count && !list->withdrawn; i++) {
		struct rule rule = rule_of(&list->rules[i], (unsigned)i + 1);

		if (!visit(arg, &rule))
			return diag_set(diag, conf->file, (unsigned)i + 1, 0, "out of memory");
	}
	if (list->fails)
		return diag_set(diag, conf->file, 0, 0, "not a list");
	*stats = (struct list_stats){ .lines = list->count, .rules = list->withdrawn ? 0 : list->count,
		.withheld = list->withdrawn ? list->count : 0, .serial = 7, .modified = 1000, .expire = 60 };
	return 0;
}

void fake_conf(struct conf *conf, struct list_conf *list_confs, const struct fake_list *lists, size_t count)
{
	static char files[FAKE_LISTS_MAX][24];
	static char path[] = "verdict.conf";
	size_t i;

	known = lists;
	memset(conf, 0, sizeof(*conf));
	memset(list_confs, 0, count * sizeof(*list_confs));
	conf->path = path;
	conf->options = fake_options;
	conf->lists = list_confs;
	conf->list_count = count;
	for (i = 0; i < count; i++) {
		snprintf(files[i], sizeof(files[i]), "%zu", i);
		list_confs[i].file = files[i];
		snprintf(list_confs[i].name, sizeof(list_confs[i].name), "%s", lists[i].name);
		snprintf(list_confs[i].category, sizeof(list_confs[i].category), "cat-%s", lists[i].name);
		snprintf(list_confs[i].attack, sizeof(list_confs[i].attack), "T%zu", i);
		list_confs[i].action = lists[i].action;
		list_confs[i].shadow = lists[i].shadow;
		list_confs[i].https = lists[i].https;
		list_confs[i].trait = lists[i].trait;
		list_confs[i].ede = lists[i].ede == 0 ? EDE_BY_ACTION : lists[i].ede;
		list_confs[i].ttl = 300 + (uint32_t)i;
		if (lists[i].sinkhole != NULL) {
			list_confs[i].sinkhole_count = 1;
			list_confs[i].sinkholes[0].family = ADDRESS_INET;
			memcpy(list_confs[i].sinkholes[0].octets, lists[i].sinkhole, 4);
		}
	}
}

struct snapshot *fake_snapshot(const struct fake_list *lists, size_t count, enum mode mode,
			       struct build_report *report, struct diag *diag)
{
	struct list_conf *list_confs = calloc(count + 1, sizeof(*list_confs));
	struct snapshot *snapshot;
	struct conf conf;

	assert_non_null(list_confs);
	fake_conf(&conf, list_confs, lists, count);
	conf.mode = mode;
	snapshot = snapshot_build(&conf, 0, report, diag);
	/* Nothing of the configuration may be borrowed: let a sanitizer or a wrong name show it. */
	memset(list_confs, 'X', count * sizeof(*list_confs));
	free(list_confs);
	return snapshot;
}

struct facts fake_question(const char *qname)
{
	return (struct facts){
		.transport = TRANSPORT_UDP, .qname = fake_name(qname), .qtype = 1, .qclass = 1,
		.recursion_desired = true,
	};
}
