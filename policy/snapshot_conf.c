/* snapshot_conf.c: the part of a snapshot that comes from the configuration, whatever the lists come from. */
#include <string.h>

#include "policy/feed.h"
#include "policy/snapshot_parts.h"

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28

int snapshot_take_conf(struct snapshot *snapshot, const struct conf *conf, struct diag *diag)
{
	snapshot->options = conf->options;
	snapshot->shadow = conf->mode == MODE_SHADOW;
	snapshot->groups = group_table_create(conf, diag);
	if (snapshot->groups == NULL)
		return -1;
	snapshot->inventory = conf->inventory_count > 0 ? inventory_create(conf) : NULL;
	if (conf->inventory_count > 0 && snapshot->inventory == NULL)
		return diag_set(diag, conf->path, 0, 0, "out of memory");
	snapshot->all_groups = UINT64_MAX >> (64 - group_count(snapshot->groups));
	/* Who only looks alters no records. */
	if (conf->mode == MODE_SHADOW)
		snapshot->options.https = HTTPS_PASS;
	snapshot->options.folds_case = conf->mode != MODE_SHADOW &&
		conf->options.detectors[DETECTOR_TUNNEL].reaction == REACTION_BLOCK;
	return 0;
}

uint32_t snapshot_ttl(const struct snapshot *snapshot, uint32_t ttl)
{
	uint32_t most = snapshot->options.max_policy_ttl;

	return most != 0 && ttl > most ? most : ttl;
}

static const struct local_data *sinkhole_records(struct local_pool *pool, const struct list_conf *conf, uint32_t ttl)
{
	const struct name *name = &conf->sinkhole_name;
	struct local_record records[CONF_ADDRESSES_MAX];
	size_t i;

	if (name->length > 0) {
		records[0] = (struct local_record){ .type = TYPE_CNAME, .rdata_length = name->length, .ttl = ttl,
			.rdata = name->octets };
		return local_pool_intern(pool, records, 1);
	}

	for (i = 0; i < conf->sinkhole_count && i < CONF_ADDRESSES_MAX; i++) {
		bool inet6 = conf->sinkholes[i].family == ADDRESS_INET6;

		records[i] = (struct local_record){
			.type = inet6 ? TYPE_AAAA : TYPE_A,
			.rdata_length = inet6 ? 16 : 4,
			.ttl = ttl,
			.rdata = conf->sinkholes[i].octets,
		};
	}
	return local_pool_intern(pool, records, i);
}

int snapshot_describe(struct snapshot *snapshot, const struct conf *conf, size_t index, struct diag *diag)
{
	const struct list_conf *from = &conf->lists[index];
	struct list_info *list = &snapshot->lists[index];

	list->groups = group_mask(snapshot->groups, from, conf->path, diag);
	if (list->groups == 0)
		return -1;
	memcpy(list->name, from->name, sizeof(list->name));
	memcpy(list->category, from->category, sizeof(list->category));
	memcpy(list->attack, from->attack, sizeof(list->attack));
	list->ttl = snapshot_ttl(snapshot, from->ttl);
	list->ede = from->ede;
	list->shadow = from->shadow || conf->mode == MODE_SHADOW;
	list->action = from->action;
	list->trait = (uint8_t)from->trait;
	list->https = from->https;
	snapshot->lists_say_https |= from->https != HTTPS_PASS;
	list->qtypes = from->qtypes;
	list->qtypes_exempt = from->qtypes_exempt;
	list->sinkhole = sinkhole_records(snapshot->pool, from, list->ttl);
	return list->sinkhole != NULL ? 0 : diag_set(diag, from->file, 0, 0, "out of memory");
}

void snapshot_sum_list(struct snapshot *snapshot, size_t index, size_t rules)
{
	snapshot->triggers |= snapshot->lists[index].triggers;
	if (snapshot->lists[index].decides_clients)
		snapshot->client_lists[index / 64] |= UINT64_C(1) << index % 64;
	snapshot->rules += rules;
}

int snapshot_check_feed(const struct build_history *before, const struct list_conf *list, const struct list_stats *now,
	struct diag *diag)
{
	size_t i;

	for (i = 0; before != NULL && i < before->report->list_count; i++) {
		const struct list_conf *other = &before->conf->lists[i];

		if (strcmp(other->name, list->name) == 0 && strcmp(other->file, list->file) == 0)
			return feed_check(list, now, &before->report->lists[i].stats, diag);
	}
	return 0;
}
